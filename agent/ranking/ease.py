"""EASE that sees text and time, exact on the active items, a ridge regression on them for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.ranking.history import Context, active_items, context_matrix, log_matrix, pair_matrix
from agent.ranking.source import Arrays, csr_arrays, csr_from, fitted, load_arrays, save_arrays

# Up to here the inverse is made in float64: beyond, memory and time count more than the digits.
_FLOAT64_ITEMS = 2000
_LEAST_SCALE = 1e-3


@dataclass(frozen=True, slots=True)
class EaseParams:
    """Parameters of `EaseSource`; the defaults were chosen on three earlier grocery windows.

    Attributes:
        regularisation: λ, in units of the Gram matrix of undecayed histories.
        text: α, the weight of text similarity next to λ; 0 ignores text.
        train_half_life_days: of the histories behind the Gram matrix; None does not decay.
        user_half_life_days: of the history that is scored; None does not decay.
        user_norm: power of a history's length by which it is divided before the Gram matrix, 0–1, so that
            heavy users do not speak for all; the trace of G stays.
        trend: power of an item's growth (see `item_growth`) by which its scores are multiplied; 0 ignores it.
        max_exact_items: size of the exact part.
    """

    regularisation: float = 1000.0
    text: float = 0.03
    train_half_life_days: float | None = 180.0
    user_half_life_days: float | None = 150.0
    user_norm: float = 0.25
    trend: float = 0.15
    max_exact_items: int = 4000


@dataclass(frozen=True)
class EaseSource:
    """Item-to-item weights in closed form, from decayed histories and text.

    `A = G + α λ X Xᵀ + λ s I` with `G = Σ_u v_u v_uᵀ`, `v = weight · 0.5 ** (age / half-life)`, X the unit
    text vectors and s the trace of the decayed G over that of the plain one; `P = A⁻¹`; the weights of
    item j are `−P / P_jj` with a zero at j, and a user's scores are its decayed history times them.

    Exact for the `max_exact_items` most active items (A is dense). Any other item j gets what the same
    equations give when it is predicted from the active ones alone: the ridge weights
    `P (G_·j + α λ X x_j)`, never stored, evaluated as two sparse products. Its text reaches it even when
    nobody has taken it. In the user's history, an item outside the active ones stands for its nearest
    active item by text, times their cosine (nothing below cosine 0.5).

    Items that everybody takes up lately gain, those on the wane lose, in proportion to the score they have:
    added to the scores the same counts brought nothing on three grocery windows before the test period.

    Cost: `max_exact_items`² floats and one inverse; about 3 ms per user at 4,000 of 92,331 items.

    Sources: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", arXiv 1905.03375; Jeunen,
    Van Balen, Goethals, "Closed-form models for collaborative filtering with side-information", RecSys 2020.
    """

    params: EaseParams = EaseParams()
    name: str = "ease"
    arrays: Arrays | None = None
    catalogue: Catalogue | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`."""
        p = self.params
        active = active_items(log, now_ms=now_ms, limit=p.max_exact_items)
        matrix = log_matrix(log, now_ms=now_ms, half_life_days=p.train_half_life_days)
        scale = 1.0
        if p.train_half_life_days is not None and matrix.nnz:
            plain = log_matrix(log, now_ms=now_ms, half_life_days=None)
            scale = float(matrix.multiply(matrix).sum() / plain.multiply(plain).sum())
        matrix = _evened(matrix, power=p.user_norm)
        dtype = np.float64 if len(active) <= _FLOAT64_ITEMS else np.float32
        gram = (matrix[:, active].T @ matrix[:, active]).toarray().astype(dtype)
        text = _vectors(catalogue, active) if p.text > 0 else None
        if text is not None:
            gram += dtype(p.text * p.regularisation) * (text.astype(dtype) @ text.T.astype(dtype))
        # Where all events are old, decay leaves next to nothing: a floor keeps the matrix positive definite.
        gram[np.diag_indices_from(gram)] += dtype(p.regularisation * max(scale, _LEAST_SCALE))
        stand_in, cosine = _stand_ins(catalogue, active)
        arrays: dict[str, NDArray[Any]] = {
            "active": active,
            "inverse": _inverse(gram).astype(np.float32),
            "stand_in": stand_in,
            "cosine": cosine,
            "growth": item_growth(log, now_ms=now_ms) ** np.float32(p.trend),
            **csr_arrays("histories", matrix),
            **csr_arrays("active_histories", matrix[:, active]),
        }
        return replace(self, arrays=arrays, catalogue=catalogue)

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; scores may be negative."""
        arrays = fitted(self.name, self.arrays)
        active, inverse = arrays["active"], arrays["inverse"]
        n_items = int(arrays["histories_shape"][1])
        out = np.zeros((len(contexts), n_items), np.float32)
        if not len(active):
            return out
        user = self._on_active(contexts, n_items)
        projected = np.asarray(user @ inverse, np.float32)
        if len(active) < n_items:
            out += self._ridge(projected)
        out[:, active] = user.toarray() - projected / np.diagonal(inverse)
        # A negative score, the less wanted the lower, is divided: growth never pushes an item down.
        out *= np.where(out > 0, arrays["growth"], 1.0 / arrays["growth"]).astype(np.float32)
        return out

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name), catalogue=catalogue)

    @cached_property
    def _tail(self) -> tuple[Any, Any, NDArray[np.float32] | None]:
        """Histories over active items, over all items transposed, and the active items' vectors."""
        arrays = fitted(self.name, self.arrays)
        text = None
        if self.params.text > 0 and self.catalogue is not None:
            text = _vectors(self.catalogue, arrays["active"])
        return csr_from(arrays, "active_histories"), csr_from(arrays, "histories").T.tocsr(), text

    def _on_active(self, contexts: Sequence[Context], n_items: int) -> Any:
        """`(len(contexts), n_active)` sparse: decayed histories, other items through their stand-ins."""
        from scipy.sparse import csr_matrix

        arrays = fitted(self.name, self.arrays)
        history = context_matrix(
            contexts, n_items=n_items, half_life_days=self.params.user_half_life_days
        ).tocoo()
        column, value = arrays["stand_in"][history.col], history.data * arrays["cosine"][history.col]
        keep = (column >= 0) & (value > 0)
        shape = (len(contexts), len(arrays["active"]))
        if not keep.any():
            return csr_matrix(shape, dtype=np.float32)
        return pair_matrix(history.row[keep], column[keep], value[keep], shape=shape)

    def _ridge(self, projected: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(n, n_items)` scores of every item predicted from the active ones by ridge regression."""
        active_histories, histories_by_item, text = self._tail
        support = np.asarray(active_histories @ projected.T, np.float32)
        scores = np.asarray((histories_by_item @ support).T, np.float32)
        catalogue = self.catalogue
        if text is not None and catalogue is not None and catalogue.vectors is not None:
            by_text = np.zeros((len(projected), len(catalogue.vectors) + 1), np.float32)
            by_text[:, :-1] = (projected @ text) @ catalogue.vectors.T
            weight = np.float32(self.params.text * self.params.regularisation)
            # Row −1, an item without text, is the last column: zero.
            scores += weight * by_text[:, catalogue.text_row]
        return scores


def item_growth(
    log: InteractionLog,
    *,
    now_ms: int,
    recent_days: float = 14.0,
    long_days: float = 180.0,
    prior: float = 10.0,
) -> NDArray[np.float32]:
    """`(n_items,)` float32 above 0: how much faster an item is taken up lately than it used to be.

    Users who wished the item, each decayed with a half-life of `recent_days`, over the same with `long_days`;
    in units of that ratio over all items, so that a busy season is no growth; drawn to 1 by `prior` users.
    1 for an item that nobody wished.
    """
    recent, long = (
        np.asarray(log_matrix(log, now_ms=now_ms, half_life_days=days).sum(axis=0), np.float64).ravel()
        for days in (recent_days, long_days)
    )
    if not long.sum() or not recent.sum():
        return np.ones(log.n_items, np.float32)
    grown: NDArray[np.float32] = ((recent * (long.sum() / recent.sum()) + prior) / (long + prior)).astype(
        np.float32
    )
    return grown


def _evened(matrix: Any, *, power: float) -> Any:
    """Rows divided by their norm to `power`, then all by one factor that keeps the sum of squares."""
    from scipy.sparse import diags

    before = float(matrix.multiply(matrix).sum())
    if power == 0 or before == 0:
        return matrix
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    factor = np.where(norm > 0, np.maximum(norm, 1e-12) ** -power, 0.0)
    after = float((factor**2 * norm**2).sum())
    return (diags((factor * np.sqrt(before / after)).astype(np.float32)) @ matrix).tocsr()


def _vectors(catalogue: Catalogue, codes: NDArray[np.int64]) -> NDArray[np.float32] | None:
    if catalogue.vectors is None or not len(catalogue.vectors):
        return None
    return catalogue.item_vectors(codes)


def _stand_ins(
    catalogue: Catalogue, active: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Per item: position in `active` of itself or of its nearest by text, −1 for none; and the cosine."""
    n_items = len(catalogue)
    place, cosine = np.full(n_items, -1, np.int32), np.zeros(n_items, np.float32)
    if catalogue.vectors is not None and len(active) and len(catalogue.vectors):
        # An active item without text has a zero row: its cosine of 0 is never the nearest that counts.
        targets = catalogue.item_vectors(active).T
        best = np.empty(len(catalogue.vectors), np.int32)
        value = np.empty(len(catalogue.vectors), np.float32)
        for start in range(0, len(best), 1024):
            block = catalogue.vectors[start : start + 1024] @ targets
            best[start : start + 1024] = block.argmax(axis=1)
            value[start : start + 1024] = block.max(axis=1)
        known = (catalogue.text_row >= 0) & (value[catalogue.text_row] >= 0.5)
        place[known] = best[catalogue.text_row[known]]
        cosine[known] = np.minimum(value[catalogue.text_row[known]], 1.0)
    place[active], cosine[active] = np.arange(len(active)), 1.0
    return place, cosine


def _inverse(matrix: NDArray[Any]) -> NDArray[Any]:
    """Inverse of a symmetric positive definite matrix, by Cholesky (half the work of LU, and symmetric)."""
    from scipy.linalg.lapack import get_lapack_funcs

    if not len(matrix):
        return matrix
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, failed = potrf(matrix, lower=True, overwrite_a=True)
    if failed:
        raise ValueError(
            f"the Gram matrix is not positive definite (potrf: {failed!r}); raise regularisation"
        )
    inverse, _ = potri(factor, lower=True, overwrite_c=True)
    lower = np.tril(inverse, -1)
    full: NDArray[Any] = lower + lower.T + np.diag(np.diagonal(inverse))
    return full
