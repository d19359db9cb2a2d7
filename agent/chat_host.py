"""The workspace as one user's talk sees it: bound to that user, with no way to reach another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agent.artifacts import last_fit_seconds
from agent.data.embedders import Embedder
from agent.data.embedding import query_embedder
from agent.data.feedback import load_feedback
from agent.data.log import Catalogue, InteractionLog
from agent.dialogue.chat import ChatSession
from agent.dialogue.talk.attributes import ItemFacts, load_extras
from agent.dialogue.talk.host import FitWait, ListQuery
from agent.dialogue.talk.saved import SavedTalks
from agent.interests.words import Language
from agent.listing.pipeline import recommend
from agent.listing.request import Request
from agent.listing.tracing import ItemTrace, trace
from agent.llm.backend import Backend
from agent.observing import give_feedback, undo
from agent.opened import OpenWorkspace
from agent.schema import Feedback, FeedbackAction, FeedbackTarget, Migration, Profile, RecommendationList
from agent.sentence_vectors import encode_sentences
from agent.session import Session

# In the workspace; one folder per user under it, readable by its owner only.
CHATS_FOLDER = "chats"


class WorkspaceHost:
    """What a talk may ask, for one user; see `agent.dialogue.talk.host.Host`.

    The language model does not rerank the lists of a talk: they come at once, and ranks before and
    after a change compare exactly.
    """

    def __init__(self, place: OpenWorkspace, user_id: str) -> None:
        self._place = place
        self._user_id = user_id
        self._kept_log: tuple[Session, InteractionLog] | None = None
        self._embedded_by: Embedder | None = None
        self._embedded: dict[str, NDArray[np.float32]] = {}

    @property
    def _session(self) -> Session:
        # Asked anew each time: an ingest drops the loaded state.
        return self._place.session

    @property
    def user_id(self) -> str:
        """Whose talk it is."""
        return self._user_id

    @property
    def language(self) -> Language:
        """Of titles and stored words."""
        return self._session.language

    @property
    def now_ms(self) -> int:
        """The moment just after the newest event of the workspace."""
        return self._session.now_ms

    @property
    def backend(self) -> Backend | None:
        """The language model, None without one."""
        return self._session.backend

    @property
    def catalogue(self) -> Catalogue:
        """Every item, with vectors."""
        return self._session.catalogue

    @property
    def log(self) -> InteractionLog:
        """This user's interactions, and no one else's."""
        session = self._session
        own = session.interests.user_log(self._user_id)
        # Answers ask for it row by row; events only ever come in addition.
        if self._kept_log and self._kept_log[0] is session and len(self._kept_log[1]) == len(own):
            return self._kept_log[1]
        ids = set(own.interaction_id.tolist())
        queries = {number: text for number, text in own.queries.items() if number in ids}
        # Neither the ids of other users nor their searches go along.
        bound = dataclasses.replace(
            own, user=np.zeros(len(own), np.int32), user_ids=(self._user_id,), queries=queries
        )
        self._kept_log = session, bound
        return bound

    @cached_property
    def items(self) -> ItemFacts:
        """What the items say, their extra fields included."""
        return ItemFacts(self.catalogue, load_extras(self._session.store, self.catalogue))

    @property
    def horizon_days(self) -> float:
        """What confidence speaks of."""
        return self._session.settings.ranking.horizon_days

    def popularity(self, codes: Sequence[int]) -> list[int]:
        """How often anybody took each of these items."""
        taken = self._session.taken(self.now_ms)
        return [int(taken[code]) for code in codes]

    def embed(self, text: str) -> NDArray[np.float32] | None:
        """The unit vector of a text in the space of the items; None when the items have no vectors.

        Raises:
            DriftrecError: the model that made the item vectors cannot be had.
        """
        embedder = self._session.item_embedder
        if embedder is None:
            return None
        session = self._session
        if self._embedded_by is not embedder:
            self._embedded_by, self._embedded = embedder, {}
        found = query_embedder(session.store, self.catalogue, embedder, settings=session.settings.embedding)
        if text not in self._embedded:
            self._embedded[text] = found.encode([text])[0]
        return self._embedded[text]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """`(n, dim)` unit vectors of sentences, by the model behind the item vectors.

        None when the items have no vectors, or the model does not read the script of the sentences.

        Raises:
            DriftrecError: the model cannot be had.
        """
        return encode_sentences(self._session, texts)

    def _request(self, query: ListQuery) -> Request:
        return Request(
            user_id=self._user_id,
            k=query.k,
            as_of_ms=query.as_of_ms,
            exclude_seen=query.exclude_seen,
            domain=query.domain,
            categories=query.categories,
            explain=query.explain,
            rerank=False,
            without=query.without,
            item_mask=query.item_mask,
            use_feedback=query.use_feedback,
            use_migration=query.use_migration,
        )

    def recommend(self, query: ListQuery) -> RecommendationList:
        """The list that `query` asks for."""
        return recommend(self._session, self._request(query))

    def trace(self, query: ListQuery, item_id: str) -> ItemTrace:
        """Where one item gets under `query`."""
        return trace(self._session, self._request(query), item_id)

    def fit_wait(self, as_of_ms: int) -> FitWait:
        """Whether the ranking of that moment must be fitted, and how long the last fit took."""
        session = self._session
        needed = not session.has_ranker(as_of_ms)
        return FitWait(needed, last_fit_seconds(session.workspace.cache_dir) if needed else None)

    def profile(self, as_of_ms: int | None = None) -> Profile:
        """The interests, now or as of a moment."""
        return self._session.interests.profile(self._user_id, moment_ms=as_of_ms)

    def versions(self) -> list[Profile]:
        """The stored profile versions, oldest first."""
        return self._session.interests.history(self._user_id)

    def migration(
        self, start_ms: int | None = None, split_ms: int | None = None, end_ms: int | None = None
    ) -> Migration:
        """How the interests moved, told from the facts."""
        return self._session.interests.migration(
            self._user_id, start_ms=start_ms, split_ms=split_ms, end_ms=end_ms, tell=False
        )

    def give_feedback(
        self,
        action: FeedbackAction,
        target: str,
        kind: FeedbackTarget,
        *,
        value: str = "",
        utterance: str = "",
    ) -> Feedback:
        """Appends one piece of feedback."""
        return give_feedback(
            self._session, self._user_id, action, target, target_kind=kind, value=value, utterance=utterance
        )

    def undo(self, feedback_id: int | None = None) -> Feedback:
        """Takes one piece of feedback back."""
        return undo(self._session, self._user_id, feedback_id)

    def feedback(self) -> list[Feedback]:
        """Everything this user has said, oldest first."""
        return load_feedback(self._session.store, self._user_id)


def open_chat(
    place: OpenWorkspace, user_id: str, *, resume: str | None = None, keep: bool = True
) -> ChatSession:
    """A talk with one user; see `Agent.chat`."""
    user_id = str(user_id)  # ids are texts; callers with numbers mean them as such
    saved = SavedTalks(place.workspace.root / CHATS_FOLDER, user_id)
    if resume == "last":
        resume = next(reversed(saved.ids()), None)
    host = WorkspaceHost(place, user_id)
    # Loads what answers need, so that the first one comes as fast as the others.
    host.recommend(ListQuery(k=1, explain=False))
    talk = ChatSession(host, place.settings.chat, saved=saved, resume=resume, keep=keep)
    talk.warm_up()
    return talk
