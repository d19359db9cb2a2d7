"""The task of the audits: one item a user took after T among nineteen that the user never took.

The titles and the person go to whatever ranks; which of the twenty is the right one lies in a vault that is
shut meanwhile. The order shown is a seeded shuffle that does not look at it either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.data.embedding import non_latin_share
from agent.data.log import Catalogue
from agent.interests.words import Language, percent
from agent.ranking.rerank import Candidate
from agent.ranking.rerank_prompts import RerankPrompts, title_line
from eval.data.sealed import SealedLog, Vault
from eval.data.splits import MIN_TRAIN_ITEMS, Exam, Question
from eval.errors import EvalError

Draw = Literal["random", "matched"]
SLATE = 20
N_RECENT = 10
_N_CATEGORIES = 3
# Matched negatives come from so many items next in popularity on either side.
_WINDOW = 40
_CHINESE_SHARE = 0.3
_LANGUAGE_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Slate:
    """What a ranker is given.

    Attributes:
        row: of the question's user.
        draw: how the negatives were drawn.
        candidates: by item code, so that their order says nothing; score 0.
        prompts: leading categories and last titles of the person.
        recent: item codes behind `prompts.recent`, the newest last.
    """

    row: int
    draw: Draw
    candidates: tuple[Candidate, ...]
    prompts: RerankPrompts
    recent: tuple[int, ...]


@dataclass(frozen=True)
class SlateSet:
    """Slates and, under lock, the place of the right candidate in each.

    Attributes:
        vault: holds `(n_slates,)` int64 positions in `Slate.candidates`.
        percentile: `(n_items,)` popularity before T: share of known items with fewer users, half of equals.
    """

    slates: tuple[Slate, ...]
    vault: Vault
    percentile: NDArray[np.float64]

    @property
    def targets(self) -> NDArray[np.int64]:
        """The right candidates.

        Raises:
            LeakError: something is ranking.
        """
        found = self.vault.open()
        assert isinstance(found, np.ndarray), "only positions are put there"
        return found


def make_slates(
    question: Question,
    exam: Exam,
    *,
    n_users: int,
    draws: Sequence[Draw] = ("random", "matched"),
    seed: int = 0,
) -> SlateSet:
    """Slates for `n_users` of the question's users, one per draw, the draws of one user side by side.

    Args:
        question: of the `new` task.
        exam: its labels; each slate holds one of them, drawn by the seed.
        n_users: at most; fewer where fewer have enough history.
        draws: `random` takes negatives uniformly from known items; `matched` so that popularity alone cannot
            find the target, see `draw_negatives`.
        seed: of users, targets and negatives.

    Raises:
        EvalError: nobody can be asked.
    """
    random = np.random.default_rng(seed)
    language = language_of(question.catalogue)
    counts = count_users(question.train)
    catalogue, labels = question.catalogue, exam.labels
    slates: list[Slate] = []
    places: list[int] = []
    n_asked = 0
    for row in random.permutation(len(question.users)):
        if n_asked == n_users:
            break
        person = describe_person(question, int(row), language=language)
        if person is None:
            continue
        taken = np.concatenate([question.context(int(row)).item, labels.known[row], labels.cold[row]])
        for code in random.permutation(labels.known[row]):
            target = int(code)
            found = [
                draw_negatives(catalogue, counts, target=target, taken=taken, draw=draw, random=random)
                for draw in draws
            ]
            if title_line(catalogue.titles[target]) and min(map(len, found)) == SLATE - 1:
                break
        else:
            continue
        n_asked += 1
        for draw, negatives in zip(draws, found, strict=True):
            codes = sorted([target, *negatives])
            shown = tuple(Candidate(code, catalogue.titles[code], 0.0) for code in codes)
            slates.append(Slate(int(row), draw, shown, person[0], person[1]))
            places.append(codes.index(target))
    if not slates:
        raise EvalError(
            f"expected users with titled items before and after T and {SLATE - 1} others, found none"
        )
    return SlateSet(tuple(slates), Vault(np.array(places, np.int64)), percentiles(counts))


def describe_person(
    question: Question, row: int, *, language: Language
) -> tuple[RerankPrompts, tuple[int, ...]] | None:
    """What a model is told of a user, and the item codes behind the last titles; None below five of them."""
    history = question.context(row).item
    return describe_history(question.catalogue, history, language=language)


def describe_history(
    catalogue: Catalogue, history: NDArray[np.int32], *, language: Language
) -> tuple[RerankPrompts, tuple[int, ...]] | None:
    """As `describe_person`, from item codes, oldest first; the leading categories are the interests."""
    recent: dict[str, int] = {}
    for code in reversed(history.tolist()):
        title = catalogue.titles[code]
        if title_line(title) and title not in recent:
            recent[title] = code
        if len(recent) == N_RECENT:
            break
    if len(recent) < MIN_TRAIN_ITEMS:
        return None
    named = Counter(name for code in history.tolist() for name in catalogue.categories[code])
    total = sum(named.values())
    leading = sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))[:_N_CATEGORIES]
    facets = tuple((name, percent(count / total)) for name, count in leading)
    titles, codes = tuple(reversed(recent)), tuple(reversed(recent.values()))
    return RerankPrompts(facets, titles, language), codes


def draw_negatives(
    catalogue: Catalogue,
    counts: NDArray[np.int64],
    *,
    target: int,
    taken: NDArray[np.int32],
    draw: Draw,
    random: np.random.Generator,
) -> list[int]:
    """Nineteen known items that are not `taken`, each with a title of its own; fewer where there are no more.

    Matched ones are as popular as can be, and so many of them more popular than the target as a fair draw of
    0 to 19 says: its place by popularity is uniform, whatever its own popularity. A target without nineteen
    on either side cannot be matched.
    """
    free = counts > 0
    free[taken] = False
    free[target] = False
    pool = random.permutation(np.flatnonzero(free))
    used = {title_line(catalogue.titles[target])}
    if draw == "random":
        return _pick(catalogue, pool, SLATE - 1, used)
    # Shuffled before the stable sort: among equally popular items none is preferred for its code.
    pool = pool[np.argsort(counts[pool], kind="stable")]
    low = int(np.searchsorted(counts[pool], counts[target], side="left"))
    high = int(np.searchsorted(counts[pool], counts[target], side="right"))
    middle = int(random.integers(low, high + 1))
    if min(middle, len(pool) - middle) < SLATE - 1:
        return []
    n_above = int(random.integers(SLATE))
    above = random.permutation(pool[middle : middle + _WINDOW])
    below = random.permutation(pool[max(0, middle - _WINDOW) : middle])
    chosen = _pick(catalogue, above, n_above, used)
    return chosen + _pick(catalogue, below, SLATE - 1 - n_above, used)


def _pick(catalogue: Catalogue, pool: NDArray[np.int64], n: int, used: set[str]) -> list[int]:
    """The first `n` of the pool with a title that is not in `used`, to which theirs are added."""
    chosen: list[int] = []
    for code in pool:
        if len(chosen) == n:
            break
        title = title_line(catalogue.titles[code])
        if title and title not in used:
            used.add(title)
            chosen.append(int(code))
    return chosen


def count_users(train: SealedLog) -> NDArray[np.int64]:
    """`(n_items,)` different users of each item before T."""
    rows = train.item >= 0
    pairs = np.unique(train.user[rows].astype(np.int64) * train.n_items + train.item[rows])
    return np.bincount(pairs % train.n_items, minlength=train.n_items).astype(np.int64)


def percentiles(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of known items with fewer users, half of those with equally many counted; 0 for unknown items.

    >>> percentiles(np.array([0, 5, 1, 5])).round(3).tolist()
    [0.0, 0.667, 0.167, 0.667]
    """
    known = np.sort(counts[counts > 0])
    below = np.searchsorted(known, counts, side="left")
    equal = np.searchsorted(known, counts, side="right") - below
    share = (below + equal / 2) / max(len(known), 1)
    return np.where(counts > 0, share, 0.0)


def language_of(catalogue: Catalogue) -> Language:
    """Of the prompts: Chinese where enough titles are not in a Latin script."""
    titles = [title for title in catalogue.titles if title]
    sample = titles[:: max(len(titles) // _LANGUAGE_SAMPLE, 1)]
    return "zh" if non_latin_share(sample) > _CHINESE_SHARE else "en"
