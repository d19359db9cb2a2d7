"""What a list is for, seasons, days in a zone, filters that leave nothing."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from agent import Agent
from agent.chat_host import WorkspaceHost
from agent.dialogue.sentences.aims import read_aims
from agent.dialogue.sentences.periods import find_periods, windows_of
from agent.dialogue.talk.constraints import Constraint, combined_mask, near_mask, word_pattern
from agent.schema import Season
from tests.dialogue.conftest import check_evidence, copied

YEARS = tuple((datetime(y, 12, 3, tzinfo=UTC), datetime(y, 12, 20, tzinfo=UTC)) for y in (2022, 2023))


def near_items(agent, *words):
    """A vector that points at the items that say the words."""
    catalogue = agent.session.catalogue
    codes = [c for c, title in enumerate(catalogue.titles) if any(word in title.casefold() for word in words)]
    mean = catalogue.item_vectors(np.array(codes, np.int32)).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


@pytest.mark.parametrize(
    ("question", "occasion"),
    [
        ("for the barbecue", "barbecue"),
        ("something for breakfast", "breakfast"),
        ("snacks? no: something for my camping trip", "camping trip"),
    ],
)
def test_an_occasion_is_searched_by_meaning_and_said_to_be(en, monkeypatch, question, occasion):
    near = near_items(en, "tent", "knife")
    asked = []
    monkeypatch.setattr("agent.chat_host.WorkspaceHost.embed", lambda self, text: asked.append(text) or near)
    talk = en.chat("c01", keep=False)
    answer = talk.ask(question)
    assert answer.tool == "recommend" and set(asked) == {occasion}
    assert f"I took “{occasion}” as words to search by" in answer.text
    assert [(c.kind, c.value) for c in talk.constraints] == [("near", occasion)]
    catalogue = en.session.catalogue
    mask = near_mask(near, talk._host.items)
    assert answer.listed and all(mask[catalogue.item_codes[item]] for item in answer.listed)
    check_evidence(en, answer, "c01")
    assert f"near “{occasion}” in meaning" in talk.ask("which filters are on?").text
    assert "Withdrawn" in talk.ask("drop all filters").text and talk.constraints == ()


def test_a_chinese_occasion_is_searched_in_the_language_of_the_items(en, zh, monkeypatch):
    asked = []
    monkeypatch.setattr("agent.chat_host.WorkspaceHost.embed", lambda self, text: asked.append(text))
    assert "“breakfast”" in en.chat("c01", keep=False).ask("早餐").text
    assert "检索词" in zh.chat("u01", keep=False).ask("烧烤用的").text
    assert set(asked) == {"breakfast", "烧烤"}


def test_a_kind_of_thing_for_somebody_is_that_kind_of_thing(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("knives for my friend")
    codes = en.session.catalogue.item_codes
    assert answer.listed and all("Knives" in en.session.catalogue.categories[codes[i]] for i in answer.listed)
    assert "I know nothing of your friend" in answer.text and en.feedback("c01") == []
    both = en.chat("c01", keep=False).ask("recommend knives for the barbecue")
    assert "does not change the list" in both.text and "only Knives" in both.text


def test_aims_by_hand():
    assert read_aims("for once, something good", "en").occasion == ""
    assert read_aims("three ideas for me under 10 dollars", "en").occasion == ""
    assert read_aims("for for for", "en").occasion == ""
    assert read_aims("cake for my aunt's birthday", "en").receiver == "aunt"
    assert read_aims("给妈妈挑点", "zh").receiver == "妈妈"
    assert read_aims("圣诞节用的", "en").search == "christmas"


def test_nearness_leaves_some_items_in(en):
    items = en.chat("c01", keep=False)._host.items
    mask = near_mask(near_items(en, "tent"), items)
    assert 20 <= mask.sum() < len(mask)
    assert near_mask(None, items).all()
    assert combined_mask([Constraint("near", "tent")], items).all()


def test_candy_is_no_candle():
    assert word_pattern("candy").search("candies") and word_pattern("candy").search("hard candy")
    assert not word_pattern("candy").search("candles")
    assert word_pattern("movies").search("a movie") and word_pattern("berries").search("berry")


def test_a_what_if_under_filters_that_leave_nothing_says_so(en):
    talk = en.chat("c01", keep=False)
    talk.ask("only Knives")
    talk.ask("nothing with a")
    talk.ask("only things under 1 dollar")
    assert talk.ask("recommend something").listed == ()
    answer = talk.ask("what would you recommend without my May purchases?")
    assert answer.tool == "what_if" and "Nothing is left under these constraints" in answer.text
    assert "the same" not in answer.text


def test_a_seasonal_interest_is_told_with_its_season_and_without_shares(en, monkeypatch):
    season = Season(YEARS, 0.001, 0.01, False, datetime(2024, 12, 1, tzinfo=UTC))
    real = WorkspaceHost.migration

    def with_season(self, *windows):
        found = real(self, *windows)
        first = dataclasses.replace(found.changes[0], kind="seasonal", season=season)
        return dataclasses.replace(found, changes=(first, *found.changes[1:]))

    monkeypatch.setattr(WorkspaceHost, "migration", with_season)
    talk = en.chat("c01", keep=False)
    label = talk._host.migration().changes[0].label
    answer = talk.ask("what is seasonal for me?")
    assert answer.tool == "migration" and "With the season" in answer.text and label in answer.text
    told = talk.ask(f"why {label}?")
    assert "It comes with the season" in told.text and "due again in December 2024" in told.text
    assert "before, " not in told.text.split("It comes")[1].split(".")[0]
    check_evidence(en, told, "c01")


def test_without_a_yearly_rhythm_that_is_said(en, zh):
    assert "None of your interests can be said to come with the season" in (
        en.chat("c01", keep=False).ask("which of my interests are seasonal?").text
    )
    assert "没有哪项兴趣" in zh.chat("u01", keep=False).ask("我哪些兴趣是季节性的？").text


def test_a_search_in_a_day_zone_names_the_days_of_that_zone(en_made, tmp_path):
    folder = copied(en_made, tmp_path / "zone")
    toml = folder / "driftrec.toml"
    toml.write_text(
        toml.read_text(encoding="utf-8") + '\n[interests]\nday_zone = "Asia/Shanghai"\n', encoding="utf-8"
    )
    with Agent.open(folder, model="none") as agent:
        answer = agent.chat("c01", keep=False).ask("what did I buy in May 2024?")
    assert "2024-05-01 – 2024-05-31" in answer.text and "04-30" not in answer.text


def test_windows_split_where_a_day_begins_in_the_zone():
    now = datetime(2024, 12, 31, tzinfo=ZoneInfo("Asia/Shanghai"))
    _, split, _ = windows_of(find_periods("between January and June", now), "Asia/Shanghai")
    assert datetime.fromtimestamp(split / 1000, ZoneInfo("Asia/Shanghai")).hour == 0


def test_more_goes_on_after_a_resumed_talk(en):
    talk = en.chat("c01")
    first = talk.ask("recommend something").listed
    second = talk.ask("more please").listed
    again = en.chat("c01", resume="last")
    third = again.ask("more please").listed
    assert third and not {*first, *second} & set(third)


def test_a_ramble_changes_nothing(en):
    talk = en.chat("c01", keep=False)
    talk.ask("recommend something")
    talk.ask("no no more more less less")
    assert en.feedback("c01") == []
    talk.ask("less of this")
    assert {entry.action for entry in en.feedback("c01")} == {"less"}


def test_filters_are_withdrawn_by_a_word_that_says_so_only(en):
    talk = en.chat("c01", keep=False)
    talk.ask("only Knives")
    assert "These constraints hold" in talk.ask("/constraints").text and len(talk.constraints) == 1
    assert "These constraints hold" in talk.ask("am I filtering by anything?").text
    assert "Withdrawn" in talk.ask("stop limiting it to knives").text and talk.constraints == ()
