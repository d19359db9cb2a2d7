"""What a run rests on: enough to do it again, and to know when it would come out differently."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agent.llm.prompts import describe, list_prompts

ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("driftrec", "numpy", "scipy", "scikit-learn", "implicit", "sentence-transformers", "RecTools")
# Numbers come out of these; a key of a kept row holds their versions.
_NUMERIC = ("numpy", "scipy", "scikit-learn", "implicit")
_PRODUCT_PACKAGES = ("sentence-transformers", "llama-cpp-python", "chromadb", "polars")
# What decides a group's figures is what these import, near and far. The loader of the data is in it alone,
# without the product that it starts: what it loads is in the digests of the data set.
_LEAVES = ("eval/data/datasets.py",)
_SHARED = ("eval/runs/protocol.py",)
_ROOTS: dict[str, tuple[str, ...]] = {
    "baseline": ("eval/rankers/baselines.py", "eval/rankers/classic.py"),
    # Takes minutes where the others take seconds, and rests on none of their sources.
    "SASRec": ("eval/rankers/sequence.py", "eval/rankers/sequence_worker.py"),
    "ours": ("eval/rankers/ours.py",),
    "product": ("eval/rankers/product.py",),
}
# A row of the whole product rests on all of it, what it finds by name included.
_PRODUCT = ("agent/**/*.py", "prompts/*.jinja")


def code_digest(group: str = "") -> str:
    """16 hex digits of the source and the packages that decide the figures of a group's rows.

    Args:
        group: of rows, as in `Recommender.group`, or `SASRec`; empty for all but the product's.
    """
    groups = [name for name in _ROOTS if name != "product"] if not group else [group]
    roots = [root for name in groups for root in _ROOTS.get(name, _ROOTS["ours"])]
    files = closure([*_SHARED, *roots])
    packages: tuple[str, ...] = _NUMERIC
    if group == "product":
        files |= {path for pattern in _PRODUCT for path in ROOT.glob(pattern)}
        packages += _PRODUCT_PACKAGES
    content = hashlib.sha256(".".join(platform.python_version_tuple()[:2]).encode())
    content.update("\0".join(f"{name} {_version(name)}" for name in packages).encode())
    for path in sorted(files):
        content.update(path.relative_to(ROOT).as_posix().encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def closure(roots: Iterable[str]) -> set[Path]:
    """The files of `roots` and of every module of ours that they import, near or far, inside functions too.

    What is imported for annotations alone is left out.
    """
    found: set[Path] = set()
    todo = [ROOT / root for root in roots]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            if path.relative_to(ROOT).as_posix() not in _LEAVES:
                todo += _imported(path)
    return found


def _imported(path: Path) -> list[Path]:
    names: list[str] = []
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            folder = list(path.relative_to(ROOT).parent.parts)
            start = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
        todo += ast.iter_child_nodes(node)
    places = [ROOT.joinpath(*name.split(".")) for name in names if name]
    files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return [file for file in files if file.is_file()]


def make_manifest(settings: dict[str, Any], *, model: str) -> dict[str, Any]:
    """The manifest of a run that starts now."""
    return {
        "started": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "command": "python -m eval " + shlex.join(sys.argv[1:]),
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
