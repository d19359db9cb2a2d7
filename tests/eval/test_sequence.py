"""SASRec in an interpreter of its own: what is handed over, what comes back, what is said when it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.errors import MissingExtraError
from eval.data.splits import make_split
from eval.measures.beyond import background
from eval.rankers.sequence import INTERPRETER, WORKER, SasRecRow, interpreter_versions
from eval.runs.protocol import run_row
from eval.runs.run import Plan, run
from eval.runs.smoke import smoke_data

# Stands in for the worker: lists items by how often they were taken, and says what it was given.
STAND_IN = """
import json, sys
import numpy as np
with np.load(sys.argv[1], allow_pickle=False) as file:
    given = {name: file[name] for name in file.files}
settings = json.loads(str(given["settings"]))
top = np.argsort(-np.bincount(given["item"]), kind="stable")[:20]
n = len(given["asked"])
report = {"epochs": 1, "batches": 2, "seconds": 3.0, "rectools": str(given["timestamp_ms"].max())}
np.savez(sys.argv[2], place=np.repeat(np.arange(n), 20), item=np.tile(top, n),
         rank=np.tile(np.arange(1, 21), n), report=np.array(json.dumps(report)))
"""


@pytest.fixture(scope="module")
def asked():
    return make_split(smoke_data()["smoke"], max_users=0)[0]


def interpreter(tmp_path, monkeypatch, body, *, version="1"):
    """An interpreter that has "RecTools", and runs `body` in place of the worker."""
    script = tmp_path / "body.py"
    script.write_text(body, encoding="utf-8")
    python = tmp_path / "python"
    lines = [
        "#!/bin/sh",
        f"""if [ "$1" = -c ]; then echo '{{"RecTools": "{version}"}}'; exit 0; fi""",
        f'exec "{sys.executable}" "{script}" "$2" "$3"',
    ]
    python.write_text("\n".join(lines) + "\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setenv(INTERPRETER, str(python))


def test_only_what_is_before_t_is_handed_over(asked, tmp_path, monkeypatch):
    question, exam = asked
    interpreter(tmp_path, monkeypatch, STAND_IN)
    outcome = run_row(question, exam, background(question), SasRecRow())
    assert outcome.status == "ran", outcome.note
    latest = int(outcome.note.split("RecTools ")[1].split(",")[0])
    assert latest == question.train.timestamp_ms.max() < question.cut_ms
    assert np.nanmean(outcome.values["recall@50"]) > 0


def test_another_rectools_is_another_row(tmp_path, monkeypatch):
    plan = Plan(data=("smoke",), only=("random", "SASRec"), max_users=0)
    kept = []
    for name, version in ("first", "0.17"), ("again", "0.17"), ("other", "0.18"):
        interpreter(tmp_path, monkeypatch, STAND_IN, version=version)
        folder = run(plan, name=name, datasets=smoke_data(), runs=tmp_path / "runs", cache=tmp_path / "cache")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["versions"]["RecTools (SASRec)"] == version
        kept.append((manifest["took"]["rows run"], manifest["took"]["rows kept before"]))
    assert kept == [(2, 0), (0, 2), (1, 1)]


def test_an_interpreter_without_rectools_has_no_versions(tmp_path, monkeypatch):
    for name in ("/bin/false", str(tmp_path / "nowhere")):
        monkeypatch.setenv(INTERPRETER, name)
        assert interpreter_versions() == {}


def test_a_breakdown_is_told_in_its_own_words(asked, tmp_path, monkeypatch):
    question, exam = asked
    interpreter(tmp_path, monkeypatch, "raise SystemExit('no memory left')")
    outcome = run_row(question, exam, background(question), SasRecRow())
    assert outcome.status == "failed" and "no memory left" in outcome.note


def test_no_end_is_an_end_too(asked, tmp_path, monkeypatch):
    question, exam = asked
    monkeypatch.setattr("eval.rankers.sequence._SPARE_S", 0.1)  # and four times 0.2 s
    interpreter(tmp_path, monkeypatch, "import time; time.sleep(30)")
    outcome = run_row(question, exam, background(question), replace(SasRecRow(), cap_s=0.2))
    assert outcome.status == "failed" and "expected an end within" in outcome.note


def test_a_wrong_interpreter_and_one_without_rectools(asked, tmp_path, monkeypatch):
    question, exam = asked
    monkeypatch.setenv(INTERPRETER, str(tmp_path / "nowhere"))
    assert "expected an interpreter" in run_row(question, exam, background(question), SasRecRow()).note
    monkeypatch.setenv(INTERPRETER, "/bin/false")
    with pytest.raises(MissingExtraError, match="RecTools"):
        SasRecRow().fit(question)


def test_the_worker_leaves_the_standard_library_alone(tmp_path):
    """Its folder holds a module `statistics`; what it imports must get Python's own."""
    (tmp_path / "rectools").mkdir()
    (tmp_path / "rectools" / "__init__.py").write_text("", encoding="utf-8")
    body = "import statistics\nraise SystemExit(f'mean of 1 and 3 is {statistics.mean([1, 3])}')\n"
    (tmp_path / "rectools" / "dataset.py").write_text(body, encoding="utf-8")
    (tmp_path / "pandas.py").write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(WORKER), "none.npz", "none.npz"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "mean of 1 and 3 is 2" in done.stderr


def test_the_worker_reads_arrays_and_writes_arrays(tmp_path):
    """With the real RecTools, where `$DRIFTREC_RECTOOLS_PYTHON` names an interpreter that has it."""
    python = os.environ.get(INTERPRETER)
    if not python:
        pytest.skip(f"${INTERPRETER} names no interpreter with RecTools")
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(40), 12)
    settings = {"cap_s": 5.0, "max_epochs": 1, "n_known": 30, "filter_viewed": False}
    np.savez(
        tmp_path / "given.npz",
        user=user,
        item=rng.integers(0, 30, len(user)),
        timestamp_ms=1_500_000_000_000 + 60_000 * np.arange(len(user)),
        asked=np.array([3, 7, 11]),
        settings=np.array(json.dumps(settings)),
    )
    subprocess.run(
        [python, str(WORKER), str(tmp_path / "given.npz"), str(tmp_path / "found.npz")], check=True
    )
    with np.load(Path(tmp_path / "found.npz"), allow_pickle=False) as found:
        assert set(found["place"].tolist()) == {0, 1, 2}
        assert found["rank"].min() == 1 and json.loads(str(found["report"]))["epochs"] == 1
