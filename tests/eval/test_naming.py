"""The naming check: fair groups, templates that see no more than the model, figures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agent.llm.scripted import ScriptedBackend
from eval.audits import naming_groups
from eval.audits.naming import TEMPLATE, WORDS, name_by_model, name_groups, summarise, to_markdown
from eval.audits.naming_groups import (
    Group,
    Item,
    load_items,
    majority_category,
    make_groups,
    overlap,
    title_words,
)

CHEESE = Group(
    "toy",
    "grocery",
    "Cheese",
    (
        Item("Cheddar block", ("Dairy", "Cheese")),
        Item("Sliced cheddar", ("Dairy", "Cheese")),
        Item("Feta", ("Deli", "Cheese")),
        Item("Motor oil", ("Garage",)),
    ),
)


class Letters:
    """Texts as counts of letters, unit length."""

    def encode(self, texts):
        rows = np.array(
            [[text.casefold().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        )
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _items(n=60):
    return [Item(f"thing {i}", ("Even" if i % 2 == 0 else "Odd", f"Third {i % 3}", "All")) for i in range(n)]


def test_groups_are_six_of_the_category_and_two_that_are_not(monkeypatch):
    monkeypatch.setattr(naming_groups, "_LEAST_TITLES", 20)
    monkeypatch.setattr(naming_groups, "_TOO_COMMON", 0.6)
    groups = make_groups("toy", _items(), 9, seed=3)
    assert [group.truth for group in groups] == ["Even", "Odd", "Third 0", "Third 1", "Third 2"]
    for group in groups:
        assert len({item.title for item in group.items}) == 8
        assert sum(group.truth in item.categories for item in group.items) == 6
    assert groups == make_groups("toy", _items(), 9, seed=3)


def test_what_is_hidden_is_hidden_from_template_and_model_alike():
    assert majority_category(CHEESE, hidden=False) == "Cheese"
    assert majority_category(CHEESE, hidden=True) == "Dairy"
    assert dict(CHEESE.examples(hidden=True).categories) == {"Dairy": 2, "Deli": 1, "Garage": 1}
    model = ScriptedBackend(lambda request: {"label": "Cheddar", "description": "Sorts of cheddar"})
    name_by_model(CHEESE, model, hidden=True)
    name_by_model(CHEESE, model, hidden=False)
    hidden, shown = (request.user for request in model.requests)
    assert "Cheese" not in hidden and "Cheese" in shown


def test_without_a_category_in_sight_the_titles_speak():
    bare = Group("toy", "", "X", tuple(Item(title, ()) for title in ("Red wine", "White wine", "A wine red")))
    assert majority_category(bare, hidden=True) == title_words(bare) == "wine red"
    lone = Group("toy", "", "X", (Item("One", ()), Item("Two", ())))
    assert title_words(lone) == "One"


@pytest.mark.parametrize(
    ("label", "raw", "shipped"),
    [("Cheddar", "Cheddar", "Cheddar"), ("Space travel", "Space travel", "Dairy")],
)
def test_shipped_is_the_template_where_the_name_does_not_follow(label, raw, shipped):
    model = ScriptedBackend(lambda request: {"label": label, "description": "Some words"})
    assert name_by_model(CHEESE, model, hidden=True) == (raw, shipped)


def test_overlap_by_hand():
    assert overlap("Frozen pizzas", "Frozen pizza and snacks") == pytest.approx(2 * 2 / (2 + 3))
    assert overlap("Cheese", "Dairy") == 0
    assert overlap("", "Dairy") == 0


def test_the_report_compares_with_the_template_on_the_same_groups():
    model = ScriptedBackend(lambda request: {"label": "Cheese", "description": "Cheese"})
    # Few groups could show nothing after Holm's correction.
    groups = [CHEESE] * 11 + [Group("other", "", "Garage", CHEESE.items)]
    named = name_groups(groups, {"m": model}, Letters(), progress=lambda *arguments: None)
    assert {entry.namer for entry in named} == {TEMPLATE, WORDS, "m, raw", "m, as shipped"}
    assert len(named) == 12 * 2 * 4
    rows = summarise(named)
    raw = next(
        row
        for row in rows
        if (row["condition"], row["data"], row["namer"], row["measure"])
        == ("hidden", "toy", "m, raw", "overlap")
    )
    assert raw["mean"]["mean"] == 1.0 and raw["against_template"]["mean"] == 1.0
    assert raw["verdict"] == "better"
    table = to_markdown(rows, named)
    assert table.startswith("2 groups") and "| hidden | m, raw | 0.92 |" in table
    assert "| other | shown |" in table


def test_the_shared_data_give_groups():
    folder = naming_groups.shared_folder()
    if not folder.is_dir():
        pytest.skip("shared data missing: expected ../shared/data beside the checkout")
    groups = make_groups("stackexchange-small", load_items("stackexchange-small"), 18, seed=0)
    assert len(groups) == 18 == len({group.truth for group in groups})
