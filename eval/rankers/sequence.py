"""SASRec by RecTools: the sequential transformer, trained on the CPU within a stated time.

RecTools cannot share an environment with the product (it holds NumPy below 2). Make one for it and name its
interpreter in `$DRIFTREC_RECTOOLS_PYTHON`; without it this interpreter is asked, and where that has no
RecTools either, the row is reported as not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import MissingExtraError
from agent.ranking.windows import allowed_items, best_allowed
from eval.data.splits import Question
from eval.errors import EvalError
from eval.rankers.recommenders import Lists, Record

INTERPRETER = "DRIFTREC_RECTOOLS_PYTHON"
WORKER = Path(__file__).with_name("sequence_worker.py")
_NEEDED = "import pytorch_lightning, rectools.models"
_ASKED = (
    "import json, platform; from importlib.metadata import version; "
    "names = ['RecTools', 'torch', 'pytorch-lightning', 'numpy', 'pandas']; "
    "print(json.dumps({'python': platform.python_version(), **{name: version(name) for name in names}}))"
)
# By the clock: how many times its CPU seconds the training may take, and what comes on top for the rest.
_SLOW, _SPARE_S = 4.0, 600.0


class RecToolsMissingError(MissingExtraError):
    """RecTools is neither here nor in the interpreter that was named."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}, or, as RecTools holds NumPy below 2, beside it: python -m venv rt; "
            f"rt/bin/pip install 'rectools[torch]'; export {INTERPRETER}=rt/bin/python"
        )


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
        cap_s: training stops after so many seconds of CPU, within an epoch if need be. Not of the clock: a
            busy machine must not make the baseline weaker. More did not help it: on grocery 20 epochs in
            101 s scored NDCG@10 .0480, 56 in 300 s .0465.
        max_epochs: or after so many epochs.
    """

    name: str = "SASRec"
    group: str = "baseline"
    cap_s: float = 120.0
    max_epochs: int = 200

    def fit(self, question: Question) -> SasRecFitted:
        """See `Recommender.fit`.

        Raises:
            MissingExtraError: the interpreter has no RecTools or no Lightning.
            EvalError: the training broke down.
        """
        python = os.environ.get(INTERPRETER) or sys.executable
        with tempfile.TemporaryDirectory() as name:
            given, found = Path(name) / "given.npz", Path(name) / "found.npz"
            _check(python)
            _write(given, question, {"cap_s": self.cap_s, "max_epochs": self.max_epochs})
            _call([python, str(WORKER), str(given), str(found)], limit_s=_SLOW * self.cap_s + _SPARE_S)
            with np.load(found, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        scores = np.zeros((len(question.users), len(question.catalogue)), np.float32)
        scores[arrays["place"], arrays["item"]] = 1.0 / arrays["rank"].astype(np.float32)
        done = json.loads(str(arrays["report"]))
        note = (
            f"RecTools {done['rectools']}, {done['epochs']} whole epochs, {done['batches']} batches "
            f"in {done['seconds']:.0f} s of CPU (cap {self.cap_s:g} s)"
        )
        return SasRecFitted(question, scores, note)


def interpreter_versions() -> dict[str, str]:
    """What decides the figures of the interpreter that trains, by package; empty where it has no RecTools.

    Rows of it are kept under these: another RecTools or torch is another baseline.
    """
    command = [os.environ.get(INTERPRETER) or sys.executable, "-c", _ASKED]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return {}
    if done.returncode:
        return {}
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _check(python: str) -> None:
    try:
        done = subprocess.run([python, "-c", _NEEDED], capture_output=True, text=True, check=False)
    except OSError as error:
        raise EvalError(f"${INTERPRETER}: expected an interpreter, got {python!r} ({error})") from None
    if done.returncode:
        raise RecToolsMissingError("RecTools", "eval")


def _write(path: Path, question: Question, settings: Mapping[str, Any]) -> None:
    """The train part and who is asked for, as the worker reads them."""
    train = question.train
    whole = {
        **settings,
        "n_known": int(question.known_item.sum()),
        "filter_viewed": question.task == "new",
    }
    np.savez(
        path,
        user=train.user,
        item=train.item,
        timestamp_ms=train.timestamp_ms,
        asked=question.users,
        settings=np.array(json.dumps(whole)),
    )


def _call(command: Sequence[str], *, limit_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise EvalError(f"SASRec: expected an end within {limit_s:g} s, got none; lower cap_s") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EvalError(f"SASRec: the training broke down: {last[0]!r}")
