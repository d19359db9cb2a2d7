"""The whole product as a row: it is given files that end at T, and answers for the users it was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from eval.data.canary import CANARY_ID
from eval.data.splits import make_split, segments
from eval.measures.beyond import background
from eval.rankers.product import ProductRow, ask_some, past_workspace, product_rows
from eval.report.page import render_report
from eval.runs.added import added_markdown, costs, gains
from eval.runs.protocol import run_row
from eval.runs.run import run
from eval.runs.smoke import SMOKE_PLAN, smoke_data
from eval.runs.summary import PLAIN_PRODUCT
from eval.runs.tables import load_summary, to_markdown


@pytest.fixture
def question(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_split(smoke_data()["smoke"], max_users=0)[0]


def test_the_product_sees_files_that_end_at_t(question):
    asked, _ = question
    place = past_workspace(asked)
    events = pl.read_parquet(place.raw_dir / "interactions.parquet")
    assert len(events) == len(asked.train)
    assert events["timestamp"].max() < asked.cut_ms
    assert CANARY_ID not in pl.read_parquet(place.raw_dir / "items.parquet")["item_id"].to_list()


def test_only_the_users_who_are_asked_have_a_value(question):
    asked, exam = question
    row = ProductRow("whole product, no LLM", options=(("rerank", False),), max_users=5)
    outcome = run_row(asked, exam, background(asked), row)
    assert outcome.status == "ran", outcome.note
    values = outcome.values["NDCG@10"]
    assert (~np.isnan(values)).sum() == 5
    assert np.nanmean(values) > 0.1
    assert outcome.figures["p95 ms"] > 0 and sum(n for *_, n in outcome.reliability) <= 50


def test_the_cold_are_asked_too_but_are_not_in_the_mean(question):
    asked, _ = question
    warm = segments(asked)["warm"]
    chosen = ask_some(asked, 8)
    n_cold = min(2, int((~warm).sum()))
    assert ((chosen & warm).sum(), (chosen & ~warm).sum()) == (8, n_cold)
    more = ask_some(asked, 12)
    assert (chosen & warm <= more).all()  # more users are the same and others


def test_what_a_row_adds_is_told_by_group_with_what_a_list_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("random", PLAIN_PRODUCT, "whole product, static profile")
    plan = replace(SMOKE_PLAN, tasks=("new",), only=names, product=True, product_users=20, n_windows=1)
    folder = run(plan, name="added", datasets=smoke_data(), runs=tmp_path, cache=tmp_path / "cache")
    summary = load_summary(folder)
    (table,) = summary["tables"]
    told = gains(table)
    assert {row[0] for row in told} == {names[2]} and told[0][1:3] == [
        "everybody with five items or more",
        "20",
    ]
    assert {"light", "heavy"} <= {row[1] for row in told}
    taken = costs(table)
    assert [row[0] for row in taken] == list(names[1:])
    assert all(float(row[1].split()[0]) > 0 and row[2] == "0 (0–0)" for row in taken)
    for text in (to_markdown(summary), render_report(summary, name="added")):
        assert "difference in NDCG@10 (95 %)" in text and "seconds a list (95 %)" in text
    (plain,) = (row for row in table["rows"] if row["name"] == PLAIN_PRODUCT)
    assert plain["note"].startswith("20 users of five items or more")


def test_a_run_without_the_product_tells_nothing_of_it():
    table = {"within_product": [], "rows": []}
    assert (gains(table), costs(table), added_markdown(table)) == ([], [], "")


def test_rows_with_a_model_are_there_when_one_is_named():
    assert not any("LLM likelihood" in row.name for row in product_rows("none", max_users=5))
    names = [row.name for row in product_rows("smollm2-135m", max_users=5)]
    assert {"whole product, LLM likelihood", "whole product, LLM scores"} <= set(names)
