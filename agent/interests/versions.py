"""What is stored of a user, version by version: profiles, frames and migrations; nothing is ever replaced."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from agent.data.store import Store, VersionRow
from agent.interests.profile import (
    migration_from_json,
    migration_to_json,
    profile_from_json,
    profile_to_json,
)
from agent.schema import Migration, Profile


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of all users in one store."""

    store: Store

    def newest(self, user_id: str) -> Profile | None:
        """The newest profile version of one user; None without any."""
        row = self.store.newest_version("profile", user_id)
        return _profile_of_row(row) if row else None

    def newest_first(self, user_id: str) -> Iterator[Profile]:
        """The stored profile versions of one user, newest first, each read when it is asked for."""
        for row in reversed(self.store.load_versions("profile", user_id)):
            yield _profile_of_row(row)

    def append(self, profile: Profile, *, parent: Profile | None) -> Profile:
        """Stores a profile after `parent`, the newest one known, and returns it with its number.

        Raises:
            VersionConflictError: another version was stored since.
        """
        last = parent.version if parent else 0
        numbered = dataclasses.replace(profile, version=last + 1, parent=last or None)
        self.store.append_version(
            "profile",
            profile.user_id,
            moment_ms=int(profile.moment.timestamp() * 1000),
            payload=profile_to_json(numbered),
            model=profile.model,
            prompt_hash=profile.prompt_hash,
            expected_parent=last,
        )
        return numbered

    def keep_frame(self, user_id: str, payload: str, *, moment_ms: int, model: str, known: int) -> None:
        """Stores a frame, as text, where it differs from the newest one.

        Args:
            known: number of the version that it was made from; 0 for none.

        Raises:
            VersionConflictError: another frame was stored since.
        """
        newest = self.store.newest_version("facets", user_id)
        if newest is None or newest.payload != payload:
            self.store.append_version(
                "facets",
                user_id,
                moment_ms=moment_ms,
                payload=payload,
                model=model,
                prompt_hash="",
                expected_parent=known,
            )

    def migrations(self, user_id: str) -> list[Migration]:
        """Every stored migration of one user, oldest first: one for each worded profile."""
        return [migration_from_json(row.payload) for row in self.store.load_versions("migration", user_id)]

    def keep_migration(self, migration: Migration, *, moment_ms: int) -> int:
        """Stores a migration as a version; its number."""
        return self.store.append_version(
            "migration",
            migration.user_id,
            moment_ms=moment_ms,
            payload=migration_to_json(migration),
            model=migration.model,
            prompt_hash=migration.prompt_hash,
        )


def _profile_of_row(row: VersionRow) -> Profile:
    """A stored profile; its number and parent are those of its row."""
    return dataclasses.replace(profile_from_json(row.payload), version=row.version, parent=row.parent)
