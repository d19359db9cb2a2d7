"""The person's hand and the fast path, through the facade: real files, embedder, index and ranker."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pytest

import agent.listing.person as person_module
import agent.listing.pipeline as pipeline_module
from agent import Agent, SettingsError
from agent.data.calls import CallTable
from agent.errors import VersionConflictError
from agent.listing.grading import rerank_prompts
from agent.listing.pipeline import recommend
from agent.listing.plan import make_plan
from agent.listing.request import Request
from agent.listing.tracing import trace
from agent.llm.scripted import ScriptedBackend
from tests.test_spine import check_list, make_workspace

FOUR_FACETS = "\n[interests]\nmax_worded = 4\n"


@pytest.fixture(scope="module")
def en(tmp_path_factory, en_files):
    folder = tmp_path_factory.mktemp("person")
    make_workspace(folder, *en_files, extra=FOUR_FACETS)
    return folder


@pytest.fixture(scope="module")
def agent(en):
    with Agent.open(en, model="none") as opened:
        yield opened


def facet(agent, user, name):
    return next(entry for entry in agent.profile(user).facets if name in entry.label)


def listed(agent, user, k=10, **options):
    return agent.recommend(user, k, rerank=False, **options).recommendations


def ids(entries):
    return [entry.item_id for entry in entries]


class TestFeedback:
    """Each word shows in the next list and its reasons, for that user alone, and undo restores the list."""

    @pytest.fixture
    def before(self, agent):
        lists = {user: listed(agent, user) for user in ("c01", "c06", "c09")}
        yield lists
        for entry in agent.feedback("c01"):
            if entry.action != "undo" and not entry.undone:
                agent.undo("c01", entry.feedback_id)
        for user, entries in lists.items():
            assert listed(agent, user) == entries, user

    def others_are_as_before(self, agent, before):
        assert all(listed(agent, user) == before[user] for user in ("c06", "c09"))

    def test_mute_of_an_interest(self, agent, before):
        hiking = facet(agent, "c01", "Hiking")
        assert any("Hiking" in entry.categories for entry in before["c01"])
        agent.give_feedback("c01", "mute", "hiking")
        after = agent.recommend("c01", 10, rerank=False)
        assert not any("Hiking" in entry.categories for entry in after)
        assert next(stage for stage in after.stages if stage.name == "feedback").detail.startswith("1 muted")
        shown = next(entry for entry in agent.profile("c01").facets if entry.key == hiking.key)
        assert shown.marks == ("muted",) and shown.evidence == hiking.evidence
        plan = make_plan(agent.session, Request("c01"))
        prompt = rerank_prompts(agent.session, plan.person.state, plan.person.profile)
        assert "Hiking" not in {label for label, _ in prompt.facets}
        assert hiking.key not in {query.key for query in plan.person.queries}
        gone = agent.trace("c01", before["c01"][0].item_id, rerank=False)
        assert gone.stage == "muted" and gone.rank is None and "otherwise it would stand at" in gone.detail
        self.others_are_as_before(agent, before)

    def test_mute_of_a_category_and_of_an_item(self, agent, before):
        agent.give_feedback("c01", "mute", "Camping", target_kind="category")
        first = next(entry for entry in before["c01"] if "Camping" not in entry.categories)
        agent.give_feedback("c01", "mute", first.item_id)
        after = listed(agent, "c01")
        assert len(after) == 10 and not any("Camping" in entry.categories for entry in after)
        assert first.item_id not in ids(after)
        self.others_are_as_before(agent, before)

    def test_less_of_an_interest_takes_places_from_it(self, agent, before):
        had = sum("Hiking" in entry.categories for entry in before["c01"])
        counts = []
        for _ in range(3):
            agent.give_feedback("c01", "less", "Hiking", target_kind="facet")
            after = listed(agent, "c01")
            counts.append(sum("Hiking" in entry.categories for entry in after))
            assert all(
                "you asked for less" in entry.reason for entry in after if "Hiking" in entry.categories
            )
        assert had > 3 >= counts[0] >= counts[1] >= counts[2] == 0
        self.others_are_as_before(agent, before)

    def test_more_of_what_was_never_touched(self, agent, before):
        assert not any("Gardening" in entry.categories for entry in before["c01"])
        agent.give_feedback("c01", "more", "Gardening")
        agent.give_feedback("c01", "more", "Gardening")
        after = agent.recommend("c01", 10, rerank=False)
        wanted = [entry for entry in after if "Gardening" in entry.categories]
        assert len(wanted) >= 2 and all(
            "you asked for more of “Gardening”" in entry.reason for entry in wanted
        )
        check_list(agent, after, "c01", 10)
        self.others_are_as_before(agent, before)

    def test_more_of_one_item_brings_it_in(self, agent, before):
        outside = next(i for i in agent.session.catalogue.item_ids if i not in ids(before["c01"]))
        agent.give_feedback("c01", "more", outside)
        assert outside in ids(listed(agent, "c01"))

    def test_pin_keeps_an_interest_in_profile_and_list(self, agent, before):
        state = agent.session.interests.open_user("c01")
        shown = {entry.key for entry in agent.profile("c01").facets}
        small = next(key for key in state.frame.keys if key not in shown)
        agent.give_feedback("c01", "pin", small)
        after = listed(agent, "c01")
        assert "pinned" in next(e for e in agent.profile("c01").facets if e.key == small).marks
        assert any("you pinned" in entry.reason and entry.facets == (small,) for entry in after)
        self.others_are_as_before(agent, before)

    def test_rename_is_said_everywhere(self, agent, before):
        key = facet(agent, "c01", "Hiking").key
        agent.give_feedback("c01", "rename", key, value="Long walks")
        assert facet(agent, "c01", "Long walks").worded_by == "person"
        assert any("Long walks" in entry.reason for entry in listed(agent, "c01"))
        migration = agent.migration("c01", tell=False)
        assert "Long walks" in {change.label for change in migration.changes}
        assert ids(listed(agent, "c01")) == ids(before["c01"])
        assert facet(agent, "c06", "Hiking").label

    def test_a_gift_stops_counting_in_profile_migration_and_list(self, agent, before):
        log = agent.session.interests.user_log("c01")
        camping = facet(agent, "c01", "Camping")
        cited = [number for session in camping.evidence for number in session.interaction_ids]
        for number in cited:
            agent.give_feedback("c01", "gift", str(number))
        assert not any(entry.key == camping.key for entry in agent.profile("c01").facets)
        assert agent.profile("c01").n_interactions == len(log) - len(cited)
        assert camping.key not in {change.key for change in agent.migration("c01", tell=False).changes}
        after = listed(agent, "c01")
        assert sum("Camping" in entry.categories for entry in after) < sum(
            "Camping" in entry.categories for entry in before["c01"]
        )
        evidence = {n for e in after for session in e.evidence for n in session.interaction_ids}
        assert not evidence & set(cited)
        # What was given away was had: it is nothing new.
        items = {
            agent.session.catalogue.item_ids[code] for code in log.item[np.isin(log.interaction_id, cited)]
        }
        assert not items & set(ids(listed(agent, "c01", 60, exclude_seen=True)))
        self.others_are_as_before(agent, before)

    def test_undo_takes_the_last_word_back_or_the_one_named(self, agent, before):
        first = agent.give_feedback("c01", "mute", "Camping", target_kind="category")
        second = agent.give_feedback("c01", "mute", "Hiking", target_kind="category")
        assert agent.undo("c01").target == str(second.feedback_id)
        assert not any("Camping" in entry.categories for entry in listed(agent, "c01"))
        agent.undo("c01", first.feedback_id)
        assert listed(agent, "c01") == before["c01"]
        for number in (None, first.feedback_id, 10_000):
            with pytest.raises(SettingsError, match="that still stands"):
                agent.undo("c01", number)
        with pytest.raises(SettingsError, match="near: 'Camping'"):
            agent.give_feedback("c01", "mute", "Campng")

    def test_a_look_back_and_a_call_without_feedback_know_nothing_of_it(self, agent, before):
        then = datetime(2024, 9, 1, tzinfo=UTC)
        back = listed(agent, "c01", as_of=then)
        agent.give_feedback("c01", "mute", "Hiking", target_kind="category")
        assert listed(agent, "c01", as_of=then) == back
        plain = recommend(agent.session, Request("c01", rerank=False, use_feedback=False))
        assert plain.recommendations == before["c01"]


def test_stored_versions_follow_the_content_not_the_window(agent):
    stored = agent.refresh(["c02"])[0]
    assert agent.profile("c02") == stored
    middle = agent.session.interests.user_log("c02").interaction_id[20]
    agent.give_feedback("c02", "gift", str(middle))
    computed = agent.profile("c02")
    assert computed.window == stored.window and computed.version == 0
    second = agent.refresh(["c02"])[0]
    found = agent.diff("c02", stored.version, second.version)
    assert found.n_interactions == (stored.n_interactions, stored.n_interactions - 1)
    agent.undo("c02")
    assert agent.profile("c02") == stored
    assert len(agent.migrations("c02")) == len(agent.history("c02")) == 2


def test_where_an_item_was_lost(agent):
    request = Request("c03", k=5, rerank=False)
    found = recommend(agent.session, request)
    for entry in found:
        told = trace(agent.session, request, entry.item_id)
        assert (told.stage, told.rank, told.score) == ("listed", entry.rank, pytest.approx(entry.score))
    assert agent.trace("c03", "zzz").stage == "unknown item"
    below = agent.trace(
        "c03", recommend(agent.session, Request("c03", k=9, rerank=False))[7].item_id, 5, rerank=False
    )
    assert below.stage == "below the cut" and below.score < below.cut_score and below.source_ranks
    assert agent.trace("c03", found[0].item_id, domain="outdoor", rerank=False).stage == "filtered"
    assert agent.trace("c03", found[0].item_id, exclude_seen=True, rerank=False).stage == "seen"
    mask = np.ones(len(agent.session.catalogue), np.bool_)
    mask[agent.session.catalogue.item_codes[found[0].item_id]] = False
    masked = Request("c03", k=5, rerank=False, item_mask=mask)
    assert trace(agent.session, masked, found[0].item_id).stage == "filtered"
    assert found[0].item_id not in ids(recommend(agent.session, masked))
    with pytest.raises(SettingsError, match="item_mask of shape"):
        recommend(agent.session, Request("c03", item_mask=mask[:-1]))
    agent.observe("c03", [{"event": "dislike", "item_id": found[0].item_id}])
    assert agent.trace("c03", found[0].item_id, exclude_seen=False, rerank=False).stage == "disliked"


def test_cited_events_can_be_left_out_for_one_call(agent):
    found = listed(agent, "c04")
    cited = [n for session in found[0].evidence for n in session.interaction_ids]
    without = listed(agent, "c04", without=cited)
    evidence = {n for entry in without for session in entry.evidence for n in session.interaction_ids}
    assert cited and not evidence & set(cited) and without != found
    assert listed(agent, "c04") == found


def test_the_static_profile_asks_by_share_alone(agent):
    moving = make_plan(agent.session, Request("c01")).person
    static = make_plan(agent.session, Request("c01", use_migration=False)).person
    assert moving.changes and not static.changes
    assert all(query.quota == pytest.approx(query.share) for query in static.queries)
    assert any(query.quota > query.share for query in moving.queries)


def test_what_lies_before_a_change_counts_less_in_the_list_and_the_stages_say_so(agent):
    plan = make_plan(agent.session, Request("c01"))
    emphasis = plan.context.emphasis
    assert emphasis is not None and len(emphasis) == len(plan.context.item)
    assert 0 < emphasis[0] < 0.5 < emphasis[-1] <= 1
    assert "older ones count less" in plan.stages[0].detail
    static = make_plan(agent.session, Request("c01", use_migration=False))
    assert static.context.emphasis is None and "count less" not in static.stages[0].detail


def test_observing_fits_nothing_again(en, monkeypatch):
    with Agent.open(en, model="none") as agent:
        agent.recommend("c06", 10, rerank=False)
        agent.migration("c06")
        ranker = agent.session.ranker(agent.session.now_ms)

        def refuse(*_, **__):
            raise AssertionError("observing an event must not fit anything")

        monkeypatch.setattr("agent.ranking.ranker.train", refuse)
        monkeypatch.setattr("agent.artifacts.load_or_fit_ranker", refuse)
        monkeypatch.setattr("agent.session.load_or_fit_ranker", refuse)
        monkeypatch.setattr("agent.session.load_or_fit_population", refuse)
        monkeypatch.setattr("agent.session.embed_catalogue", refuse)
        for number in range(3):
            event = {"event": "purchase", "item_id": f"en{44 + number:03d}"}
            assert agent.observe("c06", [event]).stored == 1
            assert agent.recommend("c06", 10, rerank=False).recommendations
            agent.migration("c06")
        assert agent.session.ranker(agent.session.now_ms) is ranker


def test_an_event_counts_in_milliseconds_and_survives_the_session(en):
    with Agent.open(en, model="none") as agent:
        before = agent.recommend("c05", 10, rerank=False)
        assert "hiking" not in str(agent.profile("c05").facets).lower()
        agent.observe("c05", [])  # the first call imports
        events = [{"event": "purchase", "item_id": f"en{44 + n:03d}"} for n in range(6)]
        start = time.process_time()
        seen = agent.observe("c05", events)
        spent = time.process_time() - start
        assert seen.stored == 6 and not seen.rejected and spent < 0.2, spent
        assert agent.observe("c05", events[:0]).stored == 0
        after = agent.recommend("c05", 10, rerank=False)
        assert after.recommendations != before.recommendations
        assert sum("Hiking" in entry.categories for entry in after) >= 3
        live = agent.profile("c05")
        assert any("Hiking" in entry.label for entry in live.facets)
        new = agent.observe("somebody new", [{"event": "like", "item_id": "en001"}])
        assert new.stored == 1 and "first impression" in agent.recommend("somebody new", 3, rerank=False).note
    with Agent.open(en, model="none") as agent:
        reloaded = agent.profile("c05")
        assert [(f.key, f.label, f.share, f.evidence) for f in live.facets] == [
            (f.key, f.label, f.share, f.evidence) for f in reloaded.facets
        ]
        assert len(agent.session.interests.user_log("somebody new")) == 1


BURST = 10_000
BATCH = 500


def burst(agent, user, n):
    """`n` different events of one user over the last weeks, in batches; wording whatever falls due."""
    items = agent.session.catalogue.item_ids
    start = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    found = []
    for first in range(0, n, BATCH):
        batch = [
            {
                "event": "view",
                "item_id": items[(number * 7 + number // 900) % len(items)],
                "timestamp": start + 60 * number,
            }
            for number in range(first, min(first + BATCH, n))
        ]
        assert agent.observe(user, batch).stored == len(batch)
        found += agent.refresh_due([user])
    return found


def test_a_burst_of_events_costs_a_bounded_number_of_calls(en):
    backend = ScriptedBackend(lambda request: "no words that follow", name="counting")
    with Agent.open(en, model="none") as agent:
        agent.session.backend = backend
        versions = burst(agent, "c07", BURST)
        # One wording: four labels, a summary, a story told twice.
        assert len(versions) == 1 and 1 <= len(backend.requests) <= 4 + 1 + 2
        assert len(agent.session.interests.user_log("c07")) > BURST
        assert agent.session.interests.open_user("c07").sessions.n_sessions > 36
        before = len(backend.requests)
        assert agent.refresh(["c07"])[0].version == 2 and len(backend.requests) > before  # on demand, always


@pytest.mark.model
def test_a_burst_with_a_real_model(en):
    with Agent.open(en, model="smollm2-135m") as agent:
        versions = burst(agent, "c08", 2 * BATCH)
        assert len(versions) == 1 and versions[0].model.startswith("llamacpp:smollm2")
        calls = CallTable(agent.session.store).load_calls()
        assert 1 <= len(calls) <= 4 + 1 + 2 and {call.outcome for call in calls} == {"ok"}


def test_how_a_user_moves_is_tested_once_for_what_counts(agent, monkeypatch):
    made = []

    def count(session, state, make=person_module._movement):
        made.append(state.user_id)
        return make(session, state)

    agent.session.movements.clear()
    monkeypatch.setattr(person_module, "_movement", count)
    first = listed(agent, "c01")
    assert listed(agent, "c01") == first and len(made) == 1
    number = int(agent.session.interests.user_log("c01").interaction_id[0])
    listed(agent, "c01", without=[number])
    assert len(made) == 2
    told = agent.give_feedback("c01", "gift", str(number))
    listed(agent, "c01")
    assert len(made) == 2, "a gift leaves the same events as leaving it out"
    agent.undo("c01", told.feedback_id)
    assert listed(agent, "c01") == first and len(made) == 2


def test_where_only_the_newest_sessions_were_tested_the_list_says_so(agent, monkeypatch):
    n_sessions = agent.profile("c01").n_sessions
    assert "newest" not in agent.recommend("c01", 3, rerank=False).note
    agent.session.movements.clear()
    for module in (person_module, pipeline_module):
        monkeypatch.setattr(module, "MOST_SESSIONS", 8)
    note = agent.recommend("c01", 3, rerank=False).note
    agent.session.movements.clear()
    assert f"Change was looked for in the newest 8 of {n_sessions} sessions." in note
    assert "newest" not in agent.recommend("c01", 3, rerank=False, use_migration=False).note


def test_a_list_of_somebody_of_whom_nothing_counts_says_why(agent):
    every = agent.session.interests.user_log("c01").interaction_id.tolist()
    note = agent.recommend("c01", 3, rerank=False, without=every).note
    assert note.startswith(f"All {len(every)} event(s) of this user are gifts or left out")


def test_feedback_on_a_frame_that_another_process_changed_looks_again(agent, monkeypatch):
    room_type, calls = type(agent.session.interests), []

    def keep(room, state, real=room_type.keep_frame):
        calls.append(state.frame_version)
        if len(calls) == 1:
            raise VersionConflictError("another frame was stored meanwhile")
        real(room, state)

    monkeypatch.setattr(room_type, "keep_frame", keep)
    key, n_said = agent.profile("c02").facets[0].key, len(agent.feedback("c02"))
    told = agent.give_feedback("c02", "pin", key)
    assert len(calls) == 2 and told.target == key and len(agent.feedback("c02")) == n_said + 1
    agent.undo("c02", told.feedback_id)
