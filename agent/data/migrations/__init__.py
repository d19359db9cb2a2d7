"""Schema migrations of the store, run by `agent.data.migrations.upgrade` when a store is behind.

A new revision is a new module in `versions/`; `tables.SCHEMA_REVISION` is set to it. A released one is
never edited.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Brings the schema to the newest revision, inside the caller's transaction."""
    # Alembic takes longer to import than the store takes to open, and is needed once per revision.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # `%` would be read as an interpolation of the option.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
