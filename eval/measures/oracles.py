"""What RecTools, ranx and scikit-surprise say on shared cases, kept so that every test run compares with it.

These libraries hold numpy below 2 and so cannot live where driftrec is developed. `python -m eval oracles`
asks them, in an environment of theirs, and writes cases, answers and versions to a file; the tests read it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import MissingExtraError

K = 5
STORED = Path("tests") / "eval" / "oracles.json"
Lists = Sequence[NDArray[np.int64]]
_RANX = ("ndcg", "recall", "precision", "mrr", "hit_rate", "f1")
_RECTOOLS = ("NDCG", "Recall", "Precision", "MRR", "HitRate", "MAP", "F1Beta")


def make_lists(seed: int = 5) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Lists and labels of 40 users over 30 items: some lists short, some users with one label."""
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(30)[: int(rng.integers(3, 2 * K))] for _ in range(40)]
    relevant = [rng.permutation(30)[: int(rng.integers(1, 9))] for _ in range(40)]
    return lists, relevant


def make_ratings(seed: int = 6) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`(12, 15)` ratings of 1–5, NaN where there is none, and a `(12, 12)` symmetric similarity."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((12, 15)) < 0.6, rng.integers(1, 6, (12, 15)), np.nan).astype(np.float32)
    drawn = rng.random((12, 12))
    similarity = ((drawn + drawn.T) / 2).astype(np.float32)
    np.fill_diagonal(similarity, 0.0)
    return values, similarity


def ask_all() -> dict[str, Any]:
    """Cases, answers and versions, JSON-ready.

    Raises:
        MissingExtraError: one of the three is not installed.
    """
    for module, package in (("rectools", "RecTools"), ("ranx", "ranx"), ("surprise", "scikit-surprise")):
        if find_spec(module) is None:
            raise MissingExtraError(package, "eval")
    lists, relevant = make_lists()
    values, similarity = make_ratings()
    return {
        "command": "python -m eval oracles",
        "versions": {name: version(name) for name in ("RecTools", "ranx", "scikit-surprise", "numpy")},
        "k": K,
        "lists": [entry.tolist() for entry in lists],
        "relevant": [entry.tolist() for entry in relevant],
        "ranx": ask_ranx(lists, relevant),
        "rectools": ask_rectools(lists, relevant),
        "ratings": [[None if np.isnan(v) else float(v) for v in row] for row in values],
        "similarity": similarity.astype(float).tolist(),
        "surprise": ask_surprise(values, similarity),
    }


def ask_ranx(lists: Lists, relevant: Lists) -> dict[str, list[float]]:
    """By metric, ranx's value of every user at K."""
    ranx = import_module("ranx")
    names = [f"u{user:02d}" for user in range(len(lists))]
    qrels = ranx.Qrels({n: {f"i{i}": 1 for i in items} for n, items in zip(names, relevant, strict=True)})
    run = ranx.Run(
        {n: {f"i{i}": 1.0 / (r + 1) for r, i in enumerate(row)} for n, row in zip(names, lists, strict=True)}
    )
    ranx.evaluate(qrels, run, [f"{name}@{K}" for name in _RANX])
    return {
        name: [float(run.scores[f"{name}@{K}"][user]) for user in names]
        for name in _RANX
        if f"{name}@{K}" in run.scores
    }


def ask_rectools(lists: Lists, relevant: Lists) -> dict[str, list[float]]:
    """By metric, RecTools' value of every user at K; its NDCG divided by what the user can reach."""
    pandas, metrics = import_module("pandas"), import_module("rectools.metrics")
    shown = [(u, int(i), r) for u, items in enumerate(lists) for r, i in enumerate(items[:K], 1)]
    wanted = [(u, int(i)) for u, items in enumerate(relevant) for i in items]
    recommended = pandas.DataFrame(shown, columns=["user_id", "item_id", "rank"])
    taken = pandas.DataFrame(wanted, columns=["user_id", "item_id"])
    found: dict[str, list[float]] = {}
    for name in _RECTOOLS:
        metric = getattr(metrics, name, None)
        if metric is None:
            continue
        made = metric(K, divide_by_achievable=True) if name == "NDCG" else metric(K)
        by_user = made.calc_per_user(recommended, taken).reindex(range(len(lists)), fill_value=0.0)
        found[name] = [float(value) for value in by_user]
    return found


def ask_surprise(values: NDArray[np.float32], similarity: NDArray[np.float32]) -> list[list[float]]:
    """`[user, item, prediction]` of `surprise.KNNWithMeans(k=4)` for each pair without a rating."""
    surprise, pandas = import_module("surprise"), import_module("pandas")
    base: Any = surprise.KNNWithMeans

    class Given(base):  # type: ignore[misc]
        def compute_similarities(self) -> NDArray[np.float64]:
            """The given similarity, in the order in which the library numbers users."""
            raw = [self.trainset.to_raw_uid(inner) for inner in range(self.trainset.n_users)]
            return np.asarray(similarity[np.ix_(raw, raw)], np.float64)

    rows = [(int(u), int(i), float(values[u, i])) for u, i in np.argwhere(~np.isnan(values))]
    frame = pandas.DataFrame(rows, columns=["user", "item", "rating"])
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    model = Given(k=4, min_k=1, verbose=False).fit(data.build_full_trainset())
    missing = np.argwhere(np.isnan(values))
    return [[int(u), int(i), float(model.predict(int(u), int(i), clip=False).est)] for u, i in missing]


def write(path: Path) -> None:
    """Asks all three and writes what they say to `path`."""
    path.write_text(json.dumps(ask_all(), separators=(",", ":")) + "\n", encoding="utf-8")
