"""With the network cut, everything local works: names, summary, story, rerank and chat by a real model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.model

CUT = ("unshare", "--map-root-user", "--net")
SCRIPT = Path(__file__).with_name("cut_off.py")


def _can_cut():
    """Whether this machine lets us make a network namespace; else the fence in the script must do alone."""
    if shutil.which(CUT[0]) is None:
        return False
    return subprocess.run([*CUT, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def done(smollm_path, en_files, tmp_path_factory):
    """What the script printed, and whether the whole process had no network."""
    cut = _can_cut()
    command = [*(CUT if cut else ()), sys.executable, str(SCRIPT)]
    command += [str(tmp_path_factory.mktemp("cut") / "shop"), *map(str, en_files), "c01"]
    run = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1]), cut


def test_nothing_even_tries_to_leave_the_machine(done):
    found, cut = done
    assert found["refused"] == []
    assert not cut or found["interfaces"] == [], "the namespace has no way out"


def test_the_model_words_reranks_and_talks(done):
    found, _ = done
    assert {"facet_label", "summary", "story", "rerank", "chat_short"} <= set(found["stages_asked"])
    assert found["failed"] == []
    assert "model" in found["facet_models"], "the smallest model names at least one facet"
    status, detail = found["stages"]["rerank"]
    assert status == "ran" and detail.startswith("likelihood") and "smollm2-135m" in detail
    assert {status for status, _ in found["stages"].values()} == {"ran"}


def test_people_get_their_list_their_story_and_their_answer(done):
    found, _ = done
    assert len(found["titles"]) == 5
    story, worded_by, rejected = found["story"]
    assert "Hiking" in story and "%" in story
    assert worded_by == "model" or len(rejected) == 2, "told twice in vain before the facts speak"
    assert "Hiking" in found["answer"][0]
