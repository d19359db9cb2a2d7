"""The plain wording of every answer, in English and Chinese. Facts come in as values; nothing is decided here."""

# ruff: noqa: E501 - tables of names

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol

from agent.dialogue.talk.phrases_en import PHRASES_EN
from agent.dialogue.talk.phrases_zh import PHRASES_ZH
from agent.interests.words import Language


class Speaker(Protocol):
    """Anything that knows which language it speaks."""

    @property
    def language(self) -> Language: ...  # noqa: D102


def say(speaker: Speaker, key: str, **values: object) -> str:
    """The phrase `key` in the speaker's language, filled in; “1 event(s)” becomes “1 event”."""
    text = PHRASES[speaker.language][key].format(**values)
    return _COUNTED.sub(lambda found: f"{found[1]} {found[2]}{'' if found[1] == '1' else 's'}", text)


def times(speaker: Speaker, n: int) -> str:
    """How often: once, twice, five times."""
    if speaker.language == "zh":
        return f"{n}次"
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


_COUNTED: Final = re.compile(r"\b(\d[\d,]*) ((?:\w+ )?\w+)\(s\)")


KINDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "new": "new", "rising": "rising", "fading": "fading", "dropped": "given up", "returned": "back again",
        "stable": "steady", "seasonal": "seasonal",
    },
    "zh": {
        "new": "新出现", "rising": "上升", "fading": "减弱", "dropped": "停止", "returned": "回归",
        "stable": "稳定", "seasonal": "季节性",
    },
}  # fmt: skip
SOURCES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "ease": "what goes with your history", "item-knn": "neighbours of your items", "als": "people like you",
        "transitions": "what follows what you took last", "popularity": "what everyone takes",
        "popularity-30d": "what everyone took in the last 30 days",
        "popularity-7d": "what everyone took in the last 7 days", "repeat": "what you take again",
        "facet-vectors": "closeness to your interests", "friends-of-friends": "whom your contacts are in touch with",
        "catalogue": "the order of the catalogue",
    },
    "zh": {
        "ease": "与您的记录相配", "item-knn": "与您选过的物品相邻", "als": "与您相似的人", "transitions": "承接您最近所选",
        "popularity": "大家都选", "popularity-30d": "近30天的热门", "popularity-7d": "近7天的热门", "repeat": "您常重复选择",
        "facet-vectors": "贴近您的兴趣", "friends-of-friends": "您的联系人所联系的人", "catalogue": "目录顺序",
    },
}  # fmt: skip

ACTIONS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "pin": "pin", "mute": "mute", "less": "less of", "more": "more of", "gift": "gift", "rename": "rename",
        "undo": "undo",
    },
    "zh": {
        "pin": "置顶", "mute": "屏蔽", "less": "少推荐", "more": "多推荐", "gift": "礼物", "rename": "改名", "undo": "撤销",
    },
}  # fmt: skip
FIELDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"price": "price", "length": "length", "year": "year", "size": "size", "brand": "brand"},
    "zh": {"price": "价格", "length": "长度", "year": "年份", "size": "规格", "brand": "品牌"},
}

# Words that begin sentences and are small within them.
OPENERS: Final = frozenset({"You", "It", "Its", "So", "When", "Without", "Your", "The", "None"})
KIND_NAMES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "purchase": "purchases", "view": "views", "rate": "ratings", "like": "likes", "search": "searches",
        "follow": "follows", "add-to-cart": "things put in the cart", "dislike": "dislikes",
    },
    "zh": {
        "purchase": "购买", "view": "浏览", "rate": "评分", "like": "点赞", "search": "搜索", "follow": "关注",
        "add-to-cart": "加入购物车", "dislike": "不喜欢",
    },
}  # fmt: skip

PHRASES: Final[Mapping[Language, Mapping[str, str]]] = {"en": PHRASES_EN, "zh": PHRASES_ZH}
