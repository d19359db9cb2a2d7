"""The demo: who is portrayed, what is taken of them, what is printed; on households that are made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from agent.data.datasets import GroceryFiles
from agent.demo import choose, run_demo, show_demo, then_and_now
from agent.interests.scan import Drift
from agent.schema import Profile, UserId


def test_portraits_are_of_those_who_moved_beyond_chance_and_can_be_told():
    found = [
        Drift("short", 20, 9.0, 0.0005),
        Drift("far", 60, 8.0, 0.0005),
        Drift("chance", 80, 7.0, 0.2),
        Drift("near", 40, 3.0, 0.01),
        Drift("third", 41, 2.0, 0.02),
    ]
    assert [entry.user_id for entry in choose(found, alpha=0.05, most=2)] == ["far", "near"]
    assert [entry.user_id for entry in choose(found, alpha=0.001, most=9)] == ["far"]
    assert choose([], alpha=0.05, most=3) == []


def version(number, month):
    moment = datetime(2017, month, 1, tzinfo=UTC)
    return Profile(UserId("u"), number, None, moment, None, (), 0.0, 0, 0)


def test_then_is_before_the_split_however_many_versions_of_now_there_are():
    then, now, by_another_model = version(1, 6), version(2, 12), version(3, 12)
    split = then.moment
    assert then_and_now([then, now], split) == (then, now)
    assert then_and_now([then, now, by_another_model], split) == (then, by_another_model)
    assert then_and_now([now], split) == (now,)


SHELVES = {
    "Cheese": "Cheddar Gouda Brie Feta",
    "Tea": "Green Black Mint Ginger",
    "Bread": "Rye Wheat Oat Corn",
}


@pytest.fixture
def groceries(tmp_path, monkeypatch):
    """Eight households of ninety days each, in the package's columns; the first goes from cheese to bread."""
    rng = np.random.default_rng(0)
    items = [(name, shelf) for shelf, names in SHELVES.items() for name in names.split()]
    columns = {
        "item_id": [str(number) for number in range(len(items))],
        "title": [f"{shelf}, {name.lower()}" for name, shelf in items],
        "categories": [f"Grocery|{shelf}" for _, shelf in items],
        "text": [f"{name} {shelf}" for name, shelf in items],
        "domain": ["grocery"] * len(items),
    }
    empty = {name: [""] * len(items) for name in ("description", "brand", "size", "manufacturer")}
    rows = []
    for household in range(8):
        for day in range(90):
            weights = [1, 3, 1] if household else ([6, 1, 0] if day < 45 else [0, 1, 6])
            for shelf in rng.choice(3, 3, p=np.array(weights) / sum(weights)):
                bought = datetime(2017, 1, 1, 12, tzinfo=UTC) + timedelta(days=day, minutes=len(rows) % 60)
                rows.append(
                    (household + 1, int(shelf) * 4 + int(rng.integers(4)), bought, 1.0, household * 90 + day)
                )
    names = ("household_id", "product_id", "transaction_timestamp", "sales_value", "basket_id")
    files = GroceryFiles(tmp_path / "interactions.parquet", tmp_path / "items.parquet")
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(files.interactions)
    pl.DataFrame({**columns, **empty}).write_parquet(files.items)
    monkeypatch.setattr("agent.data.datasets.prepare_grocery", lambda folder, *, offline: files)
    monkeypatch.chdir(tmp_path)


def test_the_demo_tells_who_moved_and_what_fits(groceries, capsys):
    demo, refused = run_demo("groceries", model="none", households=2, offline=True, quiet=True)
    assert refused == [] and demo.problem == ""
    assert demo.movers[0].user_id == demo.portraits[0].user_id == "1"
    portrait = demo.portraits[0]
    kinds = {change.label: change.kind for change in portrait.migration.changes}
    assert any("Cheese" in label and kind == "dropped" for label, kind in kinds.items())
    assert any("Bread" in label and kind in ("new", "rising") for label, kind in kinds.items())
    then, now = portrait.profiles
    assert "Cheese" in then.facets[0].label and "Bread" in now.facets[0].label
    assert "Bread" in portrait.recommendations[0].title
    show_demo(demo, offline=True, refused=refused)
    shown = capsys.readouterr().out
    for part in ("1. Data", "2. Whose interests moved", "3. Household 1", "Then, 2017-02", "Now, 2017-03"):
        assert part in shown
    for part in (
        "dropped",
        "The story",
        "Recommendations for 1",
        "recommend 1 -w groceries",
        "none was attempted",
    ):
        assert part in shown
    plain = demo.to_dict()
    assert plain["portraits"][0]["user_id"] == "1" and plain["index"]["items"] == 12
    # Again: nothing is read, indexed or worded anew.
    again, _ = run_demo("groceries", model="none", households=2, offline=True, quiet=True)
    assert again.portraits[0].profiles == portrait.profiles and again.index.action == "unchanged"
