"""How interests moved between two windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from agent.schema.events import Evidence
from agent.schema.plain import ItemId, UserId, WordedBy, to_plain

ChangeKind = Literal["new", "rising", "stable", "fading", "dropped", "returned", "seasonal"]
DislikeKind = Literal["new", "lasting", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Season:
    """The yearly rhythm of one facet, tested apart from the windows.

    Attributes:
        episodes: begin (included) and end (excluded) of its activity in each year's season, oldest first;
            two or more.
        p_value: that as much of its earlier activity would lie in the season of the newest by chance.
        q_value: after Benjamini–Hochberg over the user's facets that could tell.
        current: whether the season is on at the moment asked about.
        expected: the day on which the next one is due, not before that moment; None while it is on, when
            that day has passed, and with two years only.
    """

    episodes: tuple[tuple[datetime, datetime], ...]
    p_value: float
    q_value: float
    current: bool
    expected: datetime | None = None


@dataclass(frozen=True, slots=True)
class FacetChange:
    """How one facet moved between two windows of one user.

    Attributes:
        share_before: mean share per session in the earlier window, 0–1; of what the user did beside the
            seasonal interests, where there are any and this is none of them.
        share_after: the same in the later window.
        effect: difference of shares over its standard deviation under shuffled days.
        p_value: two-sided, whole days shuffled.
        q_value: after Benjamini–Hochberg over the user's facets.
        crowd: True when the change vanishes once the population's own shift is taken out.
        intervals: when the facet was active, `(first, last)` per spell; of a seasonal one, per year.
        season: set when the kind is `seasonal`. That is a rhythm and no drift: an abstention may hold such
            a facet. Its shares, effect and p-value speak of the windows, and nothing else rests on them.
    """

    key: str
    label: str
    kind: ChangeKind
    share_before: float
    share_after: float
    effect: float
    p_value: float
    q_value: float
    crowd: bool
    evidence_before: tuple[Evidence, ...]
    evidence_after: tuple[Evidence, ...]
    intervals: tuple[tuple[datetime, datetime], ...] = ()
    season: Season | None = None


@dataclass(frozen=True, slots=True)
class DislikeChange:
    """What became of one rejected item between two windows of one user.

    Attributes:
        kind: `new` in the later window, `lasting` from the earlier one, or `withdrawn`: liked since.
        since: the first rejection that counts.
        rated_low: True when a low rating said so, False when an explicit dislike did.
        interaction_ids: every rejection of the item, oldest first.
        facet: key of the facet the item belongs to or is nearest to; empty when none is near.
    """

    item_id: ItemId
    title: str
    kind: DislikeKind
    since: datetime
    rated_low: bool
    interaction_ids: tuple[int, ...]
    facet: str = ""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A moment at which one user's activity splits in two.

    Attributes:
        moment: begin of the first session after the change, UTC.
        session: position of that session among the sessions of both windows, from 0.
        log_odds: natural logarithm of the odds that there is a change here, against none
            between the neighbouring change points; the prior is in them.
    """

    moment: datetime
    session: int
    log_odds: float


@dataclass(frozen=True, slots=True)
class Migration:
    """The computed diff between two windows of one user, and its story.

    Attributes:
        before: begin (included) and end (excluded) of the earlier window, `after` of the later.
        drift_score: movement between the windows, in standard deviations of the same under shuffled days;
            this and `p_value` leave out what comes with the season.
        p_value: that chance alone shows as much change, of either sort: between the windows, or an
            interlude across their border; `abstained` is True when it is not below alpha. Then no facet has
            changed, but seasonal ones are still told.
        changes: strongest evidence first; stable facets last.
        change_points: where the sessions split, oldest first; empty in an abstention, and when no single
            moment stands out (a gradual change has none).
        dislikes: what was rejected, newest first; told apart from the changes, which are tested.
        interlude: a chapter across the border of the windows in which the interests were others, before the
            former ones came back: begin and end, UTC; None when there is none beyond chance.
        story: two to five sentences; `worded_by="facts"` marks a plain rendering of the facts.
        rejected: stories of the model that failed the check, with the reason, for the record.
    """

    user_id: UserId
    before: tuple[datetime, datetime] | None
    after: tuple[datetime, datetime] | None
    n_sessions_before: int
    n_sessions_after: int
    drift_score: float
    p_value: float
    abstained: bool
    changes: tuple[FacetChange, ...]
    story: str = ""
    worded_by: WordedBy = "facts"
    rejected: tuple[str, ...] = ()
    prompt_hash: str = ""
    model: str = "none"
    note: str = ""
    change_points: tuple[ChangePoint, ...] = ()
    dislikes: tuple[DislikeChange, ...] = ()
    interlude: tuple[datetime, datetime] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The migration as JSON-ready data.

        `last_days` holds the last day of each window, as the story and the command line tell it: the second
        moment of a window is its excluded end.
        """
        plain: dict[str, Any] = to_plain(self)
        windows = {"before": self.before, "after": self.after}
        # Half a day back from the begin of the day after: where clocks skip midnight that is at one.
        plain["last_days"] = {
            name: f"{window[1] - timedelta(hours=12):%Y-%m-%d}" if window else None
            for name, window in windows.items()
        }
        return plain
