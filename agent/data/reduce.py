"""Fewer dimensions for item vectors: principal components, fitted once, kept, deterministic."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agent.data.embedders import Embedder, unit_rows
from agent.errors import SettingsError, StoreError


@dataclass(frozen=True)
class Pca:
    """A fitted projection.

    Attributes:
        mean: `(dim_in,)` float32.
        components: `(dim_out, dim_in)` float32, orthonormal rows, most variance first; the largest
            coefficient of each is positive, so that the signs do not depend on the linear algebra library.
        explained: share of the variance that is kept, 0–1.
        n_fitted: rows it was fitted on.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    explained: float
    n_fitted: int

    def transform(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(n, dim_out)` float32, centred, projected, rows L2-normalised; a row equal to the mean is zero."""
        projected = (vectors - self.mean) @ self.components.T
        return unit_rows(np.asarray(projected, dtype=np.float32))

    @cached_property
    def fingerprint(self) -> str:
        """Eight hex digits that tell this projection from any other."""
        return hashlib.sha256(self.mean.tobytes() + self.components.tobytes()).hexdigest()[:8]

    def to_text(self) -> str:
        """The projection as JSON, for the store."""
        return json.dumps(
            {
                "shape": self.components.shape,
                "mean": base64.b64encode(self.mean.tobytes()).decode("ascii"),
                "components": base64.b64encode(self.components.tobytes()).decode("ascii"),
                "explained": self.explained,
                "n_fitted": self.n_fitted,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Pca:
        """The projection that `to_text` wrote.

        Raises:
            StoreError: `text` is not one.
        """
        try:
            plain = json.loads(text)
            shape = tuple(plain["shape"])
            return cls(
                mean=np.frombuffer(base64.b64decode(plain["mean"]), dtype=np.float32),
                components=np.frombuffer(base64.b64decode(plain["components"]), dtype=np.float32).reshape(
                    shape
                ),
                explained=float(plain["explained"]),
                n_fitted=int(plain["n_fitted"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"expected a stored PCA, got {text[:60]!r}…; run: driftrec index") from error


def fit_pca(vectors: NDArray[np.float32], dims: int) -> Pca:
    """The first `dims` principal components of the rows of `vectors`.

    Fewer than `dims` when the data has no more: at most `min(n - 1, dim)` directions carry variance.

    Args:
        vectors: `(n, dim)` float32, each distinct text once.
        dims: from 1.

    Raises:
        SettingsError: fewer than two distinct rows, or `dims` < 1.
    """
    if dims < 1:
        raise SettingsError(f"[embedding] pca_dims must be at least 1 here, got {dims!r}")
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    values, axes = values[::-1].clip(min=0.0), axes[:, ::-1].T
    total = float(values.sum())
    n_useful = int(np.count_nonzero(values > total * 1e-10)) if total > 0 else 0
    n_useful = min(n_useful, max(len(vectors) - 1, 0))
    if n_useful == 0:
        raise SettingsError(
            f"[embedding] pca_dims = {dims} needs at least two different item texts, got {len(vectors)} "
            "row(s) without variance; set pca_dims = 0"
        )
    kept = min(dims, n_useful)
    components = axes[:kept]
    largest = components[np.arange(kept), np.abs(components).argmax(axis=1)]
    components = components * np.sign(largest)[:, None]
    return Pca(
        mean=vectors.mean(axis=0, dtype=np.float64).astype(np.float32),
        components=np.ascontiguousarray(components, dtype=np.float32),
        explained=float(values[:kept].sum() / total),
        n_fitted=len(vectors),
    )


class ReducedEmbedder:
    """An embedder behind a projection; it has the projection's name and dimension."""

    def __init__(self, base: Embedder, pca: Pca) -> None:
        self._base = base
        self._pca = pca
        self.name = reduced_name(base.name, pca)
        self.dim = len(pca.components)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dim)` float32, rows L2-normalised, in the order of `texts`."""
        return self._pca.transform(self._base.encode(texts))


def reduced_name(base_name: str, pca: Pca) -> str:
    """Name of vectors of `base_name` behind `pca`: two different fits never share one."""
    return f"{base_name}+pca{len(pca.components)}-{pca.fingerprint}"
