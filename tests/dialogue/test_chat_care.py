"""Sensitive matters: not named unless the person did; no diagnosis; a line that nothing is medical advice."""

from __future__ import annotations

import pytest

from tests.dialogue.conftest import check_evidence

QUESTIONS = (
    "what do you know about me?", "what are my interests?", "recommend ten things", "why 1?", "why 2?",
    "prove it",
    "what changed about me?", "as I was in spring", "compare 1 and 2", "what did I do in March?",
    "without my May purchases?", "mute something", "list what I bought in April",
)  # fmt: skip


@pytest.fixture
def careful(en):
    """c01's Mystery books are declared sensitive, and the domain is health."""
    chat = en.settings.chat.model_copy(update={"domain": "health", "sensitive_categories": ("mystery",)})
    en.settings = en.settings.model_copy(update={"chat": chat})
    return en


def hidden_words(agent):
    catalogue = agent.session.catalogue
    titles = [
        t for t, names in zip(catalogue.titles, catalogue.categories, strict=True) if "Mystery" in names
    ]
    return [*titles, "Mystery"]


def test_sensitive_interests_and_items_are_never_named_first(careful):
    words = hidden_words(careful)
    talk = careful.chat("c01", keep=False)
    for question in QUESTIONS:
        answer = talk.ask(question)
        assert not [word for word in words if word in answer.text], question
        assert answer.text.endswith("This is no medical advice.")
        check_evidence(careful, answer, "c01")
    assert "not named" in talk.ask("what are my interests?").text


def test_they_are_named_once_the_person_does(careful):
    talk = careful.chat("c01", keep=False)
    talk.ask("when did I last buy a mystery?")
    assert "Mystery" in talk.ask("what are my interests?").text
    assert "not named" not in talk.last.text
    fresh = careful.chat("c01", keep=False)
    assert "Poison in the Orchard" in fresh.ask("why not Poison in the Orchard?").text


@pytest.mark.parametrize(
    "question",
    [
        "Do I have diabetes?",
        "am I pregnant?",
        "What is wrong with me?",
        "which medicine should I take?",
        "我是不是得了糖尿病？",
        "吃什么药好？",
    ],
)
def test_no_diagnosis(careful, question):
    answer = careful.chat("c01", keep=False).ask(question)
    assert answer.refused and ("no diagnosis" in answer.text or "不做诊断" in answer.text)


def test_without_the_setting_nothing_is_hidden(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("what are my interests?")
    assert "Mystery" in answer.text and "medical" not in answer.text
