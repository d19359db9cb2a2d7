from __future__ import annotations

import pytest

from eval.bench import Row, fill_readme


def test_the_readme_gets_the_table_and_keeps_the_rest(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", encoding="utf-8")
    rows = [Row("speed", "9 s", "≤ 6 s", False), Row("  memory", "1 MB", "≤ 2 MB", True), Row("other", "3")]
    for _ in range(2):
        fill_readme(path, rows)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("-->\nafter\n") and "old" not in text
    assert "| speed | 9 s | ≤ 6 s | **missed** |" in text and text.count("| memory |") == 1


def test_a_file_without_marks_is_refused(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(ValueError, match="bench"):
        fill_readme(path, [])
    assert path.read_text(encoding="utf-8") == "nothing here\n"
