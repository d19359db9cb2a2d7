"""What every store must do, whatever stands behind it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from agent.data import dialect
from agent.data.store import Store, StoreCounts
from agent.data.tables import SCHEMA_REVISION, metadata
from agent.errors import StoreError, VersionConflictError, WorkspaceBusyError, WorkspaceNotFoundError

EVENTS = "user_id,item_id,timestamp,event\nu1,i1,1700000000,view\nu2,i2,1700000001,view\n"


def add_version(store: Store, kind: str = "profile", user_id: str = "u1", payload: str = "{}") -> int:
    return store.append_version(
        kind,
        user_id,
        moment_ms=5,
        payload=payload,
        model="none",
        prompt_hash="h",  # type: ignore[arg-type]
    )


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.counts() == StoreCounts(0, 0, 0, 0, 0)
    assert len(store.load_log()) == 0
    assert len(store.load_catalogue()) == 0


def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store.open(path) as store:
        store.set_meta("a", "1")
    with Store.open(f"sqlite:///{path}") as store:
        assert store.get_meta("a") == "1"


def test_migrations_and_tables_agree(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == SCHEMA_REVISION
        assert compare_metadata(context, metadata) == []


def test_an_up_to_date_store_opens_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Store.open(path).close()
    code = (
        "import sys, time; from agent.data.store import Store\n"
        f"start = time.process_time(); Store.open({str(path)!r}).close()\n"
        "assert 'alembic' not in sys.modules; print(time.process_time() - start)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, timeout=60
    )
    assert float(done.stdout) < 0.5  # 2 ms on an idle machine


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceNotFoundError, match="nowhere"):
        Store.open(tmp_path / "nowhere" / "s.sqlite")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_text("this is a letter to my aunt, and rather a long one\n" * 100)
    with pytest.raises(StoreError, match="damaged or foreign"):
        Store.open(path)


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE letters (body TEXT)")
    other.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(path)


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store.open(path) as store, store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="upgrade driftrec"):
        Store.open(path)


def test_an_url_of_an_unknown_database_is_refused() -> None:
    with pytest.raises(StoreError, match="SQLAlchemy URL"):
        Store.open("nosuchdatabase://here")


def test_write_ahead_logging_is_on(store: Store) -> None:
    with store.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


@pytest.mark.parametrize("table", ["interactions", "versions"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "UPDATE {} SET {}", "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"]
)
def test_append_only_tables_refuse_changes(store: Store, ingest, dump, table: str, statement: str) -> None:
    ingest(EVENTS)
    add_version(store)
    before = dump(store), store.load_versions("profile", "u1")
    change = {"interactions": "value = 1", "versions": "payload = 'x'"}[table]
    with pytest.raises(StoreError, match="append-only"), store.write() as connection:
        connection.execute(text(statement.format(table, change)))
    assert (dump(store), store.load_versions("profile", "u1")) == before


def test_versions_count_per_user_and_kind(store: Store) -> None:
    assert [add_version(store), add_version(store, payload="第二")] == [1, 2]
    assert add_version(store, kind="migration") == 1
    assert add_version(store, user_id="u2") == 1
    first, second = store.load_versions("profile", "u1")
    assert (first.version, first.parent, first.payload) == (1, None, "{}")
    assert (second.version, second.parent, second.payload) == (2, 1, "第二")
    assert second.moment_ms == 5
    assert second.created_ms >= first.created_ms > 1_600_000_000_000
    assert store.load_versions("facets", "u1") == []


def test_versions_from_many_threads_have_no_gap(store: Store) -> None:
    threads = [threading.Thread(target=lambda: [add_version(store) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.version for row in store.load_versions("profile", "u1")] == list(range(1, 41))


def test_vectors_come_back_as_they_were(store: Store) -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    store.save_vectors("minilm", ["milk", "牛奶"], vectors)
    found = store.load_vectors("minilm", ["牛奶", "bread", "milk"])
    assert set(found) == {"milk", "牛奶"}
    assert np.array_equal(found["牛奶"], vectors[1])
    assert found["milk"].dtype == np.float32
    assert store.load_vectors("use", ["milk"]) == {}
    assert store.counts().vectors == 2


def test_a_vector_that_is_kept_stays(store: Store) -> None:
    store.save_vectors("m", ["a"], np.ones((1, 2), np.float32))
    store.save_vectors("m", ["a", "b"], np.zeros((2, 2), np.float32))
    assert store.load_vectors("m", ["a"])["a"].tolist() == [1, 1]
    assert store.counts().vectors == 2


def test_many_vectors_are_found_over_batches(store: Store) -> None:
    texts = [f"text {number}" for number in range(25_000)]
    vectors = np.arange(50_000, dtype=np.float32).reshape(-1, 2)
    store.save_vectors("m", texts, vectors)
    found = store.load_vectors("m", texts)
    assert len(found) == 25_000
    assert found["text 24999"].tolist() == [49_998, 49_999]


@pytest.mark.parametrize("bad", [np.zeros((1, 2), np.float32), np.full((2, 2), np.nan, np.float32)])
def test_vectors_that_cannot_be_right_are_refused(store: Store, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        store.save_vectors("m", ["a", "b"], bad)
    assert store.counts().vectors == 0


def test_meta_and_cache_are_overwritten(store: Store) -> None:
    assert store.get_meta("k") is None
    assert store.cache_get("k") is None
    for value in ("one", "二"):
        store.set_meta("k", value)
        store.cache_put("k", value + "!")
    assert store.get_meta("k") == "二"
    assert store.cache_get("k") == "二!"


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), store.write() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('x', 'y')"))
        raise RuntimeError("on purpose")
    assert store.get_meta("x") is None


def test_a_locked_store_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT_S", 0.1)
    with (
        Store.open(tmp_path / "store.sqlite") as impatient,
        store.write(),
        pytest.raises(WorkspaceBusyError, match="another process"),
    ):
        impatient.set_meta("a", "b")


def test_readers_go_on_while_one_writes(store: Store) -> None:
    store.set_meta("a", "before")
    with store.write() as connection:
        connection.execute(text("UPDATE meta SET value = 'after' WHERE key = 'a'"))
        assert store.get_meta("a") == "before"
    assert store.get_meta("a") == "after"


def test_a_writer_that_reads_first_waits_its_turn(store: Store) -> None:
    """With a deferred transaction the second writer would fail at once with SQLITE_BUSY_SNAPSHOT."""
    store.set_meta("n", "0")
    barrier = threading.Barrier(4)

    def count_up() -> None:
        barrier.wait()
        for _ in range(20):
            with store.write() as connection:
                held = connection.execute(text("SELECT value FROM meta WHERE key = 'n'")).scalar_one()
                connection.execute(
                    text("UPDATE meta SET value = :v WHERE key = 'n'"), {"v": str(int(held) + 1)}
                )

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get_meta("n") == "80"


def test_close_twice_is_harmless(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.sqlite")
    store.close()
    store.close()


def test_two_processes_may_create_the_same_store(tmp_path: Path) -> None:
    code = f"from agent.data.store import Store; Store.open({str(tmp_path / 's.sqlite')!r}).close()"
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=root, env=env) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]


def test_a_version_only_follows_the_one_it_was_made_from(store: Store) -> None:
    def follow(parent: int) -> int:
        return store.append_version(
            "profile", "u1", moment_ms=5, payload="{}", model="", prompt_hash="", expected_parent=parent
        )

    assert [follow(0), follow(1)] == [1, 2]
    for stale in (0, 1, 3):
        with pytest.raises(VersionConflictError, match=f"expected version {stale} to be the last profile"):
            follow(stale)
    assert [(row.version, row.parent) for row in store.load_versions("profile", "u1")] == [(1, None), (2, 1)]
    assert add_version(store) == 3, "who expects nothing follows whichever is last"
