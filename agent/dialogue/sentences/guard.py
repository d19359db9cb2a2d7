"""The border of a talk: what a question is cut down to, and who is spoken of."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from agent.interests.words import Language

MAX_QUESTION_CHARS: Final = 2_000
# So many words of which so few are different say nothing.
_MANY_WORDS: Final = 20
_FEW_WORDS: Final = 2
_REPEATED: Final = re.compile(r"(\S{1,12}?)\1{19,}\S{0,11}")
_YES: Final = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|ok(?:ay)?|do it|confirm(?:ed)?|please do|go ahead"
    r"|是的?|好的?|对|可以|确认|确定|行)\W*$",
    re.IGNORECASE,
)
_NO: Final = re.compile(
    r"^\W*(?:no|nope|don'?t|stop|cancel|never mind|不(?:是|要|用|行)?|算了|取消|别)\W*$", re.IGNORECASE
)
_PICK: Final = re.compile(
    r"^\W*(?:the |number |no\.? )?(?:1|one|first|former|第?一|(?P<second>2|two|second|latter|第?二))"
    r"(?: one|个|种)?\W*(?:please)?\W*$",
    re.IGNORECASE,
)
_NOTES: Final[dict[Language, str]] = {
    "en": "your question has {n:,} characters; I read the first {limit:,}",
    "zh": "您的问题有{n}个字符；只读了前{limit}个",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A question as it is worked with: one line, no control characters, of bounded length."""

    text: str
    n_characters: int

    def note(self, language: Language) -> str:
        """What the reader should know about the cut; empty without one."""
        if self.n_characters <= MAX_QUESTION_CHARS:
            return ""
        return _NOTES[language].format(n=self.n_characters, limit=MAX_QUESTION_CHARS)


def check_question(question: str) -> Checked:
    """`question` without control, bidirectional and unassigned characters, on one line, not too long."""
    # Ten times the limit bounds the work; nothing beyond can come within it.
    raw = unicodedata.normalize("NFC", question[: 10 * MAX_QUESTION_CHARS])
    visible = "".join(_shown(character) for character in raw)
    return Checked(" ".join(visible.split())[:MAX_QUESTION_CHARS], len(question))


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("Cf", "Cs", "Co", "Cn") else character


def only_repeats(text: str) -> bool:
    """Whether a long text says only one word or two, over and over.

    >>> only_repeats("why " * 30), only_repeats("why not beer?"), only_repeats("why" * 400)
    (True, False, True)
    """
    words = text.casefold().split()
    if len(words) < _MANY_WORDS:
        return bool(_REPEATED.fullmatch(text.casefold().strip(" ?!.")))
    return len(set(words)) <= _FEW_WORDS


def as_oneself(question: str, user_id: str) -> str:
    """The question with “user 27” turned into “me” when 27 is the one who talks."""
    # Digits of their own only: user 2 is not part of user 27.
    return re.sub(
        rf"\b(?:user|household|customer|member|account)s?\s*(?:id|no\.?|number|#)?\s*{re.escape(user_id)}(?!\w)"
        rf"|(?:用户|客户|顾客|会员|家庭)\s*{re.escape(user_id)}(?!\w)",
        "me",
        question,
        flags=re.IGNORECASE,
    )


def picks(question: str) -> int | None:
    """Which of two the person chooses, 1 or 2; None when they say something else.

    >>> picks("2"), picks("the first one"), picks("第二个"), picks("2 beers")
    (2, 1, 2, None)
    """
    match = _PICK.match(question)
    return None if match is None else 1 + (match["second"] is not None)


def says_yes(question: str) -> bool:
    """Whether a question confirms."""
    return bool(_YES.match(question))


def says_no(question: str) -> bool:
    """Whether a question declines."""
    return bool(_NO.match(question))
