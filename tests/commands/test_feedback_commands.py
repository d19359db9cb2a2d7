"""Feedback, undo and diff from the command line, in real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from agent import Agent
from tests.test_spine import make_workspace

COMMAND = [sys.executable, "-m", "agent.cli"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory, en_files):
    folder = tmp_path_factory.mktemp("hand") / "shop"
    make_workspace(folder, *en_files)
    with Agent.open(folder, model="none") as agent:
        agent.refresh(["c01"])
    return folder


def run(*arguments, shop, code=0):
    done = subprocess.run(
        [*COMMAND, *arguments, "-w", str(shop)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_word_is_given_listed_taken_back_and_compared(shop):
    muted = json.loads(run("feedback", "c01", "rename", "Hiking", "Long walks", "--json", shop=shop).stdout)
    assert (muted["action"], muted["target_kind"], muted["value"]) == ("rename", "facet", "Long walks")
    assert json.loads(run("refresh", "--due", "--json", shop=shop).stdout) == []
    (second,) = json.loads(run("refresh", "c01", "--model", "none", "--json", shop=shop).stdout)
    assert second["version"] == 2
    assert "Long walks (renamed)" in run("profile", "c01", shop=shop).stdout
    text = run("diff", "c01", "1", "2", shop=shop).stdout
    assert "Hiking → Long walks" in text and "version 1" in text
    found = json.loads(run("diff", "c01", "1", "2", "--json", shop=shop).stdout)
    assert found["renamed"] == [muted["target"]] and not found["added"] and not found["removed"]
    assert "driftrec undo c01" in run("feedback", "c01", "mute", "en001", shop=shop).stdout
    assert json.loads(run("trace", "c01", "en001", "--json", shop=shop).stdout)["stage"] == "muted"
    assert "rank by source: ease" in run("trace", "c01", "en002", shop=shop).stdout
    undone = json.loads(run("undo", "c01", "--json", shop=shop).stdout)
    listed = json.loads(run("feedback", "c01", "--list", "--json", shop=shop).stdout)
    assert [entry["action"] for entry in listed] == ["rename", "mute", "undo"]
    assert [entry["undone"] for entry in listed] == [False, True, False]
    assert undone["target"] == str(listed[1]["feedback_id"])


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["feedback", "c01", "mute", "Gardning"], 1, "near: 'Gardening'"),
        (["feedback", "c01", "praise", "Gardening"], 2, "pin, mute, rename, less, more, gift"),
        (["feedback", "c01", "mute"], 2, "without a target"),
        (["feedback", "c01"], 2, "--list"),
        (["undo", "c01", "999"], 1, "that still stands, got 999"),
        (["diff", "c01", "1", "77"], 1, "got 77; there are: 1"),
    ],
)
def test_wrong_input_gets_one_clear_answer(shop, arguments, code, part):
    done = run(*arguments, shop=shop, code=code)
    assert part in " ".join(done.stderr.replace("│", " ").split())
