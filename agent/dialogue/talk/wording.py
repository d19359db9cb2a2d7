"""The language model's part of an answer: the short of it in one sentence, from the facts the tools found.

A model on this machine is small and only chooses which facts matter, see `chat_choice`. One that is served
elsewhere words the sentence itself. Models join facts plausibly, and now and then say the opposite. So each
clause must be borne by one fact: its names and figures in their order, no denial more or less, and no word of
content that the fact does not have. A sentence with any other clause is cut, and the answer says so.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

from agent.dialogue.sentences.lexicon import HAN, stem
from agent.dialogue.talk.answers import Cut, Sentence
from agent.dialogue.talk.choice import choose_short, readable
from agent.errors import LlmError
from agent.interests.words import Language
from agent.llm.backend import Backend, LlmRequest
from agent.llm.prompts import render

_LEAD: Final[dict[Language, str]] = {"en": "In short: ", "zh": "简而言之："}
_NAME: Final = re.compile(r"“([^”]*)”|《([^》]*)》|\"([^\"]*)\"")
_FIGURE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|-?\d+(?:[.,]\d+)*%?")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLAUSE: Final = re.compile(
    r"[,;:]\s+(?:and |but |while |because |so |which |since )?|\s+(?:because|while|whereas|and since)\s+"
    r"|[，；：]|(?<=[.!?])\s+|(?<=[。！？])"
)
_DENIAL_EN: Final = frozenset("not no never none nothing neither nor without cannot nobody".split())
_DENIAL_ZH: Final = re.compile(r"不|没|无|非|未")
# Words that carry no claim: they may be added. None has a direction, a comparison or a denial.
_NEUTRAL_EN: Final = frozenset(
    """
    a about also an and are as at be because been by did do does for from had has have i in is it it's its me
    my of on one or our so such that that's the their them then there these they this those to up was we were
    what which who with would you you've your yours item list place recommend recommended recommendation
    interest interests activity event events now
    """.split()
)
_NEUTRAL_ZH: Final = (
    "您 你 的 了 是 在 它 这 那 和 与 也 就 都 有 为 对 于 被 把 将 会 而 因为 因 所以 "
    "由于 其 该 之 中 里 上 个 件 项 我 目前 "
    "现在 以及 并且 并 且 同时 推荐 兴趣 物品 记录 给"
).split()
_MAX_FACTS: Final = 6
# Of fewer facts there is no short: they are short.
_MIN_FACTS: Final = 3
_MAX_TOKENS: Final = 90


@dataclass(frozen=True, slots=True)
class Short:
    """The sentence, None when there is none to show; what was cut; why the model gave nothing."""

    sentence: Sentence | None
    cut: tuple[Cut, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChatWorder:
    """Asks a backend for the short of it, and lets no clause pass that no fact bears."""

    backend: Backend

    def sum_up(
        self,
        question: str,
        facts: Sequence[Sentence],
        language: Language,
        *,
        lead: bool = True,
        earlier: str = "",
    ) -> Short:
        """The answer in one sentence; asides (what holds only under a condition) are not offered.

        Args:
            question: what the person asked.
            facts: the sentences of the answer.
            language: of the answer.
            lead: the first fact is what the others are reasons for.
            earlier: what was said before.
        """
        offered = [fact for fact in facts if fact.claim and not fact.aside][:_MAX_FACTS]
        if len(offered) < _MIN_FACTS:
            return Short(None)
        try:
            if not self.backend.capabilities.remote:
                chosen = choose_short(self.backend, question, offered, language, lead=lead, earlier=earlier)
                return Short(chosen)
        except LlmError as error:
            return Short(None, note=f"without a summary, because the language model failed: {error}")
        return self._worded(question, offered, language, earlier)

    def _worded(self, question: str, offered: Sequence[Sentence], language: Language, earlier: str) -> Short:
        """The sentence in the model's own words, if every clause of it is borne."""
        told = [readable(fact.text.strip(), language) for fact in offered]
        prompt = render(
            f"chat_short.v1{'.zh' if language == 'zh' else ''}",
            question=question,
            facts=told,
            earlier=earlier,
        )
        request = LlmRequest(
            system=prompt.system,
            user=prompt.user,
            stage="chat_short",
            max_output_tokens=_MAX_TOKENS,
            stop=("\n",),
            prompt_hash=prompt.hash,
        )
        try:
            text, whole = _one_line(self.backend.stream(request))
        except LlmError as error:
            return Short(None, note=f"without a summary, because the language model failed: {error}")
        if not whole:
            return Short(None, note="without a summary, because the language model did not finish")
        if not text:
            return Short(None, note="without a summary, because the language model said nothing")
        problem, bearers = find_stray(text, told, language)
        if problem:
            return Short(None, (Cut(text, f"the model's summary {problem}"),))
        marks = dict.fromkeys(mark for spot in bearers for mark in offered[spot].evidence)
        return Short(Sentence(f"{_LEAD[language]}{_tidy(text)}", tuple(marks), row=True))


def _one_line(stream: Generator[str, None, object]) -> tuple[str, bool]:
    """The first line of a stream, and whether it came whole; a stream that goes on is closed."""
    text = ""
    try:
        while "\n" not in text.lstrip():
            try:
                text += next(stream)
            except StopIteration as end:
                return text.strip(), getattr(end.value, "finish_reason", "error") == "stop"
        return text.strip().split("\n", 1)[0].strip(), True
    finally:
        stream.close()


def find_stray(text: str, facts: Sequence[str], language: Language) -> tuple[str, tuple[int, ...]]:
    """What in `text` follows from no fact, in words, empty when all does; and which facts bear it.

    >>> facts = ["“Rye bread” is number 3.", "You bought it 4 times.", "Milk fell from 5% to 2%."]
    >>> find_stray("“Rye bread” is number 3 because you bought it 4 times.", facts, "en")
    ('', (0, 1))
    >>> find_stray("Milk rose from 2% to 5%.", facts, "en")
    ("says 'Milk rose from 2% to 5%.', which no fact does", ())
    """
    if len(text) > 2 * max(sum(map(len, facts)), 1) or not (HAN.search(text) or _WORD.search(text)):
        return "is no answer", ()
    bearers: list[int] = []
    for clause in filter(None, (part.strip() for part in _clauses(text))):
        spot = next((n for n, fact in enumerate(facts) if _bears(fact, clause, language)), None)
        if spot is None:
            return f"says {clause!r}, which no fact does", ()
        bearers.append(spot)
    return "", tuple(dict.fromkeys(bearers))


def _clauses(text: str) -> list[str]:
    """`text` in clauses; what stands in quotation marks is never divided."""
    names: list[str] = []

    def hide(match: re.Match[str]) -> str:
        names.append(match.group())
        return f"\x00{len(names) - 1}\x00"

    parts = _CLAUSE.split(_NAME.sub(hide, text))
    return [re.sub("\x00(\\d+)\x00", lambda match: names[int(match[1])], part) for part in parts if part]


def _bears(fact: str, clause: str, language: Language) -> bool:
    """Whether one fact says all that the clause says."""
    names = [next(filter(None, groups), "") for groups in _NAME.findall(clause)]
    known_names = [next(filter(None, groups), "") for groups in _NAME.findall(fact)]
    if not _in_order(names, known_names):
        return False
    plain, plain_fact = _NAME.sub(" ", clause), _NAME.sub(" ", fact)
    if not _in_order(_FIGURE.findall(plain), _FIGURE.findall(plain_fact)):
        return False
    if _denials(plain, language) != _denials(plain_fact, language):
        return False
    known = f"{plain_fact} {' '.join(known_names)}"
    return not (_strange_zh(plain, known) if language == "zh" else _strange_en(plain, known))


def _in_order(wanted: Sequence[str], known: Sequence[str]) -> bool:
    """Whether `wanted` is a subsequence of `known`."""
    rest = iter(known)
    return all(entry in rest for entry in wanted)


def _denials(text: str, language: Language) -> int:
    if language == "zh":
        return len(_DENIAL_ZH.findall(text))
    return sum(word in _DENIAL_EN or word.endswith("n't") for word in _words(text))


def _strange_en(text: str, known: str) -> str:
    stems = {stem(word) for word in _words(known)}
    for word in _words(text):
        if word not in _NEUTRAL_EN and stem(word) not in stems:
            return word
    return ""


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in _WORD.findall(text)]


def _strange_zh(text: str, known: str) -> str:
    folded, rest = known.casefold(), text
    for word in sorted(_NEUTRAL_ZH, key=len, reverse=True):
        if len(word) > 1:
            rest = rest.replace(word, " ")
    for run in _WORD.findall(rest):
        if not HAN.search(run):
            if run.casefold() not in folded:
                return str(run)
            continue
        kept = [spot for spot in range(len(run)) if run[spot] not in _NEUTRAL_ZH]
        for spot in kept:
            pair = run[spot : spot + 2]
            # Beside a neutral character the single one must do, else the pair must stand in the fact.
            found = pair in folded if len(pair) == 2 and pair[1] not in _NEUTRAL_ZH else run[spot] in folded
            if not found:
                return str(pair)
    return ""


def _tidy(text: str) -> str:
    return text if text.endswith((".", "!", "。", "！")) else text + ("。" if HAN.search(text[-1]) else ".")
