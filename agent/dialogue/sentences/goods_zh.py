"""Chinese words for common goods, so that a catalogue in another language can be asked in Chinese."""

# ruff: noqa: E501 - tables of words

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.data.log import Catalogue
from agent.dialogue.sentences.lexicon import HAN, content_words
from agent.interests.words import Language

_GOODS: Final[Mapping[str, str]] = {
    "啤酒": "beer", "葡萄酒": "wine", "红酒": "wine", "牛奶": "milk", "奶酪": "cheese", "芝士": "cheese",
    "黄油": "butter", "面包": "bread", "水果": "fruit", "苹果": "apples", "香蕉": "bananas", "橙子": "oranges",
    "蔬菜": "vegetables", "土豆": "potatoes", "西红柿": "tomatoes", "番茄": "tomatoes", "洋葱": "onions",
    "沙拉": "salad", "鸡蛋": "eggs", "咖啡": "coffee", "茶叶": "tea", "茶": "tea", "糖果": "candy",
    "巧克力": "chocolate", "零食": "snacks", "薯片": "potato chips", "饼干": "cookies", "蛋糕": "cakes",
    "冰淇淋": "ice cream", "冰激凌": "ice cream", "鱼肉": "fish", "鱼": "fish", "鸡肉": "chicken",
    "牛肉": "beef", "猪肉": "pork", "火腿": "ham", "香肠": "sausage", "肉": "meat", "大米": "rice",
    "米饭": "rice", "米": "rice", "意大利面": "pasta", "面条": "noodles", "酸奶": "yogurt", "汽水": "soft drinks",
    "可乐": "cola", "果汁": "juice", "矿泉水": "mineral water", "瓶装水": "bottled water", "披萨": "pizza",
    "比萨": "pizza", "麦片": "cereal", "糖": "sugar", "盐": "salt", "尿布": "diapers", "纸尿裤": "diapers",
    "狗粮": "dog food", "猫粮": "cat food", "香烟": "cigarettes", "汽油": "gasoline", "加油": "gasoline", "酒精": "alcohol", "乳制品": "dairy", "花生": "peanut", "商店自有品牌": "store brand", "自有品牌": "store brand", "卫生纸": "toilet paper",
    "洗衣液": "laundry detergent", "牙膏": "toothpaste", "洗发水": "shampoo", "书": "book",
    "口香糖": "gum", "米饼": "rice cakes", "薯条": "french fries", "甜甜圈": "donuts", "饮料": "drinks",
    "坚果": "nuts", "海鲜": "seafood", "橙汁": "orange juice", "牛油果": "avocado", "三文鱼": "salmon",
    "咖啡伴侣": "coffee creamer", "水果沙拉": "fruit salad", "冷冻": "frozen", "冰冻": "frozen",
}  # fmt: skip
# A single character is part of many words: it only counts where no other word can begin or end with it.
_ALONE_BEFORE: Final = r"(?<![\u3400-\u9fff])|(?<=[的了买要吃喝点些过多少欢看到来是只把和个])"
_ALONE_AFTER: Final = r"(?![\u3400-\u9fff])|(?=[的了吗呢吧啊和跟是类多少也都还有买喝吃])"
_WORD: Final = re.compile(
    "|".join(
        re.escape(word) if len(word) > 1 else f"(?:{_ALONE_BEFORE}){word}(?:{_ALONE_AFTER})"
        for word in sorted(_GOODS, key=lambda word: (-len(word), word))
    )
)
_LINES: Final[Mapping[Language, Mapping[str, str]]] = {
    "zh": {
        "looked_up": "目录是英文的：{shown}",
        "pair": "“{word}”按“{english}”查找",
        "unknown": "目录是英文的，无法查找{shown}；请用英文说出名称",
        "ask": "请用英文说出名称",
        "comma": "，",
    },
    "en": {
        "looked_up": "the catalogue has no Chinese words: {shown}",
        "pair": "I looked up “{word}” as “{english}”",
        "unknown": "the catalogue has no Chinese words, so {shown} cannot be looked up; please say it in English",
        "ask": "say it in English",
        "comma": ", ",
    },
}


@dataclass(frozen=True, slots=True)
class Across:
    """A question in the words of the catalogue.

    Attributes:
        question: with the Chinese words for goods replaced by English ones.
        pairs: each of those words, and what it was looked up as.
        unread: what is left in Chinese that no catalogue word can match; empty where the catalogue is Chinese.
    """

    question: str
    pairs: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()

    def note(self, answer: str, language: Language) -> str:
        """What the reader should know: which words were looked up, and which could not be."""
        lines = _LINES[language]
        parts: list[str] = []
        if self.pairs:
            shown = (lines["pair"].format(word=word, english=english) for word, english in self.pairs)
            parts.append(lines["looked_up"].format(shown=lines["comma"].join(shown)))
        missing = [word for word in self.unread if f"“{word}”" in answer]
        if missing and lines["ask"] not in answer:
            shown_words = lines["comma"].join(f"“{word}”" for word in missing)
            parts.append(lines["unknown"].format(shown=shown_words))
        return "; ".join(parts)


def without_han(catalogue: Catalogue) -> bool:
    """Whether no title and no category of the catalogue has a Chinese character."""
    return not any(
        HAN.search(name) for names in (catalogue.category_names, catalogue.titles) for name in names
    )


def across(question: str, catalogue: Catalogue) -> Across:
    """The question in words that a catalogue without Chinese can be searched by; as it stands otherwise."""
    if not HAN.search(question) or not without_han(catalogue):
        return Across(question)
    pairs: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        pairs[match.group()] = _GOODS[match.group()]
        return f" {_GOODS[match.group()]} "

    text = " ".join(_WORD.sub(replaced, question).split(" ")).strip()
    unread = tuple(word for word in content_words(text) if HAN.search(word))
    return Across(text, tuple(pairs.items()), unread)


def unreadable(words: Sequence[str], catalogue: Catalogue) -> bool:
    """Whether none of the words can be found because the catalogue has no Chinese and all of them are."""
    return bool(words) and all(HAN.search(word) for word in words) and without_han(catalogue)
