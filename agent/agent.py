"""The `Agent` facade: one workspace, from files to answered recommendations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.moments import to_ms
from agent.opened import OpenWorkspace
from agent.schema import (
    Feedback,
    FeedbackAction,
    FeedbackTarget,
    ItemTrace,
    Migration,
    Observation,
    Profile,
    ProfileDiff,
    RecommendationList,
)

if TYPE_CHECKING:
    from agent.data.live import LiveEvent
    from agent.dialogue.chat import ChatSession
    from agent.dialogue.pictures.picture import Picture
    from agent.interests.scan import Drift

# Observed events beyond this are loaded with the rest of the log at the next call.
_LIVE_LIMIT = 100_000


class Agent(OpenWorkspace):
    """Everything driftrec does for the users of one workspace. Use as a context manager, or call `close`.

    What is missing or out of date (index, fitted models) is made when first needed and kept in the
    workspace; `progress` is told of all that takes time.
    """

    def _ms(self, moment: datetime | None) -> int | None:
        """Milliseconds of a moment; one without a zone is meant in `interests.day_zone`."""
        return to_ms(moment, self.settings.interests.day_zone)

    def scan(self, *, min_sessions: int = 20) -> list[Drift]:
        """How far every user with enough sessions moved between halves of their history, furthest first."""
        return self.session.scan(min_sessions)

    def refresh(
        self, user_ids: Iterable[str] | None = None, *, then: datetime | None = None
    ) -> list[Profile]:
        """Stores a new profile version, in words, for each user whose events have changed.

        Args:
            user_ids: None for every user with `min_sessions` sessions or more.
            then: for users without versions, an earlier moment to store first, for comparison.
        """
        from agent.llm.ledger import charged_to

        chosen = self.session.users_with_sessions() if user_ids is None else list(user_ids)
        room, found = self.session.interests, []
        for number, user_id in enumerate(chosen):
            if len(chosen) > 1:
                self._progress("Profiles", number, len(chosen))
            stage = f"Naming the facets of {user_id}"
            report = None if len(chosen) > 20 else lambda done, total, s=stage: self._progress(s, done, total)
            with charged_to(user_id):
                found.append(room.refresh(user_id, then_ms=self._ms(then), progress=report))
        if len(chosen) > 1:
            self._progress("Profiles", len(chosen), len(chosen))
        return found

    def profile(self, user_id: str, *, as_of: datetime | None = None) -> Profile:
        """The user's profile: the newest stored version if still true, else computed; or as of a moment."""
        from agent.interests.live import same_content

        room = self.session.interests
        computed = room.profile(user_id, moment_ms=self._ms(as_of))
        if as_of is not None:
            return computed
        stored = (entry for entry in room.versions.newest_first(user_id) if same_content(entry, computed))
        return next(stored, computed)

    def history(self, user_id: str) -> list[Profile]:
        """Every stored profile version of a user, oldest first."""
        return self.session.interests.history(user_id)

    def migrations(self, user_id: str) -> list[Migration]:
        """Every stored migration of a user, oldest first: one for each worded profile version."""
        return self.session.interests.versions.migrations(user_id)

    def diff(self, user_id: str, before: int, after: int) -> ProfileDiff:
        """What differs between two stored profile versions of a user.

        Raises:
            SettingsError: there is no version of that number.
        """
        from agent.interests.diff import diff_profiles, pick_version

        versions = self.history(user_id)
        return diff_profiles(pick_version(versions, before), pick_version(versions, after))

    def observe(self, user_id: str, events: Iterable[LiveEvent | Mapping[str, Any]]) -> Observation:
        """Takes in events of one user as they happen; profile and lists know them at once, in milliseconds.

        No model is asked and nothing is fitted: words follow by `refresh_due` or `refresh`, and the models of
        everybody learn of the events at the next load.

        Args:
            events: fields `event`, `item_id`, `query`, `timestamp` (default now), `value`, `key`, as in event
                files. An event that is stored already changes nothing.

        Raises:
            DataError: an event has an unknown field or a wrong type.
        """
        from agent.observing import observe

        found = observe(self.session, user_id, events)
        if self.session.live.n_events > _LIVE_LIMIT:
            self._forget()
        return found

    def refresh_due(self, user_ids: Sequence[str] | None = None) -> list[Profile]:
        """Stores a new version, in words, for each user whose profile has gone far enough from the last.

        How far and how often is set by `interests.refresh_change` and `interests.refresh_hours`, so a burst
        of events costs one wording. None: everybody with a version or observed in this session.
        """
        from agent.observing import refresh_due

        return refresh_due(self.session, user_ids)

    def give_feedback(
        self,
        user_id: str,
        action: FeedbackAction,
        target: str,
        *,
        target_kind: FeedbackTarget | None = None,
        value: str = "",
        utterance: str = "",
    ) -> Feedback:
        """Keeps what a user said; it shows in the next profile and list, and `undo` takes it back.

        Args:
            action: pin (always in the profile, keeps places in the list), mute (never appears), rename, less,
                more (each time a step, three at most), gift (that interaction stops counting).
            target: an interest (key or label), category, item (id or title), or an interaction id.
            target_kind: what the target is; None tries them in that order.
            value: the new name for `rename`; for the gift of an item its day, empty for every day.
            utterance: the same for all that one sentence came to: `undo` takes it back as a whole.

        Raises:
            SettingsError: nothing of that name; near matches are named.
        """
        from agent.observing import give_feedback

        return give_feedback(
            self.session,
            user_id,
            action,
            target,
            target_kind=target_kind,
            value=value,
            utterance=utterance,
        )

    def undo(self, user_id: str, feedback_id: int | None = None) -> Feedback:
        """Takes back one feedback; None all that stands of what was said last, one sentence's worth.

        Raises:
            SettingsError: there is nothing to take back.
        """
        from agent.observing import undo

        return undo(self.session, user_id, feedback_id)

    def feedback(self, user_id: str) -> list[Feedback]:
        """Everything a user said, oldest first, what was taken back marked."""
        from agent.data.feedback import load_feedback

        return load_feedback(self._store, user_id)

    def migration(
        self,
        user_id: str,
        *,
        start: datetime | None = None,
        split: datetime | None = None,
        end: datetime | None = None,
        tell: bool = True,
    ) -> Migration:
        """How the user's interests moved between `[start, split)` and `[split, end)`; default the halves."""
        from agent.llm.ledger import charged_to

        with charged_to(user_id):
            return self.session.interests.migration(
                user_id, start_ms=self._ms(start), split_ms=self._ms(split), end_ms=self._ms(end), tell=tell
            )

    def picture(
        self,
        user_id: str,
        *,
        start: datetime | None = None,
        split: datetime | None = None,
        end: datetime | None = None,
        tell: bool = True,
    ) -> Picture:
        """Stream of the user's interests through time and flow between two windows; `save` writes a file."""
        from agent.dialogue.pictures.picture import draw_picture
        from agent.interests.timeline import compute_timeline

        found = self.migration(user_id, start=start, split=split, end=end, tell=tell)
        state = self.session.interests.open_user(user_id)
        labels = {key: entry.label for key, entry in state.shown.items()}
        timeline = compute_timeline(state.user_id, state.sessions, state.frame, labels=labels)
        return draw_picture(timeline, found, language=self.session.language)

    def recommend(
        self,
        user_id: str,
        k: int = 10,
        *,
        as_of: datetime | None = None,
        exclude_seen: bool | None = None,
        domain: str | None = None,
        categories: Sequence[str] = (),
        explain: bool = True,
        rerank: bool = True,
        without: Iterable[int] = (),
        use_migration: bool = True,
    ) -> RecommendationList:
        """The `k` best items for a user, best first.

        Args:
            as_of: only events before this moment count, for the profile and for what is fitted.
            exclude_seen: leave out what the user has taken; None decides by whether people of this
                workspace take the same item again.
            domain: only items of that domain.
            categories: only items of one of those categories.
            explain: with reasons and evidence.
            rerank: let the language model reorder the top.
            without: interaction ids that do not count, for this call only.
            use_migration: False for the static profile: interests ask by their share, wherever they head.

        Returns:
            Never empty while items are left; `note` says what a list for an unknown user, or one with
            hardly any events, rests on.
        """
        from agent.listing.pipeline import recommend
        from agent.listing.request import Request
        from agent.llm.ledger import charged_to

        request = Request(
            user_id=user_id,
            k=k,
            as_of_ms=self._ms(as_of),
            exclude_seen=exclude_seen,
            domain=domain,
            categories=tuple(categories),
            explain=explain,
            rerank=rerank,
            without=frozenset(without),
            use_migration=use_migration,
        )
        with charged_to(user_id):
            return recommend(self.session, request)

    def chat(self, user_id: str, *, resume: str | None = None, keep: bool = True) -> ChatSession:
        """A talk with one user about their recommendations: `ask` it, or `stream` from it.

        Args:
            resume: id of a kept talk to go on with, or `last` for the newest.
            keep: write the talk to the workspace, so that it can be resumed.

        Raises:
            StoreError: no such talk of this user.
        """
        from agent.chat_host import open_chat

        return open_chat(self, user_id, resume=resume, keep=keep)

    def trace(
        self,
        user_id: str,
        item_id: str,
        k: int = 10,
        *,
        as_of: datetime | None = None,
        exclude_seen: bool | None = None,
        domain: str | None = None,
        categories: Sequence[str] = (),
        rerank: bool = True,
        without: Iterable[int] = (),
    ) -> ItemTrace:
        """Why an item is in a user's list, or which stage lost it; options as for `recommend`."""
        from agent.listing.request import Request
        from agent.listing.tracing import trace

        request = Request(
            user_id=user_id,
            k=k,
            as_of_ms=self._ms(as_of),
            exclude_seen=exclude_seen,
            domain=domain,
            categories=tuple(categories),
            rerank=rerank,
            without=frozenset(without),
        )
        return trace(self.session, request, item_id)


def recommend(
    user_id: str,
    k: int = 10,
    *,
    workspace: str | Path = "shop",
    as_of: datetime | None = None,
    exclude_seen: bool | None = None,
    domain: str | None = None,
    categories: Sequence[str] = (),
    explain: bool = True,
    rerank: bool = True,
) -> RecommendationList:
    """The `k` best items for a user of a workspace; see `Agent.recommend` for the options.

    Opens the workspace for this one call. For many calls keep an `Agent` open: it loads once.
    """
    with Agent.open(workspace) as agent:
        return agent.recommend(
            user_id,
            k,
            as_of=as_of,
            exclude_seen=exclude_seen,
            domain=domain,
            categories=categories,
            explain=explain,
            rerank=rerank,
        )
