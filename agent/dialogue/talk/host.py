"""What a talk may ask of the workspace: one user's view of it. There is no way to name another user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue, InteractionLog
from agent.dialogue.talk.attributes import ItemFacts
from agent.interests.words import Language
from agent.llm.backend import Backend

if TYPE_CHECKING:
    from agent.schema import Feedback, FeedbackAction, FeedbackTarget, Migration, Profile, RecommendationList


@dataclass(frozen=True, slots=True, eq=False)
class ListQuery:
    """A list to make for the user of the talk; options as in `Agent.recommend`.

    Attributes:
        without: interaction ids that do not count, in memory only.
        item_mask: `(n_items,)`, False never appears; None shows everything.
        use_migration: False ranks with the static profile.
        use_feedback: False ranks as if no feedback had been given.
    """

    k: int = 10
    as_of_ms: int | None = None
    exclude_seen: bool | None = None
    domain: str | None = None
    categories: tuple[str, ...] = ()
    without: frozenset[int] = frozenset()
    item_mask: NDArray[np.bool_] | None = None
    use_feedback: bool = True
    use_migration: bool = True
    explain: bool = True


@dataclass(frozen=True, slots=True)
class FitWait:
    """Whether a ranking must be fitted first, and how long the last fit took here.

    Attributes:
        needed: False when it is at hand.
        last_s: seconds of the last fit in this workspace; None when none was measured.
    """

    needed: bool
    last_s: float | None = None


class Trace(Protocol):
    """Where one item got in a list, and which stage lost it."""

    @property
    def item_id(self) -> str:
        """The item."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def rank(self) -> int | None:
        """Its place, from 1; None when it has none."""
        ...

    @property
    def stage(self) -> str:
        """The stage that lost it, or `listed`."""
        ...

    @property
    def detail(self) -> str:
        """More about that."""
        ...

    @property
    def score(self) -> float | None:
        """Its fused score."""
        ...

    @property
    def cut_score(self) -> float | None:
        """The score of the last item of the list."""
        ...

    @property
    def source_ranks(self) -> Mapping[str, int]:
        """Its place in each source that proposed it."""
        ...


class Host(Protocol):
    """One user's window on the workspace.

    Attributes:
        user_id: whose talk it is.
        language: of titles and stored words.
        now_ms: the moment just after the newest event of the workspace.
        backend: the language model, None without one.
    """

    @property
    def user_id(self) -> str: ...  # noqa: D102

    @property
    def language(self) -> Language: ...  # noqa: D102

    @property
    def now_ms(self) -> int: ...  # noqa: D102

    @property
    def backend(self) -> Backend | None: ...  # noqa: D102

    @property
    def catalogue(self) -> Catalogue:
        """Every item, with vectors."""
        ...

    @property
    def log(self) -> InteractionLog:
        """This user's interactions, and no one else's."""
        ...

    @property
    def items(self) -> ItemFacts:
        """What the items say, their extra fields included."""
        ...

    @property
    def horizon_days(self) -> float:
        """What confidence speaks of."""
        ...

    def popularity(self, codes: Sequence[int]) -> list[int]:
        """How often anybody took each of these items: to choose among items of one name."""
        ...

    def embed(self, text: str) -> NDArray[np.float32] | None:
        """The unit vector of a text in the space of the items; None when that cannot be had."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """`(n, dim)` unit vectors of sentences; None when no model at hand reads their script."""
        ...

    def recommend(self, query: ListQuery) -> RecommendationList:
        """The list that `query` asks for."""
        ...

    def trace(self, query: ListQuery, item_id: str) -> Trace:
        """Where one item gets under `query`."""
        ...

    def fit_wait(self, as_of_ms: int) -> FitWait:
        """How long a list as of a moment lets one wait for a ranking fitted to it."""
        ...

    def profile(self, as_of_ms: int | None = None) -> Profile:
        """The interests, now or as of a moment."""
        ...

    def versions(self) -> list[Profile]:
        """The stored profile versions, oldest first."""
        ...

    def migration(
        self, start_ms: int | None = None, split_ms: int | None = None, end_ms: int | None = None
    ) -> Migration:
        """How the interests moved, told from the facts."""
        ...

    def give_feedback(
        self,
        action: FeedbackAction,
        target: str,
        kind: FeedbackTarget,
        *,
        value: str = "",
        utterance: str = "",
    ) -> Feedback:
        """Appends one piece of feedback; `value` is the day of a gift, empty for every day."""
        ...

    def undo(self, feedback_id: int | None = None) -> Feedback:
        """Takes one piece of feedback back; the latest when none is named."""
        ...

    def feedback(self) -> list[Feedback]:
        """Everything this user has said, oldest first, what was undone included."""
        ...
