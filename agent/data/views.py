"""From rows of the store to the columnar views that computations read: log and catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from agent.data.log import Catalogue, InteractionLog
from agent.data.snapshot import LogColumns
from agent.data.tables import events, items, users
from agent.errors import SettingsError
from agent.settings import DEFAULT_WEIGHTS, InteractionFile

SEARCH = "search"
RATE = "rate"
LOW_POINT = 0.4
MIN_DISTINCT_RATES = 3


def event_weights(settings: InteractionFile) -> dict[str, float]:
    """Weight of each event, by lower-case name: the defaults under the settings' own."""
    return {**DEFAULT_WEIGHTS, **{name.strip().lower(): weight for name, weight in settings.weights.items()}}


def compute_log(connection: Connection, columns: LogColumns, settings: InteractionFile) -> InteractionLog:
    """The interaction log of `columns`, with codes for numbers and the weights that `settings` give.

    Raises:
        SettingsError: an event in the store has no weight.
    """
    event_rows = connection.execute(
        select(events.c.event_no, events.c.event).order_by(events.c.event_no)
    ).all()
    event_numbers = np.array([row.event_no for row in event_rows], np.int64)
    names = tuple(str(row.event) for row in event_rows)
    user_rows = connection.execute(select(users.c.user_no, users.c.user_id).order_by(users.c.user_no)).all()
    user_numbers = np.array([row[0] for row in user_rows], np.int64)
    n_items, newest_item = connection.execute(
        select(func.count(), func.coalesce(func.max(items.c.item_no), 0))
    ).one()
    event = _codes(columns.event_no.astype(np.int64), event_numbers).astype(np.int16)
    item = _item_codes(connection, columns.item_no, (int(n_items), int(newest_item)))
    if SEARCH in names:
        item[event == names.index(SEARCH)] = -1
    return InteractionLog(
        user=_codes(columns.user_no, user_numbers).astype(np.int32),
        item=item,
        timestamp_ms=columns.ts_ms,
        event=event,
        value=columns.value,
        weight=compute_weights(event, columns.value, names, settings),
        interaction_id=columns.interaction_id,
        user_ids=tuple(str(row[1]) for row in user_rows),
        events=names,
        n_items=int(n_items),
        queries=dict(zip(columns.query_id.tolist(), columns.queries, strict=True)),
    )


def compute_weights(
    event: NDArray[np.int16], value: NDArray[np.float32], names: tuple[str, ...], settings: InteractionFile
) -> NDArray[np.float32]:
    """float32 weight of each interaction: that of its event, or −1 for a `rate` at or below the low rating.

    Without `settings.low_rating` the border is that of the ratings seen so far (`RatingScale`), so what an
    event weighs depends on nothing that came after it, and looking back leaks nothing.

    Args:
        event: `(n,)` codes into `names`, in order of time, as `value`.
        value: float32, NaN where there is none.

    Raises:
        SettingsError: an event has no weight.
    """
    weights = event_weights(settings)
    missing = [name for name in names if name not in weights]
    if missing:
        raise SettingsError(
            f"the store holds events {missing!r} that have no weight; "
            f"declare them under [interactions.weights], for example {missing[0]!r} = 1.0"
        )
    weight = (
        np.array([weights[name] for name in names], np.float32)[event] if names else np.zeros(0, np.float32)
    )
    if RATE not in names:
        return weight
    rated = np.flatnonzero(event == names.index(RATE))
    if settings.low_rating is not None:
        weight[rated[value[rated] <= np.float32(settings.low_rating)]] = -1.0
    else:
        weight[rated[value[rated] <= RatingScale.of(value[rated]).borders]] = -1.0
    return weight


@dataclass(frozen=True, slots=True)
class RatingScale:
    """The border of a low rating as it was known at each of a row of ratings, in order of time.

    Min + 0.4 × (max − min) of the ratings up to and with that one, and only once three distinct ones were
    seen: with fewer there is no scale to speak of.

    Attributes:
        borders: float32, one per rating; −inf while there is no scale.
    """

    borders: NDArray[np.float32]

    @classmethod
    def of(cls, rates: NDArray[np.float32]) -> RatingScale:
        """The scale behind `rates`; NaN counts as no rating.

        >>> RatingScale.of(np.array([3, 1, 5, 1], np.float32)).borders.round(1).tolist()
        [-inf, -inf, 2.6, 2.6]
        """
        low = np.fmin.accumulate(rates) if len(rates) else rates
        high = np.fmax.accumulate(rates) if len(rates) else rates
        first = np.zeros(len(rates), np.bool_)
        values, places = np.unique(rates, return_index=True)
        first[places[~np.isnan(values)]] = True
        known = np.cumsum(first) >= MIN_DISTINCT_RATES
        borders = np.full(len(rates), -np.inf, np.float32)
        borders[known] = low[known] + np.float32(LOW_POINT) * (high[known] - low[known])
        return cls(borders)


def _codes(numbers: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of each of `numbers` in `known`, which is sorted and holds them all."""
    if len(known) and int(known[-1]) == len(known) and int(known[0]) == 1:
        return numbers - 1
    return np.searchsorted(known, numbers).astype(np.int64)


def _item_codes(
    connection: Connection, numbers: NDArray[np.int64], size: tuple[int, int]
) -> NDArray[np.int32]:
    n_items, newest = size
    if n_items == newest:  # numbers count from 1 without gaps: the code follows at once
        return np.where(numbers < 0, -1, numbers - 1).astype(np.int32)
    rows = connection.execute(select(items.c.item_no).order_by(items.c.item_no)).scalars().all()
    codes = np.searchsorted(np.array(rows, np.int64), numbers)
    return np.where(numbers < 0, -1, codes).astype(np.int32)


def load_catalogue(connection: Connection, *, domain: str = "") -> Catalogue:
    """Every item in order of its number, without vectors; `texts` are the items' own, empty without.

    Items whose file named no domain, and those that no file has described, are of `domain`.
    """
    statement = select(
        items.c.item_id,
        items.c.title,
        items.c.description,
        items.c.categories,
        items.c.domain,
        items.c.text,
    ).order_by(items.c.item_no)
    rows = connection.execute(statement).all()
    # A catalogue has few distinct category lists: parse each once, share the tuples.
    parsed: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row[3] not in parsed:
            parsed[row[3]] = tuple(json.loads(row[3]))
    return Catalogue(
        item_ids=tuple(row[0] for row in rows),
        titles=tuple(row[1] for row in rows),
        descriptions=tuple(row[2] for row in rows),
        categories=tuple(parsed[row[3]] for row in rows),
        domains=tuple(row[4] or domain for row in rows),
        texts=tuple(row[5] for row in rows),
        text_row=np.full(len(rows), -1, np.int32),
    )
