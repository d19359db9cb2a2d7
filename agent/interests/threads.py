"""One thread for small products: waking several takes longer than the work, far longer on a busy machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


# Finding the BLAS libraries takes milliseconds, limiting them microseconds.
@lru_cache(maxsize=1)
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Within it, products of matrices run on one thread (52 ms against 1 on two busy cores, 93 sessions)."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited
