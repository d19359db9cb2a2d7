"""The whole product as a row: it is given files that end at T, and answers for the users it was asked for."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from eval.beyond import background
from eval.canary import CANARY_ID
from eval.product import ProductRow, past_workspace, product_rows
from eval.protocol import run_row
from eval.smoke import smoke_data
from eval.splits import make_split


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


def test_rows_with_a_model_are_there_when_one_is_named():
    assert not any("LLM likelihood" in row.name for row in product_rows("none", max_users=5))
    names = [row.name for row in product_rows("smollm2-135m", max_users=5)]
    assert {"whole product, LLM likelihood", "whole product, LLM scores"} <= set(names)
