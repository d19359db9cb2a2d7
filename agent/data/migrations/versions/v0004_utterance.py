"""Which feedback was said in one breath, so that one “undo” takes it all back; no answers of talks kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; what was said before stands for itself.

    Answers in words that earlier versions kept may be of talks, and forgetting a talk would miss them: they
    go, and are asked anew when they are next needed.
    """
    op.add_column("feedback", sa.Column("utterance", sa.Text, nullable=False, server_default=""))
    cache = sa.table("cache", sa.column("key", sa.Text), sa.column("value", sa.Text))
    in_words = cache.c.key.like("completion:%") & cache.c.value.like('%"data": null}')
    op.execute(cache.delete().where(in_words))
