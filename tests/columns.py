"""Logs and catalogues made by hand, for the tests of several rooms."""

from __future__ import annotations

import numpy as np

from agent.data.log import Catalogue, InteractionLog


def columns_of_log(user, item, timestamp_ms, **others):
    """A log of purchases worth one each; `others` are further columns and fields of `InteractionLog`."""
    n = len(item)
    columns = {
        "event": np.zeros(n, np.int16),
        "value": np.full(n, np.nan, np.float32),
        "weight": np.ones(n, np.float32),
        "interaction_id": np.arange(1, n + 1, dtype=np.int64),
        "events": ("purchase",),
    } | others
    return InteractionLog(
        user=np.asarray(user, np.int32),
        item=np.asarray(item, np.int32),
        timestamp_ms=np.asarray(timestamp_ms, np.int64),
        **columns,
    )


def columns_of_catalogue(titles, text_row=None, **others):
    """Items that are their titles, each with a text of its own; `others` are fields of `Catalogue`."""
    n = len(titles)
    columns = {
        "item_ids": tuple(f"i{code}" for code in range(n)),
        "descriptions": ("",) * n,
        "categories": ((),) * n,
        "domains": ("",) * n,
        "texts": tuple(titles),
    } | others
    rows = np.arange(n) if text_row is None else text_row
    return Catalogue(titles=tuple(titles), text_row=np.asarray(rows, np.int32), **columns)
