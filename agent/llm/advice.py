"""Which local model to take: from the task, the number of users and what this machine has.

The size of the catalogue and of the event log plays no part: clustering, change tests and candidates need no
model, which only words and scores what these leave. So its time grows with users, not with data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.llm.llamacpp import Speed, available_cores
from agent.llm.model_specs import MODELS, ModelSpec

Task = Literal["words", "rerank", "chat"]

_MEGABYTE = 1_000_000
# Contexts, output rows and the Python of the worker, besides the mapped file: measured 0.43 GB on top of the
# 98 MB file and 0.49 GB on top of the 491 MB one, at the default context of 4,096 tokens.
_OVERHEAD_BYTES = 420 * _MEGABYTE
_OVERHEAD_SHARE = 0.15
# Tokens per second with two threads on an otherwise idle two-core x86-64 server processor, autumn 2026.
_STATED: Mapping[str, Speed] = {
    "smollm2-135m": Speed(prompt=257, output=89),
    "qwen2.5-coder-0.5b": Speed(prompt=146, output=36),
    "qwen2.5-coder-1.5b": Speed(prompt=62, output=20),
}
_STATED_CORES = 2
# Decoding waits for memory: more cores than this help no further.
_USEFUL_CORES = 8
_BATCH_HOURS = 24.0
_WHY_NONE = (
    "no local model does this for so many users here. Words then come from the facts, at no cost; or serve "
    "the most active users only, or set an OpenAI-compatible server elsewhere (llm.model, llm.base_url)"
)


@dataclass(frozen=True, slots=True)
class TaskCost:
    """What one unit of a task makes the model do, in tokens beyond the shared beginning of its prompts.

    Attributes:
        unit: what is counted, for people.
        limit_s: longest that one unit may take.
        least: smallest known model that does the task acceptably.
        batch: done for all users in one go, not when somebody asks.
    """

    unit: str
    prompt_tokens: int
    output_tokens: int
    limit_s: float
    least: str
    batch: bool = False


# Grocery households: 12 facet names, a summary and a story; 20 titles of 7 tokens after 170 of history, and
# once without; a turn of chat with its facts. With the stated speeds they come out at 18 s and 4.1 s for the
# 0.5B, against 17.3 s and 4.4 s measured by `make bench`.
TASKS: Mapping[Task, TaskCost] = {
    "words": TaskCost("profile in words", 900, 440, 60.0, "qwen2.5-coder-0.5b", batch=True),
    "rerank": TaskCost("reranked list", 600, 0, 6.0, "qwen2.5-coder-0.5b"),
    "chat": TaskCost("answer", 500, 120, 20.0, "qwen2.5-coder-0.5b"),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What is free for a model: cores, and bytes of memory (None where the system does not say)."""

    cores: int
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """One model for one task on one machine.

    Attributes:
        needs_bytes: of memory, file included.
        measured: the speed was measured here, not taken from the table and scaled by cores.
        seconds_each: per unit of the task.
        hours_all: for all users, one after the other.
        problem: why not to take it; empty when nothing speaks against it.
    """

    model: str
    needs_bytes: int
    speed: Speed
    measured: bool
    seconds_each: float
    hours_all: float
    problem: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The estimates, smallest model first, and the model to take (`none` when no local one does)."""

    task: Task
    users: int
    machine: Machine
    estimates: tuple[Estimate, ...]
    choice: str
    why: str


def measure_machine() -> Machine:
    """Cores and memory that this process may use now, limits of a container included."""
    amounts = [amount for amount in (_free_in_system(), _free_in_container()) if amount is not None]
    return Machine(available_cores(), min(amounts, default=None))


def advise(
    task: Task,
    users: int,
    *,
    machine: Machine,
    measured: Mapping[str, Speed],
    models: Sequence[ModelSpec] = MODELS,
) -> Advice:
    """The best model that fits memory, the time of one unit and, for all users, a day.

    Args:
        task: what it is for.
        users: how many.
        machine: what is free.
        measured: speeds measured on this machine, by model name.
        models: to choose from; the larger file counts as the better model.
    """
    ordered = sorted(models, key=lambda spec: spec.size)
    estimates = tuple(
        _estimate(
            spec, task, users, machine, measured.get(spec.name), too_small=spec.size < _least_size(task)
        )
        for spec in ordered
    )
    fitting = [entry for entry in estimates if not entry.problem]
    if not fitting:
        return Advice(task, users, machine, estimates, "none", _WHY_NONE)
    best = fitting[-1]
    why = f"the largest that fits memory and time: about {best.seconds_each:.1f} s per {TASKS[task].unit}"
    if TASKS[task].batch:
        why += f", {best.hours_all:.1f} h for {users:,} users one after the other"
    return Advice(task, users, machine, estimates, best.model, why)


def _least_size(task: Task) -> int:
    return next((spec.size for spec in MODELS if spec.name == TASKS[task].least), 0)


def _estimate(
    spec: ModelSpec, task: Task, users: int, machine: Machine, found: Speed | None, *, too_small: bool
) -> Estimate:
    cost = TASKS[task]
    speed = found or _scaled(spec, machine.cores)
    seconds = cost.prompt_tokens / speed.prompt + cost.output_tokens / speed.output
    hours = seconds * users / 3600
    needs = spec.size + _OVERHEAD_BYTES + int(_OVERHEAD_SHARE * spec.size)
    problems = []
    if too_small:
        problems.append("too small for this task: for trials and tests")
    if machine.memory_bytes is not None and needs > machine.memory_bytes:
        problems.append("does not fit the free memory")
    if seconds > cost.limit_s:
        problems.append(f"slower than {cost.limit_s:g} s per {cost.unit}")
    if cost.batch and hours > _BATCH_HOURS:
        problems.append("more than a day for all users")
    return Estimate(spec.name, needs, speed, found is not None, seconds, hours, "; ".join(problems))


def _scaled(spec: ModelSpec, cores: int) -> Speed:
    """The stated speed at so many cores; a model that is not in the table goes by its size."""
    base = _STATED.get(spec.name)
    if base is None:
        known = next(entry for entry in MODELS if entry.name == "qwen2.5-coder-0.5b")
        ratio = known.size / spec.size
        base = Speed(_STATED[known.name].prompt * ratio, _STATED[known.name].output * ratio)
    factor = min(cores, _USEFUL_CORES) / _STATED_CORES
    return Speed(base.prompt * factor, base.output * factor)


def _free_in_system() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux: no word of what is free, so half of what there is
        return _half_of_all()
    free = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(free[0]) * 1024 if free else _half_of_all()


def _half_of_all() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return None


def _free_in_container() -> int | None:
    """What the control group leaves, None without a limit: docs.kernel.org, "Control Group v2"."""
    folder = Path("/sys/fs/cgroup")
    try:
        return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):  # no such file, or the word "max"
        return None
