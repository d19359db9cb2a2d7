"""The whole spine, from raw files to answered recommendations: real index, embedders and model."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from agent import Agent, SettingsError, WorkspaceNotFoundError, recommend
from agent.data.sniff import propose_toml
from agent.interests.story_check import check_story
from agent.interests.words import window_phrases
from agent.workspace import Workspace

MODEL = "smollm2-135m"
# The real model names each facet that is shown: with four the tests take no minutes.
FOUR_FACETS = "\n[interests]\nmax_worded = 4\n"


def make_workspace(folder, items, interactions, *, extra=""):
    Workspace(folder).create(propose_toml(interactions, items) + extra)
    with Agent.open(folder, model="none") as agent:
        reports = [agent.ingest_items(items), agent.ingest_interactions(interactions)]
        agent.index()
    return reports


@pytest.fixture(scope="module")
def zh(tmp_path_factory, zh_files):
    folder = tmp_path_factory.mktemp("zh")
    reports = make_workspace(folder, *zh_files, extra=FOUR_FACETS)
    assert all(report.adds_up and not report.quarantined for report in reports)
    return folder


@pytest.fixture(scope="module")
def en(tmp_path_factory, en_files):
    folder = tmp_path_factory.mktemp("en")
    make_workspace(folder, *en_files)
    return folder


@pytest.fixture(scope="module")
def zh_agent(zh):
    with Agent.open(zh, model=MODEL) as agent:
        yield agent


def events_of(agent, user_id):
    """Interaction id → milliseconds of one user's events."""
    log = agent.session.interests.user_log(user_id)
    return dict(zip(log.interaction_id.tolist(), log.timestamp_ms.tolist(), strict=True))


def check_list(agent, found, user_id, k):
    """What holds for every list: ranks, distinct known items, ordered confidence, evidence of this user."""
    assert [entry.rank for entry in found] == list(range(1, len(found) + 1))
    assert len({entry.item_id for entry in found}) == len(found) <= k
    known = agent.session.catalogue.item_codes
    assert all(entry.item_id in known for entry in found)
    confidences = [entry.confidence for entry in found]
    assert all(0 <= value <= 1 for value in confidences)
    assert confidences == sorted(confidences, reverse=True)
    events, moment_ms = events_of(agent, user_id), found.as_of.timestamp() * 1000
    for entry in found:
        assert entry.reason
        for session in entry.evidence:
            assert all(events[number] < moment_ms for number in session.interaction_ids)
    assert all(stage.status in ("ran", "skipped", "degraded", "failed") for stage in found.stages)


@pytest.mark.model
def test_a_person_moved_from_picture_books_to_programming(zh_agent):
    migration = zh_agent.migration("u01")
    assert not migration.abstained and migration.p_value < 0.01
    kinds = {change.label: change.kind for change in migration.changes}
    programming = next(kind for label, kind in kinds.items() if "编程" in label)
    books = next(kind for label, kind in kinds.items() if "绘本" in label)
    assert programming in ("rising", "new") and books in ("fading", "dropped")
    periods = window_phrases(migration, "zh")
    assert check_story(migration.story, migration.changes, "zh", periods=periods) == []
    assert all(period in migration.story for period in periods)
    assert migration.worded_by == "model" or migration.rejected


@pytest.mark.model
def test_profile_versions_are_kept_and_only_added_when_something_changed(zh_agent):
    first = zh_agent.refresh(["u01"], then=datetime(2024, 7, 1, tzinfo=UTC))[0]
    versions = zh_agent.history("u01")
    assert [entry.version for entry in versions] == [1, 2] and first == versions[-1]
    assert versions[0].moment == datetime(2024, 7, 1, tzinfo=UTC) and versions[1].parent == 1
    assert zh_agent.refresh(["u01"])[0] == first
    assert len(zh_agent.history("u01")) == 2
    assert "绘本" in versions[0].facets[0].label and "编程" in versions[1].facets[0].label
    events = events_of(zh_agent, "u01")
    for profile in versions:
        total = sum(facet.share for facet in profile.facets) + profile.other_share
        assert total == pytest.approx(1.0)
        for facet in profile.facets:
            for session in facet.evidence:
                assert all(
                    events[number] < profile.moment.timestamp() * 1000 for number in session.interaction_ids
                )


@pytest.mark.model
def test_recommendations_with_a_real_model_in_the_loop(zh_agent):
    found = zh_agent.recommend("u01", 5)
    check_list(zh_agent, found, "u01", 5)
    assert len(found) == 5
    rerank = next(stage for stage in found.stages if stage.name == "rerank")
    assert rerank.status == "ran" and rerank.tokens > 0
    without = zh_agent.recommend("u01", 20, rerank=False)
    assert {entry.item_id for entry in found} <= {entry.item_id for entry in without}
    programming = [entry for entry in found if "编程入门" in entry.categories]
    assert len(programming) >= 2


def test_a_note_is_in_the_language_of_the_workspace(zh_agent):
    note = zh_agent.recommend("无名", 10_000, rerank=False).note
    assert note.startswith("用户'无名'未知：以下是热门物品。") and "要求的是10000个" in note


def test_the_plain_json_form(zh_agent):
    plain = json.loads(json.dumps(zh_agent.recommend("u02", 3, rerank=False).to_json_list()))
    assert len(plain) == 3
    assert {"item_id", "confidence", "title", "rank", "reason", "evidence"} <= set(plain[0])
    assert plain[0]["confidence"] >= plain[-1]["confidence"]


def test_looking_back_knows_nothing_of_the_future(zh_agent, zh_files, tmp_path):
    """A workspace that was given only the past answers as the whole one does as of then."""
    moment = datetime(2024, 7, 1, tzinfo=UTC)
    lines = zh_files[1].read_text(encoding="utf-8").splitlines(keepends=True)
    past = tmp_path / "past.csv"
    stamps = [line.split(",")[3] for line in lines[1:]]
    kept = [
        line for line, stamp in zip(lines[1:], stamps, strict=True) if datetime.fromisoformat(stamp) < moment
    ]
    assert 100 < len(kept) < len(lines) - 100
    past.write_text("".join([lines[0], *kept]), encoding="utf-8")
    make_workspace(tmp_path / "shop", zh_files[0], past, extra=FOUR_FACETS)
    back = zh_agent.recommend("u01", 8, as_of=moment, rerank=False)
    check_list(zh_agent, back, "u01", 8)
    with Agent.open(tmp_path / "shop", model="none") as agent:
        then = agent.recommend("u01", 8, as_of=moment, rerank=False)
        assert [entry.item_id for entry in back] == [entry.item_id for entry in then]
        assert [entry.confidence for entry in back] == pytest.approx([entry.confidence for entry in then])
        mine, theirs = zh_agent.profile("u01", as_of=moment), agent.profile("u01", as_of=moment)
        assert [(facet.key, facet.label, facet.share) for facet in mine.facets] == [
            (facet.key, facet.label, facet.share) for facet in theirs.facets
        ]


def test_unknown_new_and_single_event_users(en):
    with Agent.open(en, model="none") as agent:
        nobody = agent.recommend("nobody", 5)
        assert len(nobody) == 5 and "unknown" in nobody.note and "popular" in nobody[0].reason.lower()
        assert nobody[0].evidence == ()
        user = agent.session.log.user_ids[0]
        early = agent.recommend(user, 5, as_of=datetime(1999, 1, 1, tzinfo=UTC))
        assert len(early) == 5 and "No events of this user" in early.note
        first_ms = int(agent.session.interests.user_log(user).timestamp_ms[0])
        just_after = datetime.fromtimestamp(first_ms / 1000 + 0.001, UTC)
        one = agent.recommend(user, 5, as_of=just_after)
        assert len(one) == 5 and "1 event" in one.note
        check_list(agent, one, user, 5)
        assert agent.profile("nobody").facets == ()
        assert agent.refresh(["nobody"])[0].version == 0 and agent.history("nobody") == []
        assert agent.migration("nobody").abstained


def test_events_without_an_item_file(tmp_path, en_files):
    Workspace(tmp_path).create(propose_toml(en_files[1]))
    with Agent.open(tmp_path, model="none") as agent:
        agent.ingest_interactions(en_files[1])
        user = agent.session.log.user_ids[0]
        check_list(agent, agent.recommend(user, 5), user, 5)
        assert len(agent.recommend(user, 5)) == 5


def test_filters(en):
    with Agent.open(en, model="none") as agent:
        user = agent.session.log.user_ids[0]
        domain = agent.session.catalogue.domains[0]
        by_domain = dict(zip(agent.session.catalogue.item_ids, agent.session.catalogue.domains, strict=True))
        found = agent.recommend(user, 6, domain=domain)
        assert found and {by_domain[entry.item_id] for entry in found} == {domain}
        category = agent.session.catalogue.category_names[0]
        found = agent.recommend(user, 4, categories=[category.upper()])
        assert found and all(category in entry.categories for entry in found)
        log = agent.session.interests.user_log(user)
        taken = {agent.session.catalogue.item_ids[code] for code in log.item[log.item >= 0]}
        fresh = agent.recommend(user, 6, exclude_seen=True)
        assert not taken & {entry.item_id for entry in fresh}
        with pytest.raises(SettingsError, match="no item has the domain 'cars'"):
            agent.recommend(user, domain="cars")
        with pytest.raises(SettingsError, match="no item has the category"):
            agent.recommend(user, categories=["nonsense"])
        with pytest.raises(SettingsError, match="k of at least 1"):
            agent.recommend(user, 0)


def test_too_few_items_are_said(en):
    with Agent.open(en, model="none") as agent:
        found = agent.recommend("nobody", 10_000)
        assert len(found) == len(agent.session.catalogue) and "Only" in found.note


def test_the_module_level_call(en):
    with Agent.open(en, model="none") as agent:
        user = agent.session.log.user_ids[1]
        expected = [entry.item_id for entry in agent.recommend(user, 3, rerank=False)]
    assert [entry.item_id for entry in recommend(user, k=3, workspace=en, rerank=False)] == expected
    with pytest.raises(WorkspaceNotFoundError):
        recommend(user, workspace="no-such-workspace")


def test_a_second_ingest_changes_nothing(en, en_files):
    with Agent.open(en, model="none") as agent:
        before = agent.session.store.counts()
        reports = [agent.ingest_items(en_files[0]), agent.ingest_interactions(en_files[1])]
        assert all(report.already_done for report in reports)
        assert agent.session.store.counts() == before
        assert agent.index().action == "unchanged"
        # What unclear questions of a talk are held against is encoded by now: nobody waits for it.
        assert len(list(agent.session.workspace.cache_dir.glob("sentences-*.npy"))) == 1


def test_a_model_that_cannot_be_had_degrades_in_the_open(en, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    with Agent.open(en, model=str(broken)) as agent:
        user = agent.session.log.user_ids[0]
        found = agent.recommend(user, 3)
        stage = next(stage for stage in found.stages if stage.name == "rerank")
        assert stage.status == "degraded" and "broken.gguf" in stage.detail
        profile = agent.refresh([user])[0]
        assert profile.worded_by == "facts" and "broken.gguf" in profile.note
        assert profile.summary


def test_offline_nothing_leaves_the_machine(en, no_network):
    with Agent.open(en, model="none", offline=True) as agent:
        user = agent.session.log.user_ids[2]
        agent.index()
        agent.refresh([user])
        check_list(agent, agent.recommend(user, 5), user, 5)
    assert no_network == []


@pytest.mark.slow
def test_movietweetings(movietweetings, tmp_path):
    """100,000 ratings of films: a domain of little drift where nothing repeats."""
    reports = make_workspace(tmp_path, *movietweetings)
    assert [report.rows_read for report in reports] == [10_506, 100_000]
    assert all(report.adds_up for report in reports)
    with Agent.open(tmp_path, model="none") as agent:
        found = agent.scan(min_sessions=20)
        alpha = agent.settings.interests.alpha
        moved = sum(entry.p_value < alpha for entry in found) / len(found)
        assert len(found) > 300 and 0.02 < moved < 0.25
        user = found[0].user_id
        films = agent.recommend(user, 10)
        check_list(agent, films, user, 10)
        assert len(films) == 10
        seen = set(agent.session.interests.user_log(user).item.tolist())
        codes = agent.session.catalogue.item_codes
        assert not seen & {codes[entry.item_id] for entry in films}
