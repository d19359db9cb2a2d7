"""The room at work: versions, words by model, whole days, late events, evidence that is never dropped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.data.live import Appended, LiveEvents
from agent.data.log import DAY_MS
from agent.data.store import Store
from agent.errors import SettingsError
from agent.interests.live import compute_change
from agent.interests.room import InterestRoom
from agent.interests.wording import Wording
from agent.llm.scripted import ScriptedBackend
from agent.settings import InteractionFile, InterestSettings
from tests.interests.conftest import FIRST_DAY

SETTINGS = InterestSettings(permutations=200)


@pytest.fixture
def make_room(tmp_path, catalogue) -> Callable[..., InterestRoom]:
    store = Store.open(tmp_path / "store.sqlite")

    def build(log, *, backend=None, live=True):
        events = LiveEvents(log, catalogue, InteractionFile()) if live else None
        return InterestRoom(store, log, catalogue, SETTINGS, Wording(backend, "en"), None, events)

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


def test_evidence_is_never_dropped_by_an_update(catalogue, make_log, random_plan, make_room):
    """Through new events, late ones and dislikes every version stays, and all it cites stays true."""
    plan = random_plan([(10, {"Cheese": 3, "Bread": 1})])
    room = make_room(make_log(plan))
    rng = np.random.default_rng(5)
    room.refresh("ann")
    frozen = {}
    for step in range(6):
        day = 11 + step if step % 2 else int(rng.integers(0, 11))
        items = rng.integers(0, len(catalogue), 6)
        rows = [(day, int(item), "dislike" if n == 0 else "purchase") for n, item in enumerate(items)]
        room.live.add("ann", appended(catalogue, rows, first_id=2000 + 10 * step))
        room.refresh("ann")
        history = room.history("ann")
        assert [entry.version for entry in history] == list(range(1, step + 3))
        for entry in history:
            assert frozen.setdefault(entry.version, entry) == entry
    state = room.open_user("ann")
    now = dict(zip(state.log.interaction_id.tolist(), state.sessions.facet.tolist(), strict=True))
    cited = 0
    for profile in frozen.values():
        for facet in profile.facets:
            position = state.frame.keys.index(facet.key)
            for session in facet.evidence:
                cited += len(session.interaction_ids)
                assert all(now[number] == position for number in session.interaction_ids)
    assert cited > 100


def test_with_a_new_version_goes_its_migration(make_log, random_plan, make_room):
    room = make_room(make_log(random_plan(TASTES)))
    room.refresh("ann")
    assert len(room.migrations("ann")) == 1 and room.migrations("ann")[0].story
    room.refresh("ann")
    assert len(room.history("ann")) == len(room.migrations("ann")) == 1


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
