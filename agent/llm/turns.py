"""Whose turn it is: requests of several threads wait for one worker, ordered by what they share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

_PATIENCE = 8


@dataclass(slots=True, eq=False)
class _Ticket:
    lane: str
    text: str
    passed: int = 0
    admitted: bool = False


class Turns:
    """Admits one holder at a time; of those that wait, the one with most in common with the last goes first.

    A prompt that begins as the one before it is decoded only where it differs, which is many times cheaper.
    Nobody is overtaken more than `patience` times: then the order of arrival counts.
    """

    def __init__(self, *, patience: int = _PATIENCE) -> None:
        self._patience = patience
        self._condition = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._busy = False
        self._last: dict[str, str] = {}

    @contextmanager
    def taken(self, lane: str, text: str) -> Iterator[None]:
        """Holds the turn while the block runs.

        Args:
            lane: what remembers a prefix of its own (completions and scores have separate memories).
            text: the prompt, compared by its beginning with the last one of the lane.
        """
        ticket = _Ticket(lane, text)
        try:
            with self._condition:
                self._waiting.append(ticket)
                self._admit_next()
                while not ticket.admitted:
                    self._condition.wait()
            yield
        finally:
            self._leave(ticket)

    @property
    def n_waiting(self) -> int:
        """How many wait for their turn now."""
        with self._condition:
            return len(self._waiting)

    def _leave(self, ticket: _Ticket) -> None:
        with self._condition:
            if ticket.admitted:
                self._last[ticket.lane] = ticket.text
                self._busy = False
            elif ticket in self._waiting:  # interrupted while it waited
                self._waiting.remove(ticket)
            self._admit_next()

    def _admit_next(self) -> None:
        if self._busy or not self._waiting:
            return
        impatient = [ticket for ticket in self._waiting if ticket.passed >= self._patience]
        chosen = impatient[0] if impatient else max(self._waiting, key=self._shared)
        spot = self._waiting.index(chosen)
        for earlier in self._waiting[:spot]:
            earlier.passed += 1
        del self._waiting[spot]
        chosen.admitted = True
        self._busy = True
        self._condition.notify_all()

    def _shared(self, ticket: _Ticket) -> int:
        """Characters that the prompt has in common with the last one of its lane; ties keep the order."""
        pairs = zip(ticket.text, self._last.get(ticket.lane, ""), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
