"""The planted item: in everybody's future, and in nothing that may be learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog

CANARY_ID = "canary-that-only-a-leak-can-find"


def with_canary(log: InteractionLog, catalogue: Catalogue) -> tuple[InteractionLog, Catalogue]:
    """Both with one more item, the last: no text, no category, and no event that may be learned from."""
    more = replace(
        catalogue,
        item_ids=(*catalogue.item_ids, CANARY_ID),
        titles=(*catalogue.titles, CANARY_ID),
        descriptions=(*catalogue.descriptions, ""),
        categories=(*catalogue.categories, ()),
        domains=(*catalogue.domains, ""),
        texts=(*catalogue.texts, ""),
        text_row=np.append(catalogue.text_row, np.int32(-1)),
    )
    return replace(log, n_items=log.n_items + 1), more


def plant_canary(log: InteractionLog, users: NDArray[np.int64], *, cut_ms: int) -> InteractionLog:
    """`log` in which every user of `users` takes the canary at T and again right after it.

    This is the future as a leak would see it: any model fitted on it finds the canary at once.
    """
    n, code = len(users), log.n_items - 1
    first = int(log.interaction_id.max()) + 1 if len(log) else 1
    whole = replace(
        log,
        user=np.concatenate([log.user, np.repeat(users, 2).astype(np.int32)]),
        item=np.concatenate([log.item, np.full(2 * n, code, np.int32)]),
        timestamp_ms=np.concatenate([log.timestamp_ms, np.tile(np.array([cut_ms, cut_ms + 1]), n)]),
        event=np.concatenate([log.event, np.zeros(2 * n, log.event.dtype)]),
        value=np.concatenate([log.value, np.full(2 * n, np.nan, np.float32)]),
        weight=np.concatenate([log.weight, np.ones(2 * n, np.float32)]),
        interaction_id=np.concatenate([log.interaction_id, np.arange(first, first + 2 * n)]),
    )
    return whole.take(np.argsort(whole.timestamp_ms, kind="stable").astype(np.int64))
