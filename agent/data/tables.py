"""The tables of the store, as SQLAlchemy Core sees them. Migrations create them; a test compares."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Read at every open instead of importing Alembic, which takes longer than opening the store.
SCHEMA_REVISION: Final = "0004"

# SQLite gives a rowid to INTEGER PRIMARY KEY only; PostgreSQL needs 64 bits spelt out.
RowId: Final = BigInteger().with_variant(Integer, "sqlite")

metadata: Final = MetaData()

users: Final = Table(
    "users",
    metadata,
    Column("user_no", RowId, primary_key=True, autoincrement=False),
    Column("user_id", Text, nullable=False, unique=True),
)

items: Final = Table(
    "items",
    metadata,
    Column("item_no", RowId, primary_key=True, autoincrement=False),
    Column("item_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("extra", Text, nullable=False),
    Column("stub", Boolean, nullable=False),
    Column("ingest_no", Integer, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("event_no", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False, unique=True),
)

interactions: Final = Table(
    "interactions",
    metadata,
    Column("interaction_id", RowId, primary_key=True),
    Column("key", BigInteger, nullable=False, unique=True),
    Column("user_no", RowId, ForeignKey("users.user_no"), nullable=False),
    Column("item_no", RowId, ForeignKey("items.item_no")),
    Column("query", Text),
    Column("ts_ms", BigInteger, nullable=False),
    Column("event_no", Integer, ForeignKey("events.event_no"), nullable=False),
    Column("value", Float),
    Index("ix_interactions_user_ts", "user_no", "ts_ms"),
)

ingests: Final = Table(
    "ingests",
    metadata,
    Column("ingest_no", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("mapping_hash", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("chunk_rows", Integer, nullable=False),
    Column("chunks_done", Integer, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("counters", JSON, nullable=False),
    UniqueConstraint("kind", "sha256", "mapping_hash", name="uq_ingests_content"),
)

quarantine: Final = Table(
    "quarantine",
    metadata,
    Column("quarantine_no", RowId, primary_key=True),
    Column("ingest_no", Integer, ForeignKey("ingests.ingest_no"), nullable=False, index=True),
    Column("line", BigInteger, nullable=False),
    Column("column", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("remedy", Text, nullable=False),
)

vectors: Final = Table(
    "vectors",
    metadata,
    Column("embedder", Text, primary_key=True),
    Column("text_hash", LargeBinary(16), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

versions: Final = Table(
    "versions",
    metadata,
    Column("version_no", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("parent", Integer),
    Column("moment_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_hash", Text, nullable=False),
    Column("payload", Text, nullable=False),
    UniqueConstraint("kind", "user_id", "version", name="uq_versions_user"),
)

meta: Final = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

cache: Final = Table(
    "cache",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

llm_calls: Final = Table(
    "llm_calls",
    metadata,
    Column("call_no", RowId, primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("stage", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("cost", Float, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("metered", Boolean, nullable=False),
    Index("ix_llm_calls_created", "created_ms"),
)

feedback: Final = Table(
    "feedback",
    metadata,
    Column("feedback_id", RowId, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("action", String(16), nullable=False),
    Column("target_kind", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("utterance", Text, nullable=False, server_default=""),
    Index("ix_feedback_user", "user_id", "feedback_id"),
)

APPEND_ONLY: Final = ("interactions", "versions", "llm_calls", "feedback")
