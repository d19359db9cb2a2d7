"""What a run rests on: enough to do it again, and to know when it would come out differently."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agent.llm.prompts import describe, list_prompts

ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("driftrec", "numpy", "scipy", "scikit-learn", "implicit", "sentence-transformers", "RecTools")
# Files that decide what the figures of any row are; a change anywhere else leaves kept rows valid.
_SHARED = (
    "agent/interests/frame.py",
    "agent/interests/migration.py",
    "agent/interests/permutation.py",
    "agent/interests/sessions.py",
    "agent/ranking/history.py",
    "agent/ranking/source.py",
    "agent/ranking/windows.py",
    "eval/beyond.py",
    "eval/calibration.py",
    "eval/canary.py",
    "eval/datasets.py",
    "eval/metrics.py",
    "eval/protocol.py",
    "eval/recommenders.py",
    "eval/sealed.py",
    "eval/splits.py",
    "eval/tuning.py",
)
_SOURCES = ("als", "ease", "neighbours", "popular", "repeat")
_BASELINES = (
    *(f"agent/ranking/{name}.py" for name in _SOURCES),
    "eval/baselines.py",
    "eval/classic.py",
)
# Takes minutes where the others take seconds, and rests on none of their sources.
_SASREC = ("eval/sequence.py", "eval/sequence_worker.py")
_OURS = (
    *(f"agent/ranking/{name}.py" for name in _SOURCES),
    *(f"agent/ranking/{name}.py" for name in ("confidence", "facet_vectors", "fusion", "ranker", "training")),
    "eval/ours.py",
)
# A row of the whole product rests on all of it.
_PRODUCT = ("agent/**/*.py", "prompts/*.jinja", "eval/product.py")
_BY_GROUP = {"baseline": _BASELINES, "SASRec": _SASREC, "product": _PRODUCT}


def code_digest(group: str = "") -> str:
    """16 hex digits of the source that decides the figures of a group's rows.

    Args:
        group: of rows, as in `Recommender.group`, or `SASRec`; empty for all but the product's.
    """
    content = hashlib.sha256()
    rest = (*_BASELINES, *_SASREC, *_OURS) if not group else _BY_GROUP.get(group, _OURS)
    for pattern in (*_SHARED, *rest):
        for path in sorted(ROOT.glob(pattern)):
            content.update(path.relative_to(ROOT).as_posix().encode())
            content.update(path.read_bytes())
    return content.hexdigest()[:16]


def make_manifest(settings: dict[str, Any], *, model: str) -> dict[str, Any]:
    """The manifest of a run that starts now."""
    return {
        "started": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "command": "python -m eval " + " ".join(sys.argv[1:]),
        "revision": git_revision(),
        "code": code_digest(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "model": model,
        "prompts": {name: describe(name).hash for name in list_prompts()},
        "settings": settings,
        "data": {},
    }


def git_revision() -> str:
    """The commit that is checked out, with a + when files differ from it; `unknown` outside a checkout."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
