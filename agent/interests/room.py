"""The interests room at work on a workspace: from a log to stored profile versions and told migrations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from agent.data.feedback import load_feedback, users_with_gifts
from agent.data.live import LiveEvents
from agent.data.log import Catalogue, InteractionLog
from agent.data.store import Store
from agent.errors import VersionConflictError
from agent.interests.feedback import FeedbackState, effective_feedback, gift_rows
from agent.interests.frame import FacetFrame, extend_frame, form_frame, recentre
from agent.interests.frames import frame_from_json, frame_to_json, match_facets
from agent.interests.live import same_content
from agent.interests.migration import compute_migration
from agent.interests.population import PopulationModel, leave_out
from agent.interests.profile import compute_profile
from agent.interests.scan import Drift, scan_users
from agent.interests.sessions import SessionShares, compute_session_shares
from agent.interests.state import UserState
from agent.interests.versions import Versions
from agent.interests.windows import Windows, choose_windows, halve
from agent.interests.wording import Wording
from agent.interests.words import FacetWords, collect_examples, make_unique, name_from_facts
from agent.schema import Migration, Profile, UserId
from agent.settings import InterestSettings

__all__ = ["InterestRoom", "UserState"]

Progress = Callable[[int, int | None], None]
# Every conflict means that another writer got on, so a few rounds are enough.
_RETRIES = 10


@dataclass(frozen=True, slots=True)
class InterestRoom:
    """Profiles and migrations over one snapshot of a workspace.

    Attributes:
        population: of every event.
        population_before: gives that of the events before a moment in milliseconds, for looking back; None
            takes `population` whatever the moment.
    """

    store: Store
    log: InteractionLog
    catalogue: Catalogue
    settings: InterestSettings
    wording: Wording
    population: PopulationModel | None = None
    live: LiveEvents | None = None
    population_before: Callable[[int], PopulationModel | None] | None = None

    @property
    def versions(self) -> Versions:
        """What is stored of the users, version by version."""
        return Versions(self.store)

    @property
    def now_ms(self) -> int:
        """The moment just after the newest event of the workspace; 0 without events."""
        loaded = int(self.log.timestamp_ms[-1]) + 1 if len(self.log) else 0
        return loaded if self.live is None else max(loaded, self.live.newest_ms + 1)

    def knows(self, user_id: str) -> bool:
        """Whether there is any event of that user."""
        return user_id in self.log.user_codes or (self.live is not None and self.live.of(user_id) is not None)

    def user_log(self, user_id: str, *, before_ms: int | None = None) -> InteractionLog:
        """The interactions of one user before a moment, gifts included; empty for an unknown user."""
        code = self.log.user_codes.get(user_id)
        rows = self.log.rows_of(code) if code is not None else np.empty(0, np.int64)
        own = self.log.take(rows)
        if self.live is not None:
            own = self.live.over(user_id, own)
        return own if before_ms is None else own.before(before_ms)

    def feedback_state(self, user_id: str, *, moment_ms: int | None = None) -> FeedbackState:
        """What the user's feedback amounts to, in the facet keys of the stored frame.

        A look back leaves out what was said or taken back at or after that moment, by the clock.
        """
        before_ms = moment_ms if moment_ms is not None and moment_ms < self.now_ms else None
        return effective_feedback(load_feedback(self.store, user_id, before_ms=before_ms))

    def open_user(
        self,
        user_id: str,
        *,
        moment_ms: int | None = None,
        without: frozenset[int] = frozenset(),
        use_feedback: bool = True,
    ) -> UserState:
        """The state of one user at a moment (default: now).

        Now, the stored frame and its words are taken up and extended by new items. At a moment in the
        past the frame is formed from the events before it alone, so nothing of the future shows.

        Args:
            without: interaction ids that do not count, for this call.
            use_feedback: False as if the user had never said anything.
        """
        at_ms = self.now_ms if moment_ms is None else moment_ms
        feedback = self.feedback_state(user_id, moment_ms=at_ms) if use_feedback else FeedbackState()
        log = self.user_log(user_id, before_ms=at_ms)
        given_away = gift_rows(log, feedback, self.catalogue.item_codes)
        gifts = np.unique(log.item[given_away & (log.item >= 0)])
        if without:
            given_away |= np.isin(log.interaction_id, list(without))
        n_left_out = int(given_away.sum())
        if given_away.any():
            log = log.take(~given_away)
        stored = self.store.newest_version("facets", user_id)
        words: dict[str, FacetWords] = {}
        current = stored if at_ms >= self.now_ms else None
        if current:
            frame, words = frame_from_json(current.payload, self.catalogue)
            frame = recentre(extend_frame(frame, log, self.catalogue, self.settings), log, self.catalogue)
        else:
            frame = form_frame(log, self.catalogue, self.settings)
            if stored and feedback.facet_keys():
                kept, _ = frame_from_json(stored.payload, self.catalogue)
                feedback = feedback.renamed(match_facets(kept, frame))
        sessions = compute_session_shares(log, frame)
        return UserState(
            UserId(user_id),
            log,
            frame,
            sessions,
            self._all_words(log, frame, sessions, words),
            at_ms,
            feedback,
            gifts,
            n_left_out,
            current.version if current else 0,
        )

    def _all_words(
        self,
        log: InteractionLog,
        frame: FacetFrame,
        sessions: SessionShares,
        known: dict[str, FacetWords],
    ) -> dict[str, FacetWords]:
        examples = collect_examples(log, self.catalogue, frame, sessions)
        return make_unique(
            {key: known.get(key) or name_from_facts(examples[key], self.catalogue) for key in frame.keys},
            examples,
        )

    def profile(self, user_id: str, *, moment_ms: int | None = None) -> Profile:
        """The profile of one user at a moment, computed and not stored; words are stored ones or facts."""
        return self.profile_of(self.open_user(user_id, moment_ms=moment_ms))

    def profile_of(self, state: UserState, *, with_evidence: bool = True) -> Profile:
        """The profile of an opened user, computed and not stored."""
        return compute_profile(
            state.user_id,
            state.log,
            self.catalogue,
            frame=state.frame,
            sessions=state.sessions,
            moment_ms=state.moment_ms,
            words=state.shown,
            settings=self.settings,
            feedback=state.feedback,
            with_evidence=with_evidence,
            n_left_out=state.n_left_out,
            language=self.wording.language,
        )

    def cut(self, state: UserState, moment_ms: int) -> UserState:
        """`state` as it stood at an earlier moment, in the same frame and words, for comparison."""
        log = state.log.before(moment_ms)
        return dataclasses.replace(
            state, log=log, sessions=compute_session_shares(log, state.frame), moment_ms=moment_ms
        )

    def refresh(
        self, user_id: str, *, then_ms: int | None = None, progress: Progress | None = None
    ) -> Profile:
        """Stores the user's profile as a new version, worded, and returns it.

        With it goes the migration between the halves of the history, told. When nothing has changed since the
        last version and its words are of the model at hand (or there is none), that one is returned and
        nothing is stored. Nor is it for a user without events: the empty profile comes back with version 0.
        Others may do the same at once: what they stored meanwhile is read and compared again.

        Args:
            then_ms: an earlier moment whose profile, in the same frame, is stored first, so that the two
                can be compared; ignored when the user has versions already.
            progress: called with (facets named, facets to name).
        """
        for _ in range(_RETRIES):
            with suppress(VersionConflictError):
                return self._refresh(user_id, then_ms, progress)
        return self._refresh(user_id, then_ms, progress)

    def _refresh(self, user_id: str, then_ms: int | None, progress: Progress | None) -> Profile:
        state = self.open_user(user_id)
        if not len(state.log):
            return self.wording.summarise(self.profile_of(state))
        first = self.versions.newest(user_id)
        moments = [state.moment_ms] if then_ms is None or first else [then_ms, state.moment_ms]
        drafts = [self.profile_of(self.cut(state, at_ms)) for at_ms in moments]
        state, note = self._name_shown(state, drafts, progress)
        self.keep_frame(state)
        stored = first
        for at_ms in moments:
            draft = self.profile_of(self.cut(state, at_ms))
            if stored is not None and same_content(stored, draft) and self._is_worded(stored):
                continue
            if note:
                draft = dataclasses.replace(draft, note=f"{draft.note} {note}".strip())
            stored = self.versions.append(self.wording.summarise(draft), parent=stored)
        if stored is None:
            raise AssertionError("a refresh always has a version to return")
        if stored is not first:
            told = self.wording.tell(self.migration_of(state, halve(state.sessions)))
            self.versions.keep_migration(told, moment_ms=state.moment_ms)
        return stored

    def _is_worded(self, stored: Profile) -> bool:
        """Whether a version needs no other words: plain facts never take the place of a model's."""
        return self.wording.backend is None or stored.model == self.wording.model

    def _name_shown(
        self, state: UserState, drafts: Iterable[Profile], progress: Progress | None
    ) -> tuple[UserState, str]:
        """`state` with model words for the facets that will be shown, and a note when the model failed."""
        if self.wording.backend is None:
            return state, ""
        shown = dict.fromkeys(facet.key for draft in drafts for facet in draft.facets)
        unnamed = [key for key in shown if not state.words[key].is_settled(self.wording.model)]
        examples = collect_examples(state.log, self.catalogue, state.frame, state.sessions)
        named, failure = self.wording.name_facets(
            {key: examples[key] for key in unnamed}, state.words, progress=progress
        )
        words = make_unique({**state.words, **named}, examples)
        note = f"Some facets are named from facts: {failure}" if failure else ""
        return dataclasses.replace(state, words=words), note

    def keep_frame(self, state: UserState) -> None:
        """Stores the frame and the words of a state of now, where they differ from the stored ones.

        Raises:
            VersionConflictError: another frame was stored since the state was opened.
        """
        if not state.frame.n_facets:
            return
        payload = frame_to_json(state.frame, state.words, self.catalogue)
        self.versions.keep_frame(
            state.user_id,
            payload,
            moment_ms=state.moment_ms,
            model=self.wording.model,
            known=state.frame_version,
        )

    def history(self, user_id: str) -> list[Profile]:
        """Every stored profile version of one user, oldest first."""
        return list(self.versions.newest_first(user_id))[::-1]

    def migration(
        self,
        user_id: str,
        *,
        start_ms: int | None = None,
        split_ms: int | None = None,
        end_ms: int | None = None,
        tell: bool = True,
    ) -> Migration:
        """How one user moved between two windows; by default the halves of their history by sessions.

        Days are never cut: a moment within a day stands for the beginning of that day.

        Args:
            start_ms: begin of the earlier window; default the first session.
            split_ms: begin of the later window; default such that both have as many sessions.
            end_ms: end of the later window; default after the newest session.
            tell: word the story; otherwise it is the plain facts.

        Raises:
            SettingsError: not start < split < end.
        """
        state = self.open_user(user_id)
        windows = choose_windows(state.sessions, start_ms=start_ms, split_ms=split_ms, end_ms=end_ms)
        asked_ms = None if windows is None or end_ms is None else windows.end_ms
        migration = self.migration_of(state, windows, asked_ms=asked_ms)
        wording = self.wording if tell else Wording(None, self.wording.language)
        return wording.tell(migration)

    def migration_of(
        self,
        state: UserState,
        windows: Windows | None,
        *,
        with_evidence: bool = True,
        with_crowd: bool = True,
        asked_ms: int | None = None,
    ) -> Migration:
        """The migration of an opened user between `windows`, without a story.

        Args:
            with_evidence: collect interaction ids and intervals.
            with_crowd: tell apart what everyone did; half of the time it takes.
            asked_ms: the moment that is asked about; None: the state's, or the end of windows that end before
                the user does.
        """
        if asked_ms is None:
            asked_ms = state.moment_ms
            if windows is not None and len(state.log) and state.log.timestamp_ms[-1] >= windows.end_ms:
                asked_ms = windows.end_ms
        return compute_migration(
            state.user_id,
            state.log,
            self.catalogue,
            frame=state.frame,
            sessions=state.sessions,
            windows=windows,
            settings=self.settings,
            labels={key: entry.label for key, entry in state.shown.items()},
            population=self._others(state.user_id, asked_ms) if with_crowd else None,
            with_evidence=with_evidence,
            n_left_out=state.n_left_out,
            language=self.wording.language,
            moment_ms=asked_ms,
        )

    def _others(self, user_id: str, until_ms: int) -> PopulationModel | None:
        """The others as of a moment."""
        if self.population_before is None or not len(self.log) or until_ms > self.log.timestamp_ms[-1]:
            return leave_out(self.population, self.log, self.catalogue, user_id)
        past = self.log.before(until_ms)
        return leave_out(self.population_before(until_ms), past, self.catalogue, user_id)

    def scan(self, *, min_sessions: int | None = None, progress: Progress | None = None) -> list[Drift]:
        """How far every user with enough sessions moved, largest drift first; no model, nothing stored.

        Of the loaded log: what was observed since waits for the next load. Gifts do not count.
        """
        least = self.settings.min_sessions if min_sessions is None else min_sessions
        gifted = users_with_gifts(self.store)

        def counting() -> Iterator[tuple[UserId, InteractionLog]]:
            for code, user_id in enumerate(self.log.user_ids):
                if progress:
                    progress(code + 1, self.log.n_users)
                log = self.log.take(self.log.rows_of(code))
                if user_id in gifted:
                    log = log.take(~gift_rows(log, self.feedback_state(user_id), self.catalogue.item_codes))
                yield UserId(user_id), log

        newest_ms = int(self.log.timestamp_ms[-1]) if len(self.log) else 0
        return scan_users(
            counting(), self.catalogue, self.settings, min_sessions=least, moment_ms=newest_ms + 1
        )
