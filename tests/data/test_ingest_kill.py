"""SIGKILL in the middle of an ingest: the next run ends with what an uninterrupted one has."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.data.ingest import ingest_interactions
from agent.data.store import Store
from agent.settings import InteractionFile, Settings

ROOT = Path(__file__).parents[2]
CHUNK_ROWS = 500
NEAR_S = 3.0
CHILD = """
import sys
from pathlib import Path
from agent.data.ingest import ingest_interactions
from agent.data.store import Store
from agent.settings import InteractionFile, Settings
store, path, folder = map(Path, sys.argv[1:4])
settings = Settings(interactions=InteractionFile(near_duplicate_s=float(sys.argv[4])))
with Store.open(store) as opened:
    print("open", flush=True)
    ingest_interactions(opened, path, settings, quarantine_dir=folder, chunk_rows=int(sys.argv[5]),
                        progress=lambda done, total: print(done, flush=True))
"""


def write_events(path: Path, n_rows: int) -> None:
    rng = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        file.write("user_id,item_id,timestamp,event,value\n")
        for number in range(n_rows):
            moment = 1_700_000_000 + rng.randrange(n_rows)
            event = rng.choice(["view", "like", "purchase", "unheard-of"] if number % 9 == 0 else ["view"])
            file.write(
                f"用户{rng.randrange(40)},{rng.randrange(300):04},{moment},{event},{rng.choice(['', '1'])}\n"
            )


def start(store: Path, events: Path, folder: Path) -> subprocess.Popen[str]:
    arguments = [str(store), str(events), str(folder), str(NEAR_S), str(CHUNK_ROWS)]
    command = [sys.executable, "-c", CHILD, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], lines: int, delay_s: float) -> None:
    assert process.stdout is not None
    for _ in range(lines):
        assert process.stdout.readline()
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    process.stdout.close()


def whole(store: Store, dump) -> tuple[object, ...]:
    log, catalogue = store.load_log(), store.load_catalogue()
    return dump(store), store.counts(), log.user_ids, log.events, catalogue.item_ids, catalogue.titles


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_a_killed_ingest_goes_on_where_it_was(tmp_path: Path, dump) -> None:
    events = tmp_path / "events.csv"
    write_events(events, 20_000)
    killed, folder = tmp_path / "killed.sqlite", tmp_path / "quarantine"
    # Right after opening, in the first chunk, and at odd moments inside later ones.
    for lines, delay_s in [(1, 0.0), (2, 0.001), (5, 0.004), (6, 0.009)]:
        kill_after(start(killed, events, folder), lines, delay_s)
    settings = Settings(interactions=InteractionFile(near_duplicate_s=NEAR_S))
    run = {"quarantine_dir": folder, "chunk_rows": CHUNK_ROWS}
    with Store.open(killed) as store:
        so_far = store.counts().interactions
        resumed = ingest_interactions(store, events, settings, **run)
        after = whole(store, dump)
        again = ingest_interactions(store, events, settings, **run)
        assert whole(store, dump) == after
    with Store.open(tmp_path / "calm.sqlite") as store:
        calm = ingest_interactions(store, events, settings, **run)
        expected = whole(store, dump)
    assert 0 < so_far < calm.stored
    assert after == expected
    assert resumed.adds_up
    assert not resumed.already_done
    assert again.already_done
    same = {"path": 0, "seconds": 0, "already_done": 0}
    assert resumed.to_dict() | same == calm.to_dict() | same == again.to_dict() | same
    assert calm.rows_read == 20_000
    assert min(calm.stored, calm.near_duplicates, calm.quarantined) > 0
