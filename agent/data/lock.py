"""One process at a time on a folder: an advisory lock that dies with its owner.

The lock is `flock` (POSIX), so the kernel frees it when the owner is killed and nothing stale remains; the
pid in the file is for the message only. Several handles of one process share the lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.errors import WorkspaceBusyError


class _OsLock:
    """The descriptor that carries the lock; closing it frees the lock."""

    def __init__(self, descriptor: int) -> None:
        self.pid = os.getpid()
        self._close = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        self._close()


# A lock belongs to the process, not to an object: without this register a second handle of the same
# process (a notebook cell run twice) would be refused by its own first one.
_HELD: weakref.WeakValueDictionary[str, _OsLock] = weakref.WeakValueDictionary()
_HELD_GUARD = threading.Lock()


class FolderLock:
    """A lock file that is held from construction until `close()`, or until the process ends.

    Raises:
        WorkspaceBusyError: another live process holds it; the message names its pid.
    """

    def __init__(self, path: Path, *, what: str) -> None:
        self.path = path
        self._held: _OsLock | None = _acquire(path, what=what)

    def close(self) -> None:
        """Frees the lock once no other handle of this process holds it; calling it twice is harmless."""
        with _HELD_GUARD:
            self._held = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_owner(path: Path) -> int | None:
    """The pid written in a lock file, or None when there is none; the process may be long gone."""
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    return int(text) if text.isdigit() else None


def _acquire(path: Path, *, what: str) -> _OsLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = str(path.resolve())
    with _HELD_GUARD:
        held = _HELD.get(key)
        # A forked child inherits the register but must not count itself as the owner.
        if held is not None and held.pid == os.getpid():
            return held
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise WorkspaceBusyError(_busy_message(path, what=what)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        lock = _OsLock(descriptor)
        _HELD[key] = lock
        return lock


def _busy_message(path: Path, *, what: str) -> str:
    owner = read_owner(path)
    who = f"process {owner}" if owner is not None else "another process"
    return f"{what} is in use by {who} (lock file {path}); wait until that ends, or stop it, and try again"
