"""The first schema."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from agent.data.dialect import append_only_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates every table, the append-only guards, and the identity of the store."""
    _create_catalogue()
    _create_interactions()
    _create_ingests()
    _create_results()
    dialect = op.get_bind().dialect.name
    for table in ("interactions", "versions"):
        for statement in append_only_ddl(dialect, table):
            op.execute(sa.text(statement))
    # Tells a snapshot file of this store from one of another store at the same place.
    meta = sa.table("meta", sa.column("key", sa.Text), sa.column("value", sa.Text))
    op.execute(meta.insert().values(key="store_id", value=secrets.token_hex(8)))


def _create_catalogue() -> None:
    op.create_table(
        "users",
        sa.Column("user_no", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "items",
        sa.Column("item_no", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.Text, nullable=False, unique=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("categories", sa.Text, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.Column("stub", sa.Boolean, nullable=False),
        sa.Column("ingest_no", sa.Integer, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("event_no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False, unique=True),
    )


def _create_interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("interaction_id", ROW_ID, primary_key=True),
        sa.Column("key", sa.BigInteger, nullable=False, unique=True),
        sa.Column("user_no", ROW_ID, sa.ForeignKey("users.user_no"), nullable=False),
        sa.Column("item_no", ROW_ID, sa.ForeignKey("items.item_no")),
        sa.Column("query", sa.Text),
        sa.Column("ts_ms", sa.BigInteger, nullable=False),
        sa.Column("event_no", sa.Integer, sa.ForeignKey("events.event_no"), nullable=False),
        sa.Column("value", sa.Float),
    )
    op.create_index("ix_interactions_user_ts", "interactions", ["user_no", "ts_ms"])


def _create_ingests() -> None:
    op.create_table(
        "ingests",
        sa.Column("ingest_no", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("mapping_hash", sa.String(64), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("chunk_rows", sa.Integer, nullable=False),
        sa.Column("chunks_done", sa.Integer, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("counters", sa.JSON, nullable=False),
        sa.UniqueConstraint("kind", "sha256", "mapping_hash", name="uq_ingests_content"),
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_no", ROW_ID, primary_key=True),
        sa.Column("ingest_no", sa.Integer, sa.ForeignKey("ingests.ingest_no"), nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("column", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("remedy", sa.Text, nullable=False),
    )
    op.create_index("ix_quarantine_ingest_no", "quarantine", ["ingest_no"])


def _create_results() -> None:
    op.create_table(
        "vectors",
        sa.Column("embedder", sa.Text, primary_key=True),
        sa.Column("text_hash", sa.LargeBinary(16), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("version_no", ROW_ID, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("parent", sa.Integer),
        sa.Column("moment_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_hash", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "user_id", "version", name="uq_versions_user"),
    )
    for name in ("meta", "cache"):
        op.create_table(
            name,
            sa.Column("key", sa.Text, primary_key=True),
            sa.Column("value", sa.Text, nullable=False),
        )
