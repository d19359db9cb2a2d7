"""What people say when they want something: patterns by tool and language, each with a weight.

3 decides alone, 2 is strong, 1 is a hint. A question goes to the tool of the heaviest pattern; hints of the
same tool add up. What no pattern reaches is unclear: it is held against examples, then the language model is
asked. A question that asks (and does not ask for something to be done) changes nothing without a yes.
"""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from agent.dialogue.sentences.rules_en import RULES_EN
from agent.dialogue.sentences.rules_zh import RULES_ZH
from agent.dialogue.sentences.tool_names import ToolName

# Tools that change what outlives the answer, by a sentence that may also be a question about it.
CHANGING: Final[frozenset[ToolName]] = frozenset({"pin", "mute", "less", "more", "gift", "forget", "undo"})
_ASKS: Final = re.compile(
    r"^\W*(?:(?:so|and|but|well|hey|ok|please|tell me|say|then),? )*(?:why|what|when(?! (?:i|we)\b)|where|which|who|how (?!about\b)|shall|(?:would|could|can|will|might|may) (?!you\b|we\b|i\b)\w+|if (?!(?:you (?:can|could|would|please|like|don'?t mind)|possible)\b)|do|does|did|(?:don'?t|didn'?t) (?:i|you|we)|am|is|isn'?t|are|aren'?t|"
    r"was|wasn'?t|were|have|haven'?t|has|had|should|shouldn'?t)\b"
    r"|\b(?:do|don'?t|did|didn'?t|am|is|isn'?t|are|aren'?t|have|haven'?t|right|really|correct|true)(?: i| it| they| we)?\W*\?\W*$"
    r"|[吗么呢]\W*$|还是[^，,。]{1,12}的\W*$|(?:为什么|为何|为啥|多不多|是不是|有没有|会不会|什么|哪些|几次|多少)[^，,。；;！!]*[？?]?$",
    re.IGNORECASE,
)
_REQUESTS: Final = re.compile(
    r"^(?!\W*(?:why|how come|if)\b)(?:.*[,.;!?]\s+)?\W*(?:(?:please|hey|hi|ok|so|and|but|well|then),? )*(?:can|could|would|will|won't|may) (?:you|we|i|there)\b(?!.*\bif (?:i|we|you)\b)"
    r"|^(?!\W*(?:why|how come|if|what|did|do|does|have)\b).*\bplease\b"
    r"|请|(?:能不能|可不可以|可以|能|好|行)[^？?]{0,14}[吗么]\W*$|好不好|行不行",
    re.IGNORECASE,
)


def is_question(text: str) -> bool:
    """Whether a sentence asks for an answer, not for something to be done.

    >>> is_question("I don't eat cheese, do I?"), is_question("can you mute beer?"), is_question("mute beer")
    (True, False, False)
    >>> is_question("我不喜欢啤酒吗？"), is_question("可以少推荐啤酒吗？"), is_question("不要啤酒")
    (True, False, False)
    """
    return bool(_ASKS.search(text)) and not _REQUESTS.search(text)


def _compiled(
    table: Mapping[ToolName, Mapping[str, int]],
) -> dict[ToolName, tuple[tuple[re.Pattern[str], int], ...]]:
    return {
        tool: tuple((re.compile(pattern, re.IGNORECASE), weight) for pattern, weight in rules.items())
        for tool, rules in table.items()
    }


# In order of precedence: of equally heavy tools the earlier one is taken.
RULES: Final[Mapping[str, Mapping[ToolName, tuple[tuple[re.Pattern[str], int], ...]]]] = {
    "en": _compiled(RULES_EN),
    "zh": _compiled(RULES_ZH),
}
