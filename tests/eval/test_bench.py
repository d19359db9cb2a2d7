from __future__ import annotations

from eval.bench.run import Row, to_markdown


def test_rows_become_a_table_that_names_misses():
    rows = [Row("speed", "9 s", "≤ 6 s", False), Row("  memory", "1 MB", "≤ 2 MB", True), Row("other", "3")]
    lines = to_markdown(rows).splitlines()
    assert lines[2:] == [
        "| speed | 9 s | ≤ 6 s | **missed** |",
        "| memory | 1 MB | ≤ 2 MB | met |",
        "| other | 3 |  |  |",
    ]
