"""`python -m eval rerank-weight`: how much a language model's order may count, decided before T.

On each of three rolling windows the product makes its list as of the window's start, the model grades the
first places once, and every weight is tried on those grades: what `driftrec fit --decide-llm` does, here on
a workspace that holds nothing after T, and without keeping the result.
"""

from __future__ import annotations

from agent.errors import LlmError, SettingsError
from agent.listing.weighing import weigh
from agent.ranking.fusion import MIN_WINDOWS
from agent.ranking.llm_weight import LlmDecision
from agent.ranking.rerank import Method
from eval.data.datasets import ProgressCallback
from eval.data.splits import Question
from eval.errors import EvalError
from eval.rankers.product import open_past

N_WINDOWS = MIN_WINDOWS


def measure(
    question: Question, *, model: str, method: Method, n_users: int, progress: ProgressCallback | None = None
) -> LlmDecision:
    """The decision for a question's task on `n_users` people per window before T.

    Raises:
        EvalError: there is no model, it fails, or nobody can be asked.
    """
    with open_past(question, model=model) as agent:
        session = agent.session
        if progress is not None:
            session.progress = progress
        try:
            return weigh(
                session,
                task=question.task,
                n_users=n_users,
                method=method,
                length_days=question.horizon_days,
                n_windows=N_WINDOWS,
            )
        except (LlmError, SettingsError) as error:
            raise EvalError(str(error)) from error
