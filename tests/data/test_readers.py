"""Reading files: line numbers, rows that cannot be read, files that are not what they say."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.data.chunks import Chunk, line_column
from agent.data.readers import open_source
from agent.errors import InputFileError, SettingsError


def read(
    path: Path, columns: list[str] | None = None, *, rows: int = 1000, encoding: str = "utf-8"
) -> list[Chunk]:
    with open_source(path, encoding=encoding) as source:
        return list(source.chunks(columns or source.columns, rows=rows))


def lines_of(chunks: list[Chunk]) -> list[int]:
    return [line for chunk in chunks for line in chunk.frame["#line"].to_list()]


def rejected(chunks: list[Chunk]) -> list[tuple[int, str]]:
    return [(entry.line, entry.reason) for chunk in chunks for entry in chunk.rejects]


def test_ids_with_leading_zeros_stay_text(as_file) -> None:
    (chunk,) = read(as_file("item_id,n\n0002844,1\n", "a.csv"))
    assert chunk.frame["item_id"].to_list() == ["0002844"]


def test_lines_count_what_an_editor_shows(as_file) -> None:
    text = 'id,title\n1,plain\n2,"two\nlines"\n\n3,"a ""quoted"" word"\n4,"x\r\ny\r\nz"\n5,last'
    chunks = read(as_file(text, "a.csv"))
    assert lines_of(chunks) == [2, 3, 6, 7, 10]
    assert chunks[0].frame["title"].to_list() == [
        "plain",
        "two\nlines",
        'a "quoted" word',
        "x\r\ny\r\nz",
        "last",
    ]


def test_rows_with_too_few_or_many_fields_are_put_aside(as_file) -> None:
    chunks = read(as_file("a,b\n1\n2,x\n3,y,z\n", "a.csv"))
    assert lines_of(chunks) == [3]
    assert rejected(chunks) == [(2, "the row has too few fields"), (4, "the row has too many fields")]
    assert chunks[0].rejects[1].value == "3,y,z"
    assert chunks[0].n_rows == 3


def test_a_stray_quote_costs_one_line(as_file) -> None:
    rows = "".join(f"{number},t{number}\n" for number in range(3, 4000))
    chunks = read(as_file(f'a,b\n1,ok\n2,"never closed\n{rows}', "a.csv"), rows=500)
    assert rejected(chunks) == [(3, "the line is not valid CSV")]
    assert lines_of(chunks) == [2, *range(4, 4001)]


def test_stray_quotes_in_a_row_cost_a_line_each(as_file) -> None:
    chunks = read(as_file('a,b\n"1,x\n"2,y\n3,z\n', "a.csv"))
    assert [line for line, _ in rejected(chunks)] == [2, 3]
    assert lines_of(chunks) == [4]


def test_an_endless_field_costs_one_line(as_file) -> None:
    filler = "x" * 1000
    rows = "".join(f"{number},{filler}\n" for number in range(300))
    chunks = read(as_file(f'a,b\n0,"open\n{rows}', "a.csv"))
    assert [line for line, _ in rejected(chunks)] == [2]
    assert len(lines_of(chunks)) == 300


def test_chunks_have_the_size_asked_for(as_file) -> None:
    text = "a,b\n" + "".join("bad\n" if n % 3 == 0 else f"{n},x\n" for n in range(25))
    chunks = read(as_file(text, "a.csv"), rows=10)
    assert [chunk.n_rows for chunk in chunks] == [10, 10, 5]
    assert sorted([*lines_of(chunks), *(line for line, _ in rejected(chunks))]) == list(range(2, 27))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_broken_bytes_cost_their_row(as_file, name: str) -> None:
    rows = [b"1,good", b"2,caf\xe9", "3,咖啡".encode()]
    if name == "a.csv":
        content = b"a,b\n" + b"\n".join(rows) + b"\n"
        first = 2
    else:
        pairs = [row.split(b",") for row in rows]
        content = b"\n".join(b'{"a": "' + a + b'", "b": "' + b + b'"}' for a, b in pairs)
        first = 1
    (chunk,) = read(as_file(content, name))
    assert chunk.frame["b"].to_list() == ["good", "咖啡"]
    (entry,) = chunk.rejects
    assert (entry.line, entry.column) == (first + 1, "b")
    assert entry.value.startswith("caf")
    entry.value.encode("utf-8")
    assert "encoding" in entry.reason
    assert "cp1252" in entry.remedy


def test_broken_bytes_in_a_column_that_nobody_reads_do_no_harm(as_file) -> None:
    (chunk,) = read(as_file(b"a,b\n1,caf\xe9\n", "a.csv"), ["a"])
    assert chunk.frame["a"].to_list() == ["1"]
    assert chunk.rejects == ()


def test_other_encodings_are_read_when_declared(as_file) -> None:
    path = as_file("id,title\n1,儿童绘本\n".encode("gb18030"), "a.csv")
    assert read(path, encoding="gb18030")[0].frame["title"].to_list() == ["儿童绘本"]
    path = as_file("id,title\n1,儿童绘本\n".encode("utf-16"), "b.csv")
    assert read(path, encoding="utf-16")[0].frame["title"].to_list() == ["儿童绘本"]


def test_utf16_is_recognised(as_file) -> None:
    with pytest.raises(InputFileError, match="set encoding = 'utf-16'"):
        read(as_file("id,title\n1,x\n".encode("utf-16"), "a.csv"))


def test_a_truncated_utf16_file_is_an_error(as_file) -> None:
    with pytest.raises(InputFileError, match="set encoding"):
        read(as_file("id,title\n1,x\n".encode("utf-16")[:-1], "a.csv"), encoding="utf-16")


def test_an_unknown_encoding_is_named(as_file) -> None:
    with pytest.raises(SettingsError, match="klingon"):
        read(as_file("a\n1\n", "a.csv"), encoding="klingon")


@pytest.mark.parametrize(("name", "text"), [("a.csv", "a,b\n1,2\n"), ("a.jsonl", '{"a": "1", "b": "2"}\n')])
def test_a_byte_order_mark_is_no_part_of_the_text(as_file, name: str, text: str) -> None:
    (chunk,) = read(as_file(b"\xef\xbb\xbf" + text.encode(), name))
    assert chunk.frame.columns == ["a", "b", "#line"]


def test_nul_bytes_are_read(as_file) -> None:
    (chunk,) = read(as_file(b"a,b\n1,x\x00y\n", "a.csv"))
    assert chunk.frame["b"].to_list() == ["x\x00y"]


def test_a_header_alone_is_no_row(as_file) -> None:
    assert read(as_file("a,b\n", "a.csv")) == []


def test_a_column_may_have_the_name_of_the_line_number(as_file) -> None:
    (chunk,) = read(as_file("#line,b\n7,x\n", "a.csv"))
    assert chunk.frame["#line"].to_list() == ["7"]
    assert chunk.frame[line_column(["#line", "b"])].to_list() == [2]


def test_jsonl_lines_that_are_no_object_are_put_aside(as_file) -> None:
    text = '{"a": 1}\n[1, 2]\n\n{"a": \nnull\n"text"\n{"a": 2, "b": 3}\n'
    chunks = read(as_file(text, "a.jsonl"))
    assert lines_of(chunks) == [1, 7]
    assert rejected(chunks) == [
        (2, "the line is no JSON object"),
        (4, "the line is not valid JSON"),
        (5, "the line is no JSON object"),
        (6, "the line is no JSON object"),
    ]
    assert chunks[0].frame["b"].to_list() == [None, "3"]


def test_jsonl_values_become_the_text_they_would_have_in_csv(as_file) -> None:
    values = {
        "int": 12,
        "big": 2**80,
        "whole": 3.0,
        "real": 3.25,
        "true": True,
        "null": None,
        "nan": float("nan"),
        "list": ["a", "儿童"],
        "object": {"x": 1},
    }
    (chunk,) = read(as_file(json.dumps(values), "a.jsonl"))
    assert chunk.frame.drop("#line").to_dicts() == [
        {
            "int": "12",
            "big": str(2**80),
            "whole": "3",
            "real": "3.25",
            "true": "true",
            "null": None,
            "nan": None,
            "list": '["a", "儿童"]',
            "object": '{"x": 1}',
        }
    ]


def test_a_lone_surrogate_in_json_is_put_aside(as_file) -> None:
    (chunk,) = read(as_file('{"a": "x"}\n{"a": "\\ud800"}\n', "a.jsonl"))
    assert chunk.frame["a"].to_list() == ["x"]
    assert [entry.line for entry in chunk.rejects] == [2]


def test_hostile_json_is_put_aside(as_file) -> None:
    text = '{"a": 1}\n' + "[" * 100_000 + "\n" + '{"a": ' + "9" * 5000 + "}\n"
    assert [line for line, _ in rejected(read(as_file(text, "a.jsonl")))] == [2, 3]


def parquet(tmp_path: Path, frame: pl.DataFrame, name: str = "a.parquet") -> Path:
    path = tmp_path / name
    frame.write_parquet(path)
    return path


def test_parquet_keeps_types_and_counts_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"id": [1, 2, 3], "t": [datetime(2020, 1, 1, tzinfo=UTC)] * 3, "x": [1.5, None, 2.0]}
    )
    path = parquet(tmp_path, frame)
    with open_source(path) as source:
        assert source.total_rows == 3
        chunks = list(source.chunks(["id", "t", "x"], rows=2))
    assert [chunk.n_rows for chunk in chunks] == [2, 1]
    assert lines_of(chunks) == [1, 2, 3]
    assert pl.concat([chunk.frame.drop("#line") for chunk in chunks]).equals(frame)


def test_parquet_columns_that_are_not_plain_become_text(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "list": [["a", "b"], None],
            "struct": [{"x": 1, "d": date(2020, 1, 2)}, {"x": 2, "d": None}],
            "kind": pl.Series(["u", "v"], dtype=pl.Categorical),
            "bytes": ["牛奶".encode(), None],
        }
    )
    (chunk,) = read(parquet(tmp_path, frame))
    assert chunk.frame["list"].to_list() == ['["a", "b"]', None]
    assert json.loads(chunk.frame["struct"][0]) == {"x": 1, "d": "2020-01-02"}
    assert chunk.frame["kind"].to_list() == ["u", "v"]
    assert chunk.frame["bytes"].to_list() == ["牛奶", None]


def test_parquet_bytes_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": [b"ok", b"caf\xe9", None]})
    chunks = read(parquet(tmp_path, frame), rows=2)
    assert lines_of(chunks) == [1, 3]
    assert [(entry.line, entry.column, entry.value) for entry in chunks[0].rejects] == [(2, "b", "caf\\xe9")]


def test_a_parquet_name_with_wildcards_is_one_file(tmp_path: Path) -> None:
    parquet(tmp_path, pl.DataFrame({"a": [1]}), "x1.parquet")
    path = parquet(tmp_path, pl.DataFrame({"a": [2]}), "x[1].parquet")
    assert read(path)[0].frame["a"].to_list() == [2]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\xef\xbb\xbf\n\n", "empty"),
        ("a.jsonl", b"  \n", "empty"),
        ("a.parquet", b"", "empty"),
        ("a.csv.gz", gzip.compress(b""), "empty"),
        ("a.csv.gz", b"", "empty"),
        ("a.txt", b"a,b\n", ".csv, .jsonl or .parquet"),
        ("a", b"a,b\n", ".csv, .jsonl or .parquet"),
        ("a.csv", gzip.compress(b"a,b\n1,2\n"), "got gzip"),
        ("a.csv.gz", b"a,b\n1,2\n", "expected gzip"),
        ("a.csv", b"PAR1....", "rename it to .parquet"),
        ("a.csv", b"PK\x03\x04....", "ZIP"),
        ("a.csv", b'{"a": 1}\n', "JSON"),
        ("a.csv", b"a;b\n1;2\n", "commas"),
        ("a.csv", b"a\tb\n1\t2\n", "commas"),
        ("a.csv", b"a,b,a\n1,2,3\n", "once"),
        ("a.csv", b'"a,b\n1,2\n', "header"),
        ("a.csv", b"\xff\xe9a,b\n1,2\n", "encoding"),
        ("a.parquet", b"a,b\n1,2\n", "expected Parquet"),
        ("a.parquet", b"PAR1 and then nothing of the kind", "cannot be read"),
        ("a.jsonl", b'[{"a": 1}]', "array"),
        ("a.jsonl", b"a,b\n1,2\n", "JSON object per line"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 9)[:-12], "truncated"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_an_error(as_file, name: str, content: bytes, words: str) -> None:
    path = as_file(content, name)
    with pytest.raises(InputFileError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="check the path"):
        read(tmp_path / "none.csv")


def test_a_gzip_file_cut_in_the_middle_gives_what_it_has_and_then_an_error(as_file) -> None:
    text = "a,b\n" + "".join(f"{n},{n * 7919 % 104729}\n" for n in range(60_000))
    whole = gzip.compress(text.encode())
    path = as_file(whole[: len(whole) * 3 // 4], "a.csv.gz")
    got = []
    with open_source(path) as source, pytest.raises(InputFileError, match="truncated"):
        for chunk in source.chunks(["a", "b"], rows=1000):
            got.append(chunk.n_rows)
    assert sum(got) > 10_000


nasty = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12) | st.sampled_from(
    ['"', '""', "a,b", "line\nbreak", "儿童绘本", "\u2028", "é", " x ", "'", "\\", "\t", "😀"]
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(nasty, nasty), min_size=1, max_size=8), st.integers(1, 4), st.booleans())
def test_what_csv_writes_is_read_back(
    tmp_path: Path, rows: list[tuple[str, str]], size: int, packed: bool
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "one", "two"])
    lines = []
    for number, row in enumerate(rows):
        lines.append(buffer.getvalue().count("\n") + 1)
        writer.writerow([number, *row])
    data = buffer.getvalue().encode("utf-8")
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    chunks = read(path, rows=size)
    assert rejected(chunks) == []
    got = [row for chunk in chunks for row in chunk.frame.select("one", "two").rows()]
    assert got == rows
    assert lines_of(chunks) == lines


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + data)
    chunks = read(path, rows=3)
    lines = sorted([*lines_of(chunks), *(line for line, _ in rejected(chunks))])
    assert lines == sorted(set(lines))
    for chunk in chunks:
        chunk.frame.write_json()
        for entry in chunk.rejects:
            entry.value.encode("utf-8")
