"""What people say about their own profile and lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from agent.data.dialect import append_only_ddl

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the table of feedback and its append-only guard."""
    op.create_table(
        "feedback",
        sa.Column("feedback_id", ROW_ID, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("target_kind", sa.String(16), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("ix_feedback_user", "feedback", ["user_id", "feedback_id"])
    for statement in append_only_ddl(op.get_bind().dialect.name, "feedback"):
        op.execute(sa.text(statement))
