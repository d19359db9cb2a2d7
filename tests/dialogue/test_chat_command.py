"""`driftrec chat` from a pipe and by --ask, and the recorded talk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import Agent
from agent.dialogue.talk.answers import Answer, Sentence
from eval.chat.faithfulness import run_faithfulness
from eval.chat.latency import QUESTIONS as WAITS
from eval.chat.latency import run_latency
from eval.chat.transcript import QUESTIONS, record, to_markdown
from tests.dialogue.conftest import check_evidence, copied

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parent.parent.parent


def run(workspace, *arguments, stdin=""):
    command = [
        sys.executable,
        "-m",
        "agent.cli",
        "chat",
        "c01",
        "-w",
        str(workspace),
        "--model",
        "none",
        *arguments,
    ]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, cwd=ROOT)


def test_a_pipe_is_a_script(en_made, tmp_path):
    workspace = copied(en_made, tmp_path / "en")
    done = run(
        workspace,
        stdin="recommend three things\n\nwhy 2?\n/constraints\n/nonsense\n/history\n/quit\nnever read\n",
    )
    assert done.returncode == 0, done.stderr
    assert "is number 2 of what" in done.stdout and "No constraints hold" in done.stdout
    assert "No command '/nonsense'" in done.stdout and "never read" not in done.stdout
    again = run(workspace, "--json", "--resume", "last", "--ask", "why 3?", "--ask", "undo")
    answers = [json.loads(line) for line in again.stdout.splitlines()]
    assert [answer["tool"] for answer in answers] == ["explain", "undo"] and answers[0]["facts"]["rank"] == 3
    assert "nothing to undo" in answers[1]["text"]


def test_a_talk_that_does_not_exist_is_a_clear_error(en_made, tmp_path):
    done = run(copied(en_made, tmp_path / "en"), "--resume", "20200101T000000-abc", "--ask", "hi")
    assert done.returncode == 1 and "expected one of the kept talks" in done.stderr


@pytest.mark.parametrize(("language", "user"), [("en", "c01"), ("zh", "u01")])
def test_a_talk_of_ten_turns_is_as_recorded(language, user, request):
    """`DRIFTREC_UPDATE_GOLDEN=1` writes the file anew: read it before it is committed."""
    agent = request.getfixturevalue(language)
    before = [entry.item_id for entry in agent.recommend(user, 50, rerank=False)]
    answers = record(agent, user, QUESTIONS[language])
    assert len(answers) == 10 and len({answer.tool for answer in answers}) >= 8
    for answer in answers:
        check_evidence(agent, answer, user)
    assert [entry.item_id for entry in agent.recommend(user, 50, rerank=False)] == before
    text = to_markdown(answers)
    path = GOLDEN / f"transcript.{language}.md"
    if os.environ.get("DRIFTREC_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_cited_events_matter_more_than_others(en_made, tmp_path):
    workspace = copied(en_made, tmp_path / "en")
    text, _ = run_faithfulness(workspace=str(workspace), n_users=8, seed=0, as_json=True)
    report = json.loads(text)["lists as they are"]
    assert report["difference"]["low"] > 0 and len(report["users"]) == 8
    with Agent.open(workspace, model="none") as agent:
        assert agent.feedback("c01") == []


def test_the_wait_is_measured_by_a_command(en_made, tmp_path):
    workspace = copied(en_made, tmp_path / "en")
    text, code = run_latency(workspace=str(workspace), user_id="c01", model="none", rounds=1)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(WAITS) and code == int("missed" in text)


def test_a_shown_line_is_no_markup():
    answer = Answer("q?", "recommend", {}, (Sentence("  1. *a* <b> _c_", claim=False, row=True),), "rules")
    assert to_markdown([answer]) == "> **q?**\\\n> 1\\. \\*a\\* \\<b> \\_c\\_"
