from __future__ import annotations

import json
import re
import threading

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.dialogue.survey import (
    QUESTIONS,
    SURVEY_FILE,
    check_answers,
    keep_response,
    load_responses,
    parse_answers,
    summarise,
)
from agent.errors import DataError, SettingsError
from agent.workspace import Workspace

KEYS = [question.key for question in QUESTIONS]
ALL_FOUR = dict.fromkeys(KEYS, 4)


@pytest.fixture
def place(tmp_path):
    place = Workspace(tmp_path / "shop")
    place.create("")
    return place


def run(*arguments, given=None):
    return CliRunner().invoke(app, ["survey", *map(str, arguments)], input=given)


def test_every_construct_is_asked_in_both_languages():
    constructs = {question.construct for question in QUESTIONS}
    assert constructs == {
        "accuracy",
        "novelty",
        "diversity",
        "explanation",
        "transparency",
        "control",
        "satisfaction",
        "intent",
    }
    assert len(set(KEYS)) == len(KEYS)
    for question in QUESTIONS:
        assert question.text("en").isascii()
        assert re.search("[一-鿿]", question.text("zh"))


def test_a_form_filled_in_by_hand_asks_again_and_is_kept(place):
    typed = "5\n9\nfour\n4\n3\n2\n1\n5\n4\n4\n3\nmore jazz\n"
    done = run("u1", "-w", place.root, given=typed)
    assert done.exit_code == 0, done.output
    assert "got '9'" in done.output
    assert "got 'four'" in done.output
    (response,) = load_responses(place.root)
    assert response.user_id == "u1"
    assert list(response.answers.values()) == [5, 4, 3, 2, 1, 5, 4, 4, 3]
    assert response.comment == "more jazz"


def test_the_chinese_form_is_asked_in_chinese(place):
    done = run("u1", "-w", place.root, "--lang", "zh", given="4\n" * 9 + "\n")
    assert "推荐给我的物品符合我的兴趣。" in done.output
    assert load_responses(place.root)[0].language == "zh"


def test_an_interrupted_form_keeps_nothing(place):
    assert run("u1", "-w", place.root, given="5\n4\n").exit_code != 0
    assert load_responses(place.root) == []


def test_answers_in_one_piece(place, tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(ALL_FOUR))
    for given in (json.dumps(ALL_FOUR), path):
        done = run("u2", "-w", place.root, "--answers", given, "--comment", "好", "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["answers"] == ALL_FOUR
    assert len((place.root / SURVEY_FILE).read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({**ALL_FOUR, "accuracy": 6}, "accuracy: expected a whole number from 1 .* got 6"),
        ({**ALL_FOUR, "accuracy": True}, "got True"),
        ({**ALL_FOUR, "accuracy": 3.5}, "got 3.5"),
        ({**ALL_FOUR, "taste": 3}, "unknown: taste"),
        ({key: 4 for key in KEYS[1:]}, "missing: accuracy"),
        ([4] * 9, "expected answers such as"),
    ],
)
def test_answers_that_are_none_are_refused_with_the_remedy(answers, problem):
    with pytest.raises(SettingsError, match=problem):
        check_answers(answers)


def test_neither_json_nor_a_file_is_refused():
    for text in ("no such file.json", "{broken"):
        with pytest.raises(SettingsError, match="expected JSON such as"):
            parse_answers(text)


def test_one_of_three_must_be_asked_for(place):
    for arguments in ((), ("u1", "--summary"), ("--summary", "--form")):
        done = run(*arguments, "-w", place.root)
        assert done.exit_code == 2
        assert "give a user, or --summary, or --form" in done.output


def test_means_and_intervals_by_hand(place):
    """Accuracy 2, 4, 5: mean 3.667, sd 1.528, t(.975, 2) = 4.303, so ± 3.795, cut at the scale's ends."""
    for user, value in (("a", 2), ("b", 4), ("c", 5)):
        keep_response(place.root, user, {**ALL_FOUR, "accuracy": value, "take": 2}, language="en")
    found = summarise(load_responses(place.root))
    by_name = {score.construct: score for score in found.scores}
    accuracy = by_name["accuracy"]
    assert accuracy.mean == pytest.approx(11 / 3)
    assert (accuracy.low, accuracy.high, accuracy.n) == (1.0, 5.0, 3)
    assert accuracy.agree == pytest.approx(2 / 3)
    assert by_name["intent"].mean == pytest.approx(3.0), "two items, their mean per person"
    assert (by_name["novelty"].low, by_name["novelty"].high) == (None, None), "all said the same"


def test_of_a_person_the_newest_form_counts_and_none_is_lost(place):
    for value in (1, 5):
        keep_response(place.root, "a", {**ALL_FOUR, "accuracy": value}, language="en")
    found = summarise(load_responses(place.root))
    assert (found.n_people, found.n_responses) == (1, 2)
    assert found.scores[0].mean == 5.0
    shown = run("--summary", "-w", place.root).output
    assert "1 people, 2 forms" in shown
    assert json.loads(run("--summary", "--json", "-w", place.root).stdout)["n_responses"] == 2


def test_nobody_yet(place):
    assert summarise([]).scores == ()
    assert "Nobody has answered yet" in run("--summary", "-w", place.root).output
    form = json.loads(run("--form", "--json", "-w", place.root).stdout)
    assert [question["key"] for question in form["questions"]] == KEYS


def test_a_damaged_line_is_named(place):
    keep_response(place.root, "a", ALL_FOUR, language="en")
    path = place.root / SURVEY_FILE
    path.write_text(path.read_text(encoding="utf-8") + '{"user_id": "b"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"survey\.jsonl, line 2"):
        load_responses(place.root)


def test_many_at_once_lose_no_line(place):
    def answer(user):
        for _ in range(20):
            keep_response(place.root, user, ALL_FOUR, language="en", comment="长" * 500)

    threads = [threading.Thread(target=answer, args=(f"u{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load_responses(place.root)) == 80
