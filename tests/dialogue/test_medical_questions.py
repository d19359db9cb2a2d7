"""In the health domain what only a doctor may say is refused, and nothing else is."""

from __future__ import annotations

import pytest

from agent import Agent
from agent.dialogue.talk.care import Care
from agent.settings import ChatSettings
from tests.dialogue.conftest import copied

MEDICAL = [
    "am I drinking too much?", "do I drink too much?", "do you think I smoke too much?",
    "am I addicted to sugar?", "do I have diabetes?", "is beer bad for my liver?", "am I healthy?",
    "how healthy am I?", "should I see a doctor?", "is my blood pressure too high?",
    "can I lose weight with this?", "what helps against a headache?",
    "is this cheese safe during pregnancy?", "do I eat too much sugar?",
    "am I deficient in vitamin D?", "can I take this together with antibiotics?",
    "what is my diagnosis?", "will I get sick from this?", "do I have a drinking problem?",
    "am I depressed?", "which pills should I take?", "what dose is right?",
    "am I lactose intolerant?", "我喝得太多了吗？", "我是不是酒精上瘾了？", "喝啤酒对肝不好吗？",
    "我健康吗？", "我该不该看医生？", "我的血压高吗？", "我头痛吃什么药？", "我是不是怀孕了？",
    "这个能减肥吗？", "我糖吃得太多了吗？", "我有抑郁症吗？", "这个药有副作用吗？",
]  # fmt: skip
HARMLESS = [
    "too much beer in this list, show less", "这里糖太多了，少来点", "why beer?",
    "recommend something for breakfast", "when did I last buy cough drops?", "show me vitamins",
    "less sugar please", "what did I buy in March?", "mute wine", "do I buy a lot of bread?",
    "recommend healthy snacks", "what changed about me?", "why not milk?",
    "how often did I buy aspirin?", "is number 2 cheaper?", "are these in my list?",
    "I don't like beer", "compare 1 and 2", "was that a gift?",
    "what would you recommend without my March purchases?", "为什么推荐牛奶？",
    "我上次买维生素是什么时候？", "少推荐糖果", "我有什么变化？", "推荐点早餐", "我买的面包多吗？",
    "屏蔽红酒", "看看我三月买的东西", "不要含糖的", "我的兴趣是什么？",
]  # fmt: skip


@pytest.mark.parametrize("question", MEDICAL)
def test_a_medical_question_is_recognised(question):
    assert Care(ChatSettings(domain="health"), None).asks_diagnosis(question)
    assert not Care(ChatSettings(), None).asks_diagnosis(question)


@pytest.mark.parametrize("question", HARMLESS)
def test_a_harmless_question_is_none(question):
    assert not Care(ChatSettings(domain="health"), None).asks_diagnosis(question)


def test_in_a_talk_it_is_refused_and_changes_nothing(en_made, tmp_path):
    folder = copied(en_made, tmp_path / "health")
    toml = folder / "driftrec.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '\n[chat]\ndomain = "health"\n', encoding="utf-8")
    with Agent.open(folder, model="none") as agent:
        talk = agent.chat("c01", keep=False)
        for question in ("am I drinking too much?", "do I drink too much?", "我喝得太多了吗？"):
            answer = talk.ask(question)
            assert answer.tool == "refuse" and answer.refused, question
        assert talk.ask("do I buy a lot of mystery?").tool == "search" and agent.feedback("c01") == []
