"""Which tool a question needs: by rules, else by examples, else by the language model or by asking back."""

# ruff: noqa: E501 - patterns read better unbroken

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from agent.dialogue.sentences.examples import Encode, nearest
from agent.dialogue.sentences.lexicon import HAN
from agent.dialogue.sentences.mentions import find_places
from agent.dialogue.sentences.refusals import only_refuses
from agent.dialogue.sentences.rules import CHANGING, RULES, is_question
from agent.dialogue.sentences.rules_en import KIN
from agent.dialogue.sentences.rules_zh import KIN_ZH
from agent.dialogue.sentences.stance import as_command, keeps, supposes_command
from agent.dialogue.sentences.tool_names import ToolName
from agent.dialogue.talk.answers import RoutedBy
from agent.dialogue.tools import TOOLS, about_me
from agent.errors import DriftrecError, LlmError
from agent.interests.words import Language
from agent.llm.backend import Backend, LlmRequest
from agent.llm.prompts import render

# From this weight a rule decides; hints beyond the heaviest count a little.
_CLEAR: Final = 2.0
_HINT: Final = 0.3
# Weight of “no dairy, please” as a filter of the list.
_REFUSAL: Final = 5.0
# By how much the best tool must lead, among examples, to be taken (right in seven to eight of ten by
# cross-validation over the examples); and what it must score for the question to mean anything at all.
_LEAD: Final = 0.2
_MEANT: Final = 0.3
# How many of the best tools a language model chooses among; how much its log-probability counts in that.
_OFFERED: Final = 3
_SAID: Final = 0.3
_FOLLOW_UP: Final = re.compile(
    r"^\W*(?:and|what about|how about|same for|also|then)\b|^\W*(?:那么?|还有|换成|至于)", re.IGNORECASE
)
_REPEATABLE: Final = frozenset(
    {"explain", "why_not", "counterfactual", "compare", "gift", "less", "more", "mute"}
)
# After a word on one thing, “more of them” is more of that thing, not of the list.
_OF_ONE: Final = frozenset({"explain", "why_not", "counterfactual"})
_MORE_OF_IT: Final = re.compile(
    r"\bmore of (?:it|that|them|those|these|this)\W*(?:please)?\W*$", re.IGNORECASE
)
# After a list “what about cheese?” asks for a list of it.
_WHAT_ABOUT: Final = re.compile(
    r"^\W*(?:and |ok(?:ay)?,? |so |or )*(?:what|how) about (?:some |any |an? )?(?!me\b|that\b|this\b|it\b|you\b)[\w'’-]+(?: [\w'’-]+)?\W*$",
    re.IGNORECASE,
)
# Nobody is asked whether they want one of these.
_NO_CHOICE: Final = frozenset({"help", "refuse"})
_REFUSES: Final = re.compile(
    r"^\W*(?:please )?(?:no|not|without|don['’]?t (?:show|give))\b|不要|别(?!的|人)|不想", re.IGNORECASE
)
_OTHERS: Final = re.compile(
    rf"\b(?:{KIN}|users?|customers?|people|households?|others?|everyone|anyone|instructions?|system)\b|{KIN_ZH}|用户|别人|其他|人家|大家|指令|系统|老[王李张刘陈]|隔壁",
    re.IGNORECASE,
)
_LETTERS: Final = re.compile(r"[^\W\d_]")

WANTS: Final[Mapping[ToolName, Mapping[Language, str]]] = {
    **{name: tool.wants for name, tool in TOOLS.items()},
    "about_me": about_me(int).wants,
}


@dataclass(frozen=True, slots=True)
class Route:
    """The tool chosen, by whom, and why the model could not help when it was asked in vain.

    Attributes:
        other: another tool that may be meant as well: then the person is asked which.
    """

    tool: ToolName
    by: RoutedBy
    note: str = ""
    other: ToolName | None = None


@dataclass
class Router:
    """Chooses tools; keeps what the model says without a question, so that it is asked that only once.

    Attributes:
        backend: None leaves what examples do not settle to the person.
        encode: vectors of sentences; None leaves unclear questions to their words.
    """

    backend: Backend | None
    encode: Encode | None = None
    _priors: dict[Language, tuple[float, ...]] = field(default_factory=dict, init=False, repr=False)

    def route(self, question: str, language: Language, *, previous: ToolName | None = None) -> Route:
        """The tool for a question.

        Args:
            question: with titles masked, so that their words are no commands.
            previous: the tool of the turn before: “and number 3?” asks it again.
        """
        if keeps(question):
            return Route("undo", "rules")
        if previous in _OF_ONE and _MORE_OF_IT.search(question):
            return Route("more", "rules")
        found = route_by_rules(question, language)
        if found is not None:
            return Route(found, "rules")
        if previous in _REPEATABLE and _FOLLOW_UP.search(question) and _speaks_of_item(question):
            return Route(previous, "rules")
        if previous == "recommend" and _WHAT_ABOUT.search(question):
            return Route("recommend", "rules")
        if len(_LETTERS.findall(question)) < 2:
            return Route("help", "nothing")
        return self._unclear(question, language)

    def _unclear(self, question: str, language: Language) -> Route:
        """By what it resembles; where that leaves it open, the person is asked which of two is meant."""
        scores = _possible(question, nearest(language).scores(question))
        best, second = _two_best(scores)
        note = ""
        if scores[best] - scores[second] < _LEAD and self.encode is not None:
            try:
                scores = _possible(question, nearest(language).scores(question, self.encode))
            except DriftrecError as error:
                note = f"the sentence encoder could not help: {error}"
            best, second = _two_best(scores)
        meant = scores[best] >= _MEANT
        if meant and scores[best] - scores[second] >= _LEAD:
            return Route(best, "examples", note)
        open_ = Route(best, "examples", note, second) if meant else Route("help", "nothing", note)
        # A small model that only compares likelihoods finds a tool for anything: nonsense is not shown to it.
        if self.backend is None or (self.backend.capabilities.score and not meant):
            return open_
        try:
            if not self.backend.capabilities.score:
                return Route(self._by_name(self.backend, question, language), "model", note)
            chosen = self._by_likelihood(self.backend, question, language, scores)
        except LlmError as error:
            return replace(open_, note=f"the language model could not help: {error}")
        # Its word decides nothing: it names the other tool that the person is offered.
        return Route(best, "model", note, second if chosen == best else chosen)

    def _by_name(self, backend: Backend, question: str, language: Language) -> ToolName:
        suffix = ".zh" if language == "zh" else ""
        options = [{"name": name, "wants": wants[language]} for name, wants in WANTS.items()]
        prompt = render(f"chat_choose.v1{suffix}", options=options, question=question)
        answer = backend.complete(
            LlmRequest(
                system=prompt.system,
                user=prompt.user,
                stage="chat_route",
                schema=choice_schema(),
                max_output_tokens=24,
                prompt_hash=prompt.hash,
            )
        )
        chosen = None if answer.data is None else answer.data.get("tool")
        if chosen not in WANTS:
            why = answer.note or f"expected the name of a tool, got {answer.text[:60]!r}"
            raise LlmError(why)
        return chosen  # type: ignore[return-value]

    def _by_likelihood(
        self, backend: Backend, question: str, language: Language, scores: Mapping[ToolName, float]
    ) -> ToolName:
        """By how much likelier the question makes what each of the best tools is for."""
        ranked = sorted(scores, key=lambda name: -scores[name])
        names = [ranked[0], *(name for name in ranked[1:] if name not in _NO_CHOICE)][:_OFFERED]
        space = "" if language == "zh" else " "
        if language not in self._priors:
            ends = [f"{space}{WANTS[name][language]}" for name in WANTS]
            self._priors[language] = _means(backend, _prefix(language, ""), ends)
        before = dict(zip(WANTS, self._priors[language], strict=True))
        offered = [f"{space}{WANTS[name][language]}" for name in names]
        after = _means(backend, _prefix(language, question), offered)
        gains = [
            _SAID * (mean - before[name]) + scores[name] for name, mean in zip(names, after, strict=True)
        ]
        return names[int(np.argmax(gains))]


def _possible(question: str, scores: Mapping[ToolName, float]) -> dict[ToolName, float]:
    """Scores of what a question may mean by examples alone.

    Who asks changes nothing, who refuses something does not look it up, and only who speaks of others is told
    that they are none of their business.
    """
    unlikely: set[ToolName] = set(CHANGING) if is_question(question) else set()
    if _REFUSES.search(question):
        unlikely.add("search")
    if not _OTHERS.search(question):
        unlikely.add("refuse")
    return {tool: score for tool, score in scores.items() if tool not in unlikely}


def _two_best(scores: Mapping[ToolName, float]) -> tuple[ToolName, ToolName]:
    """The best tool and the best other one that a person may be asked about."""
    best, *others = sorted(scores, key=lambda name: -scores[name])
    return best, next(name for name in others if name not in _NO_CHOICE)


def route_by_rules(question: str, language: Language) -> ToolName | None:
    """The tool of the heaviest pattern; None when nothing decides. Mixed languages are read as both."""
    languages = [language]
    if HAN.search(question) and re.search(r"[A-Za-z]{3}", question):
        languages = ["en", "zh"]
    weights: dict[ToolName, float] = {}
    supposed_command = supposes_command(question)
    if supposed_command:
        question = as_command(question)
    for name in languages:
        for tool, rules in RULES[name].items():
            hits = sorted((weight for pattern, weight in rules if pattern.search(question)), reverse=True)
            if hits:
                weights[tool] = max(weights.get(tool, 0.0), hits[0] + _HINT * (len(hits) - 1))
    if "en" in languages and only_refuses(question):
        weights["recommend"] = max(weights.get("recommend", 0.0), _REFUSAL)
    supposed = {tool: w for tool, w in weights.items() if tool in CHANGING and w >= _CLEAR}
    if supposed_command and supposed:
        # What a command would do is told of that command; nothing is done without a yes.
        weights = supposed
    elif is_question(question) and any(w >= _CLEAR for tool, w in weights.items() if tool not in CHANGING):
        # Who asks about beer does not want it muted: what answers goes before what changes.
        weights = {tool: weight for tool, weight in weights.items() if tool not in CHANGING}
    best = max(weights, key=lambda tool: weights[tool], default=None)
    return best if best is not None and weights[best] >= _CLEAR else None


def choice_schema() -> dict[str, Any]:
    """JSON schema of the one key that a model without likelihoods answers with."""
    return {
        "type": "object",
        "properties": {"tool": {"type": "string", "enum": list(WANTS)}},
        "required": ["tool"],
        "additionalProperties": False,
    }


def _prefix(language: Language, question: str) -> str:
    return render(f"chat_route.v1{'.zh' if language == 'zh' else ''}", question=question).user


def _means(backend: Backend, prefix: str, ends: list[str]) -> tuple[float, ...]:
    """Mean log-probability per token of each end; an end without tokens is impossible."""
    scores = backend.score(prefix, ends, stage="chat_route")
    values = [float(np.mean(tokens)) if tokens else float("-inf") for tokens in scores.token_logprobs]
    if len(values) != len(ends) or not np.isfinite(values).any():
        raise LlmError(f"expected {len(ends)} likelihoods, got {len(values)} usable ones")
    return tuple(values)


def _speaks_of_item(question: str) -> bool:
    return "ITEM" in question or bool(find_places(question, 99))
