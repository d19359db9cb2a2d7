"""`python -m eval contamination`: does the model know the data set by heart?

A model that has read a data set can look like a good recommender on it, and will not be one elsewhere. Three
probes, each beside a control on which memory cannot help: titles against made-up titles, the next item of a
history against a later one of the same user, and reranking with titles against reranking with names that say
nothing. Probing of this kind: Di Palma et al. 2025, "Do LLMs memorize recommendation datasets? A preliminary
study on MovieLens-1M", https://doi.org/10.48550/arXiv.2505.10212.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.llm.backend import Backend
from agent.schema import to_plain
from eval.audits.bias import FEWEST, expected_ndcg, run_trials
from eval.audits.probes import (
    Answers,
    choose_rests,
    complete_titles,
    guess_next,
    history_tasks,
    title_tasks,
)
from eval.audits.rankers import ModelRanker
from eval.audits.tasks import SlateSet, language_of, make_slates
from eval.audits.titles import code_names, long_titles, make_up
from eval.data.datasets import ProgressCallback, load_dataset
from eval.data.splits import Question, make_split
from eval.errors import EvalError
from eval.measures.proportions import rate, rate_difference, show
from eval.measures.statistics import Interval, bootstrap_mean

Verdict = Literal[
    "knows", "the names matter", "shows no sign", "less than the control", "too few to say", "no values"
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a probe asks.

    Attributes:
        chance: the value of a model that knows nothing, for a reader.
        meaning: what a difference from the control can mean.
        about: whether that speaks of memory, or of what names are worth for whatever cause.
    """

    name: str
    chance: str
    meaning: str
    about: Literal["memory", "names"] = "memory"


_PICKED = Asked(
    "second half of a title picked out of 20",
    ".05",
    "above made-up titles of equally fitting neighbours: the model has met these titles, or words that "
    "belong together further apart than neighbours do.",
)
_WRITTEN = Asked(
    "second half of a title written",
    "0",
    "the model writes these titles by heart: they were in what it learned from.",
)
_NEXT = Asked(
    "next item of a history above 19 as popular",
    ".05",
    "the control is a later item of the same user, so taste cancels out; what is taken together at one time "
    "does not, so a difference is a sign of memory only where that means nothing.",
)
_ATTRIBUTES = Asked(
    "NDCG@10 of reranking with titles, against codes and categories",
    ".227",
    "what the names are worth to the model: their meaning, their fame, or memory of them.",
    "names",
)
_CODES = Asked(
    "NDCG@10 of reranking with titles, against codes alone",
    ".227",
    "as above; the control must be near chance, or something other than the names tells.",
    "names",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One measurement and its control.

    Attributes:
        value: of the real thing, 0–1.
        control: of what cannot be known.
        difference: value less control.
    """

    asked: Asked
    value: Interval
    control: Interval
    difference: Interval
    problems: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """By the interval of the difference, and by nothing else."""
        if self.difference.n == 0:
            return "no values"
        if min(self.value.n, self.control.n) < FEWEST:
            return "too few to say"
        if self.difference.better:
            return "knows" if self.asked.about == "memory" else "the names matter"
        return "less than the control" if self.difference.worse else "shows no sign"


@dataclass(frozen=True)
class ContaminationReport:
    """What a model shows on one data set; `skipped` says what could not be asked of it, and why."""

    data: str
    digest: str
    model: str
    seed: int
    probes: tuple[Probe, ...]
    skipped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data, verdicts included."""
        plain: dict[str, Any] = to_plain(self)
        for row, probe in zip(plain["probes"], self.probes, strict=True):
            row["verdict"] = probe.verdict
        return plain

    def to_markdown(self) -> str:
        """A table of probes, and what each can mean."""
        lines = [
            "| probe | real | control | difference | chance | n | verdict |",
            "|---|---|---|---|---|---|---|",
        ]
        for probe in self.probes:
            cells = [
                probe.asked.name,
                show(probe.value),
                show(probe.control),
                show(probe.difference, signed=True),
                probe.asked.chance,
                str(probe.value.n),
                probe.verdict,
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines += [
            "",
            f"{self.model} on {self.data} (data {self.digest}, seed {self.seed}); 95 % intervals. "
            '"Shows no sign" is no proof of absence: the interval says how much could hide.',
        ]
        lines += [f"- {probe.asked.name}: {probe.asked.meaning}" for probe in self.probes]
        lines += [
            f"- {probe.asked.name}, trouble: {text}" for probe in self.probes for text in probe.problems
        ]
        lines += [f"- left out: {text}" for text in self.skipped]
        return "\n".join(lines) + "\n"


def run_contamination(
    data: str,
    backend: Backend,
    *,
    items: Path | None = None,
    n_titles: int = 60,
    n_users: int = 40,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> ContaminationReport:
    """The probes that the model can be asked.

    Args:
        data, items: see `load_dataset`.
        backend: the model; without likelihoods the title completion and the reranking remain.
        n_titles: real and made-up titles, so many of each.
        n_users: histories, and users of the reranking.
        seed: of every draw.
        progress: called with (stage, done, total).

    Raises:
        EvalError: the data have neither titles nor histories to ask about.
    """
    dataset = load_dataset(data, items=items, progress=progress)
    ((question, exam),) = make_split(dataset)
    tell = progress or _silent
    scores = backend.capabilities.score
    skipped = [] if scores else [f"choosing titles and next items: {backend.name} gives no likelihoods"]
    probes, without = title_probes(backend, question, n=n_titles, seed=seed, progress=tell)
    skipped += without
    if scores:
        tasks = history_tasks(question, n=n_users, random=np.random.default_rng(seed + 1))
        if tasks:
            probes.append(history_probe(*guess_next(backend, tasks, progress=tell), seed=seed))
        else:
            skipped.append("next items: no user has a history long enough")
    try:
        slates = make_slates(question, exam, n_users=n_users, draws=("random",), seed=seed)
    except EvalError as error:
        skipped.append(f"what names are worth: {error}")
    else:
        probes += name_probes(ModelRanker(backend), slates, question, seed=seed, progress=tell)
    if not probes:
        raise EvalError(f"{dataset.name}: nothing can be asked: {'; '.join(skipped)}")
    return ContaminationReport(
        dataset.name, dataset.digest, backend.name, seed, tuple(probes), tuple(skipped)
    )


def title_probes(
    backend: Backend, question: Question, *, n: int, seed: int, progress: ProgressCallback
) -> tuple[list[Probe], list[str]]:
    """Both title probes, or why there is none."""
    random = np.random.default_rng(seed)
    titles = long_titles(question.catalogue)
    made_up = make_up(titles, max(3 * n, 3 * 20), random=random)
    real_tasks = title_tasks(titles, n=n, examples=titles, random=random)
    made_tasks = title_tasks(made_up, n=n, examples=titles, random=random)
    if not real_tasks or not made_tasks:
        return [], [f"titles: {len(titles)} long enough, {len(made_up)} made up; twenty of each are needed"]
    chinese = language_of(question.catalogue) == "zh"
    kinds = (("Real titles", real_tasks), ("Made-up titles", made_tasks))
    probes = []
    if backend.capabilities.score:
        real, made = (
            choose_rests(backend, tasks, chinese=chinese, stage=f"{name}, choosing", progress=progress)
            for name, tasks in kinds
        )
        probes.append(_two_samples(_PICKED, real, made))
    real, made = (
        complete_titles(backend, tasks, chinese=chinese, stage=f"{name}, writing", progress=progress)
        for name, tasks in kinds
    )
    return [*probes, _two_samples(_WRITTEN, real, made)], []


def history_probe(following: Answers, later: Answers, *, seed: int) -> Probe:
    """Next item against a later one of the same user, paired."""
    gaps = following.right.astype(np.float64) - later.right.astype(np.float64)
    return Probe(
        asked=_NEXT,
        value=rate(int(following.right.sum()), len(following.right)),
        control=rate(int(later.right.sum()), len(later.right)),
        difference=bootstrap_mean(gaps, seed=seed),
        problems=following.problems,
    )


def name_probes(
    ranker: ModelRanker, slates: SlateSet, question: Question, *, seed: int, progress: ProgressCallback
) -> list[Probe]:
    """Quality of reranking with titles, less that with codes, and with codes and categories."""
    language = language_of(question.catalogue)
    real, trouble = _quality(ranker, slates, seed=seed, progress=progress)
    probes = []
    for attributes in (True, False):
        names = code_names(
            question.catalogue,
            attributes=attributes,
            language=language,
            random=np.random.default_rng(seed),
        )
        hidden = rename(slates, names, keep_interests=attributes)
        bare, more = _quality(ranker, hidden, seed=seed, progress=progress)
        probes.append(
            Probe(
                asked=_ATTRIBUTES if attributes else _CODES,
                value=bootstrap_mean(real, seed=seed),
                control=bootstrap_mean(bare, seed=seed),
                difference=bootstrap_mean(real - bare, seed=seed),
                problems=tuple(dict.fromkeys((*trouble, *more))),
            )
        )
    return probes


def rename(slates: SlateSet, names: Sequence[str], *, keep_interests: bool) -> SlateSet:
    """The same slates with other names for the items, in candidates and history; the vault is the same."""
    changed = []
    for slate in slates.slates:
        candidates = tuple(replace(entry, title=names[entry.item]) for entry in slate.candidates)
        recent = tuple(names[code] for code in slate.recent)
        facets = slate.prompts.facets if keep_interests else ()
        prompts = replace(slate.prompts, recent=recent, facets=facets)
        changed.append(replace(slate, candidates=candidates, prompts=prompts))
    return replace(slates, slates=tuple(changed))


def _quality(
    ranker: ModelRanker, slates: SlateSet, *, seed: int, progress: ProgressCallback
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """`(n_slates,)` NDCG@10 of one order each, and what went wrong."""
    trials = run_trials(ranker, slates, n_orders=1, seed=seed, progress=progress)
    return expected_ndcg(trials.figures, slates.targets)[:, 0], tuple(trials.problems)


def _two_samples(asked: Asked, real: Answers, made: Answers) -> Probe:
    value = rate(int(real.right.sum()), len(real.right))
    control = rate(int(made.right.sum()), len(made.right))
    problems = tuple(dict.fromkeys((*real.problems, *made.problems)))
    return Probe(asked, value, control, rate_difference(value, control), problems)


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""
