"""What several tests of this room stand in for: a store's cache, and a ledger that another process holds."""

from __future__ import annotations

from agent.errors import WorkspaceBusyError
from agent.llm.ledger import MemoryCalls


class MemoryCache(dict):
    """A store's cache."""

    def cache_get(self, key):
        return self.get(key)

    def cache_put(self, key, value):
        self[key] = value


class LockedCalls(MemoryCalls):
    """A log that cannot be written while it is `locked`."""

    locked = True

    def append_call(self, call):
        if self.locked:
            raise WorkspaceBusyError("another process is writing")
        super().append_call(call)
