"""The ledger of model calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from agent.data.dialect import append_only_ddl

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the table of model calls and its append-only guard."""
    op.create_table(
        "llm_calls",
        sa.Column("call_no", ROW_ID, primary_key=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("cached", sa.Boolean, nullable=False),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("metered", sa.Boolean, nullable=False),
    )
    op.create_index("ix_llm_calls_created", "llm_calls", ["created_ms"])
    for statement in append_only_ddl(op.get_bind().dialect.name, "llm_calls"):
        op.execute(sa.text(statement))
