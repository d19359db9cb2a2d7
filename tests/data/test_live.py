"""Events one by one: cleaned as those of files, idempotent, and in memory what a reload would give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from agent.data.feedback import append_feedback, load_feedback
from agent.data.live import LiveEvent, LiveEvents, append_events
from agent.data.store import Store
from agent.errors import DataError, StoreError
from agent.settings import InteractionFile

ITEMS = "item_id,title\ni1,One\ni2,Two\ni3,Three\n"
BASE = (
    "user_id,item_id,timestamp,event,value\nu1,i1,1700000000,rate,5\nu2,i2,1700000100,rate,1\n"
    "u1,i2,1700000200,rate,3\nu1,i3,1700000300,view,\n"
)
NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def loaded(store: Store, ingest, ingest_catalogue):
    ingest_catalogue(ITEMS)
    ingest(BASE)
    return store


def observe(store, live, user_id, events, **room):
    new = append_events(store, user_id, events, InteractionFile(**room))
    return new, live.add(user_id, new)


def live_of(store, **room):
    settings = InteractionFile(**room)
    return LiveEvents(store.load_log(settings), store.load_catalogue(), settings)


def of_user(store, live, user_id):
    log = live._base
    code = log.user_codes.get(user_id)
    own = log.take(log.rows_of(code) if code is not None else np.empty(0, np.int64))
    return live.over(user_id, own)


EVENTS = [
    {"event": "purchase", "item_id": "i2", "timestamp": 1_700_000_250},
    {"event": "rating", "item_id": "i1", "timestamp": "2024-05-01T12:00:00Z", "value": 1.0},
    {"event": "search", "query": "milk  jug", "timestamp": NOW},
    {"event": "rate", "item_id": "i3", "timestamp": 1_700_000_150, "value": 2},
    {"event": "purchase", "item_id": "i3", "timestamp": NOW - timedelta(days=400), "key": "b1"},
]


def test_in_memory_is_what_a_reload_gives(loaded):
    live = live_of(loaded)
    for event in EVENTS:
        new, waiting = observe(loaded, live, "u1", [event])
        assert len(new.interaction_id) == 1 and not waiting and not new.rejected
    own = of_user(loaded, live, "u1")
    again = loaded.load_log()
    fresh = again.take(again.rows_of(again.user_codes["u1"]))
    for name in ("item", "timestamp_ms", "interaction_id", "value", "weight"):
        assert np.array_equal(getattr(own, name), getattr(fresh, name), equal_nan=name == "value"), name
    assert [own.events[c] for c in own.event] == [fresh.events[c] for c in fresh.event]
    assert [own.queries.get(i) for i in own.interaction_id.tolist()] == [
        fresh.queries.get(i) for i in fresh.interaction_id.tolist()
    ]
    # The 2 came when 5 and 1 had been given: with it there is a scale, and it is low on it.
    assert own.weight[own.value <= 2].tolist() == [-1.0, -1.0]
    assert live.newest_ms == int(NOW.timestamp() * 1000) and live.n_events == 5


def test_the_same_event_again_changes_nothing(loaded):
    live = live_of(loaded)
    first, _ = observe(loaded, live, "u1", EVENTS)
    again, _ = observe(loaded, live, "u1", EVENTS)
    twice, _ = observe(loaded, live, "u1", [EVENTS[0], EVENTS[0]])
    assert len(first.interaction_id) == 5 and again.duplicates == 5 and not again.interaction_id
    assert twice.duplicates == 2 and live.n_events == 5
    assert loaded.counts().interactions == 9
    from_file, _ = observe(
        loaded, live, "u1", [{"event": "view", "item_id": "i3", "timestamp": 1_700_000_300}]
    )
    assert from_file.duplicates == 1


def test_near_duplicates_are_one_event_here_too(loaded):
    events = [LiveEvent(event="view", item_id="i1", timestamp=1_700_001_000 + n) for n in (0, 1, 60)]
    new = append_events(loaded, "u1", events, InteractionFile(near_duplicate_s=5))
    assert len(new.interaction_id) == 2 and new.duplicates == 1


def test_new_users_new_events_and_items_that_wait(loaded):
    live = live_of(loaded, weights={"listen": 0.5})
    new, waiting = observe(
        loaded,
        live,
        "u9",
        [
            {"event": "listen", "item_id": "i1", "timestamp": 1_700_002_000},
            {"event": "listen", "item_id": "i77", "timestamp": 1_700_002_001},
        ],
        weights={"listen": 0.5},
    )
    own = of_user(loaded, live, "u9")
    assert len(new.interaction_id) == 2 and waiting == 1
    assert own.weight.tolist() == [0.5] and [own.events[c] for c in own.event] == ["listen"]
    assert live.users() == ["u9"] and live.of("u1") is None
    again = loaded.load_log(InteractionFile(weights={"listen": 0.5}))
    assert len(again.rows_of(again.user_codes["u9"])) == 2
    assert "i77" in loaded.load_catalogue().item_codes


def test_what_cannot_be_used_is_said_and_the_rest_is_kept(loaded):
    new = append_events(
        loaded,
        "u1",
        [
            {"event": "dance", "item_id": "i1"},
            {"event": "view"},
            {"event": "view", "item_id": "i1", "timestamp": "yesterday"},
            {"event": "view", "item_id": "i1", "timestamp": NOW + timedelta(days=90_000)},
            {"event": "view", "item_id": "i1"},
        ],
        InteractionFile(),
    )
    assert len(new.interaction_id) == 1 and len(new.rejected) == 4
    told = "\n".join(new.rejected)
    assert "event 1: event has no weight, got event 'dance'" in told and "event 2: item_id is empty" in told
    assert "'yesterday'" in told and "in the future" in told
    assert abs(new.ts_ms[0] - datetime.now(UTC).timestamp() * 1000) < 60_000


@pytest.mark.parametrize(
    "bad", [{"event": "view", "item": "i1"}, {"item_id": "i1"}, {"event": 3, "item_id": "i1"}]
)
def test_fields_that_are_not_ours_are_refused_and_nothing_is_stored(loaded, bad):
    with pytest.raises(DataError, match=r"event 2: expected fields among event, item_id, query"):
        append_events(loaded, "u1", [EVENTS[0], bad], InteractionFile())
    assert loaded.counts().interactions == 4


def test_feedback_is_kept_per_user_and_never_changed(store: Store):
    first = append_feedback(store, "ann", "mute", target_kind="facet", target="f1")
    append_feedback(store, "bob", "pin", target_kind="facet", target="f1")
    second = append_feedback(store, "ann", "rename", target_kind="facet", target="f0", value="茶")
    append_feedback(store, "ann", "undo", target_kind="feedback", target=str(first.feedback_id))
    found = load_feedback(store, "ann")
    assert [(entry.action, entry.undone) for entry in found] == [
        ("mute", True),
        ("rename", False),
        ("undo", False),
    ]
    assert found[1] == second and second.value == "茶"
    undo_ms = int(found[2].created.timestamp() * 1000)
    assert all(not entry.undone for entry in load_feedback(store, "ann", before_ms=undo_ms))
    assert load_feedback(store, "ann", before_ms=undo_ms + 1) == found
    for statement in ("UPDATE feedback SET target = 'x'", "DELETE FROM feedback"):
        with pytest.raises(StoreError, match="append-only"), store.write() as connection:
            connection.execute(text(statement))
    assert load_feedback(store, "ann") == found
