"""Care with sensitive matters: what is not named unless the person names it, and what is not answered."""

# ruff: noqa: E501 - phrases read better unbroken

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.dialogue.mentions import Names, normal
from agent.interests.words import Language
from agent.settings import ChatSettings

_MEDICAL: Final = re.compile(
    r"\b(?:do|could|might|may) i have (?!to\b|ever\b|bought\b|any (?:constraints|filters))|\bam i (?:ill|sick|pregnant|depressed|"
    r"diabetic|allergic|healthy|addicted|dying|infected)\b|\bdiagnos\w*|\bsymptoms?\b|\bwhat is wrong with me\b"
    r"|\bwhat(?:'s| is) (?:my|the) (?:condition|illness|disease)\b|\b(?:dose|dosage|prescri\w+|side effects?|cure|treat(?:ment)?)\b"
    r"|\bwhich (?:medicine|medication|drug|pills?)\b"
    r"|我(?:是不是|有没有|会不会|可能)?(?:得了|患了?|怀孕|生病|有病|抑郁|过敏)|诊断|症状|什么病|吃什么药|剂量|治疗|副作用|疗法",
    re.IGNORECASE,
)
_LINES: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "advice": "This is no medical advice.",
        "refusal": (
            "I cannot say anything about your health: purchases and clicks do not show a condition, and I make no "
            "diagnosis. Please ask a doctor or pharmacist. I can tell you what your own events say, or recommend."
        ),
        "item": "an item that is not named here",
        "facet": "an interest that is not named here",
        "hidden": "{n} sensitive interest(s) are not named; ask for one by its name to see it.",
    },
    "zh": {
        "advice": "这不是医疗建议。",
        "refusal": (
            "我不能判断您的健康状况：购买和浏览记录说明不了病情，我也不做诊断。请咨询医生或药师。"
            "我可以告诉您自己的记录里有什么，或者给出推荐。"
        ),
        "item": "一件此处不点名的物品",
        "facet": "一项此处不点名的兴趣",
        "hidden": "有{n}项敏感兴趣没有点名；您说出名称后即可查看。",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Care:
    """Which names stay unsaid, and whether health is spoken of."""

    settings: ChatSettings
    catalogue: Catalogue

    @property
    def health(self) -> bool:
        """Whether answers carry the line that they are no medical advice."""
        return self.settings.domain == "health"

    @cached_property
    def declared(self) -> frozenset[str]:
        """The sensitive categories, normalised."""
        return frozenset(normal(name) for name in self.settings.sensitive_categories)

    def sensitive_of(self, code: int) -> frozenset[str]:
        """The sensitive categories of an item, normalised."""
        return frozenset(map(normal, self.catalogue.categories[code])) & self.declared

    def hides_item(self, code: int, named: frozenset[str]) -> bool:
        """Whether an item stays unnamed, given what the person has named."""
        if not self.declared:
            return False
        sensitive = self.sensitive_of(code)
        return bool(sensitive) and not sensitive <= named

    def hides_items(self, codes: Iterable[int], named: frozenset[str]) -> bool:
        """Whether something of these stays unnamed: then so does the interest they make up."""
        return bool(self.declared) and any(self.hides_item(code, named) for code in codes)

    def shown_mask(self, named: frozenset[str]) -> NDArray[np.bool_] | None:
        """`(n_items,)`, which items may appear in lists unasked; None when nothing is sensitive."""
        if not self.declared - named:
            return None
        shown = (not self.hides_item(code, named) for code in range(len(self.catalogue)))
        return np.fromiter(shown, np.bool_, len(self.catalogue))

    def named_in(self, question: str, names: Names) -> frozenset[str]:
        """The sensitive categories that the person names: by their name, or by the title of an item."""
        if not self.declared:
            return frozenset()
        whole = normal(question)
        found = {name for name in self.declared if name in whole}
        for _, codes in names.find_titles(question):
            for code in codes:
                found |= self.sensitive_of(code)
        return frozenset(found)

    def asks_diagnosis(self, question: str) -> bool:
        """Whether a question asks for what only a doctor may say; only where the domain is health."""
        return self.health and bool(_MEDICAL.search(question))

    @staticmethod
    def line(key: str, language: Language, **values: object) -> str:
        """One of the fixed lines: `advice`, `refusal`, `item`, `facet`, `hidden`."""
        return _LINES[language][key].format(**values)
