"""What a model completes: titles from their first half, histories by their next item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.errors import LlmError
from agent.llm.backend import Backend, LlmRequest, Scores
from agent.llm.prompts import Prompt, render
from agent.ranking.rerank import Candidate, PromptReranker
from agent.ranking.rerank_prompts import RerankPrompts
from eval.audits.tasks import N_RECENT, SLATE, count_users, describe_history, draw_negatives, language_of
from eval.audits.titles import Halves, continues, halve
from eval.data.datasets import ProgressCallback
from eval.data.splits import Question

_N_EXAMPLES = 4
# Later items of the same user that the next one is compared with: so many places further on, or more.
_FAR = 10
_MIN_HISTORY = N_RECENT + _FAR + 2


@dataclass(frozen=True, slots=True)
class TitleTask:
    """A title to complete.

    Attributes:
        options: second halves to choose from, the true one first, all of about the same length.
        examples: other titles of the catalogue, for the form.
    """

    halves: Halves
    options: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """How often something was right: `(n,)` bool, and what went wrong on the way."""

    right: NDArray[np.bool_]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryTask:
    """A user's past at one moment.

    Attributes:
        candidates: the next item, a later item of the same user, then nineteen that the user never took,
            as popular as the next one.
    """

    prompts: RerankPrompts
    candidates: tuple[Candidate, ...]


def title_tasks(
    titles: Sequence[str], *, n: int, examples: Sequence[str], random: np.random.Generator
) -> list[TitleTask]:
    """Up to `n` tasks, whose options are second halves of other titles of the same sort."""
    cut = [halve(title) for title in titles]
    found: list[TitleTask] = []
    for index in random.permutation(len(cut)):
        if len(found) == n:
            break
        own = cut[index]
        others = {half.second: half.length for half in cut if half.second != own.second}
        near = sorted(others, key=lambda text: (abs(others[text] - own.length), text))
        pool = [text for text in near if others[text] == own.length]
        pool = pool if len(pool) >= SLATE - 1 else near[: 2 * SLATE]
        if len(pool) < SLATE - 1:
            continue
        options = [pool[int(place)] for place in random.permutation(len(pool))[: SLATE - 1]]
        shown = [text for text in examples if not text.startswith(own.first)]
        chosen = [shown[int(place)] for place in random.permutation(len(shown))[:_N_EXAMPLES]]
        found.append(TitleTask(own, (own.second, *options), tuple(chosen)))
    return found


def choose_rests(
    backend: Backend, tasks: Sequence[TitleTask], *, chinese: bool, stage: str, progress: ProgressCallback
) -> Answers:
    """Whether the true second half is the likeliest of twenty after the first.

    Per token, and less the same after the examples alone, so that common words gain nothing.
    """
    right, problems = [], dict[str, None]()
    for number, task in enumerate(tasks):
        after = _prompt(task, task.halves.first, chinese=chinese).user
        before = _prompt(task, "", chinese=chinese).user
        try:
            gains = _per_token(backend.score(after, task.options, stage="probe")) - _per_token(
                backend.score(before, task.options, stage="probe")
            )
            right.append(bool(gains[0] > gains[1:].max()))
        except LlmError as error:
            problems[f"{type(error).__name__}: {error}"] = None
            right.append(False)
        progress(stage, number + 1, len(tasks))
    return Answers(np.array(right, np.bool_), tuple(problems))


def complete_titles(
    backend: Backend, tasks: Sequence[TitleTask], *, chinese: bool, stage: str, progress: ProgressCallback
) -> Answers:
    """Whether the model, asked for the rest, writes the true one."""
    right, problems = [], dict[str, None]()
    for number, task in enumerate(tasks):
        prompt = _prompt(task, task.halves.first, chinese=chinese)
        request = LlmRequest(
            system=prompt.system,
            user=prompt.user,
            stage="probe",
            max_output_tokens=16 + 3 * len(task.halves.second),
            stop=("\n",),
            prompt_hash=prompt.hash,
        )
        try:
            right.append(continues(backend.complete(request).text, task.halves))
        except LlmError as error:
            problems[f"{type(error).__name__}: {error}"] = None
            right.append(False)
        progress(stage, number + 1, len(tasks))
    return Answers(np.array(right, np.bool_), tuple(problems))


def history_tasks(question: Question, *, n: int, random: np.random.Generator) -> list[HistoryTask]:
    """Up to `n` users' pasts, each cut at a moment drawn by lot; everything in them lies before T."""
    catalogue, language = question.catalogue, language_of(question.catalogue)
    counts = count_users(question.train)
    found: list[HistoryTask] = []
    for user in random.permutation(question.train.n_users):
        if len(found) == n:
            break
        events = question.train.item[question.train.rows_of(int(user))]
        events = events[events >= 0]
        _, first = np.unique(events, return_index=True)
        items = events[np.sort(first)]
        if len(items) < _MIN_HISTORY:
            continue
        cut = int(random.integers(N_RECENT, len(items) - _FAR))
        later = int(items[int(random.integers(cut + _FAR, len(items)))])
        person = describe_history(catalogue, items[:cut], language=language)
        target = int(items[cut])
        others = draw_negatives(catalogue, counts, target=target, taken=items, draw="matched", random=random)
        if (
            person is None
            or len(others) < SLATE - 1
            or not (catalogue.titles[target] and catalogue.titles[later])
        ):
            continue
        codes = [target, later, *others]
        found.append(HistoryTask(person[0], tuple(Candidate(c, catalogue.titles[c], 0.0) for c in codes)))
    return found


def guess_next(
    backend: Backend, tasks: Sequence[HistoryTask], *, progress: ProgressCallback
) -> tuple[Answers, Answers]:
    """Whether the next item, and whether the later one, is likelier than all nineteen others."""
    reranker = PromptReranker(backend, method="likelihood", weight=1.0)
    following, later, problems = [], [], dict[str, None]()
    for number, task in enumerate(tasks):
        found = reranker.rerank(task.candidates, task.prompts)
        if found.stage.status != "ran":
            problems[found.stage.detail] = None
        others = max(found.evidence[2:])
        following.append(found.evidence[0] > others)
        later.append(found.evidence[1] > others)
        progress("Histories", number + 1, len(tasks))
    shown = tuple(problems)
    return Answers(np.array(following, np.bool_), shown), Answers(np.array(later, np.bool_), shown)


def _prompt(task: TitleTask, half: str, *, chinese: bool) -> Prompt:
    name = "probe_title.v1.zh" if chinese else "probe_title.v1"
    return render(name, examples=task.examples, half=half)


def _per_token(scores: Scores) -> NDArray[np.float64]:
    return np.array([float(np.mean(values)) if values else -np.inf for values in scores.token_logprobs])
