"""No clause of the model passes that no fact bears; what fails is cut in the open."""

from __future__ import annotations

import pytest

from agent.dialogue.talk.answers import Sentence
from agent.dialogue.talk.choice import choice_of, readable
from agent.dialogue.talk.wording import ChatWorder, find_stray
from agent.errors import BackendError
from agent.llm.backend import Completion
from agent.llm.scripted import ScriptedBackend

FACTS = [
    "“Rain jacket” is number 2 of what I would recommend to you now.",
    "You bought it 3 times, last on 2024-08-31, and viewed it twice.",
    "It belongs to your interest “Hiking” (53% of your activity now), which is rising: 4% before, 55% after.",
    "Mystery fell from 57% to 4%.",
]
FACTS_ZH = [
    "《雨衣》是目前推荐给您的第2名。",
    "您购买过3次，最近在2024-08-31。",
    "它属于您的兴趣“徒步”（现在占53%），该兴趣上升：之前4%，之后55%。",
]
SENTENCES = [Sentence(text, (f"fact:{number}",)) for number, text in enumerate(FACTS)]


@pytest.mark.parametrize(
    "text",
    [
        "“Rain jacket” is number 2 because you bought it 3 times, last on 2024-08-31.",
        "Rain jacket is number 2, and it belongs to your interest “Hiking”, which is rising.",
        "You bought it 3 times and viewed it twice.",
        "Mystery fell from 57% to 4%.",
    ],
)
def test_what_follows_passes(text):
    assert find_stray(text, FACTS, "en")[0] == ""


@pytest.mark.parametrize(
    "text",
    [
        "“Rain jacket” is number 3.",  # another figure
        "“Rain jackets” is number 2.",  # another name
        "You bought it 3 times, last on 2024-08-30.",  # another day
        "You did not buy it 3 times.",  # a denial
        "Mystery rose from 57% to 4%.",  # another direction
        "Mystery fell from 4% to 57%.",  # figures swapped
        "Hiking fell from 57% to 4%.",  # another fact's subject
        "You love it and bought it 3 times.",  # a claim of its own
        "“Rain jacket” is number 2 because everyone in Berlin takes it.",
        "",
        "…",
    ],
)
def test_what_does_not_follow_is_found(text):
    assert find_stray(text, FACTS, "en")[0]


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("《雨衣》是第2名，因为您购买过3次，最近在2024-08-31。", True),
        ("它属于您的兴趣“徒步”，该兴趣上升。", True),
        ("它属于您的兴趣“徒步”，该兴趣下降。", False),
        ("《雨衣》是第3名。", False),
        ("您没有购买过3次。", False),
        ("您非常喜欢它。", False),
    ],
)
def test_chinese(text, follows):
    assert (find_stray(text, FACTS_ZH, "zh")[0] == "") is follows


def test_a_sentence_carries_the_evidence_of_the_facts_that_bear_it():
    backend = ScriptedBackend(["“Rain jacket” is number 2 because you bought it 3 times."], remote=True)
    short = ChatWorder(backend).sum_up("Why?", SENTENCES, "en")
    assert short.sentence.evidence == ("fact:0", "fact:1") and short.sentence.text.startswith("In short: ")
    assert "Why?" in backend.requests[0].user


def test_asides_are_not_offered():
    backend = ScriptedBackend(["You bought it 3 times."], remote=True)
    facts = [*SENTENCES[:3], Sentence("Without that it would be number 9.", ("fact:9",), aside=True)]
    ChatWorder(backend).sum_up("Why?", facts, "en")
    assert "number 9" not in backend.requests[0].user


@pytest.mark.parametrize(
    ("answer", "noted"),
    [
        (BackendError("the model crashed"), "crashed"),
        (Completion("“Rain jacket” is", "m", finish_reason="length"), "did not finish"),
        ("", "said nothing"),
    ],
)
def test_a_model_that_fails_gives_no_sentence_and_a_note(answer, noted):
    short = ChatWorder(ScriptedBackend([answer], remote=True)).sum_up("Why?", SENTENCES, "en")
    assert short.sentence is None and noted in short.note


def test_garbage_is_cut_in_the_open():
    short = ChatWorder(ScriptedBackend(["The moon is a lamp with 77 doors."], remote=True)).sum_up(
        "Why?", SENTENCES, "en"
    )
    assert short.sentence is None and "moon" in short.cut[0].text and "no fact" in short.cut[0].reason


BOUGHT = "you bought it 3 times, last on 2024-08-31, and viewed it twice"


@pytest.mark.parametrize(
    ("first", "second", "reasons", "evidence"),
    [
        ("1", "none", BOUGHT, (0, 1)),
        ("3", "1", f"Mystery fell from 57% to 4%, and {BOUGHT}", (0, 3, 1)),
        ("3", "3", "Mystery fell from 57% to 4%", (0, 3)),
    ],
)
def test_a_model_on_this_machine_only_chooses_the_facts(first, second, reasons, evidence):
    backend = ScriptedBackend([{"first": first, "second": second}])
    short = ChatWorder(backend).sum_up("Why?", SENTENCES, "en")
    assert short.sentence.text == f"In short: “Rain jacket” is number 2 because {reasons}." and not short.cut
    assert short.sentence.evidence == tuple(f"fact:{number}" for number in evidence)
    (request,) = backend.requests
    assert request.schema == choice_of(3) and "number 2" not in request.user and "3. Mystery" in request.user


def test_without_a_lead_the_chosen_facts_stand_alone_and_in_chinese():
    rows = [Sentence(text, (f"fact:{number}",), row=True) for number, text in enumerate(FACTS_ZH)]
    short = ChatWorder(ScriptedBackend([{"first": "2", "second": "3"}])).sum_up("?", rows, "zh", lead=False)
    assert short.sentence.text == f"简而言之：{FACTS_ZH[1][:-1]}，而且{FACTS_ZH[2][:-1]}。"
    assert ChatWorder(ScriptedBackend([])).sum_up("?", rows[:2], "zh").sentence is None


@pytest.mark.parametrize(
    "answer", ['{"first": "9", "second": "none"}', "because of the moon", BackendError("gone")]
)
def test_a_choice_that_is_none_gives_no_sentence_and_a_note(answer):
    short = ChatWorder(ScriptedBackend([answer])).sum_up("Why?", SENTENCES, "en")
    assert short.sentence is None and "without a summary" in short.note


def test_under_one_percent_stays_readable_and_opens_no_mark():
    assert readable("fits “Tea” (<1%), <2%", "en") == "fits “Tea” (under 1%), under 2%"
    facts = [*SENTENCES[:2], Sentence("It has <1% of it. <|im_start|>", ("fact:9",)), SENTENCES[3]]
    backend = ScriptedBackend([{"first": "2", "second": "none"}])
    ChatWorder(backend).sum_up("Why?", facts, "en")
    assert "It has under 1% of it. ‹|im_start|›" in backend.requests[0].user
