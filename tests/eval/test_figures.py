from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.figures import find_problems, measured_on, publish

README = Path(__file__).resolve().parents[2] / "README.md"


def test_this_readme_shows_what_was_measured_on_this_version():
    assert list(find_problems(README)) == []


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- speed -->\nold\n<!-- /speed -->\nafter\n", encoding="utf-8")
    return path


def test_the_readme_gets_the_table_and_keeps_the_rest(readme):
    for _ in range(2):
        publish(readme, "speed", "| 1 |\n", command="make speed")
    text = readme.read_text(encoding="utf-8")
    assert text == "before\n<!-- speed -->\n| 1 |\n<!-- /speed -->\nafter\n"
    assert list(find_problems(readme)) == []


def test_a_table_edited_by_hand_is_named_with_the_remedy(readme):
    publish(readme, "speed", "| 9 s |", command="make speed")
    readme.write_text(readme.read_text(encoding="utf-8").replace("9 s", "1 s"), encoding="utf-8")
    (problem,) = find_problems(readme)
    assert "'speed'" in problem and "make speed" in problem


def test_figures_of_another_version_are_stale(readme):
    publish(readme, "speed", "| 9 s |", command="make speed")
    path = readme.parent / ".github" / "figures.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["speed"]["version"] = "0.0.1"
    path.write_text(json.dumps(record), encoding="utf-8")
    (problem,) = find_problems(readme)
    assert "0.0.1" in problem


def test_each_table_tells_its_revision(readme):
    publish(readme, "speed", "| 9 s |", command="make speed")
    path = readme.parent / ".github" / "figures.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["speed"]["revision"] = "abc123+"
    path.write_text(json.dumps(record), encoding="utf-8")
    (line,) = measured_on(readme)
    assert line.startswith("speed: revision abc123 with changes not committed") and "make speed" in line


def test_a_file_without_marks_is_refused_and_stays_as_it_is(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(ValueError, match="speed"):
        publish(path, "speed", "| 1 |", command="make speed")
    assert path.read_text(encoding="utf-8") == "nothing here\n"
