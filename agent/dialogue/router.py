"""Which tool a question needs: by rules where they are clear, by the language model where they are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from agent.dialogue.answers import RoutedBy
from agent.dialogue.lexicon import HAN
from agent.dialogue.mentions import find_places
from agent.dialogue.route_rules import RULES, ToolName
from agent.dialogue.tools import TOOLS, about_me
from agent.errors import LlmError
from agent.interests.words import Language
from agent.llm.backend import Backend, LlmRequest
from agent.llm.prompts import render

# From this weight a rule decides; hints beyond the heaviest count a little.
_CLEAR: Final = 2.0
_HINT: Final = 0.3
# Log-probability per token by which the model's choice must beat "something unrelated".
_MARGIN: Final = 0.0
_FOLLOW_UP: Final = re.compile(
    r"^\W*(?:and|what about|how about|same for|also|then)\b|^\W*(?:那么?|还有|换成|至于)", re.IGNORECASE
)
_REPEATABLE: Final = frozenset(
    {"explain", "why_not", "counterfactual", "compare", "gift", "less", "more", "mute"}
)
_LETTERS: Final = re.compile(r"[^\W\d_]")

WANTS: Final[Mapping[ToolName, Mapping[Language, str]]] = {
    **{name: tool.wants for name, tool in TOOLS.items()},
    "about_me": about_me(int).wants,
}


@dataclass(frozen=True, slots=True)
class Route:
    """The tool chosen, by whom, and why the model could not help when it was asked in vain."""

    tool: ToolName
    by: RoutedBy
    note: str = ""


@dataclass
class Router:
    """Chooses tools; keeps what the model says without a question, so that it is asked that only once.

    Attributes:
        backend: None leaves unclear questions unclear.
    """

    backend: Backend | None
    _priors: dict[Language, tuple[float, ...]] = field(default_factory=dict, init=False, repr=False)

    def route(self, question: str, language: Language, *, previous: ToolName | None = None) -> Route:
        """The tool for a question.

        Args:
            question: with titles masked, so that their words are no commands.
            previous: the tool of the turn before: “and number 3?” asks it again.
        """
        if previous in _REPEATABLE and _FOLLOW_UP.search(question) and _speaks_of_item(question):
            return Route(previous, "rules")
        found = route_by_rules(question, language)
        if found is not None:
            return Route(found, "rules")
        if self.backend is None or len(_LETTERS.findall(question)) < 2:
            return Route("help", "nothing")
        try:
            return Route(self._ask_model(question, language), "model")
        except LlmError as error:
            return Route("help", "nothing", f"the language model could not help: {error}")

    def _ask_model(self, question: str, language: Language) -> ToolName:
        backend = self.backend
        assert backend is not None, "the caller has looked"
        if backend.capabilities.score:
            return self._by_likelihood(backend, question, language)
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

    def _by_likelihood(self, backend: Backend, question: str, language: Language) -> ToolName:
        names = list(WANTS)
        space = "" if language == "zh" else " "
        ends = [f"{space}{WANTS[name][language]}" for name in names]
        if language not in self._priors:
            self._priors[language] = _means(backend, _prefix(language, ""), ends)
        after = _means(backend, _prefix(language, question), ends)
        gain = np.array(after) - np.array(self._priors[language])
        best = int(np.nanargmax(gain))
        if gain[best] < gain[names.index("help")] + _MARGIN:
            return "help"
        return names[best]


def route_by_rules(question: str, language: Language) -> ToolName | None:
    """The tool of the heaviest pattern; None when nothing decides. Mixed languages are read as both."""
    languages = [language]
    if HAN.search(question) and re.search(r"[A-Za-z]{3}", question):
        languages = ["en", "zh"]
    weights: dict[ToolName, float] = {}
    for name in languages:
        for tool, rules in RULES[name].items():
            hits = sorted((weight for pattern, weight in rules if pattern.search(question)), reverse=True)
            if hits:
                weights[tool] = max(weights.get(tool, 0.0), hits[0] + _HINT * (len(hits) - 1))
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
