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

TALK_MAY_IMPORT = {
    "sentences": {"sentences"},
    "talk": {"sentences", "talk"},
    "reading": {"sentences", "talk", "reading"},
    "telling": {"sentences", "talk", "telling"},
    "pictures": {"pictures"},
}

SHARED = {"errors", "rows", "figures", "manifest"}
EVAL_MAY_IMPORT = {
    "data": {"data"},
    "measures": {"data", "measures"},
    "rankers": {"data", "measures", "rankers"},
    "runs": {"data", "measures", "rankers", "runs"},
    "report": {"data", "measures", "rankers", "runs", "report"},
    "audits": {"data", "measures", "rankers", "audits"},
    "bench": {"data", "measures", "rankers", "runs", "bench"},
    "migration": {"data", "measures", "migration"},
    "chat": {"data", "measures", "chat"},
}


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names if node.module in ("agent", "eval")}
            assert not node.level, f"{path.name}: relative imports hide what is imported"
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


def imported_modules(path: Path, modules: dict[str, Path]) -> set[str]:
    """Modules of ours that a module imports, inside functions and for types alone too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = {f"{node.module}.{name.name}" for node in parts for name in node.names}
    return (found | imports_of(path)) & set(modules)


def test_no_two_modules_need_each_other():
    """Not even for types, or inside functions: what is needed by both belongs into a third."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for room in ("agent", "eval")
        for path in (ROOT / room).rglob("*.py")
    }
    waiting = {name: imported_modules(path, modules) - {name} for name, path in modules.items()}
    # A package that only gathers names is no module that others need.
    gathers = {name for name, path in modules.items() if path.name == "__init__.py"}
    waiting = {name: needed - gathers for name, needed in waiting.items() if name not in gathers}
    while free := {name for name, needed in waiting.items() if not needed}:
        waiting = {name: needed - free for name, needed in waiting.items() if name not in free}
    assert not waiting, f"these need each other, or what does: {sorted(waiting)}"


@pytest.mark.parametrize("part", sorted(EVAL_MAY_IMPORT))
def test_the_harness_imports_in_one_direction(part):
    files = sorted((ROOT / "eval" / part).rglob("*.py"))
    assert files
    for path in files:
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] == "eval" and len(parts) > 1:
                assert parts[1] in EVAL_MAY_IMPORT[part] | SHARED, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("module", sorted(SHARED))
def test_what_the_parts_share_needs_none_of_them(module):
    names = {name for name in imports_of(ROOT / "eval" / f"{module}.py") if name.startswith("eval.")}
    assert {name.split(".")[1] for name in names} <= SHARED


def test_every_part_of_the_harness_has_its_place():
    assert {path.parent.name for path in (ROOT / "eval").glob("*/__init__.py")} == set(EVAL_MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(TALK_MAY_IMPORT))
def test_a_talk_is_read_before_it_is_told_and_neither_needs_the_other(part):
    files = sorted((ROOT / "agent/dialogue" / part).glob("*.py"))
    assert len(files) > 1
    for path in files:
        for name in imports_of(path):
            parts = name.split(".")
            if parts[:2] == ["agent", "dialogue"] and len(parts) > 2:
                assert parts[2] in TALK_MAY_IMPORT[part], f"{path.relative_to(ROOT)} imports {name}"


def test_every_part_of_the_talk_has_its_place():
    folders = {path.parent.name for path in (ROOT / "agent/dialogue").glob("*/__init__.py")}
    assert folders == set(TALK_MAY_IMPORT)
