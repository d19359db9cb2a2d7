"""Timelines and migrations made by hand, so that a picture's figures can be worked out on paper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from agent.dialogue.pictures.picture import draw_picture
from agent.schema import ChangePoint, DislikeChange, Evidence, FacetChange, FacetTimeline, Migration, Timeline

START = datetime(2024, 1, 1, tzinfo=UTC)
# Kinds by turns; what has no change in the migration is drawn as not tested.
TURNS = ("rising", "fading", "stable", "new", "dropped", "returned", "seasonal")
HOSTILE = (
    "<script>document.title='owned'</script>",
    "\"quoted\" & 'apostrophed' ]]>",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
    "pizza \U0001f355 and tea \U0001f375",
    "long " * 60,
    "编程入门与数学逻辑",
    "</svg></title></style><img src=x onerror=document.title='owned'>",
    "nul\x00 and \ud800 and \uffff",
)


def months(first: datetime, last: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Calendar months from the one of `first` to the one of `last`."""
    begins = [
        datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1)
    ]
    return tuple(pairwise(begins))


def timeline_of(labels, *, n_sessions=24, every=7, user="u1"):
    """One session each `every` days; facet `spot` has weight `spot + 1` before the middle, mirrored after."""
    days = tuple(START + timedelta(days=every * number) for number in range(n_sessions))
    n = len(labels)
    total = n * (n + 1) / 2
    facets = []
    for spot, label in enumerate(labels):
        early, late = (spot + 1) / total, (n - spot) / total
        shares = tuple(early if 2 * number < n_sessions else late for number in range(n_sessions))
        periods = months(days[0], days[-1]) if days else ()
        inside = [[s for s, day in zip(shares, days, strict=True) if a <= day < b] for a, b in periods]
        facets.append(
            FacetTimeline(
                key=f"f{spot}",
                label=label,
                shares=tuple(sum(part) / len(part) if part else 0.0 for part in inside),
                active=tuple(map(len, inside)),
                session_shares=shares,
                intervals=((days[0], days[-1]),) if days else (),
            )
        )
    periods = months(days[0], days[-1]) if days else ()
    counts = tuple(sum(a <= day < b for day in days) for a, b in periods)
    return Timeline(user, "month", periods, counts, days, tuple(facets) if days else ())


def migration_of(timeline, *, kinds=TURNS, story="", note="", abstained=False, n_dislikes=0, crowd=()):
    """Between the halves of the timeline's sessions; a facet's kind is taken by turns from `kinds`."""
    days = timeline.days
    if len(days) < 6:
        return Migration(timeline.user_id, None, None, 0, 0, 0.0, 1.0, True, (), note=note)
    split, end = days[len(days) // 2], days[-1] + timedelta(days=1)
    changes = []
    for spot, facet in enumerate(timeline.facets):
        kind = kinds[spot % len(kinds)]
        changes.append(
            FacetChange(
                key=facet.key,
                label=facet.label,
                kind=kind,
                share_before=facet.session_shares[0],
                share_after=facet.session_shares[-1],
                effect=-1.5,
                p_value=0.0123,
                q_value=0.045,
                crowd=facet.key in crowd,
                evidence_before=(Evidence("2024-01-01", (1, 2), (facet.label,)),),
                evidence_after=(Evidence("2024-05-01", (3,), ("A title",)),),
            )
        )
    dislikes = tuple(
        DislikeChange(f"i{n}", f"Bad <b>thing</b> {n}", "new", days[-3], True, (n,))
        for n in range(n_dislikes)
    )
    return Migration(
        user_id=timeline.user_id,
        before=(days[0], split),
        after=(split, end),
        n_sessions_before=len(days) // 2,
        n_sessions_after=len(days) - len(days) // 2,
        drift_score=4.2,
        p_value=0.6 if abstained else 0.001,
        abstained=abstained,
        changes=tuple(changes),
        story=story,
        note=note,
        change_points=() if abstained else (ChangePoint(split, len(days) // 2, 7.2),),
        dislikes=dislikes,
    )


def picture_of(labels, *, language="en", n_sessions=24, every=7, user="u1", **options):
    """The picture of a made-up user with these facets."""
    timeline = timeline_of(labels, n_sessions=n_sessions, every=every, user=user)
    return draw_picture(timeline, migration_of(timeline, **options), language=language)
