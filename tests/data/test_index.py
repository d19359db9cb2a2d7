"""The contract of an item index, run against every implementation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.data.chroma_index import ChromaIndex
from agent.data.exact_index import ExactIndex
from agent.data.index import ItemIndex, compute_entries
from agent.data.log import Catalogue
from agent.errors import IndexMismatchError, NotFittedError
from tests.columns import columns_of_catalogue

DIM = 16


def unit(n: int, *, seed: int = 0, dim: int = DIM) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(n, dim))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def catalogue(
    vectors: np.ndarray, rows: Sequence[int], *, ids: Sequence[str] = (), embedder: str = "toy@1"
) -> Catalogue:
    """A catalogue whose item i has the vector of row `rows[i]`."""
    n = len(rows)
    ids = ids or [f"item{number}" for number in range(n)]
    return columns_of_catalogue(("",) * n, rows, item_ids=tuple(ids), vectors=vectors, embedder=embedder)


@pytest.fixture(params=["chroma", "exact"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ItemIndex]:
    opened: ItemIndex = ChromaIndex(tmp_path / "index") if request.param == "chroma" else ExactIndex()
    yield opened
    opened.close()


def test_an_empty_index_answers_with_nothing(index: ItemIndex) -> None:
    assert (index.count(), index.item_count, index.embedder) == (0, 0, "")
    item_ids, similarities = index.query(unit(1)[0], 5)
    assert item_ids == ()
    assert similarities.shape == (0,)
    assert index.query_groups(unit(3), 5) == [[], [], []]


def test_added_items_are_found_by_their_own_vectors(index: ItemIndex) -> None:
    vectors = unit(30)
    index.add([f"i{n}" for n in range(30)], vectors, embedder="toy@1")
    assert (index.count(), index.item_count, index.embedder) == (30, 30, "toy@1")
    for n in (0, 7, 29):
        item_ids, similarities = index.query(vectors[n], 1)
        assert item_ids == (f"i{n}",)
        assert similarities[0] == pytest.approx(1.0, abs=1e-5)


def test_similarities_are_cosines_best_first(index: ItemIndex) -> None:
    vectors = unit(40)
    index.add([f"i{n}" for n in range(40)], vectors, embedder="toy@1")
    query = unit(1, seed=9)[0]
    item_ids, similarities = index.query(3.0 * query, 40)  # the length of a query does not matter
    assert sorted(item_ids) == sorted(f"i{n}" for n in range(40))
    assert (np.diff(similarities) <= 0).all()
    assert similarities.dtype == np.float32
    expected = [float(query @ vectors[int(item_id[1:])]) for item_id in item_ids]
    np.testing.assert_allclose(similarities, expected, atol=1e-5)


def test_items_of_one_text_are_one_entry_and_stand_in_catalogue_order(index: ItemIndex) -> None:
    vectors = unit(3)
    report = index.build(catalogue(vectors, [2, 0, 2, 1, -1, 2]))
    assert (report.action, report.n_entries, report.n_items, report.n_without_text) == ("built", 3, 5, 1)
    assert (index.count(), index.item_count) == (3, 5)
    item_ids, similarities = index.query(vectors[2], 3)
    assert item_ids == ("item0", "item2", "item5")
    np.testing.assert_allclose(similarities, 1.0, atol=1e-5)
    assert index.query(vectors[2], 2)[0] == ("item0", "item2")
    [hits] = index.query_groups(vectors[2:], 1)
    assert hits[0].item_ids == ("item0", "item2", "item5")


def test_equal_similarities_are_ordered_by_id(index: ItemIndex) -> None:
    up = np.zeros((4, DIM), dtype=np.float32)
    for row, axis in enumerate((3, 1, 2, 0)):
        up[row, axis] = 1.0
    index.add(["d", "b", "c", "a"], up, embedder="toy@1")
    query = np.zeros(DIM, dtype=np.float32)
    query[:3] = 1.0
    for _ in range(3):
        item_ids, similarities = index.query(query, 4)
        assert item_ids == ("a", "b", "c", "d")
        np.testing.assert_allclose(similarities, [3**-0.5] * 3 + [0.0], atol=1e-6)


def test_more_than_there_is_gives_what_there_is(index: ItemIndex) -> None:
    index.add(["a", "b"], unit(2), embedder="toy@1")
    assert len(index.query(unit(1, seed=3)[0], 50)[0]) == 2
    assert index.query(unit(1, seed=3)[0], 0)[0] == ()


def test_batches_agree_with_single_queries(index: ItemIndex) -> None:
    index.add([f"i{n}" for n in range(50)], unit(50), embedder="toy@1")
    queries = unit(6, seed=4)
    batch = index.query_groups(queries, 7)
    for query, hits in zip(queries, batch, strict=True):
        assert tuple(item for hit in hits for item in hit.item_ids) == index.query(query, 7)[0]


def test_another_dimension_is_refused(index: ItemIndex) -> None:
    index.add(["a"], unit(1), embedder="toy@1")
    with pytest.raises(IndexMismatchError, match=r"expected vectors of shape \(n, 16\), got \(1, 4\)"):
        index.query(unit(1, dim=4)[0], 1)
    with pytest.raises(IndexMismatchError, match=r"expected vectors of shape \(n, 16\), got \(2, 4\)"):
        index.add(["b", "c"], unit(2, dim=4), embedder="toy@1")


def test_vectors_of_another_embedder_are_refused(index: ItemIndex) -> None:
    index.add(["a"], unit(1), embedder="toy@1")
    with pytest.raises(IndexMismatchError, match="holds vectors of 'toy@1', got vectors of 'toy@2'"):
        index.add(["b"], unit(1, seed=1), embedder="toy@2")
    assert index.count() == 1


def test_an_item_added_again_moves_to_its_new_vector(index: ItemIndex) -> None:
    vectors = unit(3)
    index.add(["a", "b"], vectors[:2], embedder="toy@1")
    index.add(["a"], vectors[2:], embedder="toy@1")
    assert (index.count(), index.item_count) == (2, 2)
    assert index.query(vectors[2], 1)[0] == ("a",)
    assert index.query(vectors[0], 1)[1][0] < 0.999
    index.add(["b"], vectors[2:], embedder="toy@1")
    assert (index.count(), index.item_count) == (1, 2)
    assert index.query(vectors[2], 5)[0] == ("a", "b")


def test_building_twice_changes_nothing(index: ItemIndex) -> None:
    items = catalogue(unit(20), [n % 20 for n in range(60)])
    assert index.build(items).action == "built"
    again = index.build(items)
    assert (again.action, again.n_added, again.n_removed) == ("unchanged", 0, 0)
    assert (again.n_entries, again.n_items) == (20, 60)


def test_adding_item_by_item_gives_the_index_that_building_gives(index: ItemIndex) -> None:
    vectors = unit(10)
    items = catalogue(vectors, [n % 10 for n in range(20)])
    index.add(items.item_ids, vectors[items.text_row], embedder="toy@1")
    assert index.build(items).action == "unchanged"


def test_only_what_changed_is_written(index: ItemIndex) -> None:
    vectors = unit(21)
    index.build(catalogue(vectors[:20], list(range(20))))
    changed = np.concatenate([vectors[:19], vectors[20:]])
    report = index.build(catalogue(changed, list(range(20))))
    assert (report.action, report.n_added, report.n_removed) == ("updated", 1, 1)
    assert index.query(vectors[20], 1)[0] == ("item19",)
    assert index.query(vectors[19], 1)[1][0] < 0.999
    # An item more with a known text: no vector is written, and it is found.
    report = index.build(catalogue(changed, [*range(20), 3]))
    assert (report.action, report.n_added, report.n_removed) == ("updated", 0, 0)
    assert index.query(vectors[3], 2)[0] == ("item3", "item20")


def test_a_catalogue_of_another_embedder_replaces_everything(index: ItemIndex) -> None:
    index.build(catalogue(unit(5), list(range(5))))
    other = catalogue(unit(4, dim=8), list(range(4)), embedder="toy@2")
    report = index.build(other)
    assert report.action in {"rebuilt", "updated"}
    assert (index.embedder, index.count(), index.item_count) == ("toy@2", 4, 4)
    assert index.query(unit(1, dim=8)[0], 1)[0] == ("item0",)


def test_an_emptied_catalogue_empties_the_index(index: ItemIndex) -> None:
    index.build(catalogue(unit(5), list(range(5))))
    assert index.build(catalogue(unit(0), [])).n_removed == 5
    assert index.query(unit(1)[0], 3)[0] == ()


def test_a_catalogue_without_vectors_is_refused(index: ItemIndex) -> None:
    bare = dataclasses.replace(catalogue(unit(1), [0]), vectors=None)
    with pytest.raises(NotFittedError, match="run: driftrec index"):
        index.build(bare)


def test_progress_ends_at_the_total(index: ItemIndex) -> None:
    seen: list[tuple[int, int | None]] = []
    index.build(
        catalogue(unit(1200), list(range(1200))), progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (1200, 1200)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_ids_in_any_script_come_back_as_they_were(index: ItemIndex) -> None:
    ids = ["商品/一", "a\tb", "🙂", 'quo"te']
    vectors = unit(4)
    index.build(catalogue(vectors, [0, 1, 2, 3], ids=ids))
    for row, item_id in enumerate(ids):
        assert index.query(vectors[row], 1)[0] == (item_id,)


def test_entries_merge_equal_vectors_of_different_rows() -> None:
    vectors = unit(2)
    doubled = np.concatenate([vectors, vectors[:1]])
    entries = compute_entries(catalogue(doubled, [0, 1, 2]))
    assert list(entries.members.values()) == [("item0", "item2"), ("item1",)]
    np.testing.assert_array_equal(entries.vectors, vectors)
