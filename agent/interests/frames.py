"""How a user's frame and facet names are kept: versioned in the store, by item id."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from agent.data.log import Catalogue
from agent.interests.frame import FacetFrame, compute_centroids
from agent.interests.words import FacetWords


def frame_to_json(frame: FacetFrame, words: dict[str, FacetWords], catalogue: Catalogue) -> str:
    """The frame and its words as JSON text. Item codes become item ids, which outlive a catalogue."""
    return json.dumps(
        {
            "keys": list(frame.keys),
            "items": {
                catalogue.item_ids[item]: int(facet)
                for item, facet in zip(frame.items, frame.facet, strict=True)
            },
            "words": {key: asdict(entry) for key, entry in words.items()},
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def frame_from_json(text: str, catalogue: Catalogue) -> tuple[FacetFrame, dict[str, FacetWords]]:
    """What `frame_to_json` wrote; centroids are recomputed as the mean direction of each facet's items."""
    plain = json.loads(text)
    pairs = sorted(
        (catalogue.item_codes[item_id], facet)
        for item_id, facet in plain["items"].items()
        if item_id in catalogue.item_codes
    )
    items = np.array([code for code, _ in pairs], np.int32)
    facet = np.array([position for _, position in pairs], np.int32)
    keys = tuple(plain["keys"])
    vectors = catalogue.item_vectors(items)
    centroids = compute_centroids(vectors, np.ones(len(items)), facet, len(keys))
    words = {key: FacetWords(**entry) for key, entry in plain["words"].items()}
    return FacetFrame(keys, items, facet, centroids), words


def match_facets(kept: FacetFrame, frame: FacetFrame) -> dict[str, str]:
    """Key in `kept` → key in `frame` of the facet that most of its items are in; absent for none."""
    found = {}
    for position, key in enumerate(kept.keys):
        there = frame.facet_of(kept.items[kept.facet == position])
        there = there[there >= 0]
        if len(there):
            found[key] = frame.keys[int(np.bincount(there).argmax())]
    return found
