"""A backend without a model: answers from a list or a function. For tests, and for trying things out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agent.errors import BackendError, CapabilityError, SchemaError
from agent.llm.backend import Capabilities, Completion, LlmRequest, Scores, Stream
from agent.llm.validation import check_schema, find_problem

Answer = str | Mapping[str, Any] | Completion | Exception
ScoreFunction = Callable[[str, str], Sequence[float]]


class ScriptedBackend:
    """Gives prepared answers and records what it was asked.

    Attributes:
        requests: every request of `complete`, in order.
        scored: every `(prefix, continuations)` of `score`, in order.
    """

    def __init__(
        self,
        answers: Iterable[Answer] | Callable[[LlmRequest], Answer],
        *,
        score_function: ScoreFunction | None = None,
        name: str = "scripted:",
        context_tokens: int = 4096,
        remote: bool = False,
    ) -> None:
        """Takes the script.

        Args:
            answers: one per request, or a function of the request. A text is the answer as it stands, a
                mapping is an object, a `Completion` is returned as it is, an exception is raised.
            score_function: token log-probabilities of `(prefix, continuation)`; without it `score` is
                refused.
            name: as reported.
            context_tokens: as declared; a word counts as a token.
            remote: as declared: stands for a model that is served elsewhere.
        """
        self._answer: Callable[[LlmRequest], Answer] | None = answers if callable(answers) else None
        self._queue: Iterator[Answer] = iter(()) if callable(answers) else iter(answers)
        self._score_function = score_function
        self._name = name
        self._context_tokens = context_tokens
        self._remote = remote
        self.requests: list[LlmRequest] = []
        self.scored: list[tuple[str, tuple[str, ...]]] = []

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Structured output; scores when there is a score function."""
        return Capabilities(True, self._score_function is not None, self._context_tokens, self._remote)

    def complete(self, request: LlmRequest) -> Completion:
        """The next answer of the script, held to the request as a model's would be.

        An answer of more than `max_output_tokens` words is cut there; one that does not fit the schema is
        degraded.

        Raises:
            SchemaError: the request's schema is malformed.
            BackendError: the request is too long for the context, or the script has no more answers.
        """
        if request.schema is not None:
            problem = check_schema(request.schema)
            if problem:
                raise SchemaError(f"stage {request.stage!r}: the output schema is not supported: {problem}")
        self.requests.append(request)
        needed = _count(request.system) + _count(request.user) + request.max_output_tokens
        if needed > self._context_tokens:
            raise BackendError(f"needs {needed} tokens, the context holds {self._context_tokens}")
        answer = self._next(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Completion):
            return answer
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return self._completion(text, request)

    def stream(self, request: LlmRequest) -> Stream:
        """The next answer of the script, word by word; a `Completion` without text gives no piece."""
        completion = self.complete(request)
        yield from re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", completion.text)
        return completion

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """What the score function says.

        Raises:
            CapabilityError: no score function was given.
        """
        if self._score_function is None:
            raise CapabilityError(f"{self._name} was made without a score function (stage {stage!r})")
        if not prefix:
            raise BackendError("expected a prefix of at least one token")
        self.scored.append((prefix, tuple(continuations)))
        values = tuple(tuple(self._score_function(prefix, text)) for text in continuations)
        return Scores(values, self._name, _count(prefix), sum(map(len, values)))

    def close(self) -> None:
        """Nothing to free."""

    def _next(self, request: LlmRequest) -> Answer:
        if self._answer is not None:
            return self._answer(request)
        try:
            return next(self._queue)
        except StopIteration:
            raise BackendError(
                f"{self._name} has no answer left for request {len(self.requests)} (stage {request.stage!r})"
            ) from None

    def _completion(self, text: str, request: LlmRequest) -> Completion:
        words = text.split()
        if len(words) > request.max_output_tokens:
            cut = " ".join(words[: request.max_output_tokens])
            note = f"the answer was cut at {request.max_output_tokens} tokens"
            return Completion(cut, self._name, finish_reason="length", degraded=True, note=note)
        data, note = find_problem(text, request.schema)
        return Completion(
            text=text,
            model=self._name,
            data=data,
            prompt_tokens=_count(request.system) + _count(request.user),
            output_tokens=len(words),
            degraded=bool(note),
            note=note,
        )


def _count(text: str) -> int:
    return len(text.split())
