"""`python -m eval naming`: how well the local models name groups of items whose category is known.

Each group of `naming_groups` is named by templates and by each model, with the categories shown and with
the true one hidden. A name is compared with the true category by its words (F1) and by its meaning (MiniLM
cosine). `raw` is what the model said, `as shipped` what the product shows: the model's name where it follows
from the items, else the template's.

Two choices rest on data of this kind, both tried on groups of other seeds (some of their categories are the
same, their items are not): that the model is given one category where most items share it, after a first run
on these had shown names made of two; and the second version of the prompt, which says that a category may be
the name, after a run on these had shown both models behind the template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.interests.wording import Wording, label_follows, tidy_label
from agent.llm.backend import Backend
from eval.audits.naming_groups import Group, load_groups, majority_category, overlap, readable, title_words
from eval.figures import publish
from eval.measures.statistics import Interval, bootstrap_mean, compare_rows

MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
TEMPLATE, WORDS = "majority category", "title words"
COMMAND = "python -m eval naming --readme README.md"
_SEED = 0

Progress = Callable[[str, int, int | None], None]


class Encoder(Protocol):
    """Texts as unit vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(n_texts, dim)` float32, rows L2-normalised."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """One name of one group, and how near it comes to the true category.

    Attributes:
        overlap: F1 of words, 0–1.
        similarity: MiniLM cosine, −1 to 1.
    """

    data: str
    truth: str
    hidden: bool
    namer: str
    label: str
    overlap: float
    similarity: float


def name_groups(
    groups: Sequence[Group], backends: Mapping[str, Backend], encoder: Encoder, *, progress: Progress
) -> list[Named]:
    """Every group named by everybody, under both conditions.

    Args:
        groups: to be named.
        backends: by the name the report gives them.
        encoder: of names and categories.
        progress: called with (stage, done, total).
    """
    labels: list[tuple[Group, bool, str, str]] = []
    for hidden in (False, True):
        for group in groups:
            template = majority_category(group, hidden=hidden)
            labels.append((group, hidden, TEMPLATE, template))
            labels.append((group, hidden, WORDS, title_words(group)))
    for name, backend in backends.items():
        total = 2 * len(groups)
        for done, (hidden, group) in enumerate(
            (hidden, group) for hidden in (False, True) for group in groups
        ):
            raw, shipped = name_by_model(group, backend, hidden=hidden)
            labels.append((group, hidden, f"{name}, raw", raw))
            labels.append((group, hidden, f"{name}, as shipped", shipped))
            progress(f"Naming by {name}", done + 1, total)
    said = encoder.encode([label for *_, label in labels])
    true = encoder.encode([readable(group.truth) for group, *_ in labels])
    nearness = (said * true).sum(axis=1)
    return [
        Named(
            group.data,
            group.truth,
            hidden,
            namer,
            label,
            overlap(label, readable(group.truth)),
            float(near),
        )
        for (group, hidden, namer, label), near in zip(labels, nearness, strict=True)
    ]


def name_by_model(group: Group, backend: Backend, *, hidden: bool) -> tuple[str, str]:
    """What the model said, and what the product would show; the template's name where it said nothing."""
    examples = group.examples(hidden=hidden)
    template = majority_category(group, hidden=hidden)
    completion = Wording(backend, "en").ask_label(examples)
    if completion.finish_reason == "error":
        raise RuntimeError(f"{backend.name} cannot be measured: {completion.note}")
    if completion.data is None:
        return template, template
    label = tidy_label(str(completion.data["label"]))
    return label or template, label if label_follows(label, examples) else template


def summarise(named: Sequence[Named]) -> list[dict[str, Any]]:
    """One row per condition, data set (`all` first) and namer: means, and the paired gap to the template."""
    rows = []
    for hidden in (False, True):
        for data in ("all", *dict.fromkeys(entry.data for entry in named)):
            chosen = [e for e in named if e.hidden == hidden and data in ("all", e.data)]
            namers = list(dict.fromkeys(entry.namer for entry in chosen))
            for measure in ("overlap", "similarity"):
                values = {
                    namer: np.array([getattr(e, measure) for e in chosen if e.namer == namer])
                    for namer in namers
                }
                gaps = {found.row: found for found in compare_rows(values, reference=TEMPLATE, seed=_SEED)}
                for namer in namers:
                    found = gaps.get(namer)
                    rows.append(
                        {
                            "condition": "hidden" if hidden else "shown",
                            "data": data,
                            "namer": namer,
                            "measure": measure,
                            "mean": asdict(bootstrap_mean(values[namer], seed=_SEED)),
                            "against_template": None if found is None else asdict(found.difference),
                            "verdict": "" if found is None else found.verdict,
                        }
                    )
    return rows


def to_markdown(rows: Sequence[Mapping[str, Any]], named: Sequence[Named]) -> str:
    """Two tables: all groups together, and the similarity by data set."""
    n_groups = len({(entry.data, entry.truth) for entry in named})
    lines = [
        f"{n_groups} groups of eight titles, six of one category; names against that category. "
        "*Shown*: the categories of all eight are in sight, as in the product. *Hidden*: the true one is "
        "struck from all. The gap is that of the similarity to the majority-category template, paired, with "
        "its 95 % interval.",
        "",
        "| categories | named by | word overlap | similarity | gap to the template | |",
        "|---|---|---|---|---|---|",
    ]
    pooled = {(row["condition"], row["namer"], row["measure"]): row for row in rows if row["data"] == "all"}
    for condition, namer in dict.fromkeys((row["condition"], row["namer"]) for row in rows):
        near, words = pooled[condition, namer, "similarity"], pooled[condition, namer, "overlap"]
        gap = _interval(near["against_template"], signed=True)
        lines.append(
            f"| {condition} | {namer} | {words['mean']['mean']:.2f} | {_interval(near['mean'])} | {gap} | "
            f"{near['verdict']} |"
        )
    lines += ["", *_by_data(rows)]
    return "\n".join(lines)


def _by_data(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    near = [row for row in rows if row["measure"] == "similarity" and row["data"] != "all"]
    namers = [namer for namer in dict.fromkeys(row["namer"] for row in near) if not namer.endswith(", raw")]
    lines = [
        "| similarity | categories | " + " | ".join(namers) + " |",
        "|---|---|" + "---|" * len(namers),
    ]
    means = {(row["data"], row["condition"], row["namer"]): row["mean"]["mean"] for row in near}
    for data, condition in dict.fromkeys((row["data"], row["condition"]) for row in near):
        figures = " | ".join(f"{means[data, condition, namer]:.2f}" for namer in namers)
        lines.append(f"| {data} | {condition} | {figures} |")
    return lines


def _interval(plain: Mapping[str, Any] | None, *, signed: bool = False) -> str:
    if plain is None:
        return ""
    found = Interval(**plain)
    sign = "+" if signed else ""
    return f"{found.mean:{sign}.2f} ({found.low:{sign}.2f} to {found.high:{sign}.2f})"


def run_naming(
    *, models: Sequence[str], per_data: int, as_json: bool, out: Path | None, readme: Path | None
) -> str:
    """Measures, keeps and publishes; the report to print.

    Args:
        models: names of local models.
        per_data: groups per data set.
        as_json: the report as JSON instead of Markdown.
        out: file for every single name and all figures, as JSON.
        readme: Markdown file with the marks `<!-- naming -->` and `<!-- /naming -->`.
    """
    from agent.console import progress_bars
    from agent.data.embedding import open_embedder
    from agent.llm.llamacpp import LlamaCppBackend
    from agent.llm.registry import model_path

    groups = load_groups(per_data)
    backends = {name: LlamaCppBackend(model_path(name), name=name, timeout_s=300) for name in models}
    encoder = open_embedder("minilm", sample_texts=(), offline=False, batch_size=64)
    try:
        with progress_bars(as_json) as progress:
            named = name_groups(groups, backends, encoder, progress=progress)
    finally:
        for backend in backends.values():
            backend.close()
    rows = summarise(named)
    plain = json.dumps(
        {"rows": rows, "names": [asdict(entry) for entry in named]}, ensure_ascii=False, indent=1
    )
    if out is not None:
        out.write_text(plain + "\n", encoding="utf-8")
    table = to_markdown(rows, named)
    if readme is not None:
        publish(readme, "naming", table, command=COMMAND)
    return plain if as_json else table
