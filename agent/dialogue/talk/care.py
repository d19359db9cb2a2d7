"""Care with sensitive matters: what is not named unless the person names it, and what is not answered."""

# ruff: noqa: E501 - phrases read better unbroken

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.dialogue.sentences.lexicon import HAN, stem
from agent.dialogue.sentences.mentions import Names, normal
from agent.errors import SettingsError
from agent.interests.words import Language
from agent.settings import ChatSettings

_ILL: Final = (
    r"(?:\w*ache|pains?|fever|cough\w*|rash|nausea|colds?|flu|covid\S*|cancer|tumou?rs?|diabetes|asthma|depression|anxiety|"
    r"insomnia|migraines?|infections?|allerg(?:y|ies)|arthritis|hypertension|high blood pressure|heart (?:attack|disease)|"
    r"strokes?|dementia|an(?:a?e)mia|eczema|ulcers?|adhd|hiv|diseases?|illness(?:es)?|disorders?|syndrome|pregnancy)"
)
_STATE: Final = r"(?:ill|sick|unwell|pregnant|depressed|diabetic|allergic|addicted|alcoholic|an addict|obese|overweight|dying|infected)"
_MEDICAL: Final = re.compile(
    rf"\bhave i (?:got|caught|developed|contracted)\b.{{0,20}}\b{_ILL}\b|\bam i at (?:\w+ )?risk\b|\b(?:my|a) risk of\b"
    rf"|\b(?:what|which) (?:disease|illness|condition|sickness|disorder|infection)s?\b"
    rf"|\b{_ILL}\b.{{0,60}}\b(?:what|which|should|can|could)\b.{{0,20}}\b(?:take|do|helps?)\b"
    rf"|\b(?:take|do|helps?|good) (?:for|against|about|with)\b.{{0,30}}\b{_ILL}\b"
    rf"|\b(?:that|if|whether) i(?:'m| am| have| had| got)\b.{{0,20}}\b(?:{_ILL}|{_STATE})\b"
    r"|我(?![^，。？]{0,5}[买看读搜])[^，。？]{0,6}(?:病|癌|炎|症|怀孕|抑郁|过敏|感冒|发烧|酗酒|上瘾|成瘾|肥胖)[^，。]{0,4}[吗么？?]"
    r"|(?:疼|痛|发烧|咳嗽|感冒|失眠).{0,12}(?:吃|用|买)(?:点|些)?(?:什么|啥)"
    r"|\b(?:do|could|might|may) i have (?!to\b|ever\b|bought\b|any (?:constraints|filters))|\bam i (?:ill|sick|pregnant|depressed|"
    r"diabetic|allergic|healthy|addicted|(?:an )?alcoholic|an addict|obese|overweight|dying|infected)\b|\bdiagnos\w*|\bsymptoms?\b|\bwhat is wrong with me\b"
    r"|\bwhat(?:'s| is) (?:my|the) (?:condition|illness|disease)\b|\b(?:dose|dosage|prescri\w+|side effects?|cure|treat(?:ment)?)\b"
    r"|\bwhich (?:medicine|medication|drug|pills?)\b"
    rf"|\b(?:am i|do i|are we|do you think i(?:'m| am)?|is my)\b.{{0,20}}\b(?:drink(?:ing)?|smok(?:e|ing)|alcohol)\b.{{0,12}}\b(?:too much|too often|too many|a lot|enough|problem)"
    r"|\b(?:eat(?:ing)?|drink(?:ing)?|smok(?:e|ing)|having|consum(?:e|ing)|tak(?:e|ing)|get(?:ting)?) (?:\w+ ){0,2}(?:too much|too many|so much|enough) "
    r"(?:alcohol|sugar|salt|fat|caffeine|vitamins?|calories|beer|wine|sweets|carbs|protein|fib(?:er|re))\b"
    r"|\b(?:drinking|eating|smoking|alcohol|sugar|gambling|eating disorder) problem\b"
    rf"|\b(?:is|are|would|will|can|could|does|do) .{{1,40}}\b(?:(?:un)?healthy|harmful|dangerous|safe|bad for (?:me|my)|good for my|hurt me|kill me|make me (?:{_STATE}|fat|tired))\b"
    r"|\b(?:my|normal|right|good|ideal) (?:blood (?:pressure|sugar)|cholesterol|bmi|weight|heart ?rate|liver|kidneys?|heart|thyroid|hormones?|mental health)\b.{0,40}\?"
    r"|\b(?:lose|gain|losing|gaining) weight\b|\bshould i (?:see|call|go to|consult) (?:a |the |my )?(?:doctor|physician|hospital|therapist|specialist)\b"
    r"|\b(?:am i|are my|do my) .{0,30}\b(?:deficien\w+|dependent|hooked|withdrawal|hungover|bipolar|autistic|anorexic|intolerant|underweight|in menopause)\b"
    r"|\b(?:interact|mix|combine|together) with .{0,30}\b(?:medicine|medication|drugs?|pills?|antibiotics|alcohol)\b"
    r"|\bhow (?:sick|ill|healthy|unhealthy|fit) am i\b|\bwhat(?:'s| is) my (?:diagnosis|prognosis|bmi)\b|\bwill i (?:die|get (?:sick|ill|better|well)|recover)\b"
    r"|我.{0,8}(?:喝|抽|吃).{0,10}(?:太多|过量|过多|上瘾|成瘾)|(?:酒|烟|糖|盐|油|脂肪|咖啡因).{0,6}(?:过量|超标)"
    r"|(?:对|有害|伤).{0,6}(?:身体|健康|肝|肾|胃|心脏)(?:有害|不好|好吗|有没有害)?|(?:健康吗|不健康|有害吗|危险吗|安全吗)"
    r"|我的(?:血压|血糖|血脂|胆固醇|体重|心率|肝|肾|心脏|甲状腺|精神状态).{0,14}[吗么？?]|(?:减肥|减重|增重)"
    r"|(?:要不要|该不该|需要|应该).{0,4}(?:看|去看|找)(?:医生|大夫|医院|心理)|(?:能|可以)(?:和|跟|与).{0,8}(?:一起吃|同吃|同服)|会不会(?:死|病|好起来)"
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
        "hidden": "Sensitive interests that are not named: {n}. Ask for one by its name to see it.",
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

    def check(self) -> None:
        """Sees to it that what is declared sensitive exists: a misspelt name would hide nothing.

        Raises:
            SettingsError: a declared category is none of the catalogue's; near names are given.
        """
        known = {normal(name): name for name in self.catalogue.category_names}
        for name in self.settings.sensitive_categories:
            if normal(name) not in known:
                near = ", ".join(known[key] for key in get_close_matches(normal(name), known, n=3)) or "none"
                near = near if known else "none, its items have no categories"
                raise SettingsError(
                    f"chat.sensitive_categories: expected categories of the catalogue, got {name!r}; near it: "
                    f"{near}. Correct the name, or take it out."
                )

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
        words = whole.split()
        found = {
            name for name in self.declared if (name in whole if HAN.search(name) else _says(words, name))
        }
        for _, codes in names.find_titles(question):
            for code in codes:
                found |= self.sensitive_of(code)
        return frozenset(found)

    def asks_diagnosis(self, question: str) -> bool:
        """Whether a question asks for what only a doctor may say; only where the domain is health."""
        return self.health and bool(_MEDICAL.search(question))

    def hide_names(self, text: str, named: frozenset[str], language: Language) -> str:
        """`text` with every sensitive category that is not to be named replaced by the line for it."""
        for name in sorted(self.declared - named, key=len, reverse=True):
            words = r"\W+".join(map(re.escape, name.split()))
            edge = "" if HAN.search(name) else r"(?<!\w)"
            text = re.sub(
                f"{edge}{words}{edge.replace('<', '')}",
                self.line("facet", language),
                text,
                flags=re.IGNORECASE,
            )
        return text

    def hide_values(self, value: Any, named: frozenset[str], language: Language) -> Any:
        """JSON-ready data of which no text, key or value, names what is not to be named."""
        if not self.declared - named:
            return value
        if isinstance(value, str):
            return self.hide_names(value, named, language)
        if isinstance(value, Mapping):
            return {
                self.hide_names(str(key), named, language): self.hide_values(part, named, language)
                for key, part in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.hide_values(part, named, language) for part in value]
        return value

    @staticmethod
    def line(key: str, language: Language, **values: object) -> str:
        """One of the fixed lines: `advice`, `refusal`, `item`, `facet`, `hidden`."""
        return _LINES[language][key].format(**values)


def _says(words: Sequence[str], name: str) -> bool:
    """Whether whole words in a row are a name, in the singular or the plural: “start” does not say “art”."""
    parts = name.split()
    starts = range(len(words) - len(parts) + 1)
    return any(all(map(_same, words[spot : spot + len(parts)], parts)) for spot in starts)


def _same(word: str, part: str) -> bool:
    return word == part or ("s" in (word[-1], part[-1]) and stem(word) == stem(part))
