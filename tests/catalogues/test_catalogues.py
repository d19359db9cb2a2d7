"""The shipped catalogues are what their scripts write, small, and tell the story they are meant to tell."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

HERE = Path(__file__).parent
# folder → (mover, categories before, categories after)
MOVERS = {"zh": ("u01", {"儿童绘本"}, {"编程入门"}), "en": ("c01", {"Mystery"}, {"Hiking", "Camping"})}


def load(name: str) -> pl.DataFrame:
    events = pl.read_csv(HERE / name / "interactions.csv", infer_schema=False)
    items = pl.read_csv(HERE / name / "items.csv", infer_schema=False).select(
        "item_id", "title", "categories"
    )
    moments = [datetime.fromisoformat(text) for text in events["timestamp"]]
    return events.join(items, on="item_id", how="left", maintain_order="left").with_columns(
        pl.Series("month", [moment.month for moment in moments]),
        pl.Series("day", [moment.date() for moment in moments]),
    )


@pytest.mark.parametrize("name", sorted(MOVERS))
def test_the_script_writes_the_files_that_are_there(name: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", str(HERE / f"make_{name}.py"), str(tmp_path)], check=True)
    for path in (HERE / name).iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert path.stat().st_size < 200_000


@pytest.mark.parametrize("name", sorted(MOVERS))
def test_every_event_has_a_known_item_or_a_query(name: str) -> None:
    events = load(name)
    searches = events["event"] == "search"
    assert events.filter(searches)["query"].null_count() == 0
    assert events.filter(~searches)["title"].null_count() == 0
    assert {"view", "search", "purchase", "like", "rate"} == set(events["event"])


@pytest.mark.parametrize("name", sorted(MOVERS))
def test_the_mover_moves_and_has_sessions_enough(name: str) -> None:
    user, before, after = MOVERS[name]
    events = load(name).filter(pl.col("user_id") == user)
    assert events["day"].n_unique() >= 30

    def share(months: range, wanted: set[str]) -> float:
        names = events.filter(pl.col("month").is_in(list(months)))["categories"].drop_nulls().to_list()
        return sum(1 for text in names if wanted & set(text.split("|"))) / len(names)

    early, late = range(1, 5), range(9, 13)
    assert share(early, before) > 0.4 and share(early, after) == 0.0
    assert share(late, after) > 0.5 and share(late, before) == 0.0


@pytest.mark.parametrize("name", sorted(MOVERS))
def test_there_are_users_with_many_few_and_one_session(name: str) -> None:
    days = load(name).group_by("user_id").agg(pl.col("day").n_unique())["day"].sort().to_list()
    assert days[0] == 1 and days[1] <= 12 and days[-3] >= 40
