"""Data moves left to right once: an import against the order of the rooms fails here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VOCABULARY = {"schema", "errors", "moments", "settings", "fetch"}
MAY_IMPORT = {
    "data": VOCABULARY | {"data"},
    "llm": VOCABULARY | {"llm"},
    "interests": VOCABULARY | {"data", "llm", "interests"},
    "ranking": VOCABULARY | {"data", "llm", "interests", "ranking"},
    "dialogue": VOCABULARY | {"data", "llm", "interests", "ranking", "dialogue"},
}


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names if node.module == "agent"}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_rooms_import_only_leftward(room):
    files = sorted((ROOT / "agent" / room).rglob("*.py"))
    assert files
    for path in files:
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "agent" and len(parts) > 1:
                assert parts[1] in MAY_IMPORT[room], f"{path.relative_to(ROOT)} imports {name}"
            assert parts[0] != "eval", f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("module", sorted(VOCABULARY))
def test_the_vocabulary_stands_alone(module):
    place = ROOT / "agent" / module
    files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    names = {name for path in files for name in imports_of(path)}
    ours = {name.split(".")[1] for name in names if name.startswith("agent.")}
    assert ours <= VOCABULARY, ours


def test_nothing_of_the_package_imports_eval():
    for path in (ROOT / "agent").rglob("*.py"):
        assert not any(name.split(".")[0] == "eval" for name in imports_of(path)), path
