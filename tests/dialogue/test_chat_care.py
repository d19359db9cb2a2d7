"""Sensitive matters: not named unless the person did; no diagnosis; a line that nothing is medical advice."""

from __future__ import annotations

import json

import pytest

from agent import Agent
from agent.chat_host import WorkspaceHost
from agent.dialogue.router import WANTS
from agent.dialogue.sentences.mentions import Names
from agent.errors import SettingsError
from agent.llm.scripted import ScriptedBackend
from agent.settings import load_settings
from tests.dialogue.conftest import check_evidence, make_workspace

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
        "I have a headache, what should I take?",
        "have I got cancer?",
        "what disease do I have?",
        "am I at risk of cancer?",
        "do my purchases show that I am ill?",
        "我有糖尿病吗？",
        "我会得癌症吗？",
        "do my purchases show that I am an alcoholic?",
        "我是不是酗酒？",
    ],
)
def test_no_diagnosis(careful, question):
    answer = careful.chat("c01", keep=False).ask(question)
    assert answer.refused and ("no diagnosis" in answer.text or "不做诊断" in answer.text)


@pytest.mark.parametrize(
    "question",
    ["have I got a tent already?", "why did you recommend the first one?", "did I buy pain au chocolat?"],
)
def test_questions_about_purchases_are_no_medical_ones(careful, question):
    assert not careful.chat("c01", keep=False).ask(question).refused


def declare(agent, *names):
    chat = agent.settings.chat.model_copy(update={"sensitive_categories": names})
    agent.settings = agent.settings.model_copy(update={"chat": chat})


def test_a_category_is_named_by_whole_words_only(careful):
    care = careful.chat("c01", keep=False)._care
    names = Names(careful.session.catalogue)
    assert care.named_in("mysteries please", names) == {"mystery"}
    assert not care.named_in("how mysterystruck", names) and not care.named_in("less myster", names)


def test_a_sensitive_category_that_does_not_exist_is_an_error(en):
    declare(en, "mystry")
    with pytest.raises(SettingsError, match="'mystry'; near it: Mystery"):
        en.chat("c01", keep=False)


def test_a_hidden_category_near_the_words_is_not_named(en):
    hidden = next(name for name in en.session.catalogue.category_names if len(name.split()) > 1)
    declare(en, hidden)
    word = hidden.split()[-1].lower()
    answer = en.chat("c01", keep=False).ask(f"less {word} please")
    assert answer.tool == "less" and hidden not in answer.text


def test_without_the_setting_nothing_is_hidden(en):
    talk = en.chat("c01", keep=False)
    answer = talk.ask("what are my interests?")
    assert "Mystery" in answer.text and "medical" not in answer.text


CANARY_CATEGORY = "Qxvory Remedies"
WALK = (
    *QUESTIONS, "why remedies?", "less remedies", "more remedies", "undo", "pin remedies", "mute remedies",
    "undo", "only remedies", "remove all restrictions", "why not remedies?", "show my last five purchases",
    "recommend something under 30 dollars", "when did I last buy remedies?", "forget that I bought remedies",
    "no", "number 2 was a gift", "undo", "which constraints hold?", "help", "what did user c05 buy?",
    "what do you keep?", "what do you know about me?", "recommend as of May", "frobnicate remedies",
    "undo feedback 999",
)  # fmt: skip


@pytest.fixture
def hidden(en_files, tmp_path):
    """c01's Mystery books belong to a category of an unmistakable name, which is declared sensitive."""
    renamed = []
    for path in en_files:
        target = tmp_path / path.name
        target.write_text(
            path.read_text(encoding="utf-8").replace("|Mystery", f"|{CANARY_CATEGORY}"), "utf-8"
        )
        renamed.append(target)
    folder = tmp_path / "hidden"
    folder.mkdir()
    make_workspace(folder, *renamed, toml=f'\n[chat]\nsensitive_categories = ["{CANARY_CATEGORY}"]\n')
    with Agent.open(folder, model="none") as agent:
        yield agent


def test_no_field_of_any_tool_names_a_sensitive_category_unasked(hidden, monkeypatch):
    """Texts, arguments, figures, notes and cuts, from the rules and by a model, of every tool there is."""
    tools = set()
    for script in (None, ScriptedBackend(_choice)):
        monkeypatch.setattr(WorkspaceHost, "backend", script)
        talk = hidden.chat("c01", keep=False)
        for question in WALK:
            answer = talk.ask(question)
            tools.add(answer.tool)
            shown = json.dumps([answer.to_dict(), talk.history(), talk.greeting()], ensure_ascii=False)
            assert "qxvory" not in shown.casefold(), (question, shown)
    assert tools == set(WANTS), set(WANTS) - tools
    assert CANARY_CATEGORY in hidden.chat("c01", keep=False).ask("why Qxvory remedies?").text


def _choice(request):
    keys = request.schema["properties"] if request.schema else {}
    return {"tool": "mute"} if "tool" in keys else {"first": "1", "second": "none"}


def test_what_went_wrong_names_no_sensitive_category(hidden):
    talk = hidden.chat("c01", keep=False)
    hidden.give_feedback("c01", "mute", CANARY_CATEGORY)
    told = talk.ask("what do you know about me?")
    assert (
        "Qxvory" not in json.dumps(told.to_dict()) and "mute an interest that is not named here" in told.text
    )
    assert "not named here" in talk._care.hide_names(f"near: {CANARY_CATEGORY}", frozenset(), "en")
    named = frozenset({CANARY_CATEGORY.casefold()})
    assert talk._care.hide_values({"a": [CANARY_CATEGORY]}, named, "en") == {"a": [CANARY_CATEGORY]}
    assert "Qxvory" not in str(
        talk._care.hide_values({CANARY_CATEGORY: (1, CANARY_CATEGORY)}, frozenset(), "zh")
    )


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (
            'sensitive_categories = "Mystery"',
            r"\[chat.sensitive_categories\].*a list of category names.*'Mystery'",
        ),
        ("sensitive_categories = [1]", r"\[chat.sensitive_categories\].*a list of category names"),
        ('sensitive_categories = [" "]', r"\[chat.sensitive_categories\].*or \[\] for none"),
        ('domain = "medical"', r"\[chat.domain\].*'general' or 'health'.*'medical'"),
    ],
)
def test_a_wrong_value_names_key_value_and_remedy(tmp_path, line, part):
    path = tmp_path / "driftrec.toml"
    path.write_text(f"[chat]\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=part):
        load_settings(path)
