"""What only the persistent index has to stand: reopening, damage, kills, a second process, recall."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from test_index import catalogue, unit

from agent.data.chroma_index import ChromaIndex
from agent.data.exact_index import ExactIndex
from agent.errors import NotFittedError, WorkspaceBusyError

BUILD = """
import sys
from pathlib import Path
import numpy as np
from agent.data.chroma_index import ChromaIndex
from agent.data.log import Catalogue
vectors = np.load(sys.argv[2])
n = len(vectors)
items = Catalogue(tuple(f"item{i}" for i in range(n)), ("",) * n, ("",) * n, ((),) * n, ("",) * n, ("",) * n,
                  np.arange(n, dtype=np.int32), vectors, "toy@1")
index = ChromaIndex(Path(sys.argv[1]))
print("open", flush=True)
index.build(items, progress=lambda done, total: print(done, flush=True))
print("built", flush=True)
sys.stdin.read()
"""


def start_builder(folder: Path, vectors: np.ndarray) -> subprocess.Popen[str]:
    np.save(folder.parent / "vectors.npy", vectors)
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder), str(folder.parent / "vectors.npy")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], wanted: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == wanted:
            return
    raise AssertionError(f"the builder ended before {wanted!r}")


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def built(folder: Path, n: int = 40) -> np.ndarray:
    vectors = unit(n)
    index = ChromaIndex(folder)
    index.build(catalogue(vectors, list(range(n))))
    index.close()
    return vectors


def test_a_reopened_index_answers_without_its_catalogue(tmp_path: Path) -> None:
    vectors = built(tmp_path / "index")
    index = ChromaIndex(tmp_path / "index")
    assert (index.problem, index.count(), index.item_count, index.dim) == ("", 40, 40, 16)
    assert index.query(vectors[7], 1)[0] == ("item7",)
    report = index.build(catalogue(vectors, list(range(40))))
    assert report.action == "unchanged"
    index.close()
    index.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    process = start_builder(tmp_path / "index", unit(5))
    try:
        read_until(process, "built")
        with pytest.raises(WorkspaceBusyError, match=f"in use by process {process.pid} .*wait until"):
            ChromaIndex(tmp_path / "index")
    finally:
        end(process)
    ChromaIndex(tmp_path / "index").close()


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["open", "500", "1500", "2500", "built"])
def test_a_build_killed_at_any_moment_is_completed_by_the_next(tmp_path: Path, moment: str) -> None:
    vectors = unit(3000)
    process = start_builder(tmp_path / "index", vectors)
    read_until(process, moment)
    process.send_signal(signal.SIGKILL)
    end(process)
    index = ChromaIndex(tmp_path / "index")
    if moment in {"500", "1500", "2500"}:
        assert index.problem == "the last write was interrupted"
        with pytest.raises(NotFittedError, match="last write was interrupted; run: driftrec index"):
            index.query(vectors[0], 1)
    report = index.build(catalogue(vectors, list(range(3000))))
    if moment in {"500", "1500", "2500"}:
        assert report.action == "updated"
        assert "resumed" in report.reason
        assert 0 < report.n_added <= 3000 - int(moment)
    assert (index.problem, index.count(), index.item_count) == ("", 3000, 3000)
    found = index.query_groups(vectors[::50], 1)
    assert [hits[0].item_ids[0] for hits in found] == [f"item{n}" for n in range(0, 3000, 50)]
    index.close()
    assert ChromaIndex(tmp_path / "index").problem == ""


def _truncate(path: Path) -> None:
    path.write_bytes(b"xx")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda folder: _truncate(next(folder.rglob("chroma.sqlite3"))), "Chroma cannot use"),
        (lambda folder: [_truncate(path) for path in folder.rglob("*.bin")], "Chroma cannot use"),
        (lambda folder: shutil.rmtree(folder / "v1" / "chroma"), "Chroma cannot use"),
        (lambda folder: (folder / "v1" / "members.json").unlink(), "unreadable list of items"),
        (lambda folder: (folder / "v1" / "members.json").write_text("{}"), "and 0 of items"),
    ],
    ids=["database", "graph", "folder", "no members", "empty members"],
)
def test_a_damaged_index_is_rebuilt_and_says_so(tmp_path: Path, damage, problem: str) -> None:
    folder = tmp_path / "index"
    vectors = built(folder, 1500)  # beyond Chroma's sync threshold, so that graph files exist
    damage(folder)
    index = ChromaIndex(folder)
    assert problem in index.problem
    with pytest.raises(NotFittedError, match="run: driftrec index"):
        index.query(vectors[0], 1)
    with pytest.raises(NotFittedError, match="run: driftrec index"):
        index.add(["new"], unit(1, seed=5), embedder="toy@1")
    report = index.build(catalogue(vectors, list(range(1500))))
    assert report.action == "rebuilt"
    assert problem in report.reason
    assert index.query(vectors[3], 1)[0] == ("item3",)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["v2"]
    index.close()


def test_entries_lost_behind_our_back_are_noticed(tmp_path: Path) -> None:
    vectors = built(tmp_path / "index")
    state = json.loads((tmp_path / "index" / "index.json").read_text())
    state["n_entries"] = 41
    (tmp_path / "index" / "index.json").write_text(json.dumps(state))
    index = ChromaIndex(tmp_path / "index")
    assert index.problem == "expected 41 entries, got 40 in Chroma and 40 of items"
    assert index.build(catalogue(vectors, list(range(40)))).action == "rebuilt"
    index.close()


def test_an_unreadable_state_file_means_building_anew(tmp_path: Path) -> None:
    vectors = built(tmp_path / "index")
    (tmp_path / "index" / "index.json").write_text("{")
    index = ChromaIndex(tmp_path / "index")
    assert index.count() == 0
    assert index.build(catalogue(vectors, list(range(40)))).action == "built"
    assert index.query(vectors[1], 1)[0] == ("item1",)
    index.close()


def test_threads_of_one_process_may_query_together(tmp_path: Path) -> None:
    vectors = built(tmp_path / "index", 300)
    index = ChromaIndex(tmp_path / "index")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: index.query(vectors[row], 1)[0][0], range(300)))
    assert found == [f"item{row}" for row in range(300)]
    index.close()


def test_recall_against_exact_search_on_diffuse_vectors(tmp_path: Path) -> None:
    vectors = unit(4000, dim=64)  # no clusters: the hard case for a graph
    items = catalogue(vectors, list(range(4000)))
    approximate, exact = ChromaIndex(tmp_path / "index"), ExactIndex()
    approximate.build(items)
    exact.build(items)
    queries = unit(100, seed=7, dim=64)
    pairs = zip(approximate.query_groups(queries, 10), exact.query_groups(queries, 10), strict=True)
    recalls = [len({hit.item_ids for hit in a} & {hit.item_ids for hit in b}) / 10 for a, b in pairs]
    assert np.mean(recalls) >= 0.95
    approximate.close()


def test_nothing_is_written_beside_the_folder(tmp_path: Path) -> None:
    built(tmp_path / "index")
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == ["index.json", "lock", "v1"]
    assert sorted(os.listdir(tmp_path)) == ["index"]
