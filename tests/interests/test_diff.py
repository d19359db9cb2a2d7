"""The difference of two versions, and the distance of a profile from its stored one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.errors import SettingsError
from agent.interests.diff import diff_profiles, pick_version
from agent.interests.live import same_content
from agent.schema import Evidence, Facet, Profile

WHEN = datetime(2017, 3, 1, tzinfo=UTC)


def facet(key, label, share, n_events):
    evidence = (Evidence("2017-03-01", tuple(range(n_events))),)
    return Facet(key, label, "", share, 3, WHEN, WHEN, evidence, ())


def version(number, *facets, n=10, dislikes=()):
    rest = 1 - sum(entry.share for entry in facets)
    return Profile("ann", number, number - 1 or None, WHEN, (WHEN, WHEN), facets, rest, n, 5, dislikes)


OLD = version(3, facet("f0", "Cheese", 0.5, 4), facet("f1", "Tea", 0.2, 2))
NEW = version(7, facet("f2", "Wine", 0.4, 6), facet("f0", "Alpine cheese", 0.3, 5), n=20, dislikes=("Soap",))


def test_added_removed_renamed_and_shares():
    found = diff_profiles(OLD, NEW)
    assert [(d.key, d.share_before, d.share_after, d.evidence_after) for d in found.added] == [
        ("f2", 0, 0.4, 6)
    ]
    assert [(d.key, d.share_before, d.share_after, d.evidence_before) for d in found.removed] == [
        ("f1", 0.2, 0, 2)
    ]
    assert [(d.key, d.evidence_before, d.evidence_after) for d in found.kept] == [("f0", 4, 5)]
    assert found.renamed == ("f0",) and (found.before, found.after) == (3, 7)
    assert found.n_interactions == (10, 20) and found.dislikes_added == ("Soap",)
    back = diff_profiles(NEW, OLD)
    assert [d.key for d in back.added] == ["f1"] and [d.key for d in back.removed] == ["f2"]


def test_a_version_against_itself_differs_in_nothing():
    found = diff_profiles(OLD, OLD)
    assert not found.added and not found.removed and not found.renamed
    assert all(d.share_before == d.share_after for d in found.kept)


def test_a_version_that_is_not_there_is_named_with_those_that_are():
    assert pick_version([OLD, NEW], 7) is NEW
    with pytest.raises(SettingsError, match=r"got 5; there are: 3, 7"):
        pick_version([OLD, NEW], 5)


@pytest.mark.parametrize(
    "other",
    [
        replace(OLD, n_interactions=11),
        replace(OLD, dislikes=("Soap",)),
        replace(OLD, window=(WHEN, datetime(2017, 3, 2, tzinfo=UTC))),
        replace(OLD, facets=OLD.facets[:1]),
        replace(OLD, facets=(replace(OLD.facets[0], label="Brie"), OLD.facets[1])),
        replace(OLD, facets=(replace(OLD.facets[0], marks=("muted",)), OLD.facets[1])),
        replace(OLD, facets=(replace(OLD.facets[0], share=0.51), OLD.facets[1])),
        replace(OLD, facets=(replace(OLD.facets[0], evidence=()), OLD.facets[1])),
    ],
)
def test_the_same_window_is_not_the_same_content(other):
    assert not same_content(OLD, other)
    assert same_content(OLD, replace(OLD, version=9, summary="other words", model="m", moment=WHEN))
