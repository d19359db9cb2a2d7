"""The migration protocol on a made-up world whose tastes are known, and end to end on the small catalogue."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from agent.agent import Agent
from agent.data.log import DAY_MS
from agent.interests.population import item_category_matrix
from agent.settings import InterestSettings
from agent.workspace import Workspace
from eval.migration import adaptation, ahead
from eval.migration.alarms import alarm_rows
from eval.migration.crowds import crowd_rows
from eval.migration.histories import analyse, collect_histories, compose
from eval.migration.measures import area, auc_of, plain_divergence, wins
from eval.migration.planted import _nearest_reported, plant, planted_rows, return_rows, swap_genres
from eval.migration.run import Plan, run_migration
from eval.migration.seasons import plant_season, rows_of_categories, season_rows
from eval.migration.telling import telling_rows
from tests.columns import columns_of_catalogue, columns_of_log
from tests.shops import new_shop

GROUPS, PER_GROUP, N_USERS, N_DAYS = 8, 6, 26, 40
SETTINGS = InterestSettings(permutations=399)


def quiet(what, done, total):
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def catalogue():
    """Six items in each of eight groups, close together in meaning and of one category."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(GROUPS), PER_GROUP)
    vectors = np.eye(GROUPS, 24, dtype=np.float32)[group] + rng.normal(0, 0.07, (len(group), 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    titles = tuple(f"thing {code} of group {number}" for code, number in enumerate(group))
    categories = tuple((f"group {number}",) for number in group)
    return columns_of_catalogue(titles, categories=categories, vectors=vectors, embedder="made-up")


def world(taste_of):
    """A log with one session a day for everybody; `taste_of(user, day)` gives the groups they choose from."""
    rng = np.random.default_rng(2)
    rows = [
        (user, int(rng.choice(taste_of(user, day))) * PER_GROUP + int(rng.integers(PER_GROUP)), day)
        for day in range(N_DAYS)
        for user in range(N_USERS)
        for _ in range(3)
    ]
    user, item, day = (np.array(column) for column in zip(*rows, strict=True))
    return columns_of_log(
        user,
        item,
        (17_000 + day) * DAY_MS + np.arange(len(rows)),
        user_ids=tuple(f"u{number}" for number in range(N_USERS)),
        n_items=GROUPS * PER_GROUP,
    )


def steady(user, day):
    """Even users choose from the first four groups, odd ones from the others; each has a favourite."""
    own = [number for number in range(GROUPS) if number // 4 == user % 2]
    return [*own, own[user // 2 % 4]]


def turning(user, day):
    """From the middle on everybody has one group that was not there before, and one less."""
    base = 4 * (user % 2)
    return [base, base + 1, base + (2 if day < N_DAYS // 2 else 3)]


@pytest.fixture(scope="module")
def histories(catalogue):
    return collect_histories("made up", world(steady), catalogue, SETTINGS)


def test_only_what_counts_is_a_session(catalogue):
    log = world(steady)
    log.weight[log.day == 17_003] = -1.0
    odd = collect_histories("made up", log, catalogue, SETTINGS, parity=1)
    assert odd.users == tuple(range(1, N_USERS, 2))
    assert set(odd.lengths()) == {N_DAYS - 1}
    assert not collect_histories("made up", log, catalogue, SETTINGS, min_sessions=N_DAYS).users


def test_a_composed_history_holds_what_was_put_in_it(histories):
    contents = [histories.sessions[3][spot] for spot in (5, 2, 9)]
    log = compose(histories.log, contents)
    assert log.item.tolist() == histories.log.item[np.concatenate(contents)].tolist()
    assert np.diff(np.unique(log.day)).tolist() == [3, 3]
    assert analyse(histories, contents).migration.abstained


def test_what_is_planted_is_the_others(histories):
    pairs = list(plant(histories, 20, 10, seed=3))
    assert len({pair.user for pair in pairs}) == 10
    for pair in pairs:
        own = {id(one) for one in pair.unchanged}
        for part, contents in pair.planted.items():
            assert all(a is b for a, b in zip(contents[:10], pair.unchanged[:10], strict=True))
            foreign = [one for one in contents[10:] if id(one) not in own]
            # The partner is of the other taste: no group in common.
            groups = {int(code) // PER_GROUP // 4 for one in foreign for code in histories.log.item[one]}
            assert groups <= {1 - histories.users[pair.user] % 2}
            assert len(foreign) == 10 if part == 1.0 else len(foreign) < 10
    again = list(plant(histories, 20, 10, seed=3))
    assert all(
        np.array_equal(np.concatenate(a.planted[0.4]), np.concatenate(b.planted[0.4]))
        for a, b in zip(pairs, again, strict=True)
    )


def test_swapped_genres_are_on_one_side_each(histories):
    for pair in swap_genres(histories, 20, 4, seed=1):
        halves = [
            {int(code) // PER_GROUP for code in histories.log.item[np.concatenate(side)]}
            for side in (pair.planted[1.0][:10], pair.planted[1.0][10:])
        ]
        assert len(halves[0] - halves[1]) >= 1 <= len(halves[1] - halves[0])
        assert len(np.concatenate(pair.planted[1.0])) == len(np.concatenate(pair.unchanged))


def test_areas_agree_with_sklearn_and_draw_pairs_of_a_user_together():
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(0.7, 1, 60), rng.normal(0, 1, 60)
    truth = np.repeat([1, 0], 60)
    found = area(wins(positive, negative))
    assert found.mean == pytest.approx(roc_auc_score(truth, np.concatenate([positive, negative])))
    assert found.low < found.mean < found.high and found.n == 60
    # Twelve users of five equal pairs each know no more than twelve pairs.
    table = wins(np.repeat(positive[:12], 5), np.repeat(negative[:12], 5))
    grouped = area(table, np.repeat(np.arange(12), 5).tolist())
    alone = area(wins(positive[:12], negative[:12]))
    assert grouped.n == 12
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert np.isnan(auc_of(np.ones(3), np.ones(3, bool)))


def test_the_plain_line_sees_a_whole_change(histories):
    membership, _ = item_category_matrix(histories.catalogue)
    pair = next(plant(histories, 20, 1, seed=0))
    assert plain_divergence(histories.log, pair.planted[1.0], membership) > 5
    assert plain_divergence(histories.log, [histories.sessions[0][0]] * 8, membership) == 0.0


def test_rows_on_a_steady_world(histories):
    alarms = list(alarm_rows(histories, n_histories=200, min_sessions=10, seed=0, tick=quiet))
    rates = [float(row.figure.split("%")[0]) for row in alarms]
    assert len(rates) == 2 and all(rate <= 9 for rate in rates)
    planted = {row.what: row.figure for row in planted_rows(histories, n_users=12, seed=0, tick=quiet)}
    whole = next(figure for what, figure in planted.items() if "20 sessions: whole change, " in what)
    assert float(whole.split()[0]) > 0.99
    assert any("not measured" in figure for what, figure in planted.items() if "80 sessions" in what)
    located = next(figure for what, figure in planted.items() if "40 sessions: whole change, located" in what)
    assert located.startswith("median 0 ") and "the product itself reports a change point for" in located
    pairs = list(plant(histories, 40, 12, seed=0))
    missed = [_nearest_reported(analyse(histories, pair.unchanged), 20) for pair in pairs]
    found = [_nearest_reported(analyse(histories, pair.planted[1.0]), 20) for pair in pairs]
    assert sum(error is None for error in missed) >= 10 and found.count(0) >= 10
    returned = {row.what: row for row in return_rows(histories, n_users=12, seed=0, tick=quiet)}
    whole = next(row for what, row in returned.items() if "40 sessions" in what and "a return" in what)
    assert whole.met
    known = next(row for what, row in returned.items() if "40 sessions" in what and "known" in what)
    assert known.figure.startswith("1.00") and known.target == ""


def test_a_description_tells_held_out_items_where_people_turned(catalogue, monkeypatch):
    turned = collect_histories("turning", world(turning), catalogue, SETTINGS)
    rows = {row.what: row for row in telling_rows(turned, n_users=26, min_sessions=20, seed=0, tick=quiet)}
    against = [row for what, row in rows.items() if "against swapped" in what or "another user's" in what]
    assert len(against) == 2 and all(row.met is None and "from 30 users" in row.target for row in against)
    monkeypatch.setattr("eval.migration.telling._JUDGED", 20)
    judged = telling_rows(turned, n_users=26, min_sessions=20, seed=0, tick=quiet)
    assert [row.met for row in judged if "against swapped" in row.what or "another user's" in row.what] == [
        True,
        True,
    ]
    assert any("abstained" in what and "not measured" in row.figure for what, row in rows.items())


def test_a_planted_season_is_found_and_moves_nobody(catalogue):
    own = collect_histories("made up", world(steady), catalogue, SETTINGS)
    plan = plant_season(own, 3, rows_of_categories(own), np.random.default_rng(0))
    taken = {int(code) for one in plan.even for code in own.log.item[one]}
    assert len(plan.even) == len(plan.planted) == len(plan.days) and not taken & set(plan.items.tolist())
    assert 3 * 365 - 60 < plan.days[-1] - plan.days[0] < 4 * 365
    rows = {row.what: row for row in season_rows(own, n_users=26, seed=0, tick=quiet)}
    assert len(rows) == 4
    rates = [float(row.figure.split("%")[0]) for row in rows.values()]
    assert rates[0] >= 80 and rates[1] <= 8 and rates[2] <= 8 and rates[3] <= 20
    bare = collect_histories("made up", world(lambda user, day: range(GROUPS)), catalogue, SETTINGS)
    (row,) = season_rows(bare, n_users=5, seed=0, tick=quiet)
    assert "not measured" in row.figure


def test_a_planted_fashion_is_everyones_and_the_same_by_one_is_not(catalogue):
    own = collect_histories("made up", world(steady), catalogue, SETTINGS)
    together, alone = (float(row.figure.split("%")[0]) for row in crowd_rows(own, seed=0, tick=quiet))
    assert together > 60 and alone < 10


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, en_files):
    place = Workspace(tmp_path_factory.mktemp("migration") / "shop")
    with new_shop(place.root, en_files):
        return place


def test_the_whole_protocol_on_a_small_workspace_twice_the_same(workspace, capsys, monkeypatch):
    monkeypatch.setattr("eval.migration.run.open_ingested", lambda name, **_: Agent.open(name, model="none"))
    plan = Plan(
        (str(workspace.root),),
        users=5,
        only=("alarms", "planted", "returns", "telling", "seasons", "crowd", "adaptation", "ahead"),
    )
    printed = []
    for _ in range(2):
        assert run_migration(plan, as_json=True) in (0, 1)
        printed.append(json.loads(capsys.readouterr().out)["rows"][:-1])
    assert printed[0] == printed[1]
    assert len(printed[0]) >= 10
    assert run_migration(Plan(only=("nonsense",))) == 2


def test_lists_are_watched_through_a_change(workspace, monkeypatch):
    monkeypatch.setattr(adaptation, "_BEFORE", 12)
    monkeypatch.setattr(adaptation, "_STEPS", (4, 8, 16))
    with Agent.open(workspace.root, model="none") as agent:
        session = agent.session
        histories = collect_histories("shop", session.log, session.catalogue, session.settings.interests)
        pairs = adaptation.draw_pairs(histories, 1, np.random.default_rng(0))
        ((user, partner),) = pairs
        codes = {histories.users[one] for one in (user, partner)}
        fitted_on = []
        fit = adaptation.Ranker.fit

        def spy(log, *args, **options):
            fitted_on.append(log)
            return fit(log, *args, **options)

        monkeypatch.setattr(adaptation.Ranker, "fit", spy)
        lists = adaptation.Lists.open(session, left_out=codes)
        found = adaptation.follow(histories, lists, user, partner)
    # What is asked for, the next sessions of the watched, is not among what was learned from.
    (others,) = fitted_on
    assert user != partner and not codes & set(others.user.tolist())
    assert len(np.unique(others.user)) == len(np.unique(session.log.user)) - 2
    keys = {(which, way) for which in ("fused list", "retrieval by facets") for way in adaptation.WAYS}
    assert found is not None
    assert set(found.sessions) == set(found.old) == set(found.hits) == keys
    assert all(0 <= share <= 1 for share in [*found.old.values(), *found.hits.values()])
    assert set(found.sessions.values()) <= {4.0, 8.0, 16.0, float(adaptation._NEVER)}


def test_lists_ahead_are_scored_with_and_without(workspace, monkeypatch):
    with Agent.open(workspace.root, model="none") as agent:
        session = agent.session
        histories = collect_histories("shop", session.log, session.catalogue, session.settings.interests)
        moments = []
        ranker = type(session).ranker

        def asked_ranker(self, moment_ms):
            moments.append(moment_ms)
            return ranker(self, moment_ms)

        monkeypatch.setattr(type(session), "ranker", asked_ranker)
        rows = list(ahead.ahead_rows(histories, session, quantile=0.8, tick=quiet))
        end_ms = int(np.quantile(session.log.timestamp_ms, 0.8))
        windows = ahead.rolling_windows(
            session.log.before(end_ms), now_ms=end_ms, length_days=session.settings.ranking.horizon_days
        )
        cut_ms = int(np.quantile(session.log.timestamp_ms, 0.8))
        asked = ahead.ask(
            session.log, session.catalogue, session.settings.interests, users=histories.users, cut_ms=cut_ms
        )
    assert rows and all("windows before the test period" in row.what for row in rows)
    # Weights and choices are learned before the first window begins.
    assert moments == [min(window.cut_ms for window in windows)]
    assert all((one.plain.timestamp_ms < cut_ms).all() for one in asked)
    moved = [one for one in asked if one.ours is not None]
    assert all(len(one.ours.emphasis) == len(one.plain.item) == len(one.anyway.emphasis) for one in moved)


def test_a_gain_is_counted_once_a_user():
    found = np.array([[1, 1, 0.2, 0.4, 0], [1, 1, 0.2, 0.2, 0], [2, 1, 0.1, 0.4, 0]], float)
    assert ahead._by_user(found, 3).tolist() == pytest.approx([0.1, 0.3])
    assert "not measured" in next(ahead._rows(found, "here")).figure
