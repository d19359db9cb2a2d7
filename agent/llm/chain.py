"""A chain of models: when one fails the next is tried, and the answer says so."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from agent.errors import BackendError, BudgetError, CapabilityError, LlmError, SchemaError, SettingsError
from agent.llm.backend import Backend, Capabilities, Completion, LlmRequest, Scores, Stream
from agent.llm.streams import end_openly
from agent.llm.wrapper import open_now

T = TypeVar("T")
Failure = tuple[str, LlmError | str]
_NO_FURTHER = "no further model in llm.fallback"
_log = logging.getLogger(__name__)


class FallbackBackend:
    """Holds several backends and gives the first answer that is one.

    What makes it go on to the next: any error of a model, a refused budget among them, and an answer
    without the object that was asked for, unless it was cut at the limit. An answer of another than the
    first is degraded, its note names who failed and why, its `model` who answered.

    A model that broke down is passed over for `rest_s` while there is another to turn to: waiting for each
    of a hundred answers until a dead server times out would take hours.
    """

    def __init__(
        self,
        members: Sequence[Backend],
        *,
        ends_in_none: bool = False,
        rest_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the chain.

        Args:
            members: in the order they are tried.
            ends_in_none: that no model answers is foreseen, and the facts speak then.
            rest_s: for how long a member that broke down is passed over.
            clock: seconds.

        Raises:
            SettingsError: a chain without members.
        """
        if not members:
            raise SettingsError("expected a chain of one or more models, got none")
        self._members = tuple(members)
        self._rest_s = rest_s
        self._clock = clock
        self._broke_down: dict[int, tuple[float, BackendError]] = {}
        self._spent: dict[int, float] = {}
        self._ends_in_none = ends_in_none

    @property
    def name(self) -> str:
        """The names of the chain: `openai:… → llamacpp:… → none`."""
        names = [member.name for member in self._members]
        return " → ".join([*names, "none"] if self._ends_in_none else names)

    @property
    def capabilities(self) -> Capabilities:
        """What every member can do; calls to other machines count when one member makes them.

        Whether it scores is up to the member whose turn it is: a hosted model without likelihoods that stands
        before a small local one with them is to be asked for scores, not passed over. While it rests after a
        break-down, or has lately refused for its budget, the next one decides.
        """
        each = [member.capabilities for member in self._members]
        now = self._clock()
        out = {number for number, since in list(self._spent.items()) if now - since < self._rest_s}
        out |= self._resting().keys()
        leader = next((number for number in range(len(each)) if number not in out), 0)
        return Capabilities(
            structured=all(entry.structured for entry in each),
            score=each[leader].score,
            context_tokens=min(entry.context_tokens for entry in each),
            remote=any(entry.remote for entry in each),
            identity=" → ".join(entry.identity or self._members[i].name for i, entry in enumerate(each)),
        )

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`.

        Raises:
            SchemaError: every member refused the schema.
            BackendError: every member failed; names each and why.
        """
        completion, failures = self._first(
            lambda member: member.complete(request), lambda found: _shortfall(found, request)
        )
        return _say_so(completion, failures)

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`; members that give no likelihoods are passed over.

        Raises:
            CapabilityError: no member gives likelihoods.
            BackendError: every member that does failed.
        """
        scores, failures = self._first(
            lambda member: member.score(prefix, continuations, stage=stage), lambda found: ""
        )
        return dataclasses.replace(scores, note=_note(failures, scores.model)) if failures else scores

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; once a member has begun to answer, no other is tried."""
        failures: list[Failure] = []
        for number, member in self._in_turn(failures):
            try:
                completion = yield from end_openly(member.stream(request), member.name)
            except LlmError as error:
                self._failed(failures, number, error)
                continue
            return _say_so(completion, failures)
        raise _all_failed(failures, ends_in_none=self._ends_in_none)

    def open(self) -> None:
        """Opens members in turn until one is ready.

        Raises:
            BackendError: none of them can be opened.
        """
        failures: list[Failure] = []
        for number, member in self._in_turn(failures):
            try:
                return open_now(member)
            except LlmError as error:
                self._failed(failures, number, error)
        raise _all_failed(failures, ends_in_none=self._ends_in_none)

    def close(self) -> None:
        """Closes every member."""
        for member in self._members:
            member.close()

    def _first(self, call: Callable[[Backend], T], shortfall: Callable[[T], str]) -> tuple[T, list[Failure]]:
        """The first answer without a shortfall, else the first with one; and who failed before it."""
        failures: list[Failure] = []
        second_best: tuple[T, list[Failure]] | None = None
        for number, member in self._in_turn(failures):
            try:
                answer = call(member)
            except LlmError as error:
                self._failed(failures, number, error)
                continue
            short = shortfall(answer)
            if not short:
                return answer, failures
            second_best = second_best or (answer, list(failures))
            self._failed(failures, number, short)
        if second_best is not None:
            return second_best
        raise _all_failed(failures, ends_in_none=self._ends_in_none)

    def _in_turn(self, failures: list[Failure]) -> Iterator[tuple[int, Backend]]:
        """The members to try; one that rests becomes a failure, unless nobody else is left to answer."""
        rests = self._resting()
        for number, member in enumerate(self._members):
            if number in rests:
                failures.append((member.name, f"{rests[number]} (not asked again for {self._rest_s:g} s)"))
            else:
                yield number, member

    def _resting(self) -> dict[int, BackendError]:
        """The members that are passed over now, and why; nobody when all of them would be."""
        now = self._clock()
        rests = {
            number: error
            for number, (since, error) in list(self._broke_down.items())
            if now - since < self._rest_s and len(self._members) > 1
        }
        return rests if len(rests) < len(self._members) else {}

    def _failed(self, failures: list[Failure], number: int, why: LlmError | str) -> None:
        name = self._members[number].name
        _log.info("%s failed, the next model of the chain is tried: %s", name, why)
        failures.append((name, why))
        if isinstance(why, BackendError):
            self._broke_down[number] = (self._clock(), why)
        elif isinstance(why, BudgetError):
            self._spent[number] = self._clock()


def _all_failed(failures: Sequence[Failure], *, ends_in_none: bool) -> LlmError:
    kinds = {type(why) for _, why in failures}
    same = kinds.pop() if len(kinds) == 1 else BackendError
    kind = same if same in (SchemaError, CapabilityError) else BackendError
    end = "the chain ends in 'none', so the facts speak" if ends_in_none else _NO_FURTHER
    return kind(f"{_reasons(failures)}; {end}")


def _shortfall(completion: Completion, request: LlmRequest) -> str:
    """Why an answer is none; empty when it is one. A longer limit would be needed by every model."""
    if request.schema is None or completion.data is not None or completion.finish_reason == "length":
        return ""
    return completion.note or "no object in the answer"


def _say_so(completion: Completion, failures: Sequence[Failure]) -> Completion:
    if not failures:
        return completion
    note = _note(failures, completion.model)
    if completion.note:
        note = f"{note}; {completion.note}"
    return dataclasses.replace(completion, degraded=True, note=note)


def _note(failures: Sequence[Failure], answered_by: str) -> str:
    return f"answered by {answered_by}, because {_reasons(failures)}"


def _reasons(failures: Sequence[Failure]) -> str:
    # Most messages begin with the name already.
    return "; ".join(f"{name} failed: {str(why).removeprefix(f'{name}: ')}" for name, why in failures)
