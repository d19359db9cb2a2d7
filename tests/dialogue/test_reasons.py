from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.data.log import DAY_MS, Catalogue
from agent.dialogue.reasons import ReasonContext, explain_item
from agent.interests.frame import form_frame
from agent.schema import Facet, FacetChange, Season
from agent.settings import InterestSettings
from tests.columns import columns_of_log

# Two cheeses, a bread, something far away and something without text.
TITLES = ("Goat cheese, 150 g", "Brie, 200 g", "Rye bread", "Garden hose", "Mystery")
DAYS = (17_500, 17_510, 17_520)


@pytest.fixture(scope="module")
def catalogue():
    vectors = np.array([[1, 0.1, 0], [0.98, 0.2, 0], [0.1, 1, 0], [0, 0, 1]], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Catalogue(
        item_ids=("goat", "brie", "rye", "hose", "mystery"),
        titles=TITLES,
        descriptions=("",) * 5,
        categories=(("Cheese",), ("Cheese",), ("Bread",), ("Garden",), ()),
        domains=("shop",) * 5,
        texts=TITLES,
        text_row=np.array([0, 1, 2, 3, -1], np.int32),
        vectors=vectors,
    )


@pytest.fixture(scope="module")
def log():
    """Goat cheese on two days, rye bread on the third."""
    days_ms = np.array(DAYS, np.int64) * DAY_MS
    ids = np.array([11, 12, 13], np.int64)
    return columns_of_log([0, 0, 0], [0, 0, 2], days_ms, interaction_id=ids, user_ids=("ann",), n_items=5)


def context_of(log, catalogue, *, language="en", kind="rising", taken_by_others=5):
    frame = form_frame(log, catalogue, InterestSettings())
    key = frame.keys[int(frame.facet_of(np.array([0], np.int32))[0])]
    when = datetime(2017, 12, 1, tzinfo=UTC)
    facet = Facet(key, "Cheese", "", 0.6, 2, when, when, (), ())
    change = FacetChange(key, "Cheese", kind, 0.1, 0.6, 4.0, 0.001, 0.01, False, (), ())
    taken = np.array([2, taken_by_others, 1, 0, 0])
    return ReasonContext(log, catalogue, frame, {key: facet}, {key: change}, taken, language)


def test_an_item_taken_before_cites_its_own_events(log, catalogue):
    reason = explain_item(context_of(log, catalogue), 0, {"repeat": 1.0})
    assert reason.text == (
        "Bought 2 times, last on 2017-12-10; part of the interest “Cheese”, rising (10% → 60%)."
    )
    assert [entry.interaction_ids for entry in reason.evidence] == [(12,), (11,)]
    assert reason.facets


def test_a_close_item_cites_what_it_is_close_to(log, catalogue):
    reason = explain_item(context_of(log, catalogue), 1, {"ease": 0.9, "popularity": 0.1})
    assert "Close to Goat cheese, bought on 2017-12-10" in reason.text
    assert "people with a history like this one" in reason.text
    assert {number for entry in reason.evidence for number in entry.interaction_ids} == {11, 12}


def test_people_are_cited_only_where_there_are_any(log, catalogue):
    reason = explain_item(context_of(log, catalogue, taken_by_others=0), 1, {"ease": 1.0})
    assert "people" not in reason.text.lower() and "Close to Goat cheese" in reason.text


@pytest.mark.parametrize("item", [3, 4])
def test_nothing_is_claimed_where_nothing_speaks(log, catalogue, item):
    reason = explain_item(context_of(log, catalogue), item, {"popularity-7d": 1.0})
    assert reason.text == (
        "Popular with everyone at the moment; nothing in this history speaks for or against it."
    )
    assert reason.evidence == () and reason.facets == ()


def test_chinese(log, catalogue):
    reason = explain_item(context_of(log, catalogue, language="zh"), 0, {"repeat": 1.0})
    assert reason.text == "购买过2次，最近一次在2017-12-10；属于兴趣“Cheese”，上升（10% → 60%）。"


def test_every_cited_event_is_one_of_the_users_before(log, catalogue):
    known = dict(zip(log.interaction_id.tolist(), log.timestamp_ms.tolist(), strict=True))
    for item in range(5):
        reason = explain_item(context_of(log, catalogue), item, {"ease": 1.0})
        for entry in reason.evidence:
            assert all(known[number] // DAY_MS in DAYS for number in entry.interaction_ids)
        for day in re.findall(r"\d{4}-\d{2}-\d{2}", reason.text):
            assert day in {entry.day for entry in reason.evidence}


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            "part of the interest “Cheese”, which comes with the season: last in December 2017, as in "
            "December 2015 and December 2016, due again in December 2018.",
        ),
        (
            "zh",
            "属于随季节而来的兴趣“Cheese”：最近一次在2017年12月，与2015年12月和2016年12月一样，预计2018年12月再来。",
        ),
    ],
)
def test_a_seasonal_interest_is_told_with_its_times(log, catalogue, language, told):
    context = context_of(log, catalogue, language=language, kind="seasonal")
    days = [[datetime(year, 12, day, tzinfo=UTC) for day in (3, 25)] for year in (2015, 2016, 2017)]
    season = Season(tuple((a, b) for a, b in days), 0.001, 0.01, False, datetime(2018, 12, 3, tzinfo=UTC))
    ((key, change),) = context.changes.items()
    seasonal = replace(context, changes={key: replace(change, season=season)})
    assert explain_item(seasonal, 0, {"repeat": 1.0}).text.endswith(told)
