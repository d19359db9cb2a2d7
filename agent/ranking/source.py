"""The seam of candidate sources, and how their fitted arrays are kept on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.errors import NotFittedError
from agent.ranking.history import Context, FacetQuery

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Arrays", "Context", "FacetQuery", "Source", "fitted", "load_arrays", "save_arrays"]

Arrays = Mapping[str, NDArray[Any]]


@runtime_checkable
class Source(Protocol):
    """Where candidates come from. Sources are immutable: `fit` and `load` return a fitted copy."""

    @property
    def name(self) -> str:
        """What fusion weights, files and reports call it."""
        ...

    def fit(self, log: InteractionLog, catalogue: Catalogue, *, now_ms: int) -> Self:
        """A copy fitted on the events strictly before `now_ms`; later ones change nothing.

        Args:
            log: any number of events, none included.
            catalogue: at least as many items as the log's codes name; vectors may be None.
            now_ms: the moment, UTC.

        Raises:
            MissingExtraError: a package that this source needs is not installed.
        """
        ...

    def score(self, contexts: Sequence[Context]) -> NDArray[np.float32]:
        """`(len(contexts), n_items)` float32, finite, higher is better, deterministic.

        0 says nothing about an item; a row of zeros says nothing about the user. Equal evidence gives
        equal scores: ties are broken by whoever sorts (lower item code first). Seen items are scored
        too; masking is the ranker's.

        Raises:
            NotFittedError: before `fit` or `load`.
        """
        ...

    def save(self, folder: Path) -> None:
        """Writes the fitted arrays as `<folder>/<name>.npz` (no pickle)."""
        ...

    def load(self, folder: Path, *, catalogue: Catalogue) -> Self:
        """A copy with the arrays of `save`; `catalogue` must be the one it was fitted on.

        Raises:
            NotFittedError: no such file.
        """
        ...


def fitted(name: str, arrays: Arrays | None) -> Arrays:
    """`arrays`, or NotFittedError when the source has none yet."""
    if arrays is None:
        raise NotFittedError(f"source {name!r} is not fitted; expected fit() or load() before it")
    return arrays


def save_arrays(folder: Path, name: str, arrays: Arrays | None) -> None:
    """Writes `<folder>/<name>.npz`, through a temporary file so that a killed write leaves the old one."""
    kept = fitted(name, arrays)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.partial"
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **{key: np.asarray(value) for key, value in kept.items()})
    partial.replace(folder / f"{name}.npz")


def load_arrays(folder: Path, name: str) -> Arrays:
    """The arrays of `save_arrays`; never unpickles.

    Raises:
        NotFittedError: the file does not exist.
    """
    path = folder / f"{name}.npz"
    if not path.is_file():
        raise NotFittedError(f"source {name!r}: expected {path.name!r} in {folder.name!r}; fit it again")
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def csr_arrays(prefix: str, matrix: csr_matrix) -> dict[str, NDArray[Any]]:
    """A sparse matrix as plain arrays, to be kept with others."""
    return {
        f"{prefix}_data": matrix.data.astype(np.float32),
        f"{prefix}_indices": matrix.indices.astype(np.int32),
        # One integer type for both, or scipy copies one of them at every construction.
        f"{prefix}_indptr": matrix.indptr.astype(np.int32),
        f"{prefix}_shape": np.asarray(matrix.shape, np.int64),
    }


def csr_from(arrays: Arrays, prefix: str) -> csr_matrix:
    """The sparse matrix of `csr_arrays`."""
    from scipy.sparse import csr_matrix

    parts = (arrays[f"{prefix}_data"], arrays[f"{prefix}_indices"], arrays[f"{prefix}_indptr"])
    return csr_matrix(parts, shape=tuple(int(size) for size in arrays[f"{prefix}_shape"]))
