"""What keeps the future from whatever ranks: a log that ends at T, and a vault that shuts while rows run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.data.log import InteractionLog
from eval.errors import LeakError


@dataclass(frozen=True)
class SealedLog(InteractionLog):
    """A log that holds nothing at or after `sealed_ms`, and refuses to be asked for it.

    Attributes:
        sealed_ms: T, UTC. Asking for the events before a later moment raises: whoever does so is about to
            use a clock that it should not have.
    """

    sealed_ms: int = 0

    def __post_init__(self) -> None:
        if len(self.timestamp_ms) and int(self.timestamp_ms.max()) >= self.sealed_ms:
            late = int((self.timestamp_ms >= self.sealed_ms).sum())
            raise LeakError(f"expected only events before {self.sealed_ms!r}, got {late} later ones")

    @classmethod
    def of(cls, log: InteractionLog, sealed_ms: int) -> SealedLog:
        """The part of `log` before `sealed_ms`, sealed."""
        past = log.before(sealed_ms)
        names = [field.name for field in dataclasses.fields(InteractionLog)]
        kept = {name: getattr(past, name) for name in names}
        # Search texts of later events would be a way around the seal.
        known = set(past.interaction_id.tolist())
        kept["queries"] = {number: text for number, text in past.queries.items() if number in known}
        return cls(**kept, sealed_ms=sealed_ms)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> SealedLog:
        """See `InteractionLog.take`; the seal stays."""
        part = super().take(rows)
        names = [field.name for field in dataclasses.fields(InteractionLog)]
        return SealedLog(**{name: getattr(part, name) for name in names}, sealed_ms=self.sealed_ms)

    def before(self, moment_ms: int) -> SealedLog:
        """See `InteractionLog.before`.

        Raises:
            LeakError: `moment_ms` lies after T.
        """
        if moment_ms > self.sealed_ms:
            raise LeakError(
                f"events up to {moment_ms!r} were asked for, but this log is sealed at {self.sealed_ms!r}; "
                "fit and rank with the moment of the question"
            )
        return self.take(slice(0, int(np.searchsorted(self.timestamp_ms, moment_ms, side="left"))))


class Vault:
    """Holds a value that must not be read while something ranks.

    >>> vault = Vault("the future")
    >>> with vault.closed():
    ...     vault.open()
    Traceback (most recent call last):
        ...
    eval.errors.LeakError: the labels were read while a recommender was running
    """

    def __init__(self, value: object) -> None:
        self._value = value
        self._shut = False

    def open(self) -> object:
        """The value.

        Raises:
            LeakError: the vault is closed.
        """
        if self._shut:
            raise LeakError("the labels were read while a recommender was running")
        return self._value

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing can be read inside; nesting is allowed."""
        before, self._shut = self._shut, True
        try:
            yield
        finally:
            self._shut = before
