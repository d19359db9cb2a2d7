"""The source for people: contacts of contacts, and nobody to themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ranking_logs import make_catalogue, make_log

from agent.errors import NotFittedError
from agent.ranking.choices import Choices, default_sources
from agent.ranking.history import Context
from agent.ranking.network import FriendsOfFriendsSource
from agent.ranking.source import Source
from agent.settings import RankingSettings

DAY_MS = 86_400_000
NOW_MS = 400 * DAY_MS


def people(n_users, *, extra=0):
    """A catalogue whose first `n_users` items are the users of `make_log`, and `extra` things."""
    plain = make_catalogue(n_users + extra)
    ids = (*(f"u{code}" for code in range(n_users)), *(f"thing {code}" for code in range(extra)))
    domains = ("people",) * n_users + ("books",) * extra
    return dataclasses.replace(plain, item_ids=ids, domains=domains)


def scores_of(edges, *, n_users=6, extra=0, user=0, source=None, now_ms=NOW_MS):
    log = make_log(edges, n_users=n_users, n_items=n_users + extra)
    source = source or FriendsOfFriendsSource(train_half_life_days=None, user_half_life_days=None)
    fitted = source.fit(log, people(n_users, extra=extra), now_ms=now_ms)
    return fitted.score([Context.of(log, user, now_ms=now_ms)])[0]


def test_contacts_of_contacts_count_by_who_says_so():
    # 0 follows 1 and 2; 1 is in touch with 3; 2 with 3 and 4; nobody leads to 5.
    found = scores_of([(0, 1, 1), (0, 2, 2), (1, 3, 3), (2, 3, 4), (2, 4, 5)])
    of_1, of_2 = 1 / np.log(2 + 2), 1 / np.log(2 + 3)  # 1 knows 0 and 3; 2 knows 0, 3 and 4
    np.testing.assert_allclose(found, [0, 0, 0, of_1 + of_2, of_2, 0], rtol=1e-6)


def test_who_took_up_a_contact_counts_too():
    assert scores_of([(0, 1, 1), (3, 1, 2)])[3] > 0


def test_nobody_is_their_own_contact_and_things_are_nobodys():
    found = scores_of([(0, 1, 1), (1, 0, 2), (1, 1, 3), (0, 6, 4), (1, 6, 5)], extra=1)
    assert not found.any()


def test_a_contact_who_knows_everybody_says_little():
    busy = [(1, other, 3) for other in range(2, 6)]
    assert scores_of([(0, 1, 1), *busy])[2] < scores_of([(0, 1, 1), (1, 2, 3)])[2]


def test_old_contacts_fade_and_later_ones_are_not_seen():
    source = FriendsOfFriendsSource(train_half_life_days=10, user_half_life_days=None)
    old = scores_of([(0, 1, 1), (1, 2, 2)], source=source)[2]
    new = scores_of([(0, 1, 1), (1, 2, 399)], source=source)[2]
    assert 0 < old < 1e-6 < new
    assert not scores_of([(0, 1, 1), (1, 2, 300)], now_ms=200 * DAY_MS).any()


def test_whoever_only_is_followed_is_a_contact_and_the_future_changes_nothing():
    now = 200 * DAY_MS
    edges = [(0, 1, 1), (1, 2, 2), (1, 3, 3)]
    before = scores_of(edges, now_ms=now)
    assert before[2] == before[3] > 0
    np.testing.assert_array_equal(scores_of([*edges, (3, 4, 300)], now_ms=now), before)


def test_users_and_items_unknown_at_the_fit_are_no_error():
    log = make_log([(0, 1, 1), (1, 2, 2)], n_users=3, n_items=3)
    fitted = FriendsOfFriendsSource().fit(log, people(3), now_ms=NOW_MS)
    later = make_log([(0, 1, 1), (1, 2, 2), (9, 1, 3)], n_users=10, n_items=3)
    stranger = Context.of(later, 9, now_ms=NOW_MS)
    assert fitted.score([stranger, Context.of(log, None, now_ms=NOW_MS)]).shape == (2, 3)
    assert fitted.score([stranger])[0][2] > 0


def test_saved_and_loaded_scores_are_equal(tmp_path):
    log = make_log([(0, 1, 1), (1, 2, 2), (2, 3, 3)], n_users=4, n_items=4)
    catalogue = people(4)
    source = FriendsOfFriendsSource()
    assert isinstance(source, Source)
    with pytest.raises(NotFittedError, match="friends-of-friends"):
        source.score([])
    fitted = source.fit(log, catalogue, now_ms=NOW_MS)
    fitted.save(tmp_path)
    contexts = [Context.of(log, user, now_ms=NOW_MS) for user in range(4)]
    np.testing.assert_array_equal(
        source.load(tmp_path, catalogue=catalogue).score(contexts), fitted.score(contexts)
    )


def test_only_a_catalogue_with_people_gets_the_source():
    names = [[s.name for s in default_sources(RankingSettings(), Choices(), people=p)] for p in (0, 1)]
    assert "friends-of-friends" not in names[0]
    assert names[1] == [*names[0], "friends-of-friends"]
