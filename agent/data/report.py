"""What an ingest did, in numbers that add up to the rows of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

IngestKind = Literal["interactions", "items"]


@dataclass(frozen=True, slots=True)
class Counters:
    """Rows by what became of them, and what they brought."""

    rows_read: int = 0
    stored: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    quarantined: int = 0
    dropped_by_policy: int = 0
    stub_items: int = 0
    new_users: int = 0
    untitled_items: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_dict(self) -> dict[str, int]:
        """The counters by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the rows of one file.

    Attributes:
        rows_read: rows of the file, unreadable ones included; a header and blank lines are none.
        stored: new interactions; items that are new or changed.
        duplicates: rows that say what is stored, or what another row of the file says, already. Of items
            with one id in one file the later row wins, and the earlier counts here.
        near_duplicates: events within `near_duplicate_s` of one that is kept.
        quarantined: rows that cannot be used, listed with reason and remedy at `quarantine_path`.
        dropped_by_policy: rows left out because a column under the policy `drop` was missing.
        stub_items: of events, new items that no item file has described; of items, such that now are.
        untitled_items: items whose title was empty and is their id.
        seconds: of this call; the counters also cover earlier calls that were interrupted.
        already_done: the same file had been ingested under the same mapping; nothing was changed.
        reasons: quarantined rows by reason, most frequent first.
    """

    path: Path
    kind: IngestKind
    rows_read: int
    stored: int
    duplicates: int
    near_duplicates: int
    quarantined: int
    dropped_by_policy: int
    stub_items: int
    new_users: int
    untitled_items: int
    seconds: float
    already_done: bool
    quarantine_path: Path | None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Whether every row read is accounted for exactly once."""
        parts = (
            self.stored,
            self.duplicates,
            self.near_duplicates,
            self.quarantined,
            self.dropped_by_policy,
        )
        return self.rows_read == sum(parts)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        target = self.quarantine_path
        return {
            **plain,
            "path": str(self.path),
            "quarantine_path": None if target is None else str(target),
            "reasons": dict(self.reasons),
        }
