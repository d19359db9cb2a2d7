"""What differs between two stored profile versions of one user."""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import SettingsError
from agent.schema import Facet, FacetDelta, Profile, ProfileDiff


def pick_version(versions: Sequence[Profile], number: int) -> Profile:
    """The version of that number.

    Raises:
        SettingsError: there is none; the message names those there are.
    """
    found = next((entry for entry in versions if entry.version == number), None)
    if found is None:
        there = ", ".join(str(entry.version) for entry in versions) or "none"
        raise SettingsError(
            f"expected a stored version, got {number!r}; there are: {there} "
            "(driftrec history shows them, driftrec refresh stores a new one)"
        )
    return found


def diff_profiles(before: Profile, after: Profile) -> ProfileDiff:
    """What `after` shows that `before` does not, the other way round, and what changed in between.

    A facet that is not shown may still be there, too small to be among the shown ones.
    """
    old = {facet.key: facet for facet in before.facets}
    new = {facet.key: facet for facet in after.facets}
    added = [_delta(None, facet) for key, facet in new.items() if key not in old]
    removed = [_delta(facet, None) for key, facet in old.items() if key not in new]
    kept = [_delta(old[key], facet) for key, facet in new.items() if key in old]
    return ProfileDiff(
        user_id=after.user_id,
        before=before.version,
        after=after.version,
        moments=(before.moment, after.moment),
        added=tuple(sorted(added, key=lambda delta: (-delta.share_after, delta.key))),
        removed=tuple(sorted(removed, key=lambda delta: (-delta.share_before, delta.key))),
        kept=tuple(sorted(kept, key=lambda delta: (-abs(delta.share_after - delta.share_before), delta.key))),
        renamed=tuple(delta.key for delta in kept if delta.label_before != delta.label_after),
        n_interactions=(before.n_interactions, after.n_interactions),
        dislikes_added=tuple(title for title in after.dislikes if title not in before.dislikes),
    )


def _delta(old: Facet | None, new: Facet | None) -> FacetDelta:
    either = new or old
    assert either is not None, "a facet comes from one side at least"
    return FacetDelta(
        key=either.key,
        label_before=old.label if old else "",
        label_after=new.label if new else "",
        share_before=old.share if old else 0.0,
        share_after=new.share if new else 0.0,
        evidence_before=_count(old),
        evidence_after=_count(new),
    )


def _count(facet: Facet | None) -> int:
    return sum(len(entry.interaction_ids) for entry in facet.evidence) if facet else 0
