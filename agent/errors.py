"""The error tree.

    DriftrecError
    ├── SettingsError            a setting is missing, unknown or out of range
    ├── MissingExtraError        an optional dependency is not installed
    ├── DataError
    │   ├── InputFileError       a file cannot be read as what it claims to be
    │   └── MappingError         the column mapping does not fit the file
    ├── StoreError
    │   ├── WorkspaceNotFoundError
    │   ├── WorkspaceBusyError   another process holds the workspace or its index
    │   ├── VersionConflictError another process stored a version meanwhile
    │   ├── IndexMismatchError   vectors of two embedders would be mixed
    │   └── NotFittedError       something has to be built first
    ├── OfflineError             the network was needed and offline mode is on
    ├── FetchError               a package or model file could not be fetched
    └── LlmError
        ├── ModelNotFoundError   no such model, or its file is missing
        ├── ModelFileError       a model file does not verify
        ├── SchemaError          the output schema is not supported
        ├── CapabilityError      the backend cannot do what was asked
        ├── BackendError         the backend failed: crash, HTTP error, garbage
        │   ├── BackendTimeoutError
        │   ├── RateLimitError    the server asks to slow down
        │   └── TransientError    what may pass: no connection, HTTP 5xx, a reply cut off
        └── BudgetError          the call would exceed the budget; it was not made

Every error is raised with a message that says what was expected, what was got and what to do next.
"""

from __future__ import annotations


class DriftrecError(Exception):
    """Base of everything this package raises on purpose."""


class SettingsError(DriftrecError):
    """A setting is missing, unknown or out of range."""


class MissingExtraError(DriftrecError):
    """An optional dependency is not installed; `extra` names what to install."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)
        self.package = package
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.package!r} is not installed; run: pip install 'driftrec[{self.extra}]'"


class DataError(DriftrecError):
    """Input data cannot be used as given."""


class InputFileError(DataError):
    """A file is missing, truncated or not in the format its name claims."""


class MappingError(DataError):
    """The column mapping in `driftrec.toml` does not fit the file."""


class StoreError(DriftrecError):
    """The workspace store or its index cannot do what was asked."""


class WorkspaceNotFoundError(StoreError):
    """No workspace at that place."""


class WorkspaceBusyError(StoreError):
    """Another process holds the workspace or its index."""


class VersionConflictError(StoreError):
    """A version was to follow one that another process has followed meanwhile."""


class IndexMismatchError(StoreError):
    """The index was built with another embedder or dimension."""


class NotFittedError(StoreError):
    """A step that this one needs has not been run."""


class OfflineError(DriftrecError):
    """The network was needed, and offline mode is on."""


class FetchError(DriftrecError):
    """A package or model file could not be fetched; a second try resumes."""


class LlmError(DriftrecError):
    """Base of everything the language-model room raises."""


class ModelNotFoundError(LlmError):
    """No model of that name is known, or its file is not on this machine."""


class ModelFileError(LlmError):
    """A model file does not have the expected hash or size."""


class SchemaError(LlmError):
    """The output schema is malformed or uses something unsupported."""


class CapabilityError(LlmError):
    """The backend lacks the capability that was asked for."""


class BackendError(LlmError):
    """The backend failed: crashed, answered with an error or with garbage."""


class BackendTimeoutError(BackendError):
    """The backend did not answer in time."""


class RateLimitError(BackendError):
    """The server asked to slow down; `retry_after_s` is its wish, when it gave one."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TransientError(BackendError):
    """The server failed in a way that may pass; `charged` when it may have counted the call all the same."""

    def __init__(self, message: str, *, charged: bool = False) -> None:
        super().__init__(message)
        self.charged = charged


class BudgetError(LlmError):
    """The call would exceed the budget, so it was not made."""
