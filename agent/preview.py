"""Prompts as a real user would cause them, rendered by the code that asks the model, and sent to nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import SettingsError
from agent.interests.migration import halve
from agent.interests.room import UserState
from agent.interests.words import collect_examples, told_changes
from agent.listing.grading import rerank_prompts
from agent.listing.pipeline import recommend
from agent.listing.request import Request
from agent.llm.prompts import Prompt, list_prompts
from agent.ranking.rerank import shown_places
from agent.ranking.rerank_prompts import title_line
from agent.schema import Profile
from agent.session import Session


@dataclass(frozen=True, slots=True)
class _Case:
    """What a prompt is rendered from."""

    session: Session
    state: UserState
    profile: Profile
    item_id: str | None

    @property
    def item(self) -> int | None:
        """Code of the item asked for."""
        if self.item_id is None:
            return None
        code = self.session.catalogue.item_codes.get(self.item_id)
        if code is None:
            raise SettingsError(f"expected an item id of the workspace, got {self.item_id!r}")
        return code


def is_shown(name: str) -> bool:
    """Whether `preview` can render a prompt of this name, in a workspace of its language."""
    base, _, version = name.partition(".")
    return base in _BUILDERS and version.removesuffix(".zh") in ("", _VERSIONS.get(base, "v1"))


def preview(session: Session, name: str, user_id: str, *, item_id: str | None = None) -> Prompt:
    """The prompt `name` for a user of the workspace, as the model would get it; no model is asked.

    Args:
        session: the open workspace.
        name: `facet_label`, with or without version.
        user_id: whose data.
        item_id: for `facet_label` the facet of that item instead of the largest; for the rerank prompts that
            candidate (its title stands where it would be scored).

    Raises:
        SettingsError: no such prompt, user or item; or nothing to render it from; says which.
    """
    base = name.partition(".")[0]
    if base not in _BUILDERS:
        known = sorted({entry.partition(".")[0] for entry in list_prompts()})
        why = "it is rendered from an evaluation"
        if base not in known:
            why = "there is no such prompt"
        raise SettingsError(
            f"expected one of the prompts {', '.join(sorted(_BUILDERS))}, or of a talk with --ask; "
            f"got {name!r}: {why}"
        )
    if user_id not in session.log.user_codes:
        raise SettingsError(f"expected a user id of the workspace, got {user_id!r}")
    state = session.interests.open_user(user_id)
    profile = session.interests.profile_of(state, with_evidence=False)
    if not profile.facets:
        raise SettingsError(f"user {user_id!r} has no facets yet, so there is nothing to put into a prompt")
    prompt = _BUILDERS[base](_Case(session, state, profile, item_id))
    if name not in (base, prompt.name, prompt.name.removesuffix(".zh")):
        raise SettingsError(f"this workspace would be asked {prompt.name!r}, not {name!r}")
    return prompt


def _facet_label(case: _Case) -> Prompt:
    room, state = case.session.interests, case.state
    examples = collect_examples(state.log, room.catalogue, state.frame, state.sessions)
    item = case.item
    if item is None:
        return room.wording.label_prompt(examples[case.profile.facets[0].key])
    facets = state.sessions.facet[(state.log.item == item) & (state.sessions.facet >= 0)]
    if not len(facets):
        raise SettingsError(f"user {state.user_id!r} has no facet with item {case.item_id!r}")
    return room.wording.label_prompt(examples[state.frame.keys[int(facets[0])]])


def _profile_summary(case: _Case) -> Prompt:
    return case.session.interests.wording.summary_prompt(case.profile)


def _migration_story(case: _Case) -> Prompt:
    room = case.session.interests
    migration = room.migration_of(case.state, halve(case.state.sessions), with_evidence=False)
    moved = told_changes(migration)
    if not moved:
        raise SettingsError(
            f"user {case.state.user_id!r} has no change to tell, so no model is asked for a story"
        )
    return room.wording.story_prompt(moved)


def _rerank_history(case: _Case) -> Prompt:
    return _with_title(case, rerank_prompts(case.session, case.state, case.profile).history())


def _rerank_prior(case: _Case) -> Prompt:
    return _with_title(case, rerank_prompts(case.session, case.state, case.profile).prior())


def _rerank_scores(case: _Case) -> Prompt:
    settings = case.session.settings.ranking
    listed = recommend(
        case.session, Request(case.state.user_id, k=settings.n_rerank, explain=False, rerank=False)
    )
    titles = [title_line(entry.title) for entry in listed]
    if case.item is not None:
        titles = [*titles[: settings.n_rerank - 1], title_line(case.session.catalogue.titles[case.item])]
    shown = [titles[place] for place in shown_places(titles)]
    if not shown or (case.item is not None and shown[-1] != titles[-1]):
        raise SettingsError(
            f"expected a title to score, got {titles[-1:]!r}, which read as orders to a model: "
            "those are not shown to it and keep their place"
        )
    return rerank_prompts(case.session, case.state, case.profile).scores(shown)


def _with_title(case: _Case, prompt: Prompt) -> Prompt:
    """`prompt` with the candidate's title after it, as its likelihood is scored."""
    if case.item is None:
        return prompt
    title = title_line(case.session.catalogue.titles[case.item])
    return Prompt(prompt.name, prompt.system, prompt.user + title, prompt.hash)


# Of the prompts that have been rewritten: the version that is asked.
_VERSIONS = {"facet_label": "v2"}
_BUILDERS: dict[str, Callable[[_Case], Prompt]] = {
    "facet_label": _facet_label,
    "migration_story": _migration_story,
    "profile_summary": _profile_summary,
    "rerank_history": _rerank_history,
    "rerank_prior": _rerank_prior,
    "rerank_scores": _rerank_scores,
}
