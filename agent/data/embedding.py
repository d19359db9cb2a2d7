"""Item texts as vectors: which model, which text, each distinct text once, kept in the store."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.data.embedders import (
    MINILM_DIM,
    MINILM_FINGERPRINT,
    MINILM_NAME,
    USE_NAME,
    Embedder,
    SentenceTransformerEmbedder,
    UseEmbedder,
    minilm_folder,
)
from agent.data.log import PEOPLE, Catalogue
from agent.data.reduce import Pca, ReducedEmbedder, fit_pca, reduced_name
from agent.errors import IndexMismatchError
from agent.settings import EmbeddingSettings

Progress = Callable[[int, int | None], None]

# Texts that are embedded between two writes to the store: an interruption loses at most these.
SAVE_EVERY = 2048
_STEP = 256  # between two calls of `progress`
# Above this share of letters outside the Latin script, MiniLM (English) is noise.
NON_LATIN_SHARE = 0.1
_DESCRIPTION_CHARS = 200
_LATIN_END = 0x250
_LATIN_ADDITIONAL = range(0x1E00, 0x1F00)


class VectorStore(Protocol):
    """The part of the store that embedding needs."""

    def load_vectors(self, embedder: str, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors that are kept, by text."""
        ...

    def save_vectors(self, embedder: str, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keeps one vector per text."""
        ...

    def get_meta(self, key: str) -> str | None:
        """A kept value, or None."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Keeps a value."""
        ...


def open_embedder(
    name: str, *, sample_texts: Sequence[str] = (), offline: bool = False, batch_size: int = 64
) -> Embedder:
    """The embedder called `name`.

    Args:
        name: `minilm` (English), `use-multilingual`, a sentence-transformers folder or hub name, the full
            name of one of the first two as stored with vectors, or `auto`: `use-multilingual` when
            more than a tenth of the letters of `sample_texts` are not Latin, else `minilm`.
        sample_texts: item texts, for `auto`.
        offline: never touch the network.
        batch_size: texts per forward pass.

    Raises:
        MissingExtraError: `use-multilingual` without the extra `multilingual`.
        OfflineError: the model is not on this machine, and offline.
        ModelNotFoundError: no such model.
    """
    if name == "auto":
        name = "use-multilingual" if non_latin_share(sample_texts) > NON_LATIN_SHARE else "minilm"
    if name == "use-multilingual" or name.startswith(f"{USE_NAME}@"):
        return UseEmbedder()
    full_name = f"{MINILM_NAME}@{MINILM_FINGERPRINT}"
    if name in {"minilm", full_name}:
        folder = minilm_folder(offline=offline)
        return SentenceTransformerEmbedder(
            folder, batch_size=batch_size, offline=True, name=full_name, dim=MINILM_DIM, light=True
        )
    return SentenceTransformerEmbedder(name, batch_size=batch_size, offline=offline)


def non_latin_share(texts: Sequence[str]) -> float:
    """Share of the letters of `texts` outside the Latin script, 0–1; 0 without letters."""
    letters = [ord(char) for text in texts for char in text if char.isalpha()]
    if not letters:
        return 0.0
    outside = sum(1 for code in letters if code >= _LATIN_END and code not in _LATIN_ADDITIONAL)
    return outside / len(letters)


def item_text(title: str, categories: Sequence[str], *, description: str = "", text: str = "") -> str:
    """What is embedded of an item: its own text, else title, categories and the start of the description."""
    if text.strip():
        return text.strip()
    parts = [title.strip(), ", ".join(categories).strip(), description.strip()[:_DESCRIPTION_CHARS].strip()]
    return ". ".join(part.rstrip(".") for part in parts if part)


def catalogue_texts(catalogue: Catalogue) -> tuple[str, ...]:
    """`item_text` of every item, in item-code order; empty where an item says nothing."""
    rows = zip(catalogue.titles, catalogue.categories, catalogue.descriptions, catalogue.texts, strict=True)
    # A title that is the item id stands for none: an id means nothing to an embedder. Nor is a person's name
    # what they are interested in.
    return tuple(
        item_text(
            "" if title == item_id or domain == PEOPLE else title,
            categories,
            description=description,
            text=text,
        )
        for item_id, domain, (title, categories, description, text) in zip(
            catalogue.item_ids, catalogue.domains, rows, strict=True
        )
    )


def embed_catalogue(
    store: VectorStore,
    catalogue: Catalogue,
    embedder: Embedder,
    *,
    settings: EmbeddingSettings,
    progress: Progress | None = None,
) -> Catalogue:
    """`catalogue` with `texts`, `text_row`, `vectors` and `embedder` set; new vectors are kept in the store.

    Each distinct text is encoded once, ever. Texts of like length go together (less padding), and every
    few thousand are saved. Vectors of another embedder in the store are left alone and not used.

    Args:
        store: where vectors are kept.
        catalogue: items; vectors it already has are ignored.
        embedder: the model.
        settings: `pca_dims` above 0 projects the vectors; the fit is kept in the store and reused until
            the number of distinct texts has doubled, so that old and new vectors stay comparable.
        progress: called with (texts done, texts in all) while encoding.

    Raises:
        SettingsError: a projection of fewer than two distinct texts.
        IndexMismatchError: the store's vectors of this embedder have another dimension.
    """
    texts = catalogue_texts(catalogue)
    distinct = tuple(dict.fromkeys(text for text in texts if text))
    row_of = {text: row for row, text in enumerate(distinct)}
    text_row = np.array([row_of.get(text, -1) for text in texts], dtype=np.int32)
    known = store.load_vectors(embedder.name, distinct)
    fresh = _encode_missing(store, embedder, [text for text in distinct if text not in known], progress)
    vectors = _stack(distinct, {**known, **fresh}, dim=embedder.dim, name=embedder.name)
    name = embedder.name
    if settings.pca_dims and distinct:
        pca = _stored_pca(store, embedder.name, vectors, dims=settings.pca_dims)
        vectors, name = pca.transform(vectors), reduced_name(embedder.name, pca)
    return dataclasses.replace(catalogue, texts=texts, text_row=text_row, vectors=vectors, embedder=name)


def query_embedder(
    store: VectorStore, catalogue: Catalogue, embedder: Embedder, *, settings: EmbeddingSettings
) -> Embedder:
    """The embedder for query texts against `catalogue`: `embedder`, behind the catalogue's projection if any.

    Raises:
        IndexMismatchError: the catalogue's vectors come from another embedder or a lost projection.
    """
    if catalogue.embedder == embedder.name:
        return embedder
    base, _, reduction = catalogue.embedder.partition("+pca")
    stored = (
        store.get_meta(_pca_key(base, settings.pca_dims)) if base == embedder.name and reduction else None
    )
    if stored is not None:
        reduced = ReducedEmbedder(embedder, Pca.from_text(stored))
        if reduced.name == catalogue.embedder:
            return reduced
    raise IndexMismatchError(
        f"the item vectors were made by {catalogue.embedder!r}, the query would be embedded by "
        f"{embedder.name!r}; set [embedding] model to the first, or run: driftrec index"
    )


def _encode_missing(
    store: VectorStore, embedder: Embedder, missing: Sequence[str], progress: Progress | None
) -> Mapping[str, NDArray[np.float32]]:
    by_length = sorted(missing, key=lambda text: (len(text), text))
    fresh: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(by_length), SAVE_EVERY):
        batch = by_length[start : start + SAVE_EVERY]
        vectors = np.empty((len(batch), embedder.dim), dtype=np.float32)
        for at in range(0, len(batch), _STEP):
            vectors[at : at + _STEP] = embedder.encode(batch[at : at + _STEP])
            if progress is not None:
                progress(min(start + at + _STEP, start + len(batch)), len(by_length))
        store.save_vectors(embedder.name, batch, vectors)
        fresh.update(zip(batch, vectors, strict=True))
    return fresh


def _stack(
    distinct: Sequence[str], by_text: Mapping[str, NDArray[np.float32]], *, dim: int, name: str
) -> NDArray[np.float32]:
    vectors = np.zeros((len(distinct), dim), dtype=np.float32)
    for row, text in enumerate(distinct):
        vector = by_text[text]
        if vector.shape != (dim,):
            raise IndexMismatchError(
                f"the store holds a vector of shape {vector.shape} under {name!r}, which makes {dim} "
                "dimensions; give the model another folder name, or delete the stored vectors"
            )
        vectors[row] = vector
    return vectors


def _stored_pca(store: VectorStore, base: str, vectors: NDArray[np.float32], *, dims: int) -> Pca:
    stored = store.get_meta(_pca_key(base, dims))
    if stored is not None:
        pca = Pca.from_text(stored)
        if len(vectors) < 2 * pca.n_fitted:
            return pca
    pca = fit_pca(vectors, dims)
    store.set_meta(_pca_key(base, dims), pca.to_text())
    return pca


def _pca_key(base: str, dims: int) -> str:
    return f"pca:{base}:{dims}"
