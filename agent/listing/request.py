"""What is asked of a recommendation call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; see `Agent.recommend`.

    Attributes:
        without: interaction ids that do not count, for this call, in memory only.
        item_mask: `(n_items,)` bool, False never appears; None allows all.
        use_feedback: False as if the user had never said anything.
        use_migration: False for the static profile: every facet asks by its share, wherever it is heading,
            and everything that was taken counts by its age alone.
    """

    user_id: str
    k: int = 10
    as_of_ms: int | None = None
    exclude_seen: bool | None = None
    domain: str | None = None
    categories: tuple[str, ...] = ()
    explain: bool = True
    rerank: bool = True
    without: frozenset[int] = frozenset()
    item_mask: NDArray[np.bool_] | None = None
    use_feedback: bool = True
    use_migration: bool = True
