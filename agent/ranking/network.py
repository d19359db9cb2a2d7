"""The source for people: whoever one's contacts are in touch with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.ranking.history import Context, context_matrix, log_matrix
from agent.ranking.source import Arrays, csr_arrays, csr_from, fitted, load_arrays, save_arrays


@dataclass(frozen=True)
class FriendsOfFriendsSource:
    """Contacts of contacts, where items are people who are users too.

    Two people are in touch when either took up the other (followed, answered, liked …); the strength of that
    is the decayed wish of both. A user's score of a person is the sum, over the contacts in their decayed
    history, of `strength / log(2 + degree)`: a contact who knows everybody says little. The user's own item
    gets 0, and so does every item that is nobody's.

    People are the items of the domain `people`; a user is the item of the same id.

    Sources: Adamic and Adar 2003, "Friends and neighbors on the Web",
    https://doi.org/10.1016/S0378-8733(03)00009-1; Liben-Nowell and Kleinberg 2007, "The link-prediction
    problem for social networks", https://doi.org/10.1002/asi.20591.
    """

    train_half_life_days: float | None = 180.0
    user_half_life_days: float | None = 180.0
    name: str = "friends-of-friends"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        from scipy.sparse import coo_matrix, diags

        item_of = _items_of_users(log, catalogue)
        known = np.flatnonzero(item_of >= 0)
        # By what the item is, not by who has ever acted: whoever only is followed is a contact too.
        people = catalogue.people.astype(np.float32)
        wishes = log_matrix(log, now_ms=now_ms, half_life_days=self.train_half_life_days)
        taken = (wishes[known] @ diags(people)).tocoo()
        shape = (log.n_items, log.n_items)
        directed = coo_matrix((taken.data, (item_of[known][taken.row], taken.col)), shape=shape).tocsr()
        touch = (directed + directed.T).tocsr()
        touch.setdiag(0)
        touch.eliminate_zeros()
        degree = np.diff(touch.indptr)
        weights = (diags((1.0 / np.log(2.0 + degree)).astype(np.float32)) @ touch).tocsr()
        return replace(self, arrays={"item_of": item_of, **csr_arrays("weights", weights)})

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; never negative."""
        arrays = fitted(self.name, self.arrays)
        weights, item_of = csr_from(arrays, "weights"), arrays["item_of"]
        history = context_matrix(contexts, n_items=weights.shape[0], half_life_days=self.user_half_life_days)
        scores = np.asarray((history @ weights).toarray(), np.float32)
        for row, context in enumerate(contexts):
            # Everybody is a contact of their own contacts. Users who came after the fit are nobody's yet.
            if context.user is not None and context.user < len(item_of) and item_of[context.user] >= 0:
                scores[row, item_of[context.user]] = 0.0
        return scores

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))


def _items_of_users(log: InteractionLog, catalogue: Catalogue) -> NDArray[np.int64]:
    """`(n_users,)` code of the item that is the user, −1 where the user is no item."""
    own = (catalogue.own_item(user_id) for user_id in log.user_ids)
    return np.array([-1 if code is None else code for code in own], np.int64)
