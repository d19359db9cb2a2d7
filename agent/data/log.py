"""The columnar views that every computation reads: the interaction log and the catalogue.

Both are immutable snapshots of the store, small enough to keep in memory (1.5 million events: 45 MB).
Codes are positions: a user code indexes `user_ids`, an item code indexes the catalogue.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agent.data.days import DAY_MS as DAY_MS
from agent.data.days import day_numbers

# The domain whose items are people: an item whose id is a user's id is that user.
PEOPLE = "people"


@dataclass(frozen=True)
class InteractionLog:
    """Interactions as columns of length n, sorted by `(timestamp_ms, interaction_id)`.

    Attributes:
        user: int32 user codes.
        item: int32 item codes; -1 for a search.
        timestamp_ms: int64, UTC, milliseconds since 1970.
        event: int16 codes into `events`.
        value: float32, NaN where there is none.
        weight: float32 event weight; negative for a dislike (explicit, or rated low).
        interaction_id: int64, as in the store: what evidence cites.
        user_ids: user id of each user code.
        n_items: size of the catalogue that item codes index.
        queries: search text by interaction id.
        zone: whose days are meant by a day (`interests.day_zone`).
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    timestamp_ms: NDArray[np.int64]
    event: NDArray[np.int16]
    value: NDArray[np.float32]
    weight: NDArray[np.float32]
    interaction_id: NDArray[np.int64]
    user_ids: tuple[str, ...]
    events: tuple[str, ...]
    n_items: int
    queries: Mapping[int, str] = field(default_factory=dict)
    zone: str = "UTC"

    def __len__(self) -> int:
        return len(self.user)

    @property
    def n_users(self) -> int:
        """Number of user codes, users without events included."""
        return len(self.user_ids)

    @cached_property
    def day(self) -> NDArray[np.int32]:
        """Day number, in `zone`, of each interaction: its session, together with the user."""
        return day_numbers(self.timestamp_ms, self.zone)

    @cached_property
    def user_codes(self) -> dict[str, int]:
        """User code by user id."""
        return {user_id: code for code, user_id in enumerate(self.user_ids)}

    @cached_property
    def _by_user(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.user, kind="stable").astype(np.int64)
        bounds = np.searchsorted(self.user[order], np.arange(self.n_users + 1)).astype(np.int64)
        return order, bounds

    def rows_of(self, user_code: int) -> NDArray[np.int64]:
        """Row numbers of one user's interactions, oldest first."""
        order, bounds = self._by_user
        return order[bounds[user_code] : bounds[user_code + 1]]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> InteractionLog:
        """The log of those rows only; user and item codes stay as they are."""
        return InteractionLog(
            user=self.user[rows],
            item=self.item[rows],
            timestamp_ms=self.timestamp_ms[rows],
            event=self.event[rows],
            value=self.value[rows],
            weight=self.weight[rows],
            interaction_id=self.interaction_id[rows],
            user_ids=self.user_ids,
            events=self.events,
            n_items=self.n_items,
            queries=self.queries,
            zone=self.zone,
        )

    def before(self, moment_ms: int) -> InteractionLog:
        """Only the interactions strictly before `moment_ms`."""
        return self.take(slice(0, int(np.searchsorted(self.timestamp_ms, moment_ms, side="left"))))


@dataclass(frozen=True)
class Catalogue:
    """Items as columns of length n_items, in item-code order.

    Attributes:
        text_row: int32, the row of `vectors` that holds the item's distinct text; -1 when it has no text.
        vectors: `(n_texts, dim)` float32, rows L2-normalised; None when the items are not embedded yet.
    """

    item_ids: tuple[str, ...]
    titles: tuple[str, ...]
    descriptions: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    domains: tuple[str, ...]
    texts: tuple[str, ...]
    text_row: NDArray[np.int32]
    vectors: NDArray[np.float32] | None = None
    embedder: str = ""

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def digest(self) -> str:
        """32 hex digits of all that the items say, their order and their vector space included."""
        content = hashlib.sha256(self.embedder.encode())
        columns: tuple[Sequence[object], ...] = (
            self.item_ids,
            self.titles,
            self.descriptions,
            self.categories,
            self.domains,
            self.texts,
        )
        for column in columns:
            content.update(repr(column).encode(errors="surrogatepass"))
        content.update(self.text_row.tobytes())
        content.update(repr(None if self.vectors is None else self.vectors.shape).encode())
        return content.hexdigest()[:32]

    @cached_property
    def item_codes(self) -> dict[str, int]:
        """Item code by item id."""
        return {item_id: code for code, item_id in enumerate(self.item_ids)}

    @cached_property
    def people(self) -> NDArray[np.bool_]:
        """`(n_items,)` bool, whether the item is a person."""
        return np.array([domain == PEOPLE for domain in self.domains], np.bool_)

    def own_item(self, user_id: str) -> int | None:
        """Code of the item that is this user, where people are recommended to people; else None."""
        code = self.item_codes.get(user_id)
        return code if code is not None and self.domains[code] == PEOPLE else None

    @cached_property
    def named(self) -> NDArray[np.bool_]:
        """`(n_items,)`, which items have a title of their own: of the others only the id is known."""
        pairs = zip(self.titles, self.item_ids, strict=True)
        return np.array([title != item_id for title, item_id in pairs], np.bool_)

    @cached_property
    def category_names(self) -> tuple[str, ...]:
        """Every category, sorted."""
        return tuple(sorted({name for names in self.categories for name in names}))

    @cached_property
    def items_of_category(self) -> dict[str, NDArray[np.int64]]:
        """Item codes, ascending, of each category."""
        codes: dict[str, list[int]] = {}
        for code, names in enumerate(self.categories):
            for name in dict.fromkeys(names):
                codes.setdefault(name, []).append(code)
        return {name: np.array(found, np.int64) for name, found in codes.items()}

    @cached_property
    def leaf_categories(self) -> tuple[tuple[str, ...], ...]:
        """The categories of each item without those that hold another of them whole, as a department does.

        What one shelf does shows on that shelf; in its department it drowns.
        """
        items_of: dict[str, set[int]] = {}
        distinct = {own: place for place, own in enumerate(dict.fromkeys(self.categories))}
        for own, place in distinct.items():
            for name in own:
                items_of.setdefault(name, set()).add(place)
        leaves = {
            own: tuple(name for name in own if not any(items_of[name] > items_of[other] for other in own))
            for own in distinct
        }
        return tuple(leaves[own] for own in self.categories)

    @cached_property
    def category_rarity(self) -> dict[str, float]:
        """Inverse document frequency of each category, natural log: sharing a department says little."""
        counts: dict[str, int] = {}
        for names in self.categories:
            for name in set(names):
                counts[name] = counts.get(name, 0) + 1
        return {name: math.log((1 + len(self)) / count) for name, count in counts.items()}

    def item_vectors(self, codes: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.float32]:
        """`(len(codes), dim)` float32 vectors of those items; zero rows where an item has no text."""
        if self.vectors is None:
            raise ValueError("the catalogue has no vectors; run: driftrec index")
        rows = self.text_row[codes]
        if not len(self.vectors):
            return np.zeros((len(rows), self.vectors.shape[1]), np.float32)
        out = self.vectors[rows]
        out[rows < 0] = 0.0
        return out
