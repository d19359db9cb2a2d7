"""The command line as a stranger uses it: real processes, JSON that parses, errors in one clear line."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "agent.cli"]


def run(*arguments, cwd, code=0, env=None):
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "DRIFTREC_LLM__MODEL": "none", **(env or {})},
        timeout=120,
    )
    assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def run_json(*arguments, cwd):
    return json.loads(run(*arguments, "--json", cwd=cwd).stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory, en_files):
    """A folder with a workspace named shop, filled and indexed through the command line."""
    folder = tmp_path_factory.mktemp("cli")
    items, interactions = en_files
    run("init", "shop", "--interactions", interactions, "--items", items, cwd=folder)
    reports = run_json("ingest", "--items", items, "--interactions", interactions, cwd=folder)
    assert [report["kind"] for report in reports] == ["items", "interactions"]
    assert run_json("index", cwd=folder)["action"] == "built"
    return folder


def test_help_answers_in_under_a_second(tmp_path, monkeypatch):
    """Processor time, which other work on the machine does not lengthen."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):  # nor the tool that counts its lines
        monkeypatch.delenv(name, raising=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("--help", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_the_main_commands_speak_json(shop):
    (profile,) = run_json("refresh", "c01", cwd=shop)
    assert profile["user_id"] == "c01" and profile["facets"]
    assert run_json("profile", "c01", cwd=shop)["facets"] == profile["facets"]
    assert len(run_json("history", "c01", cwd=shop)) == 1
    migration = run_json("migration", "c01", cwd=shop)
    assert migration["p_value"] < 0.05 and migration["story"]
    movers = run_json("movers", "--min-sessions", "10", cwd=shop)
    assert movers[0]["user_id"] == "c01"
    found = run_json("recommend", "c01", "-k", "3", cwd=shop)
    assert [entry["rank"] for entry in found["recommendations"]] == [1, 2, 3]
    assert all({"item_id", "confidence"} <= set(entry) for entry in found["recommendations"])
    assert {stage["name"] for stage in found["stages"]} >= {"profile", "fusion", "confidence"}
    fitted = run_json("fit", cwd=shop)
    assert fitted["events"] > 0
    doctor = run_json("doctor", cwd=shop)
    by_name = {finding["name"]: finding for finding in doctor}
    assert all(by_name[name]["status"] == "fine" for name in ("index", "store", "embedder"))


def test_people_can_read_it(shop):
    text = run("recommend", "c01", "-k", "3", cwd=shop).stdout
    assert "Recommendations for c01" in text and "Stages:" in text
    assert "The story" in run("migration", "c01", cwd=shop).stdout
    assert "share" in run("profile", "c01", "--as-of", "2024-06-01", cwd=shop).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (["recommend", "c01", "-w", "nowhere"], 1, ["nowhere", "driftrec init"]),
        (["recommend", "c01", "--as-of", "yesterday"], 1, ["2017-05-01", "'yesterday'"]),
        (["recommend", "c01", "--category", "zzz"], 1, ["no item has the category 'zzz'"]),
        (["recommend", "c01", "-k", "0"], 2, ["-k"]),
        (["ingest", "--interactions", "missing.csv"], 1, ["missing.csv"]),
        (["ingest"], 2, ["--interactions FILE"]),
        (["refresh"], 2, ["--all"]),
        (["recommend"], 2, ["Missing argument"]),
        (["nonsense"], 2, ["nonsense"]),
    ],
)
def test_wrong_input_gets_one_clear_answer(shop, arguments, code, parts):
    done = run(*arguments, cwd=shop, code=code)
    assert all(part in done.stderr for part in parts), done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_with_strange_columns_names_those_it_has(tmp_path):
    (tmp_path / "odd.csv").write_text("colour,shape\nred,round\n", encoding="utf-8")
    done = run("init", "odd", "--interactions", "odd.csv", cwd=tmp_path, code=1)
    assert "colour" in done.stderr and "Traceback" not in done.stderr


def test_settings_that_are_wrong_are_named(shop, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "driftrec.toml").write_text("[ranking]\nn_rerank = 'many'\n", encoding="utf-8")
    done = run("recommend", "c01", "-w", folder, cwd=tmp_path, code=1)
    assert "ranking.n_rerank" in done.stderr and "Traceback" not in done.stderr


def test_an_index_held_elsewhere_is_worked_around_in_the_open(shop):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom agent.data.chroma_index import ChromaIndex\n"
        "index = ChromaIndex(Path('.driftrec/shop/index'))\nprint('held', flush=True)\ntime.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=shop, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "held"
        found = run_json("recommend", "c01", "-k", "3", cwd=shop)
        stage = next(stage for stage in found["stages"] if stage["name"] == "index")
        assert stage["status"] == "degraded" and str(holder.pid) in stage["detail"]
        assert len(found["recommendations"]) == 3
        assert str(holder.pid) in run("index", cwd=shop, code=1).stderr
    finally:
        holder.kill()
        holder.communicate()


def wait_for_rows(path, process):
    """Until the process has begun to write interactions into the store, or is done."""
    deadline = time.monotonic() + 120
    while process.poll() is None:
        assert time.monotonic() < deadline, "nothing was ever written"
        time.sleep(0.05)
        with contextlib.suppress(sqlite3.Error):
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
                if store.execute("SELECT 1 FROM interactions LIMIT 1").fetchall():
                    return


def test_ctrl_c_ends_cleanly_and_the_next_run_goes_on(tmp_path):
    lines = ["user_id,item_id,timestamp,event"]
    lines += [f"u{n % 500},i{n % 900},{1_600_000_000 + n * 60},view" for n in range(400_000)]
    events = tmp_path / "events.csv"
    events.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run("init", "big", "--interactions", events, cwd=tmp_path)
    process = subprocess.Popen(
        [*COMMAND, "ingest", "-w", "big", "--interactions", str(events)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_rows(tmp_path / ".driftrec" / "big" / "store.sqlite", process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    if process.returncode != 0:  # a very fast machine may have finished
        assert process.returncode == 130 and "interrupted" in stderr and "Traceback" not in stderr
    (report,) = run_json("ingest", "-w", "big", "--interactions", events, cwd=tmp_path)
    assert report["rows_read"] == 400_000 and report["stored"] + report["duplicates"] == 400_000


def test_a_check_up_changes_nothing(tmp_path, shop):
    from agent.doctor import examine
    from agent.workspace import Workspace

    place = Workspace(tmp_path / "empty")
    place.create("")
    found = {finding.name: finding for finding in examine(str(place.root))}
    assert "driftrec ingest" in found["store"].detail and not place.store_path.exists()
    place.store_path.write_bytes(b"not a database at all" * 100)
    found = {finding.name: finding for finding in examine(str(place.root))}
    assert found["store"].status == "wrong" and place.store_path.read_bytes().startswith(b"not a")
