"""`python -m eval judge`: how far a model's grades can be trusted, and what they say beside what people did.

On the fixed cases it is known which list is the good one, so the judge is graded first. On a data set two
rows are compared, and each line of the report has both: what the judge says, and the metric on what the
users took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.llm.backend import Backend
from agent.ranking.neighbours import ItemKnnSource
from agent.ranking.popular import PopularitySource
from agent.schema import to_plain
from eval.audits.judge import Judgement, judge_pair
from eval.audits.judge_cases import CASES, Case
from eval.audits.tasks import describe_person, language_of
from eval.data.datasets import ProgressCallback, load_dataset
from eval.data.splits import Exam, Question, make_split
from eval.measures.metrics import hits_of, ndcg
from eval.measures.proportions import rate, show
from eval.measures.statistics import Interval, bootstrap_mean
from eval.rankers.recommenders import Recommender, SourceRow, fixed

_LENGTH = 10
# Below this share of right answers on the fixed cases (lower end of the interval) grades are not evidence.
_TRUSTED = 0.5


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the judge made of one fixed case; `agrees` when the good list got the higher mean grade."""

    name: str
    good: float | None
    bad: float | None
    agrees: bool
    stable: bool
    reasons: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Two rows on the same users: the judge's view, and the behaviour it must stand beside.

    Attributes:
        judged: mean difference of grades, first less second, over the users who could be judged.
        behaviour: mean difference of NDCG@10 over the same users.
        same_side: share of users with both differences of the same sign, among those where neither is 0.
        stable: share of users for whom both orders of the lists gave one verdict.
    """

    first: str
    second: str
    judged: Interval
    behaviour: Interval
    same_side: Interval
    stable: Interval
    n_failed: int

    @property
    def line(self) -> str:
        """Both together: there is no line with grades alone."""
        return (
            f"{self.first} less {self.second}, {self.judged.n} users: "
            f"judge {show(self.judged, signed=True)} of 5 ({_word(self.judged)}); "
            f"what they took, NDCG@10 {show(self.behaviour, digits=3, signed=True)} "
            f"({_word(self.behaviour)}); the two on the same side for {show(self.same_side)} of "
            f"{self.same_side.n} users with a difference; "
            f"same verdict in both orders {show(self.stable)}"
        )


@dataclass(frozen=True)
class JudgeReport:
    """The judge on the fixed cases, and beside behaviour where a data set was given.

    Attributes:
        agreement: share of fixed cases decided rightly; a case without grades, or with equal ones, counts
            as wrong.
        stable: share of fixed cases with the same verdict in both orders.
    """

    model: str
    cases: tuple[CaseResult, ...]
    agreement: Interval
    stable: Interval
    beside: tuple[Beside, ...] = ()
    data: str = ""
    digest: str = ""
    seed: int = 0

    @property
    def verdict(self) -> str:
        """Whether grades of this judge are worth reading, by the interval on the fixed cases."""
        if self.agreement.low > _TRUSTED:
            return "tells good lists from bad ones on the fixed cases; still only beside behaviour"
        return "is not shown to tell good lists from bad ones: its grades are no evidence"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        plain: dict[str, Any] = to_plain(self)
        plain["verdict"] = self.verdict
        plain["lines"] = [entry.line for entry in self.beside]
        return plain

    def to_markdown(self) -> str:
        """The fixed cases as a table, then the lines beside behaviour."""
        lines = [
            "| fixed case | good list | bad list | agrees | same in both orders |",
            "|---|---|---|---|---|",
        ]
        for case in self.cases:
            grades = ["–" if grade is None else f"{grade:.1f}" for grade in (case.good, case.bad)]
            words = ["yes" if flag else "no" for flag in (case.agrees, case.stable)]
            lines.append(f"| {' | '.join([case.name, *grades, *words])} |")
        lines += [
            "",
            f"{self.model} agrees on {show(self.agreement)} of {self.agreement.n} cases, "
            f"same in both orders on {show(self.stable)}; it {self.verdict}.",
        ]
        if self.beside:
            lines += ["", f"On {self.data} (data {self.digest}, seed {self.seed}):", ""]
            lines += [f"- {entry.line}." for entry in self.beside]
        failed = dict.fromkeys(case.problem for case in self.cases if case.problem)
        lines += [f"- trouble: {text}" for text in failed]
        return "\n".join(lines) + "\n"


def run_judge(
    data: str,
    backend: Backend,
    *,
    items: Path | None = None,
    n_users: int = 10,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> JudgeReport:
    """The judge on the fixed cases, then on item neighbours against popularity for users of a data set.

    Args:
        data, items: see `load_dataset`; `none` for the fixed cases alone.
        backend: the judge.
        n_users: drawn by the seed from those with a history.
        seed: of users and resampling.
        progress: called with (stage, done, total).
    """
    cases = judge_cases(backend, CASES, progress=progress)
    n = len(cases)
    agreement = rate(sum(case.agrees for case in cases), n)
    stable = rate(sum(case.stable for case in cases), n)
    if data == "none":
        return JudgeReport(backend.name, cases, agreement, stable)
    dataset = load_dataset(data, items=items, progress=progress)
    ((question, exam),) = make_split(dataset)
    rows = (
        SourceRow("item neighbours", fixed(ItemKnnSource())),
        SourceRow("popularity", fixed(PopularitySource())),
    )
    beside = judge_rows(backend, question, exam, rows, n_users=n_users, seed=seed, progress=progress)
    return JudgeReport(backend.name, cases, agreement, stable, (beside,), dataset.name, dataset.digest, seed)


def judge_cases(
    backend: Backend, cases: Sequence[Case], *, progress: ProgressCallback | None = None
) -> tuple[CaseResult, ...]:
    """Each case judged in both orders."""
    found = []
    for number, case in enumerate(cases):
        judged = judge_pair(backend, case.person, case.good, case.bad)
        agrees = judged.prefers == "first"
        found.append(
            CaseResult(
                case.name, judged.first, judged.second, agrees, judged.stable, judged.reasons, judged.problem
            )
        )
        if progress is not None:
            progress("Fixed cases", number + 1, len(cases))
    return tuple(found)


def judge_rows(
    backend: Backend,
    question: Question,
    exam: Exam,
    rows: tuple[Recommender, Recommender],
    *,
    n_users: int,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> Beside:
    """Both rows' lists judged for the same users, and scored on what these took; the judge sees no label."""
    language = language_of(question.catalogue)
    titles = question.catalogue.titles
    judged: list[Judgement] = []
    chosen: list[int] = []
    with exam.vault.closed():
        order = np.random.default_rng(seed).permutation(len(question.users))
        people = {int(row): describe_person(question, int(row), language=language) for row in order}
        chosen = [row for row, person in people.items() if person is not None][:n_users]
        fitted = [row.fit(question) for row in rows]
        lists = [one.rank(chosen, depth=_LENGTH, allowed=question.known_item.copy()) for one in fitted]
        for number, row in enumerate(chosen):
            person = people[row]
            assert person is not None, "only described people were chosen"
            first, second = ([titles[code] for code in found[number].tolist()] for found in lists)
            judged.append(judge_pair(backend, person[0], first, second))
            if progress is not None:
                progress("Lists judged", number + 1, len(chosen))
    labels = [exam.labels.known[row] for row in chosen]
    values = [ndcg(*hits_of(found, labels, k=_LENGTH), k=_LENGTH) for found in lists]
    return _beside(rows, judged, values[0] - values[1], seed=seed)


def _beside(
    rows: tuple[Recommender, Recommender],
    judged: Sequence[Judgement],
    behaviour: NDArray[np.float64],
    *,
    seed: int,
) -> Beside:
    grades = np.array(
        [
            np.nan if entry.first is None or entry.second is None else entry.first - entry.second
            for entry in judged
        ],
        np.float64,
    )
    usable = ~np.isnan(grades) & ~np.isnan(behaviour)
    both = usable & (grades != 0) & (behaviour != 0)
    same = int((np.sign(grades[both]) == np.sign(behaviour[both])).sum())
    stable = np.array([entry.stable for entry in judged], np.bool_)
    return Beside(
        first=rows[0].name,
        second=rows[1].name,
        judged=bootstrap_mean(grades[usable], seed=seed),
        behaviour=bootstrap_mean(behaviour[usable], seed=seed),
        same_side=rate(same, int(both.sum())),
        stable=rate(int(stable[usable].sum()), int(usable.sum())),
        n_failed=int(np.isnan(grades).sum()),
    )


def _word(interval: Interval) -> str:
    if interval.n == 0:
        return "no values"
    if interval.better:
        return "higher"
    return "lower" if interval.worse else "no difference shown"
