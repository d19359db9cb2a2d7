"""`driftrec prompts`: what is shown is what the model would be asked, and nothing is asked."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from agent import Agent, SettingsError
from agent.cli import app
from agent.data.sniff import propose_toml
from agent.llm.prompts import list_prompts
from agent.llm.scripted import ScriptedBackend
from agent.preview import preview
from agent.workspace import Workspace

USER = "c01"
SHOWN = (
    "facet_label",
    "migration_story",
    "profile_summary",
    "rerank_history",
    "rerank_prior",
    "rerank_scores",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory, en_files):
    folder = tmp_path_factory.mktemp("prompts")
    items, interactions = en_files
    Workspace(folder).create(propose_toml(interactions, items))
    with Agent.open(folder, model="none") as agent:
        agent.ingest_items(items)
        agent.ingest_interactions(interactions)
    return folder


@pytest.fixture
def asked(shop):
    """The workspace with a model that notes what it is asked."""
    with Agent.open(shop, model="none") as agent:
        model = ScriptedBackend(lambda request: "{}", score_function=lambda prefix, text: [-1.0])
        agent.session.__dict__["backend"] = model
        yield agent, model


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["prompts", *map(str, arguments)])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_every_prompt_is_listed_with_what_it_is_for():
    entries = json.loads(run("list", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(list_prompts())
    assert all(len(entry["hash"]) == 12 and entry["about"].endswith(".") for entry in entries)
    assert "facet_label.v1" in run("list").stdout


@pytest.mark.parametrize("name", SHOWN)
def test_a_prompt_is_rendered_for_a_real_user_and_nothing_is_sent(asked, name):
    agent, model = asked
    prompt = preview(agent.session, name, USER)
    assert prompt.name.startswith(name)
    assert prompt.user.strip()
    assert model.requests == [] and model.scored == []


def test_words_are_asked_as_shown(asked):
    agent, model = asked
    shown = [preview(agent.session, name, USER) for name in ("facet_label", "migration_story")]
    agent.refresh([USER])
    agent.migration(USER)
    requests = {(request.system, request.user) for request in model.requests}
    assert all((prompt.system, prompt.user) in requests for prompt in shown)
    summary = preview(agent.session, "profile_summary", USER)
    assert (summary.system, summary.user) in requests


def test_lists_are_reranked_as_shown(asked):
    agent, model = asked
    history, prior = (preview(agent.session, name, USER) for name in ("rerank_history", "rerank_prior"))
    agent.recommend(USER)
    prefixes = [prefix for prefix, _ in model.scored]
    assert history.user in prefixes and prior.user in prefixes
    titles = {title for _, texts in model.scored for title in texts}
    scores = preview(agent.session, "rerank_scores", USER)
    assert set(re.findall(r"^A\d+: (.+)$", scores.user, re.MULTILINE)) == titles


def test_an_item_may_be_named(asked):
    agent, _ = asked
    log, catalogue = agent.session.interests.user_log(USER), agent.session.catalogue
    item = int(log.item[log.item >= 0][0])
    item_id, title = catalogue.item_ids[item], catalogue.titles[item]
    assert preview(agent.session, "rerank_history", USER, item_id=item_id).user.endswith(f"\n{title}")
    assert (
        title.split(",")[0].split(" (")[0]
        in preview(agent.session, "facet_label", USER, item_id=item_id).user
    )
    assert title in preview(agent.session, "rerank_scores", USER, item_id=item_id).user


@pytest.mark.parametrize(
    ("name", "user", "item", "told"),
    [
        ("poem", USER, None, "no such prompt"),
        ("facet_label.v9", USER, None, "facet_label.v1"),
        ("facet_label", "nobody", None, "user id"),
        ("rerank_history", USER, "no-item", "item id"),
    ],
)
def test_what_cannot_be_shown_is_said(asked, name, user, item, told):
    with pytest.raises(SettingsError, match=told):
        preview(asked[0].session, name, user, item_id=item)


def test_the_command_shows_it(shop):
    found = json.loads(run("show", "facet_label.v1", "--user", USER, "-w", shop, "--json").stdout)
    assert found["name"] == "facet_label.v1" and found["user"] and found["system"]
    assert "not sent" in run("show", "rerank_history", "--user", USER, "-w", shop).stdout
