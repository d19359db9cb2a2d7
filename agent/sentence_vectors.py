"""Vectors of what people say and of the examples it is held against, by the model behind the item vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.artifacts import load_or_encode
from agent.data.embedders import MINILM_NAME
from agent.data.embedding import NON_LATIN_SHARE, non_latin_share
from agent.dialogue.sentences.examples import EXAMPLES, example_pairs
from agent.session import Session


def encode_sentences(session: Session, texts: Sequence[str]) -> NDArray[np.float32] | None:
    """`(n, dim)` unit vectors of sentences.

    None when the items have no vectors, or the model does not read the script of the sentences. A single
    sentence is what a person says and is not kept.

    Raises:
        DriftrecError: the model cannot be had.
    """
    embedder = session.item_embedder
    english = embedder is not None and embedder.name.startswith(MINILM_NAME)
    if embedder is None or (english and non_latin_share(texts) > NON_LATIN_SHARE):
        return None
    if len(texts) == 1:
        return embedder.encode(list(texts))
    return load_or_encode(session.workspace.cache_dir, embedder.name, texts, embedder.encode)


def prepare_talks(session: Session) -> None:
    """Encodes what unclear questions are held against, so that nobody waits for it in a talk."""
    for language in EXAMPLES:
        encode_sentences(session, [text for text, _ in example_pairs(language)])
