"""Matrix factorisation by alternating least squares, with histories folded in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.errors import MissingExtraError
from agent.ranking.history import Context, context_matrix, log_matrix
from agent.ranking.source import Arrays, fitted, load_arrays, save_arrays


@dataclass(frozen=True)
class AlsSource:
    """Implicit-feedback factors (`implicit`, extra `als`); users are solved from their history when asked.

    Confidence is `alpha · decayed weight` (1 for what was not taken). The start is random with a fixed seed:
    a renumbered catalogue gives other factors, the one thing in which this source is not like the rest.
    Source: Hu, Koren, Volinsky 2008,
    "Collaborative filtering for implicit feedback datasets", https://doi.org/10.1109/ICDM.2008.22.
    """

    factors: int = 32
    regularisation: float = 100.0
    alpha: float = 10.0
    iterations: int = 10
    half_life_days: float | None = 90.0
    threads: int = 2
    seed: int = 0
    name: str = "als"
    arrays: Arrays | None = None

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """See `Source.fit`.

        Raises:
            MissingExtraError: `implicit` is not installed.
        """
        try:
            from implicit.cpu.als import AlternatingLeastSquares
        except ImportError as error:
            raise MissingExtraError("implicit", "als") from error
        from threadpoolctl import threadpool_limits

        matrix = log_matrix(log, now_ms=now_ms, half_life_days=self.half_life_days)
        factors = np.zeros((log.n_items, self.factors), np.float32)
        if matrix.nnz:
            # Threads of BLAS inside the threads of implicit make it many times slower.
            with threadpool_limits(1, "blas"):
                model = AlternatingLeastSquares(
                    factors=self.factors,
                    regularization=self.regularisation,
                    alpha=self.alpha,
                    iterations=self.iterations,
                    num_threads=self.threads,
                    random_state=self.seed,
                )
                model.fit(matrix, show_progress=False)
            factors[:] = model.item_factors
            factors[np.bincount(matrix.indices, minlength=log.n_items) == 0] = 0.0
        return replace(self, arrays={"factors": factors, "gram": factors.T @ factors})

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """See `Source.score`; may be negative."""
        arrays = fitted(self.name, self.arrays)
        factors = arrays["factors"]
        history = context_matrix(contexts, n_items=len(factors), half_life_days=self.half_life_days)
        gram = arrays["gram"] + self.regularisation * np.eye(self.factors, dtype=np.float32)
        users = np.zeros((len(contexts), self.factors), np.float32)
        for row in range(len(contexts)):
            span = slice(history.indptr[row], history.indptr[row + 1])
            taken, extra = factors[history.indices[span]], self.alpha * history.data[span]
            if len(taken):
                # implicit scales the data by alpha and takes the result as the confidence itself.
                system = gram + taken.T @ (taken * (extra - 1.0)[:, None])
                users[row] = np.linalg.solve(system, taken.T @ extra)
        return users @ factors.T

    def save(self, folder: Path) -> None:
        """See `Source.save`."""
        save_arrays(folder, self.name, self.arrays)

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """See `Source.load`."""
        return replace(self, arrays=load_arrays(folder, self.name))
