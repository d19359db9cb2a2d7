from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from agent.data.feedback import append_feedback
from agent.data.store import Store
from agent.schema import Feedback, UserId
from agent.workspace import Workspace
from eval.audits.satisfaction import summarise_feedback


def said(number, user, action, *, day=1, kind="item", undone=False):
    moment = datetime(2017, 5, day, 12, tzinfo=UTC)
    return Feedback(number, UserId(user), moment, action, kind, "x", "", undone)


def test_shares_by_hand():
    """a: 2 of 3 for; b: 0 of 1; the undone mute of a counts only as undone: 1 of 5 actions."""
    given = [
        said(1, "a", "pin", kind="facet"),
        said(2, "a", "more"),
        said(3, "a", "less", day=2),
        said(4, "a", "mute", day=2, undone=True),
        said(5, "a", "undo", day=2, kind="feedback"),
        said(6, "b", "less", kind="category"),
    ]
    found = summarise_feedback(given)
    assert (found.n_people, found.n_sittings) == (2, 3)
    assert found.per_person.mean == pytest.approx((2 / 3 + 0) / 2)
    assert found.per_sitting.mean == pytest.approx((1 + 0 + 0) / 3)
    assert found.undone.mean == pytest.approx(1 / 5)
    assert found.by_kind == {"facet": (1, 0), "item": (1, 1), "category": (0, 1)}
    assert found.counts["undo"] == 1


def test_gifts_and_renames_are_no_opinion():
    found = summarise_feedback([said(1, "a", "gift"), said(2, "a", "rename")])
    assert found.per_person.n == 0
    assert found.undone.mean == 0.0
    assert "–" in found.to_markdown()


def test_silence_is_said():
    assert "Nobody" in summarise_feedback([]).to_markdown()


def test_the_command_reads_a_workspace(tmp_path):
    place = Workspace(tmp_path / "shop")
    place.create("")
    with Store.open(place.store_path) as store:
        first = append_feedback(store, "a", "more", target_kind="item", target="i1")
        append_feedback(store, "a", "undo", target_kind="feedback", target=str(first.feedback_id))
        append_feedback(store, "b", "pin", target_kind="facet", target="f1")
    command = [sys.executable, "-m", "eval", "satisfaction", "-w", str(place.root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n_people"] == 2
    assert found["per_person"]["mean"] == 1.0
    assert found["undone"]["mean"] == 0.5
