"""`python -m eval bias`: does the place in the prompt, or popularity, decide in place of the person?

Every ranker gets the same candidates in the same seeded orders. Four questions, each answered with an
interval or a test and never by a point alone:

- place: is the right item found as well wherever it stands in the prompt?
- copying: correlation between the order shown and the answer's figures; 1 is a copy, 0 is chance.
- popularity: how much more popular (percentile) the first choice is than the candidates on average.
- agreement: mean correlation of the answers to different orders of the same candidates; 1 is one mind.

The correlation is Kendall's tau over the pairs that were told apart (Goodman and Kruskal's gamma); the share
of pairs that were not stands beside it, because a list keeps those in the order shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.audits.rankers import SlateRanker
from eval.audits.tasks import SLATE, Draw, Slate, SlateSet
from eval.data.datasets import ProgressCallback
from eval.errors import EvalError
from eval.measures.statistics import Interval, bootstrap_mean, holm, randomisation_p

N_GROUPS = 4
_LEVEL = 0.05
_N_PERMUTATIONS = 2000
_K = 10
_MOSTLY = 0.5
# Bootstrap intervals over fewer users than this are too short to be read.
FEWEST = 10
_GAIN = np.where(np.arange(SLATE) < _K, 1.0 / np.log2(np.arange(SLATE) + 2), 0.0)
_FIRST = (np.arange(SLATE) == 0).astype(np.float64)


@dataclass(frozen=True)
class Trials:
    """What one ranker answered, for n slates and s orders each.

    Attributes:
        shown: `(n, s, 20)` candidate positions in the order of the prompt.
        figures: `(n, s, 20)` what each candidate got, by candidate position; NaN for none.
        problems: distinct things that went wrong, with how often.
    """

    ranker: str
    shown: NDArray[np.int64]
    figures: NDArray[np.float64]
    tokens: int
    problems: dict[str, int]
    n_degraded: int


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """Accuracy where the right item stood among these places of the prompt, from 1."""

    first: int
    last: int
    hit: Interval
    ndcg: Interval


@dataclass(frozen=True, slots=True)
class BiasFigures:
    """One ranker on one draw of negatives.

    Attributes:
        hit: right item first, 0–1; chance .05. Equal figures count as drawn by lot, here and below.
        ndcg: NDCG@10 of the one right item: `1 / log2(rank + 1)`, 0 beyond rank 10; chance about .227.
        places: the same by the place of the right item.
        place_p: permutation test that accuracy does not depend on the place; `copying_p` and `popularity_p`:
            sign-flip tests of no copying and no lift; all three after Holm's correction.
        copying: −1 to 1; over the users for whom any pair was told apart.
        agreement: the same; n = 0 with one order only.
        popularity_lift: −1 to 1.
        tied: share of pairs without a preference, 0–1.
        n_degraded: answers that were not what was asked for, of `n_answers`.
    """

    ranker: str
    draw: Draw
    n_users: int
    n_orders: int
    hit: Interval
    ndcg: Interval
    places: tuple[PlaceGroup, ...]
    place_p: float
    copying: Interval
    copying_p: float
    popularity_lift: Interval
    popularity_p: float
    agreement: Interval
    tied: float
    n_answers: int
    n_degraded: int
    tokens: int
    problems: tuple[str, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """What the tests show, in words; nothing else puts them into words."""
        if self.n_users < FEWEST:
            return (f"too few users to say ({self.n_users} of {FEWEST})",)
        found = []
        if self.place_p < _LEVEL:
            found.append("accuracy depends on the place")
        if self.copying_p < _LEVEL and self.copying.n >= FEWEST:
            found.append(f"{'copies' if self.copying.mean > 0 else 'reverses'} the order shown")
        if self.popularity_p < _LEVEL:
            found.append(f"prefers the {'popular' if self.popularity_lift.mean > 0 else 'unpopular'}")
        if self.tied > _MOSTLY:
            found.append("cannot tell most candidates apart")
        return tuple(found) or ("no bias shown",)


def shuffled_orders(n_slates: int, n_orders: int, *, seed: int) -> NDArray[np.int64]:
    """`(n_slates, n_orders, 20)`: independent orders, the same for every ranker."""
    random = np.random.default_rng(seed)
    return random.permuted(np.broadcast_to(np.arange(SLATE), (n_slates, n_orders, SLATE)), axis=2)


def run_trials(
    ranker: SlateRanker,
    slates: SlateSet,
    *,
    n_orders: int,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> Trials:
    """The answers of a ranker, the vault shut meanwhile."""
    shown = shuffled_orders(len(slates.slates), n_orders, seed=seed)
    figures = np.full(shown.shape, np.nan)
    tokens, problems, n_degraded = 0, dict[str, int](), 0
    with slates.vault.closed():
        for number, slate in enumerate(slates.slates):
            for order in range(n_orders):
                found = ranker.rank([slate.candidates[i] for i in shown[number, order]], slate.prompts)
                figures[number, order, shown[number, order]] = _checked(ranker.name, found.values)
                tokens += found.tokens
                if found.problem:
                    n_degraded += 1
                    problems[found.problem] = problems.get(found.problem, 0) + 1
            if progress is not None:
                progress(ranker.name, number + 1, len(slates.slates))
    return Trials(ranker.name, shown, figures, tokens, problems, n_degraded)


def measure(
    trials: Trials, slates: SlateSet, draw: Draw, *, targets: NDArray[np.int64], seed: int = 0
) -> BiasFigures:
    """The figures over the slates of one draw.

    Args:
        trials: of one ranker on all slates.
        slates: as ranked.
        draw: which of them to look at.
        targets: `slates.targets`, read once the ranking is over.
        seed: of resampling and permuting.
    """
    chosen = np.array([slate.draw == draw for slate in slates.slates])
    shown, figures, wanted = trials.shown[chosen], trials.figures[chosen], targets[chosen]
    rows = [slate for slate, keep in zip(slates.slates, chosen, strict=True) if keep]
    copying, told_apart = correlate(-np.argsort(shown, axis=-1).astype(np.float64), figures)
    copied, lift = _mean(copying), _lift(rows, figures, slates.percentile)
    place = (shown == wanted[:, None, None]).argmax(axis=2)
    hit, ndcg = expected_gain(figures, wanted, _FIRST), expected_ndcg(figures, wanted)
    raw = [place_test(place, ndcg, seed=seed), *(randomisation_p(part, seed=seed) for part in (copied, lift))]
    place_p, copying_p, popularity_p = holm(raw)
    return BiasFigures(
        ranker=trials.ranker,
        draw=draw,
        n_users=len(rows),
        n_orders=shown.shape[1],
        hit=bootstrap_mean(hit.mean(axis=1), seed=seed),
        ndcg=bootstrap_mean(ndcg.mean(axis=1), seed=seed),
        places=tuple(_by_place(place, hit, ndcg, seed=seed)),
        place_p=place_p,
        copying=bootstrap_mean(copied, seed=seed),
        copying_p=copying_p,
        popularity_lift=bootstrap_mean(lift, seed=seed),
        popularity_p=popularity_p,
        agreement=bootstrap_mean(_agreement(figures), seed=seed),
        tied=1.0 - float(told_apart.mean()),
        n_answers=int(trials.shown.shape[0] * trials.shown.shape[1]),
        n_degraded=trials.n_degraded,
        tokens=trials.tokens,
        problems=tuple(f"{text} ({n}×)" for text, n in trials.problems.items()),
    )


def expected_gain(
    figures: NDArray[np.float64], wanted: NDArray[np.int64], gain: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`(n, s)` gain of the right candidate's rank, averaged over the ranks that its ties leave open.

    Args:
        figures: `(n, s, m)`; NaN is below everything.
        wanted: `(n,)` position of the right one.
        gain: `(m,)` by rank.

    By hand: of 5, 7, 5 the first shares ranks 2 and 3, so it gets half of each gain.

    >>> expected_gain(np.array([[[5.0, 7.0, 5.0]]]), np.array([0]), np.array([1.0, 0.5, 0.25])).tolist()
    [[0.375]]
    """
    known = _known(figures)
    own = np.take_along_axis(known, wanted[:, None, None], axis=2)
    better, equal = (known > own).sum(axis=2), (known == own).sum(axis=2)
    reached = np.concatenate([[0.0], np.cumsum(gain)])
    return np.asarray((reached[better + equal] - reached[better]) / equal, np.float64)


def expected_ndcg(figures: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """`(n, s)` NDCG@10 of the one right candidate, 0–1, ties drawn by lot."""
    return expected_gain(figures, wanted, _GAIN)


def correlate(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Goodman and Kruskal's gamma along the last axis, −1 to 1, and the share of pairs that it rests on.

    A pair counts when both arguments tell it apart; without any the correlation is NaN. Source: Goodman and
    Kruskal 1954, "Measures of association for cross classifications", https://doi.org/10.2307/2281536. By
    hand: of the three pairs one is tied in the second, one agrees, one does not, so (1 − 1) / 2.

    >>> gamma, share = correlate(np.array([3.0, 2.0, 1.0]), np.array([5.0, 7.0, 5.0]))
    >>> gamma.item(), round(share.item(), 4)
    (0.0, 0.6667)
    """
    one, other = np.triu_indices(first.shape[-1], 1)
    signs = np.sign(first[..., one] - first[..., other]) * np.sign(second[..., one] - second[..., other])
    counted = np.nan_to_num(signs) != 0
    n_counted = counted.sum(axis=-1)
    total = np.where(counted, signs, 0.0).sum(axis=-1)
    gamma = np.where(n_counted > 0, total / np.maximum(n_counted, 1), np.nan)
    return gamma, n_counted / max(len(one), 1)


def place_test(place: NDArray[np.int64], values: NDArray[np.float64], *, seed: int = 0) -> float:
    """p-value that `values` do not depend on the group of places, 1 when there is nothing to see.

    Places were drawn independently of everything else, so under the hypothesis they may be dealt out anew
    over all trials. The statistic is the sum over groups of n · mean², of values from which each user's own
    mean is taken, where a user has more than one: that some users are easy is not at issue.

    Args:
        place: `(n, s)` place of the right item, from 0.
        values: `(n, s)` accuracy.
        seed: of the permutations.
    """
    centred = values - (values.mean(axis=1, keepdims=True) if values.shape[1] > 1 else values.mean())
    flat, group = centred.ravel(), _groups(place).ravel()
    if len(flat) < 2 or np.allclose(flat, 0.0):
        return 1.0
    observed = _spread(flat, group)
    random = np.random.default_rng(seed)
    dealt = (_spread(flat, random.permutation(group)) for _ in range(_N_PERMUTATIONS))
    extreme = sum(spread >= observed - 1e-12 for spread in dealt)
    return float(1 + extreme) / (_N_PERMUTATIONS + 1)


def _groups(place: NDArray[np.int64]) -> NDArray[np.int64]:
    return place * N_GROUPS // SLATE


def _spread(values: NDArray[np.float64], group: NDArray[np.int64]) -> float:
    sums = np.bincount(group, weights=values, minlength=N_GROUPS)
    counts = np.maximum(np.bincount(group, minlength=N_GROUPS), 1)
    return float((sums**2 / counts).sum())


def _by_place(
    place: NDArray[np.int64], hit: NDArray[np.float64], ndcg: NDArray[np.float64], *, seed: int
) -> list[PlaceGroup]:
    """Per group the mean over users of each user's mean there; users without a trial there are left out."""
    group = _groups(place)
    found = []
    for number in range(N_GROUPS):
        inside = group == number
        intervals = [
            bootstrap_mean(_mean(np.where(inside, values, np.nan)), seed=seed) for values in (hit, ndcg)
        ]
        width = SLATE // N_GROUPS
        found.append(PlaceGroup(number * width + 1, (number + 1) * width, intervals[0], intervals[1]))
    return found


def _lift(
    rows: Sequence[Slate], figures: NDArray[np.float64], percentile: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`(n,)` percentile of the first choice less that of the candidates, mean over orders."""
    of_slate = np.array([[percentile[candidate.item] for candidate in slate.candidates] for slate in rows])
    known = _known(figures)
    first = known == known.max(axis=2, keepdims=True)
    top = (first * of_slate[:, None, :]).sum(axis=2) / first.sum(axis=2)
    return np.asarray((top - of_slate.mean(axis=1, keepdims=True)).mean(axis=1), np.float64)


def _known(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Figures in which what got none stands below all others."""
    return np.where(np.isnan(figures), -np.inf, figures)


def _agreement(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n,)` mean correlation over pairs of orders; NaN with one order."""
    n_orders = figures.shape[1]
    pairs = [
        correlate(figures[:, one], figures[:, other])[0]
        for one in range(n_orders)
        for other in range(one + 1, n_orders)
    ]
    return _mean(np.stack(pairs, axis=1)) if pairs else np.full(len(figures), np.nan)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean along the last axis, NaN left out; NaN where nothing is left."""
    counted = ~np.isnan(values)
    counts = counted.sum(axis=-1)
    total = np.where(counted, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan), np.float64)


def _checked(name: str, values: Sequence[float]) -> Sequence[float]:
    if len(values) != SLATE:
        raise EvalError(f"{name}: expected {SLATE} figures, got {len(values)}")
    return values
