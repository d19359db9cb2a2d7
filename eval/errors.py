"""What can go wrong in an evaluation, all under the project's own base error."""

from __future__ import annotations

from agent.errors import DriftrecError


class EvalError(DriftrecError):
    """The evaluation cannot be done as asked."""


class DataSetMissingError(EvalError):
    """A data set is not on this machine; the message says where it was looked for."""


class LeakError(EvalError):
    """Something that ranks looked at what it must not know: the run is worth nothing."""
