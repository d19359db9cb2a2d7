"""People recommended to people: from a file of who followed whom to a list with reasons."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from agent import Agent
from agent.cli import app
from agent.errors import SettingsError
from agent.ranking.network import FriendsOfFriendsSource
from agent.ranking.ranker import Ranker
from agent.settings import RankingSettings
from eval.data.datasets import OTHER, prepare
from tests.ranking.ranking_logs import NOW_MS, make_catalogue, planted_log

START = 1_600_000_000
DAY = 86_400


def follows(*, n_people=60, n_days=240, seed=0):
    """Who follows whom when: half of all follows go to a contact of a contact, most within one's circle."""
    rng = np.random.default_rng(seed)
    knows = {person: {(person + 4) % n_people} for person in range(n_people)}
    rows = []
    for day in range(n_days):
        for person in rng.choice(n_people, 8, replace=False):
            near = {b for a in knows[person] for b in knows[a]} - knows[person] - {person}
            circle = {other for other in range(person % 4, n_people, 4)} - knows[person] - {person}
            pool = sorted(near or circle) if rng.random() < 0.5 else sorted(circle)
            if pool:
                other = int(rng.choice(pool))
                knows[person].add(other)
                rows.append(f"p{person},p{other},{START + day * DAY + int(rng.integers(DAY))},follow")
    return rows


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    events = folder / "follows.csv"
    events.write_text("follower_id,followee_id,created_at,event\n" + "\n".join(follows()) + "\n")
    who = folder / "who.csv"
    who.write_text("user_id,display_name\n" + "".join(f"p{n},Person {n}\n" for n in range(60)))
    space = folder / "space"
    run = CliRunner()
    done = run.invoke(app, ["init", str(space), "--interactions", str(events), "--items", str(who)])
    assert done.exit_code == 0, done.output
    with Agent.open(space, model="none") as agent:
        agent.ingest_items(who)
        agent.ingest_interactions(events)
        yield agent


def test_a_list_of_people_never_holds_oneself_nor_who_is_followed(network):
    log = network.session.log
    for user in ("p0", "p7", "p33"):
        found = network.recommend(user, 10, exclude_seen=True).recommendations
        followed = {
            network.session.catalogue.item_ids[c] for c in log.item[log.rows_of(log.user_codes[user])]
        }
        ids = {entry.item_id for entry in found}
        assert len(ids) == 10
        assert user not in ids and not ids & followed
        traced = network.trace(user, user)
        assert traced.stage == "filtered" and "themselves" in traced.detail


def test_contacts_of_contacts_are_among_the_sources_and_in_the_reasons(network, tmp_path):
    trained = network.session.ranker(network.session.now_ms).trained
    assert any(isinstance(source, FriendsOfFriendsSource) for source in trained.sources)
    singles = trained.decisions["new"].singles
    assert singles["friends-of-friends"] > singles["popularity"]
    copy = shutil.copytree(network.workspace.root, tmp_path / "copy")
    with (copy / "driftrec.toml").open("a") as file:
        file.write("\n[ranking.weights]\nfriends-of-friends = 1.0\n")
    with Agent.open(copy, model="none") as agent:
        found = agent.recommend("p7", 10, exclude_seen=True)
    first = found.recommendations[0]
    assert set(first.sources) == {"friends-of-friends"}
    assert first.reason == "In touch with people this history is in touch with."


def test_a_name_is_no_interest_and_what_a_person_says_is(network, tmp_path):
    assert network.profile("p7").facets == ()
    assert (network.session.catalogue.text_row == -1).all()
    who = tmp_path / "who.csv"
    lines = [
        f"p{n},Person {n},{'Baking,Sourdough bread' if n % 2 else 'Hiking,Mountain trails'}"
        for n in range(60)
    ]
    who.write_text("user_id,display_name,tags,about_me\n" + "\n".join(lines) + "\n")
    events = tmp_path / "follows.csv"
    events.write_text("follower_id,followee_id,created_at,event\n" + "\n".join(follows(n_days=60)) + "\n")
    run = CliRunner()
    space = tmp_path / "w"
    done = run.invoke(app, ["init", str(space), "--interactions", str(events), "--items", str(who)])
    assert done.exit_code == 0, done.output
    with Agent.open(space, model="none") as agent:
        agent.ingest_items(who)
        agent.ingest_interactions(events)
        facets = agent.profile("p7").facets
    assert "Baking" in {facet.label for facet in facets}
    assert not any("Person" in facet.label for facet in facets)


def test_without_a_file_of_people_their_ids_are_the_list(tmp_path):
    events = tmp_path / "follows.csv"
    events.write_text("user_id,target_user_id,timestamp\na,b,1600000000\nb,c,1600100000\nc,a,1600200000\n")
    run = CliRunner()
    assert run.invoke(app, ["init", str(tmp_path / "w"), "--interactions", str(events)]).exit_code == 0
    with Agent.open(tmp_path / "w", model="none") as agent:
        agent.ingest_interactions(events)
        listed = json.loads(json.dumps(agent.recommend("a", 5).to_json_list()))
        assert set(agent.session.catalogue.domains) == {"people"}
    assert {entry["item_id"] for entry in listed} <= {"b", "c"}


def test_items_described_before_the_domain_was_set_are_people_too(tmp_path):
    events, who = tmp_path / "e.csv", tmp_path / "w.csv"
    events.write_text("user_id,item_id,timestamp\na,b,1600000000\nb,c,1600100000\nc,a,1600200000\n")
    who.write_text("item_id,title\na,Ann\nb,Bob\n")
    run = CliRunner()
    space = tmp_path / "w"
    assert (
        run.invoke(app, ["init", str(space), "--interactions", str(events), "--items", str(who)]).exit_code
        == 0
    )
    with Agent.open(space, model="none") as agent:
        agent.ingest_items(who)
        agent.ingest_interactions(events)
        assert set(agent.session.catalogue.domains) == {""}
    toml = space / "driftrec.toml"
    toml.write_text(toml.read_text().replace('domain = ""', 'domain = "people"'))
    with Agent.open(space, model="none") as agent:
        assert set(agent.session.catalogue.domains) == {"people"}
        listed = {entry.item_id for entry in agent.recommend("a", 5).recommendations}
        assert "a" not in listed


def test_a_weight_for_the_network_where_nobody_is_an_item_is_an_error():
    settings = RankingSettings(weights={"friends-of-friends": 1.0})
    with pytest.raises(SettingsError, match="friends-of-friends"):
        Ranker.fit(planted_log(), make_catalogue(40), settings, now_ms=NOW_MS)


def test_the_evaluation_keeps_people_without_a_word_about_them(network):
    log, catalogue = network.session.log, network.session.catalogue
    rows = catalogue.text_row.copy()
    rows[0] = 0
    one = dataclasses.replace(catalogue, text_row=rows, vectors=np.eye(1, 3, dtype=np.float32))
    found = prepare("people", log, one, OTHER)
    assert len(found.catalogue) == len(catalogue) + 1  # and the planted one
