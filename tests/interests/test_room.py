"""The room at work: versions, words by model, whole days, late events, evidence that is never dropped."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.data.live import Appended, LiveEvents
from agent.data.log import DAY_MS
from agent.data.store import Store
from agent.errors import SettingsError
from agent.interests.live import compute_change
from agent.interests.population import fit_population
from agent.interests.room import InterestRoom
from agent.interests.windows import choose_windows, halve
from agent.interests.wording import Wording
from agent.llm.scripted import ScriptedBackend
from agent.settings import InteractionFile, InterestSettings
from tests.interests.conftest import FIRST_DAY
from tests.interests.test_season import summer, yearly

SETTINGS = InterestSettings(permutations=200)


@pytest.fixture
def make_room(tmp_path, catalogue) -> Callable[..., InterestRoom]:
    store = Store.open(tmp_path / "store.sqlite")

    def build(log, *, backend=None, settings=SETTINGS, own_store=store):
        events = LiveEvents(log, catalogue, InteractionFile())
        return InterestRoom(own_store, log, catalogue, settings, Wording(backend, "en"), None, events)

    yield build
    store.close()


def appended(catalogue, rows, *, first_id):
    """What a store would report of `(day, item code, event)` rows."""
    ids = tuple(range(first_id, first_id + len(rows)))
    return Appended(
        interaction_id=ids,
        item=tuple(catalogue.item_ids[item] for _, item, _ in rows),
        event=tuple(event for _, _, event in rows),
        ts_ms=tuple((FIRST_DAY + day) * DAY_MS + 36_000_000 for day, _, _ in rows),
        value=(None,) * len(rows),
        query=(None,) * len(rows),
        duplicates=0,
        rejected=(),
    )


def told(profile):
    return [
        (f.key, f.label, round(f.share, 6), f.n_sessions, f.first_seen, f.last_seen) for f in profile.facets
    ]


TASTES = [(12, {"Cheese": 3, "Bread": 1}), (12, {"Wine": 3, "Bread": 1})]


def test_late_events_land_in_their_own_time(catalogue, make_log, random_plan, make_room):
    """Observed out of order, everything is as if they had come in order."""
    plan = random_plan(TASTES)
    late = {3, 9, 20}
    early = make_room(make_log([codes if day not in late else [] for day, codes in enumerate(plan)]))
    rows = [(day, item, "purchase") for day in (20, 3, 9) for item in plan[day]]
    for number, row in enumerate(rows):
        early.live.add("ann", appended(catalogue, [row], first_id=1000 + number))
    whole = make_room(make_log(plan))
    assert told(early.profile("ann")) == told(whole.profile("ann"))
    one, two = early.migration("ann"), whole.migration("ann")
    assert [(c.key, c.kind, c.p_value) for c in one.changes] == [
        (c.key, c.kind, c.p_value) for c in two.changes
    ]
    moment_ms = (FIRST_DAY + 5) * DAY_MS
    assert told(early.profile("ann", moment_ms=moment_ms)) == told(whole.profile("ann", moment_ms=moment_ms))
    assert early.now_ms == whole.now_ms


def cited_ids(profile):
    shown = [session.interaction_ids for facet in profile.facets for session in facet.evidence]
    others = [other.interaction_ids for other in profile.other_evidence]
    assert len(set().union(*shown, *others)) == sum(map(len, (*shown, *others)))
    return set().union(*shown, *others)


def test_evidence_is_never_dropped_by_an_update(catalogue, make_log, random_plan, make_room):
    """Through new events, late ones and dislikes every version stays, and all it cites stays true.

    With more facets than are shown: one that others push out of sight keeps its evidence.
    """
    plan = random_plan([(10, {"Cheese": 3, "Bread": 1})])
    room = make_room(make_log(plan), settings=SETTINGS.model_copy(update={"max_worded": 2}))
    rng = np.random.default_rng(5)
    room.refresh("ann")
    frozen = {}
    for step in range(6):
        day = 11 + step if step % 2 else int(rng.integers(0, 11))
        items = rng.integers(0, len(catalogue), 6)
        rows = [(day, int(item), "dislike" if n == 0 else "purchase") for n, item in enumerate(items)]
        rows += [(20 + 5 * step + n, 15 + n, "purchase") for n in range(5) if step > 2]
        room.live.add("ann", appended(catalogue, rows, first_id=2000 + 100 * step))
        room.refresh("ann")
        history = room.history("ann")
        assert [entry.version for entry in history] == list(range(1, step + 3))
        for entry in history:
            assert frozen.setdefault(entry.version, entry) == entry
    assert len({facet.key for profile in frozen.values() for facet in profile.facets}) > 2
    assert cited_ids(frozen[1]) == set(range(1, sum(map(len, plan)) + 1))
    for number in range(1, len(frozen)):
        assert cited_ids(frozen[number]) < cited_ids(frozen[number + 1])
    state = room.open_user("ann")
    now = dict(zip(state.log.interaction_id.tolist(), state.sessions.facet.tolist(), strict=True))
    cited = 0
    for profile in frozen.values():
        for facet in profile.facets:
            position = state.frame.keys.index(facet.key)
            for session in facet.evidence:
                cited += len(session.interaction_ids)
                assert all(now[number] == position for number in session.interaction_ids)
        for other in profile.other_evidence:
            assert all(state.frame.keys[now[number]] == other.key for number in other.interaction_ids)
    assert cited > 100


def test_with_a_new_version_goes_its_migration(make_log, random_plan, make_room):
    room = make_room(make_log(random_plan(TASTES)))
    room.refresh("ann")
    assert len(room.versions.migrations("ann")) == 1 and room.versions.migrations("ann")[0].story
    room.refresh("ann")
    assert len(room.history("ann")) == len(room.versions.migrations("ann")) == 1


def test_what_two_processes_refresh_at_once_is_stored_once(make_log, random_plan, make_room, tmp_path):
    """Four stores of one file, as four processes have them, all at the same moment."""
    log = make_log(random_plan(TASTES))
    stores = [Store.open(tmp_path / "store.sqlite") for _ in range(4)]
    together = threading.Barrier(len(stores))

    def refresh(own_store):
        room = make_room(log, own_store=own_store)
        together.wait(timeout=30)
        return room.refresh("ann")

    with ThreadPoolExecutor(len(stores)) as pool:
        found = list(pool.map(refresh, stores))
    room = make_room(log)
    assert found == room.history("ann") * len(stores)
    assert len(room.versions.migrations("ann")) == len(room.store.load_versions("facets", "ann")) == 1
    for own_store in stores:
        own_store.close()


def test_a_version_stored_while_words_are_found_is_followed(make_log, random_plan, make_room, tmp_path):
    log = make_log(random_plan(TASTES))
    with Store.open(tmp_path / "store.sqlite") as elsewhere:
        quick = make_room(log, own_store=elsewhere)

        def answer(request):
            if not quick.history("ann"):
                quick.refresh("ann")
            return (
                "no summary" if request.stage != "facet_label" else {"label": "Garden", "description": "all"}
            )

        told = make_room(log, backend=ScriptedBackend(answer, name="slow")).refresh("ann")
        history = quick.history("ann")
    assert [(entry.version, entry.parent, entry.model) for entry in history] == [
        (1, None, "none"),
        (2, 1, "slow"),
    ]
    assert told == history[1]


def test_one_side_alone_halves_what_lies_within(make_log, random_plan, make_room):
    room = make_room(make_log(random_plan(TASTES)))
    begin = FIRST_DAY * DAY_MS
    for given in ({"start_ms": begin + 16 * DAY_MS}, {"end_ms": begin + 8 * DAY_MS}):
        found = room.migration("ann", **given)
        assert (found.n_sessions_before, found.n_sessions_after) == (4, 4), given
    quiet = room.migration("ann", start_ms=begin + 100 * DAY_MS, end_ms=begin + 110 * DAY_MS)
    assert "0 before and 0 after" in quiet.note


def test_windows_are_whole_days_in_order(make_log, random_plan, make_room):
    room = make_room(make_log(random_plan(TASTES)))
    midnight = (FIRST_DAY + 12) * DAY_MS
    at_noon = room.migration("ann", split_ms=midnight + DAY_MS // 2)
    assert at_noon == room.migration("ann", split_ms=midnight)
    assert at_noon.n_sessions_before + at_noon.n_sessions_after == room.open_user("ann").sessions.n_sessions
    for given in (
        {"split_ms": (FIRST_DAY - 3) * DAY_MS},
        {"split_ms": midnight, "end_ms": midnight + DAY_MS // 2},
        {"start_ms": midnight, "split_ms": midnight + 1},
    ):
        with pytest.raises(SettingsError, match=r"start < split < end, got '20"):
            room.migration("ann", **given)


def test_why_nothing_can_be_said_is_said(catalogue, make_log, make_room):
    """No event, dislikes alone, one session, and everything given away are four things."""
    begin = FIRST_DAY * DAY_MS
    hater = make_room(make_log([[0], [5]], weights=[-1.0, -1.0]))
    found = hater.migration("ann")
    assert "None of the 2 event(s) shows an interest" in found.note
    assert [change.title for change in found.dislikes] == [catalogue.titles[5], catalogue.titles[0]]
    assert "none of which shows an interest" in hater.profile("ann").note
    once = make_room(make_log([[0, 1, 5]]))
    assert once.migration("ann").note.startswith("One session so far")
    every = frozenset({1, 2, 3})
    state = once.open_user("ann", without=every)
    assert "All 3 event(s) are gifts or left out" in once.migration_of(state, None).note
    assert "All 3 event(s) are gifts or left out" in once.profile_of(state).note
    assert once.migration("nobody").note.startswith("No events yet")
    for room in (hater, once):
        for user in ("ann", "nobody"):
            with pytest.raises(SettingsError, match=r"start < split < end, got '2017"):
                room.migration(user, start_ms=begin + 5 * DAY_MS, end_ms=begin)
    whole = once.migration("ann", start_ms=begin - DAY_MS, split_ms=begin, end_ms=begin + DAY_MS)
    assert "0 before and 1 after" in whole.note


def labels(name, answers):
    """A backend of that name that answers labels by a table of categories, and counts its requests."""

    def answer(request):
        if request.stage != "facet_label":
            return "no summary"
        found = [label for word, label in answers.items() if word in request.user]
        return {"label": found[0] if found else "Garden tools", "description": "all of it"}

    return ScriptedBackend(answer, name=name)


def asked(backend):
    return sum(request.stage == "facet_label" for request in backend.requests)


def test_each_model_is_asked_once_and_a_new_model_gives_a_new_version(make_log, random_plan, make_room):
    log = make_log(random_plan([(12, {"Cheese": 3, "Bread": 1})]))
    small = labels("small", {"Cheese": "Cheese kinds"})
    first = make_room(log, backend=small).refresh("ann")
    names = {facet.label for facet in first.facets}
    assert "Cheese kinds" in names and "Bread" in names and asked(small) == 2
    assert make_room(log, backend=small).refresh("ann") == first and asked(small) == 2
    assert make_room(log).refresh("ann") == first, "plain facts take nothing's place"
    large = labels("large", {"Cheese": "Kinds of cheese"})
    second = make_room(log, backend=large).refresh("ann")
    assert second.version == 2 and second.model == "large" and asked(large) == 2
    assert {facet.label for facet in second.facets} == {"Kinds of cheese", "Bread"}
    assert make_room(log, backend=large).refresh("ann") == second and asked(large) == 2


def test_the_distance_from_the_stored_version(catalogue, make_log, random_plan, make_room):
    room = make_room(make_log(random_plan([(20, {"Cheese": 3, "Bread": 1})])))
    assert compute_change(None, room.open_user("ann"), SETTINGS) == 1.0
    assert compute_change(None, room.open_user("nobody"), SETTINGS) == 0.0
    stored = room.refresh("ann")
    assert compute_change(stored, room.open_user("ann"), SETTINGS) == pytest.approx(0.0)
    rows = [(day, item, "purchase") for day in range(20, 40) for item in (15, 16)]
    room.live.add("ann", appended(catalogue, rows, first_id=3000))
    assert 0.4 < compute_change(stored, room.open_user("ann"), SETTINGS) < 0.7


def test_a_scan_counts_no_gifts(make_log, random_plan, make_room):
    from agent.data.feedback import append_feedback, gift_key

    log = make_log(random_plan(TASTES))
    room = make_room(log)
    (before,) = room.scan(min_sessions=6)
    assert gift_key(room.store) == 0
    for number in log.interaction_id[log.item >= 15].tolist():
        append_feedback(room.store, "ann", "gift", target_kind="interaction", target=str(number))
    (after,) = room.scan(min_sessions=6)
    assert after.drift_score != before.drift_score and gift_key(room.store) > 0
    given = room.feedback_state("ann").gifts
    assert after.n_sessions == len(np.unique(log.day[~np.isin(log.interaction_id, list(given))]))


def test_looking_back_leaves_out_what_was_said_later(make_log, random_plan, make_room):
    from agent.data.feedback import append_feedback

    room = make_room(make_log(random_plan(TASTES)))
    append_feedback(room.store, "ann", "gift", target_kind="interaction", target="1")
    assert 1 not in room.open_user("ann").log.interaction_id
    then = room.open_user("ann", moment_ms=int(datetime(2017, 1, 10, tzinfo=UTC).timestamp() * 1000))
    assert 1 in then.log.interaction_id
    assert 1 in room.open_user("ann", use_feedback=False).log.interaction_id
    assert 2 not in room.open_user("ann", without=frozenset({2})).log.interaction_id


def test_a_look_back_does_not_know_of_a_later_undo(catalogue, make_log, random_plan, make_room):
    from agent.data.feedback import append_feedback

    room = make_room(make_log(random_plan(TASTES)))
    far = (datetime(2400, 1, 1, tzinfo=UTC) - datetime(2017, 1, 1, tzinfo=UTC)).days
    room.live.add("ann", appended(catalogue, [(far, 0, "purchase")], first_id=900))
    muted = append_feedback(room.store, "ann", "mute", target_kind="category", target="Soap")
    then_ms = int(muted.created.timestamp() * 1000) + 2
    while time.time_ns() // 1_000_000 < then_ms:
        time.sleep(0.001)
    append_feedback(room.store, "ann", "undo", target_kind="feedback", target=str(muted.feedback_id))
    assert room.feedback_state("ann", moment_ms=then_ms).muted == {("category", "Soap")}
    assert not room.feedback_state("ann") and not room.feedback_state("ann", moment_ms=then_ms - 10)


def test_looking_back_the_crowd_is_that_of_the_moment(catalogue, make_room, make_log, random_plan):
    """What everybody does later reaches no migration of a past moment, nor of windows that are over."""
    room = make_room(make_log(random_plan([(30, {"Cheese": 3, "Bread": 1}), (30, {"Cheese": 1, "Wine": 3})])))
    asked: list[int] = []
    everyone = []

    def before(at_ms):
        asked.append(at_ms)
        everyone.append(fit_population(room.log.before(at_ms), catalogue, SETTINGS))
        return everyone[-1]

    back = dataclasses.replace(
        room, population=fit_population(room.log, catalogue, SETTINGS), population_before=before
    )
    state = back.open_user("ann")
    whole = halve(state.sessions)
    back.migration_of(state, whole)
    assert asked == []
    middle_ms = whole.split_ms
    past = back.open_user("ann", moment_ms=middle_ms)
    back.migration_of(past, halve(past.sessions))
    back.migration_of(state, choose_windows(state.sessions, end_ms=middle_ms))
    assert asked == [middle_ms, middle_ms]
    # The wine that came later is in neither the periods nor the topics of the past, but in those of now.
    wine = everyone[0].categories.index("Wine")
    assert not everyone[0].period_shares[:, wine].any() and not everyone[0].topic_categories[:, wine].any()
    assert back.population.period_shares[:, wine].any()


def test_seasons_are_those_of_the_moment_and_not_of_the_last_session(catalogue, make_room, make_log):
    """Of somebody who has been away for years nothing is "here again"; nor in a window that ends years on."""
    plan = yearly(np.random.default_rng(3), until=2 * 365 + 210, in_season=summer)
    room = make_room(make_log(plan))
    seasons = [change.season for change in room.migration("ann", tell=False).changes if change.season]
    assert [season.current for season in seasons] == [True]
    end_ms = (FIRST_DAY + 2 * 365 + 310) * DAY_MS
    asked = room.migration("ann", end_ms=end_ms, tell=False)
    assert [change.season.current for change in asked.changes if change.season] == [False]
    later = (FIRST_DAY + 5 * 365) * DAY_MS
    state = room.open_user("ann", moment_ms=later)
    migration = room.migration_of(state, halve(state.sessions))
    assert not any(change.season for change in migration.changes)
    assert "here again" not in migration.note
    assert not any(change.season for change in room.migration("ann", end_ms=later, tell=False).changes)
