"""SASRec by RecTools: the sequential transformer, trained on the CPU within a stated time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import MissingExtraError
from agent.ranking.windows import allowed_items, best_allowed
from eval.recommenders import Lists, Record
from eval.splits import Question

_SESSION_ITEMS = 50


@dataclass
class SasRecFitted:
    """Scores of every item for every asked user, made once."""

    question: Question
    scores: NDArray[np.float32]
    note: str
    record: Record = field(default_factory=Record)

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """See `Fitted.rank`."""
        lists: Lists = []
        for row in rows:
            context = self.question.context(row)
            mask = allowed & allowed_items(context, len(allowed), task=self.question.task)
            lists.append(best_allowed(self.scores[row], mask, depth=depth))
        return lists


@dataclass(frozen=True)
class SasRecRow:
    """SASRec (Kang and McAuley 2018, arXiv 1808.09781) as `rectools.models.SASRecModel` trains it.

    Attributes:
        cap_s: training stops after so many seconds, within an epoch if need be.
        max_epochs: or after so many epochs.
    """

    name: str = "SASRec"
    group: str = "baseline"
    cap_s: float = 240.0
    max_epochs: int = 20

    def fit(self, question: Question) -> SasRecFitted:
        """See `Recommender.fit`.

        Raises:
            MissingExtraError: RecTools or Lightning is not installed.
        """
        for module, package in (("rectools", "rectools"), ("pytorch_lightning", "pytorch-lightning")):
            if find_spec(module) is None:
                raise MissingExtraError(package, "eval")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._fit(question)

    def _fit(self, question: Question) -> SasRecFitted:
        pandas, dataset = import_module("pandas"), import_module("rectools.dataset")
        frame = _frame(question, pandas)
        known = dataset.Dataset.construct(frame)
        start = time.perf_counter()
        clock = _clock(self.cap_s)
        model = self._model(clock)
        model.fit(known)
        seconds = time.perf_counter() - start
        scores = _scores(model, known, question)
        note = (
            f"{clock.epochs} whole epochs, {clock.batches} batches in {seconds:.0f} s (cap {self.cap_s:g} s)"
        )
        return SasRecFitted(question, scores, note)

    def _model(self, clock: Any) -> Any:
        models, lightning = import_module("rectools.models"), import_module("pytorch_lightning")

        def trainer() -> Any:
            return lightning.Trainer(
                max_epochs=self.max_epochs,
                accelerator="cpu",
                devices=1,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                callbacks=[clock],
            )

        lightning.seed_everything(0, verbose=False)
        return models.SASRecModel(
            n_blocks=2,
            n_heads=2,
            n_factors=64,
            session_max_len=_SESSION_ITEMS,
            batch_size=128,
            lr=1e-3,
            dropout_rate=0.2,
            loss="softmax",
            get_trainer_func=trainer,
        )


def _frame(question: Question, pandas: Any) -> Any:
    """The train part as RecTools reads it: the last events of every user, one row each."""
    train = question.train
    return pandas.DataFrame(
        {
            "user_id": train.user,
            "item_id": train.item,
            "weight": np.ones(len(train), np.float32),
            "datetime": pandas.to_datetime(train.timestamp_ms, unit="ms"),
        }
    )


def _scores(model: Any, known: Any, question: Question) -> NDArray[np.float32]:
    """`(n_users, n_items)`: falling scores of the first places of each user's list; 0 elsewhere."""
    there = np.intersect1d(question.users, np.unique(question.train.user))
    found = model.recommend(
        users=there,
        dataset=known,
        k=min(400, int(question.known_item.sum())),
        filter_viewed=question.task == "new",
    )
    scores = np.zeros((len(question.users), len(question.catalogue)), np.float32)
    place = {int(user): row for row, user in enumerate(question.users)}
    rows = np.array([place[int(user)] for user in found["user_id"]], np.int64)
    scores[rows, found["item_id"].to_numpy(np.int64)] = 1.0 / found["rank"].to_numpy(np.float32)
    return scores


def _clock(cap_s: float) -> Any:
    """A Lightning callback that ends the training after `cap_s` seconds, within an epoch if need be."""
    callback: Any = import_module("pytorch_lightning").Callback

    class Clock(callback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.start, self.epochs, self.batches = time.perf_counter(), 0, 0

        def __deepcopy__(self, memo: Any) -> Any:
            # RecTools trains with a copy of the trainer: the counts are to be this one's.
            return self

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            self.epochs += 1

        def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
            self.batches += 1
            if time.perf_counter() - self.start > cap_s:
                trainer.should_stop = True

    return Clock()
