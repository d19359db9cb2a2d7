"""Talks on disk: one JSON-lines file per talk, only ever appended to, of one user each."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from agent.dialogue.talk.context import TalkState
from agent.dialogue.talk.memory import Turn
from agent.errors import StoreError
from agent.interests.words import Language
from agent.schema import to_plain

_FORMAT: Final = 1
_STATE: Final = TypeAdapter(TalkState)
TORN_NOTE: Final[dict[Language, str]] = {
    "en": "a part of this kept talk cannot be read (a write was broken off): a turn may be missing",
    "zh": "这次谈话的保存内容有一部分无法读取（写入曾中断），可能缺少一轮",
}


@dataclass(frozen=True, slots=True)
class SavedTalk:
    """A talk read back: its turns, its state after the last one, and whether some of its lines are broken."""

    talk_id: str
    turns: tuple[Turn, ...]
    state: TalkState
    torn: bool = False


@dataclass(frozen=True, slots=True)
class SavedTalks:
    """The talks of one user in a folder; those of other users cannot be reached from here.

    Attributes:
        folder: of the workspace; this user's files lie in a folder of their own under it.
    """

    folder: Path
    user_id: str

    @property
    def _own(self) -> Path:
        return self.folder / hashlib.sha256(self.user_id.encode()).hexdigest()[:24]

    def ids(self) -> list[str]:
        """Ids of the kept talks, oldest first."""
        if not self._own.is_dir():
            return []
        return sorted(path.stem for path in self._own.glob("*.jsonl"))

    def begin(self) -> str:
        """Id of a new talk; its file is made with the first turn."""
        return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    def append(self, talk_id: str, turn: Turn, state: TalkState, details: Mapping[str, Any]) -> None:
        """Adds a turn to a talk."""
        self._own.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(talk_id)
        lines = []
        end = _end(path)
        if not end:
            lines.append({"format": _FORMAT, "talk": talk_id, "user_id": self.user_id})
        lines.append(
            {
                "at": datetime.now(UTC).isoformat(),
                "question": turn.question,
                "answer": turn.answer,
                "tool": turn.tool,
                "state": _STATE.dump_python(state, mode="json"),
                **to_plain(details),
            }
        )
        text = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
        if end not in (b"", b"\n"):
            # The last write was torn off: what comes now must not be lost with it.
            text = f"\n{text}"
        # One write per turn to a file opened for appending: an interruption tears off the last line at most.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, text.encode("utf-8", "surrogatepass"))
        finally:
            os.close(descriptor)

    def load(self, talk_id: str) -> SavedTalk:
        """A talk as it was left.

        Raises:
            StoreError: there is no such talk of this user, or its file is none.
        """
        path = self._path(talk_id)
        known = ", ".join(self.ids()[-5:]) or "none"
        if talk_id not in self.ids():
            raise StoreError(f"expected one of the kept talks of this user ({known}), got {talk_id!r}")
        records, torn = _read(path)
        if not records or records[0].get("user_id") != self.user_id or records[0].get("format") != _FORMAT:
            raise StoreError(
                f"{path}: expected a talk of {self.user_id!r} in format {_FORMAT}, got another file"
            )
        turns = tuple(Turn(entry["question"], entry["answer"], entry["tool"]) for entry in records[1:])
        state = _STATE.validate_python(records[-1]["state"]) if len(records) > 1 else TalkState()
        return SavedTalk(talk_id, turns, state, torn)

    def erase(self, talk_id: str) -> None:
        """Deletes a talk for good; one that was never kept is no error."""
        self._path(talk_id).unlink(missing_ok=True)

    def _path(self, talk_id: str) -> Path:
        if not talk_id or not talk_id.replace("-", "").isalnum():
            raise StoreError(f"expected the id of a talk such as {self.begin()!r}, got {talk_id!r}")
        return self._own / f"{talk_id}.jsonl"


def _end(path: Path) -> bytes:
    """The last byte of a file; empty when there is none."""
    if not path.exists() or not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _read(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """The records of a file, and whether lines of it are broken: those are left out."""
    records: list[dict[str, Any]] = []
    torn = False
    # Only "\n" ends a line: U+2028, U+0085 and their like may stand in titles.
    for line in filter(None, path.read_bytes().split(b"\n")):
        try:
            record = json.loads(line.decode("utf-8", "surrogatepass"))
        except ValueError:
            torn = True
            continue
        if isinstance(record, dict):
            records.append(record)
        else:
            torn = True
    return records, torn
