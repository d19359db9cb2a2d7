"""Prompts of a talk as a question would cause them, caught where the model would be asked; sent to nobody."""

from __future__ import annotations

from agent.chat_host import WorkspaceHost
from agent.dialogue.chat import ChatSession
from agent.errors import BackendError, SettingsError
from agent.llm.prompts import Prompt, describe, list_prompts, render
from agent.llm.scripted import ScriptedBackend
from agent.opened import OpenWorkspace
from agent.schema import Feedback, FeedbackAction, FeedbackTarget

CHAT_PROMPTS = ("chat_choose", "chat_route", "chat_short")
_WHY_NONE = {
    "chat_choose": "the rules understand the question, or nothing is like it: no model is asked",
    "chat_route": "the rules understand the question, or nothing is like it: no model is asked",
    "chat_short": "no model sums up the answer to this question: ask why, or what changed",
}


class _ListeningHost(WorkspaceHost):
    """A user's workspace whose model notes what it is asked and gives no answer; nothing can be changed."""

    def __init__(self, place: OpenWorkspace, user_id: str, *, scores: bool) -> None:
        super().__init__(place, user_id)
        self._model = ScriptedBackend(
            lambda request: BackendError("nothing is sent"),
            score_function=(lambda prefix, text: [-1.0]) if scores else None,
            context_tokens=place.settings.llm.context_tokens,
            remote=place.settings.llm.model.startswith("openai:"),
        )

    @property
    def backend(self) -> ScriptedBackend:
        """The model that only listens."""
        return self._model

    def give_feedback(
        self,
        action: FeedbackAction,
        target: str,
        kind: FeedbackTarget,
        *,
        value: str = "",
        utterance: str = "",
    ) -> Feedback:
        """Refused."""
        raise SettingsError(f"expected a question that changes nothing, got one that says {action!r}")

    def undo(self, feedback_id: int | None = None) -> Feedback:
        """Refused."""
        raise SettingsError("expected a question that changes nothing, got one that takes something back")


def preview_chat(place: OpenWorkspace, name: str, user_id: str, question: str) -> Prompt:
    """The prompt `name` that a question of a user would lead to, as the first turn of a talk.

    Args:
        place: the open workspace.
        name: one of `CHAT_PROMPTS`, with or without version.
        user_id: whose talk.
        question: what the user says.

    Raises:
        SettingsError: no question, or one for which no model would be asked; says why.
    """
    base = name.partition(".")[0]
    if user_id not in place.session.log.user_codes:
        raise SettingsError(f"expected a user id of the workspace, got {user_id!r}")
    if not question.strip():
        raise SettingsError(f"expected a question for {name!r} with --ask, got none")
    host = _ListeningHost(place, user_id, scores=base != "chat_choose")
    ChatSession(host, place.settings.chat).ask(question)
    prompt = _route_prompt(host.backend) if base == "chat_route" else _asked_prompt(host.backend, base)
    if prompt is None:
        raise SettingsError(f"nothing to show of {name!r}: {_WHY_NONE[base]}")
    if name not in (base, prompt.name, prompt.name.removesuffix(".zh")):
        raise SettingsError(f"this question would be asked {prompt.name!r}, not {name!r}")
    return prompt


def _route_prompt(model: ScriptedBackend) -> Prompt | None:
    """What stood before the wishes that were scored; without a question it was asked first."""
    for prefix, _ in model.scored:
        for name in _names_of("chat_route"):
            empty = render(name, question="").user
            if prefix != empty and prefix[:8] == empty[:8]:
                return Prompt(name, "", prefix, describe(name).hash)
    return None


def _asked_prompt(model: ScriptedBackend, base: str) -> Prompt | None:
    hashes = {describe(name).hash: name for name in _names_of(base)}
    for request in model.requests:
        if request.prompt_hash in hashes:
            return Prompt(hashes[request.prompt_hash], request.system, request.user, request.prompt_hash)
    return None


def _names_of(base: str) -> list[str]:
    return [name for name in list_prompts() if name.partition(".")[0] == base]
