"""Rows of the whole product: `Agent.recommend` on a workspace that holds nothing after T.

The train part is written to files, ingested, fitted and asked as any shop's data would be. What the product
does beyond ranking is in these rows: one item per title, retrieval per facet, the language model's rerank.
"""

from __future__ import annotations

import hashlib
import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from agent.agent import Agent
from agent.ranking.llm_weight import PRIOR_LLM_WEIGHT
from agent.workspace import Workspace
from eval.data.datasets import EVAL_FOLDER
from eval.data.splits import Question, segments
from eval.rankers.recommenders import DEPTH, Lists, Recommender, Record

_SEPARATOR = "¦"
_TOML = f"""\
[interactions.columns]
event = "=purchase"
key = "key"

[items]
category_separator = "{_SEPARATOR}"
repeats = REPEATS
"""
_NO_MODEL = "none"


@dataclass
class ProductFitted:
    """Answers of one agent, each user of `record.asked` asked once."""

    question: Question
    agent: Agent
    options: dict[str, Any]
    note: str
    record: Record
    _answers: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=dict)

    def rank(self, rows: Sequence[int], *, depth: int, allowed: NDArray[np.bool_]) -> Lists:
        """See `Fitted.rank`; a user who is not asked gets an empty list."""
        lists: Lists = []
        for row in rows:
            if self.record.asked is not None and not self.record.asked[row]:
                lists.append(np.empty(0, np.int64))
                continue
            if row not in self._answers:
                self._answers[row] = self._ask(row, depth)
            items, stated = self._answers[row]
            self.record.confidences[row] = stated[allowed[items]][:depth]
            lists.append(items[allowed[items]][:depth])
        return lists

    def _ask(self, row: int, depth: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        user_id = self.question.train.user_ids[int(self.question.users[row])]
        start = time.perf_counter()
        found = self.agent.recommend(
            user_id, depth, exclude_seen=self.question.task == "new", explain=False, **self.options
        )
        seconds = time.perf_counter() - start
        self.record.milliseconds.append(seconds * 1000.0)
        self.record.spent[row] = seconds, sum(stage.tokens for stage in found.stages)
        for stage in found.stages:
            self.record.tokens += stage.tokens
            if stage.status == "degraded":
                self.record.degraded += 1
                self.record.note(f"{stage.name} degraded")
        codes = self.question.catalogue.item_codes
        items = np.array([codes[entry.item_id] for entry in found], np.int64)
        return items, np.array([entry.confidence for entry in found], np.float64)


@dataclass(frozen=True)
class ProductRow:
    """The product as a row.

    Attributes:
        model: language model, or none.
        method: of the rerank.
        options: of `Agent.recommend`, as sorted pairs.
        max_users: how many users of five items or more are asked, and a quarter as many others on top: the
            first of a seeded order.
    """

    name: str
    model: str = _NO_MODEL
    method: str = ""
    options: tuple[tuple[str, bool], ...] = ()
    max_users: int = 200
    group: str = "product"

    def fit(self, question: Question) -> ProductFitted:
        """See `Recommender.fit`."""
        agent = open_past(question, model=self.model, method=self.method)
        asked = ask_some(question, self.max_users)
        warm = segments(question)["warm"]
        note = f"{int((asked & warm).sum())} users of five items or more, {int((asked & ~warm).sum())} others"
        note += f", model {self.model}"
        if self.method:
            note += f", {self.method} at weight {PRIOR_LLM_WEIGHT:g}"
        # What nobody had before T has no list of its own here, as other rows have.
        note += f"; cold items count as they stand in the first {DEPTH} of all"
        if self.model != _NO_MODEL and (problem := agent.warm_model()):
            note += f"; {problem}"
        record = Record(asked=asked, close=agent.close)
        return ProductFitted(question, agent, dict(self.options), note, record)


def product_rows(model: str, *, max_users: int) -> list[Recommender]:
    """The product without a model, with its profile kept still, and with each way of reranking."""
    plain = ProductRow("whole product, no LLM", options=(("rerank", False),), max_users=max_users)
    rows: list[Recommender] = [plain]
    if "use_migration" in inspect.signature(Agent.recommend).parameters:
        still = (("rerank", False), ("use_migration", False))
        rows.append(replace(plain, name="whole product, static profile", options=still))
    if model != _NO_MODEL:
        for method in ("likelihood", "scores"):
            name = f"whole product, LLM {method}"
            rows.append(ProductRow(name, model=model, method=method, max_users=max_users))
    return rows


def open_past(question: Question, *, model: str, method: str = "") -> Agent:
    """An agent on a workspace that holds nothing after T, ingested and fitted; close it.

    Args:
        question: whose train part it knows.
        model: language model, or `none`.
        method: of the rerank; empty for the settings'.
    """
    place = past_workspace(question)
    agent = Agent.open(place.root, model=model)
    if method:
        # At the prior weight, whatever was decided: the row is to show what the model does.
        changes = {"rerank_method": method, "llm_weight": PRIOR_LLM_WEIGHT}
        ranking = agent.settings.ranking.model_copy(update=changes)
        agent.settings = agent.settings.model_copy(update={"ranking": ranking})
    agent.ingest_items(place.raw_dir / "items.parquet")
    agent.ingest_interactions(place.raw_dir / "interactions.parquet")
    agent.fit()
    return agent


def ask_some(question: Question, n: int) -> NDArray[np.bool_]:
    """`(n_users,)` who is asked, the same for every row: `n` warm users, and a quarter as many cold ones."""
    warm, rng = segments(question)["warm"], np.random.default_rng(0)
    asked = np.zeros(len(question.users), bool)
    asked[rng.permutation(np.flatnonzero(warm))[:n]] = True
    asked[rng.permutation(np.flatnonzero(~warm))[: n // 4]] = True
    return asked


def past_workspace(question: Question) -> Workspace:
    """A workspace with the files of the train part, written once per question; nothing later is in them."""
    content = hashlib.sha256(question.catalogue.digest.encode())
    for column in (question.train.user, question.train.item, question.train.timestamp_ms):
        content.update(np.ascontiguousarray(column).tobytes())
    content.update(f"{question.task}{question.cut_ms}".encode())
    place = Workspace(EVAL_FOLDER / "past" / content.hexdigest()[:12])
    place.create(_TOML.replace("REPEATS", "true" if question.task == "any" else "false"))
    if not (place.raw_dir / "interactions.parquet").is_file():
        place.raw_dir.mkdir(parents=True, exist_ok=True)
        _write_items(question, place.raw_dir / "items.parquet")
        _write_events(question, place.raw_dir / "interactions.parquet")
    return place


def _write_items(question: Question, path: Path) -> None:
    catalogue = question.catalogue
    columns = {
        "item_id": catalogue.item_ids,
        "title": catalogue.titles,
        "description": catalogue.descriptions,
        "categories": [_SEPARATOR.join(names) for names in catalogue.categories],
        "domain": catalogue.domains,
        "text": catalogue.texts,
    }
    # The canary stays out: without a title of its own the product never shows it, leak or not. The report
    # says so; what guards these rows is that the files end at T.
    pl.DataFrame({name: list(values)[:-1] for name, values in columns.items()}).write_parquet(path)


def _write_events(question: Question, path: Path) -> None:
    train, catalogue = question.train, question.catalogue
    frame = pl.DataFrame(
        {
            "user_id": [train.user_ids[code] for code in train.user.tolist()],
            "item_id": [catalogue.item_ids[code] for code in train.item.tolist()],
            "timestamp": train.timestamp_ms,
            "key": [str(number) for number in train.interaction_id.tolist()],
        }
    )
    partial = path.with_suffix(".part")
    frame.write_parquet(partial)
    partial.replace(path)
