"""What is said of a wish: why it cannot be met, and how it was read; English and Chinese."""

# ruff: noqa: E501 - phrases read better unbroken

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.interests.words import Language

WISH_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "no_receiver": "I know nothing of your {who}: a talk sees your own events only, and the list is made from those.",
        "near": "I took “{word}” as words to search by: the list keeps to what is near them in meaning.",
        "near_as": "I took “{word}” as the words “{search}” to search by: the list keeps to what is near them in meaning.",
        "near_not": "What you want it for (“{word}”) does not change the list: I keep to the kind of thing you named.",
        "no_word": "Nothing in this catalogue says “{word}”, so I cannot choose by it.",
        "not_readable": "The catalogue has no Chinese words, so I cannot choose by “{word}”; please say it in English.",
        "no_word_out": "Nothing in this catalogue says “{word}”, so there is nothing to leave out by that word.",
        "by_word": "I leave out what says “{word}”; what else may contain it no item here states.",
        "by_family": "I leave out what says “{word}” or a name like {names}; what else may contain it no item here states.",
        "no_people": "How many it is for (“{word}”) does not change the list.",
        "no_child": "No item here says that it is for a child, so I cannot choose by that.",
        "no_brand": "I do not know which brand you mean: the item in question names none. Say “not from NAME”.",
        "no_price": "No item of this catalogue states a price, so I cannot choose by it.",
        "no_length": "No item of this catalogue says how long it is, so I cannot choose by length.",
        "no_measure": "No item of this catalogue says how far it is “{word}”, so I cannot choose by that.",
        "no_year": "No item of this catalogue states a year, so I cannot choose by age.",
        "no_size": "No item of this catalogue states a size, so I cannot choose by it.",
    },
    "zh": {
        "no_receiver": "我对您的{who}一无所知：谈话只看得到您自己的记录，列表据此得出。",
        "near": "我把“{word}”当作检索词：列表只含与它含义接近的物品。",
        "near_as": "我把“{word}”当作检索词“{search}”：列表只含与它含义接近的物品。",
        "near_not": "用途（“{word}”）不影响列表：我按您说的种类来选。",
        "no_word": "这个目录里没有含“{word}”的物品，所以无法按它挑选。",
        "not_readable": "目录是英文的，无法按“{word}”挑选；请用英文说出名称。",
        "no_word_out": "这个目录里没有含“{word}”的物品，所以没有什么可按这个词去掉。",
        "by_word": "我去掉写有“{word}”的物品；其他物品是否含有它，目录没有注明。",
        "by_family": "含有“{word}”或{names}等字样的都不列出；其他商品是否含有，目录中没有说明。",
        "no_people": "人数（“{word}”）不影响列表。",
        "no_child": "这里没有物品注明适合孩子，所以无法按这一点挑选。",
        "no_brand": "不清楚您指的是哪个品牌：所说的物品没有注明品牌。请说“不要某某品牌”。",
        "no_price": "这个目录里没有物品注明价格，所以无法按价格挑选。",
        "no_length": "这个目录里没有物品注明长度，所以无法按长度挑选。",
        "no_measure": "这个目录里没有物品注明是否“{word}”，所以无法按它挑选。",
        "no_year": "这个目录里没有物品注明年份，所以无法按年份挑选。",
        "no_size": "这个目录里没有物品注明规格，所以无法按规格挑选。",
    },
}  # fmt: skip
