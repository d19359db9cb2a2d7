"""Trains SASRec and scores with it, in whatever Python has RecTools: a script that knows nothing of driftrec.

RecTools holds NumPy below 2, the product does not: so this file is run by path, with the interpreter of an
environment of RecTools' own, and what goes in and comes out are two files of arrays. Only events before T
are ever written to the first.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

SESSION_ITEMS = 50
PLACES = 400


def work(given: Path, found: Path) -> None:
    """Reads `given`, trains within the stated time, writes `found`.

    Args:
        given: npz of `user`, `item`, `timestamp_ms` (one per event), `asked` (user codes) and the JSON text
            `settings` (`cap_s`, `max_epochs`, `n_known`, `filter_viewed`).
        found: npz of `place` (row of `asked`), `item`, `rank` (from 1), and the JSON text `report`.
    """
    np, pandas, dataset = (import_module(name) for name in ("numpy", "pandas", "rectools.dataset"))
    with np.load(given, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    settings = json.loads(str(arrays["settings"]))
    events = pandas.DataFrame(
        {
            "user_id": arrays["user"],
            "item_id": arrays["item"],
            "weight": np.ones(len(arrays["user"]), np.float32),
            "datetime": pandas.to_datetime(arrays["timestamp_ms"], unit="ms"),
        }
    )
    known = dataset.Dataset.construct(events)
    clock = _clock(float(settings["cap_s"]))
    model = _model(clock, max_epochs=int(settings["max_epochs"]))
    start = time.process_time()
    model.fit(known)
    seconds = time.process_time() - start
    asked = arrays["asked"]
    there = np.intersect1d(asked, np.unique(arrays["user"]))
    lists = model.recommend(
        users=there,
        dataset=known,
        k=min(PLACES, int(settings["n_known"])),
        filter_viewed=bool(settings["filter_viewed"]),
    )
    order = np.argsort(asked, kind="stable")
    place = order[np.searchsorted(asked[order], lists["user_id"].to_numpy(np.int64))]
    report = {
        "epochs": clock.epochs,
        "batches": clock.batches,
        "seconds": seconds,
        "rectools": import_module("rectools").__version__,
    }
    np.savez(
        found,
        place=place,
        item=lists["item_id"].to_numpy(np.int64),
        rank=lists["rank"].to_numpy(np.int64),
        report=np.array(json.dumps(report)),
    )


def _model(clock: Any, *, max_epochs: int) -> Any:
    models, lightning = import_module("rectools.models"), import_module("pytorch_lightning")

    def trainer() -> Any:
        return lightning.Trainer(
            max_epochs=max_epochs,
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
        session_max_len=SESSION_ITEMS,
        batch_size=128,
        lr=1e-3,
        dropout_rate=0.2,
        loss="softmax",
        get_trainer_func=trainer,
    )


def _clock(cap_s: float) -> Any:
    """A Lightning callback that ends the training after `cap_s` CPU seconds, within an epoch if need be."""
    callback: Any = import_module("pytorch_lightning").Callback

    class Clock(callback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.start, self.epochs, self.batches = time.process_time(), 0, 0

        def __deepcopy__(self, memo: Any) -> Any:
            # RecTools trains with a copy of the trainer: the counts are to be this one's.
            return self

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            self.epochs += 1

        def on_train_batch_end(self, trainer: Any, *rest: Any) -> None:
            self.batches += 1
            if time.process_time() - self.start > cap_s:
                trainer.should_stop = True

    return Clock()


if __name__ == "__main__":
    # A script's own folder comes first, and the module `statistics` in it is not the one others mean.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]
    warnings.simplefilter("ignore")
    work(Path(sys.argv[1]), Path(sys.argv[2]))
