"""A whole run on planted data: kept, resumed, compared, printed, and opened in a browser."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import eval.manifest as manifest_module
import eval.runs.run as run_module
from eval.__main__ import app
from eval.data.splits import make_split, segments
from eval.errors import DataSetMissingError, EvalError
from eval.report.page import render_report, write_report
from eval.report.sections import _mark, render_overview
from eval.runs.compare import compare_runs
from eval.runs.keep import RowCache
from eval.runs.protocol import Outcome
from eval.runs.smoke import SMOKE_PLAN, smoke_data
from eval.runs.summary import summarise
from eval.runs.tables import find_run, load_summary, pool_sentence, publish_tables, sentences, to_markdown

ROWS = ("random", "popularity", "ItemKNN", "SASRec", "EASE with text and time, ours")
PLAN = replace(SMOKE_PLAN, tasks=("new",), only=ROWS)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("eval")


def run_it(home, name, plan=PLAN):
    return run_module.run(plan, name=name, datasets=smoke_data(), runs=home / "runs", cache=home / "cache")


@pytest.fixture(scope="module")
def finished(home):
    return run_it(home, "first")


def test_the_summary_holds_what_it_rests_on(finished):
    summary = load_summary(finished)
    manifest, (table,) = summary["manifest"], summary["tables"]
    assert manifest["data"]["smoke"]["digest"] == smoke_data()["smoke"].digest
    assert {"revision", "code", "versions", "prompts", "settings", "command", "model"} <= set(manifest)
    assert [row["name"] for row in table["rows"]] == list(ROWS)
    assert table["windows"] == 2 and table["users"]["warm"] > 50
    by_name = {row["name"]: row for row in table["rows"]}
    assert by_name["ItemKNN"]["metrics"]["NDCG@10"]["mean"] > by_name["random"]["metrics"]["NDCG@10"]["mean"]
    ours = by_name["EASE with text and time, ours"]["metrics"]
    assert ours["cold: NDCG@10"]["mean"] > by_name["ItemKNN"]["metrics"]["cold: NDCG@10"]["mean"] == 0
    assert json.loads((finished / "summary.json").read_text(), parse_constant=pytest.fail) == summary


def test_a_row_that_is_not_installed_is_stated(finished):
    (row,) = (r for r in load_summary(finished)["tables"][0]["rows"] if r["name"] == "SASRec")
    if find_spec("rectools") is None:
        assert row["status"] == "not installed" and "DRIFTREC_RECTOOLS_PYTHON" in row["note"]
        assert "driftrec[eval]" in to_markdown(load_summary(finished))
    else:
        assert row["status"] == "ran"


def test_a_run_goes_on_where_it_was_stopped(home, finished, monkeypatch):
    done = []
    real = run_module.run_row

    def stops(question, exam, known, row):
        if row.name == "own repeats":
            raise KeyboardInterrupt
        done.append(row.name)
        return real(question, exam, known, row)

    monkeypatch.setattr(run_module, "run_row", stops)
    plan = replace(SMOKE_PLAN, tasks=("any",), only=("random", "popularity", "own repeats"))
    with pytest.raises(KeyboardInterrupt):
        run_it(home, "stopped", plan)
    assert done == ["random", "random", "popularity", "popularity"]
    done.clear()
    monkeypatch.setattr(run_module, "run_row", lambda *a: done.append(a[3].name) or real(*a))
    folder = run_it(home, "stopped", plan)
    assert done == ["own repeats", "own repeats"]
    again = run_it(home, "again", plan)
    assert done == ["own repeats", "own repeats"]
    assert load_summary(again)["tables"] == load_summary(folder)["tables"]
    took = load_summary(again)["manifest"]["took"]
    assert (took["rows run"], took["rows kept before"]) == (0, 6)


def test_a_damaged_row_is_run_again(home, finished):
    for path in (home / "cache").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:40])
    again = run_it(home, "damaged")
    tables = [load_summary(folder)["tables"][0] for folder in (finished, again)]
    means = [[row["metrics"].get("NDCG@10") for row in table["rows"]] for table in tables]
    assert means[0] == means[1]


def test_comparing_a_run_with_itself_shows_nothing(finished):
    found = compare_runs(finished, finished)
    assert found and all(entry.verdict == "no difference shown" for _, entry in found)
    assert [entry.row for _, entry in found] == [f"{n}, second run" for n in ROWS if n != "SASRec"]
    with pytest.raises(EvalError, match="finished run"):
        compare_runs(finished, finished.parent)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"cut_ms": [1]}, "moments T"),
        ({"scheme": "leave-last-out"}, "split"),
        ({"data": "other"}, "both runs"),
    ],
)
def test_runs_of_other_splits_are_not_paired(finished, tmp_path, change, what):
    other = tmp_path / "other"
    shutil.copytree(finished, other)
    summary = load_summary(finished)
    summary["tables"][0] |= change
    summary["manifest"]["data"]["other"] = summary["manifest"]["data"]["smoke"]
    (other / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    with pytest.raises(EvalError, match=what):
        compare_runs(finished, other)


def test_other_data_and_another_seed_are_not_paired(finished, tmp_path):
    for place, (key, what) in enumerate([("data", "same data"), ("settings", "same seed")]):
        other = tmp_path / str(place)
        shutil.copytree(finished, other)
        summary = load_summary(finished)
        part = summary["manifest"][key]
        part.get("smoke", part)["digest" if key == "data" else "seed"] = 7
        (other / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        with pytest.raises(EvalError, match=what):
            compare_runs(finished, other)


def test_tables_that_another_run_left_are_not_compared(finished, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(finished, tmp_path / name)
        shutil.copy(finished / "smoke-new.npz", tmp_path / name / "older-new.npz")
    found = compare_runs(tmp_path / "one", tmp_path / "two")
    assert found and {table for table, _ in found} == {"smoke-new"}


def test_data_sets_of_one_name_have_a_table_each(home, monkeypatch):
    data = {"a/events.csv": smoke_data()["smoke"], "b/events.csv": smoke_data(seed=1)["smoke"]}
    plan = replace(PLAN, data=tuple(data), only=("popularity",), n_windows=1)
    folder = run_module.run(plan, name="two", datasets=data, runs=home / "runs", cache=home / "cache")
    names = [table["data"] for table in load_summary(folder)["tables"]]
    assert len(set(names)) == 2 and all(name.startswith("smoke-") for name in names)
    assert len(list(folder.glob("*.npz"))) == 2


def test_a_run_without_anybody_of_five_items_is_told(home, tmp_path, monkeypatch):
    monkeypatch.setattr("eval.data.splits.MIN_TRAIN_ITEMS", 10_000)
    plan = replace(PLAN, only=("random", "popularity", "EASE with text and time, ours"), n_windows=1)
    folder = run_module.run(plan, name="few", datasets=smoke_data(), runs=home / "runs", cache=tmp_path)
    summary = load_summary(folder)
    assert summary["tables"][0]["users"]["warm"] == 0 < summary["tables"][0]["users"]["cold"]
    assert list(sentences(summary["tables"][0])) == [
        "EASE with text and time, ours against random: no values."
    ]
    assert "no values" in render_report(summary, name="few")
    assert "| **EASE with text and time, ours** | – |" in to_markdown(summary)


def test_a_kept_row_of_another_form_is_none(home, finished):
    cache = RowCache(home / "cache")
    path = next(path for path in cache.folder.glob("*.json") if cache.load(path.stem) is not None)
    text = path.read_text(encoding="utf-8")
    for broken in ("{}", "null", '{"name": 1', text.replace('"metrics"', '"measures"')):
        path.write_text(broken, encoding="utf-8")
        assert cache.load(path.stem) is None
    path.write_text(text, encoding="utf-8")


def test_the_same_events_cut_elsewhere_are_another_row(home, finished):
    data = smoke_data()["smoke"]
    other = {"smoke": replace(data, preset=replace(data.preset, quantile=data.preset.quantile - 0.1))}
    plan = replace(PLAN, only=("random",))
    counts = []
    for name, sets in ("same", smoke_data()), ("elsewhere", other):
        folder = run_module.run(plan, name=name, datasets=sets, runs=home / "runs", cache=home / "cache")
        counts.append(load_summary(folder)["manifest"]["took"]["rows run"])
    assert counts == [0, 2]


def test_a_run_that_fails_leaves_no_folder_and_repeats_are_measured(home):
    data = smoke_data()["smoke"]
    log = data.log.take(np.unique(data.log.user * 100 + data.log.item, return_index=True)[1])
    log = log.take(np.argsort(log.timestamp_ms, kind="stable"))
    once = replace(data, log=log, preset=replace(data.preset, repeats=False))
    plan = replace(PLAN, tasks=("any",))
    with pytest.raises(EvalError, match=r"0\.00% of the events repeat"):
        run_module.run(plan, name="gone", datasets={"smoke": once}, runs=home / "runs", cache=home / "cache")
    assert not (home / "runs" / "gone").exists()


def test_the_report_says_what_was_planted_only_where_it_was(finished):
    summary = load_summary(finished)
    assert "planted in the future of everybody" in render_report(summary, name="x")
    summary["tables"][0]["canary"]["without"] = ["whole product, no LLM"]
    assert "files that end at T" in render_report(summary, name="x")
    del summary["tables"][0]["canary"]
    assert "planted in the future" not in render_report(summary, name="x")


def test_items_to_find_are_those_of_the_users_of_the_table(finished):
    wanted = []
    for question, exam in make_split(smoke_data()["smoke"], n_windows=2, max_users=0):
        warm = segments(question)["warm"]
        wanted += [len(part) for part, keep in zip(exam.labels.known, warm, strict=True) if keep]
    assert load_summary(finished)["tables"][0]["labels_per_user"] == pytest.approx(np.mean(wanted))


def test_a_mean_is_not_drawn_for_an_end_that_is_zero():
    mark = _mark(
        {"name": "a", "group": "ours", "metrics": {"NDCG@10": {"mean": 0.1, "low": 0.0, "high": 0.2}}}
    )
    assert (mark.low, mark.high) == (0.0, 0.2)


def test_checking_without_a_file_checks_the_readme(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text("<!-- eval -->\nold\n<!-- /eval -->\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["tables", str(finished), "--check"])
    assert done.exit_code == 1 and "README.md" in done.output


def test_sentences_say_better_only_with_an_interval(finished):
    (table,) = load_summary(finished)["tables"]
    for entry in table["comparisons"]:
        sure = not entry["low"] <= 0 <= entry["high"] and entry["holm"] < 0.05
        assert (entry["verdict"] in ("better", "worse")) is sure
    assert any("EASE with text and time, ours against" in line for line in sentences(table))


def test_tables_for_other_marks_name_the_command_that_puts_them_there(finished, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- llm -->\nold\n<!-- /llm -->\n", encoding="utf-8")
    (problem,) = publish_tables(finished, readme, check=True, mark="llm")
    assert problem.endswith(f"run: python -m eval tables {finished.name} --readme README.md --mark llm")
    with pytest.raises(EvalError, match="<!-- eval -->"):
        publish_tables(finished, readme, check=False)
    assert "old" in readme.read_text(encoding="utf-8")
    publish_tables(finished, readme, check=False, mark="llm")
    assert publish_tables(finished, readme, check=True, mark="llm") == []


def test_the_pool_is_held_against_the_best_single_source(finished):
    (table,) = load_summary(finished)["tables"]
    assert table["pool"] is None and not any("Recall@50" in line for line in sentences(table))
    values = {
        ("fused list, no LLM", "ours"): [0.4, 0.2, 0.0],
        ("EASE with text and time, ours", "ours"): [0.2, 0.2, 0.0],
        ("popularity", "baseline"): [0.1, 0.1, 0.1],
        ("retrieval only", "ablation"): [1.0, 1.0, 1.0],
    }
    rows = [
        Outcome(name, group, "ran", "", {m: np.array(v) for m in ("NDCG@10", "recall@50")}, {"coverage": 1.0})
        for (name, group), v in values.items()
    ]
    pool = summarise({}, rows, {"warm": np.ones(3, bool)})["pool"]
    assert pool["reference"] == "EASE with text and time, ours"  # no ablation is a single source
    assert pool["ratio"] == pytest.approx(1.5) and 1.0 <= pool["low"] <= 1.5 <= pool["high"] <= 2.0
    (line,) = [line for line in sentences({**table, "pool": pool}) if line.startswith("Recall@50")]
    assert "1.50 ×" in line and "aimed at 1.3 ×: met." in line
    assert pool["hindsight"] == pytest.approx(1.25) and line.endswith("would reach 1.25 ×.")
    low = {**pool, "ratio": 1.04}
    assert "missed. Who learned afterwards" in pool_sentence({"pool": low})
    assert pool_sentence({"pool": low}) in to_markdown(
        {**load_summary(finished), "tables": [{**table, "pool": low}]}
    )


def test_tables_go_into_a_file_and_are_checked(finished, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- eval -->\n<!-- /eval -->\nafter\n", encoding="utf-8")
    assert publish_tables(finished, readme, check=True)
    assert publish_tables(finished, readme, check=False) == []
    assert publish_tables(finished, readme, check=True) == []
    assert "| random |" in readme.read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["tables", str(finished), "--readme", str(readme), "--check"])
    assert done.exit_code == 0
    readme.write_text(
        readme.read_text(encoding="utf-8").replace("| random |", "| chance |"), encoding="utf-8"
    )
    done = CliRunner().invoke(app, ["tables", str(finished), "--readme", str(readme), "--check"])
    assert done.exit_code == 1


def test_a_run_that_is_not_there_says_where_it_looked():
    with pytest.raises(EvalError, match="python -m eval run"):
        find_run("no-such-run")


def test_an_unknown_row_names_the_known_ones(home):
    with pytest.raises(EvalError, match="popularity"):
        run_it(home, "unknown", replace(PLAN, only=("magic",)))


def test_the_report_asks_for_nothing_and_opens_in_a_browser(finished, tmp_path):
    page = write_report(finished)
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=['\"](?!#)", text) and "<script" not in text and "url(" not in text
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    blank = tmp_path / "blank.html"
    blank.write_text("<title>blank</title>", encoding="utf-8")
    dom, asked = browse(browser, page, tmp_path / "one")
    assert "How well does driftrec recommend?" in dom
    assert dom.count("<svg") >= 2 and "What the words mean" in dom
    # The browser may ask for things of its own, whatever the page.
    assert not asked - browse(browser, blank, tmp_path / "two")[1]


WIDTHS = """
<script>
addEventListener("load", () => {
  const told = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument, root = page.documentElement;
    const shown = (kind) => [...page.querySelectorAll(kind)].some((box) => box.getClientRects().length);
    const fits = root.clientWidth > 380 && root.scrollWidth <= root.clientWidth;
    return [fits, shown(".wide svg"), shown(".narrow svg")].join(" ");
  });
  document.title = told.join("; ");
});
</script>
"""


def test_the_report_fits_a_telephone_and_a_desk(finished, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    # Frames, for a window of Chromium is never narrower than 500 pixels.
    text = html.escape(write_report(finished).read_text(encoding="utf-8"), quote=True)
    frames = "".join(f'<iframe width="{n}" style="border: 0" srcdoc="{text}"></iframe>' for n in (400, 1200))
    page = tmp_path / "frames.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{frames}{WIDTHS}", encoding="utf-8")
    dom, _ = browse(browser, page, tmp_path / "browser")
    found = re.search("<title>(.*?)</title>", dom.partition("</iframe>")[0] + dom.rpartition("</iframe>")[2])
    assert found is not None
    assert found[1] == "true false true; true true false"


def browse(browser, page, folder):
    """The page's elements as the browser has them, and the hosts that were asked."""
    folder.mkdir()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--no-first-run", "--disable-component-update", "--disable-sync"]
    flags += ["--disable-features=NetworkTimeServiceQuerying", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [browser, *flags, f"--log-net-log={folder / 'net.json'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    log = (folder / "net.json").read_text(encoding="utf-8")
    return done.stdout, set(re.findall(r'"url":"https?://([^/"]+)', log))


def test_a_change_of_ours_leaves_the_baselines_rows_valid(tmp_path, monkeypatch):
    shutil.copytree(manifest_module.ROOT / "agent", tmp_path / "agent")
    shutil.copytree(manifest_module.ROOT / "eval", tmp_path / "eval")
    monkeypatch.setattr(manifest_module, "ROOT", tmp_path)
    groups = ("baseline", "SASRec", "ours", "product", "")

    def changed(name):
        before = {group: manifest_module.code_digest(group) for group in groups}
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write("# another\n")
        return {group for group in groups if manifest_module.code_digest(group) != before[group]}

    assert changed("agent/ranking/ranker.py") == {"ours", "product", ""}
    # Baselines are tuned on the same held-out histories as ours are decided on.
    assert changed("agent/ranking/evidence.py") == set(groups) - {"SASRec"}
    for shared in ("agent/settings.py", "agent/data/log.py", "agent/interests/frame.py"):
        assert changed(shared) == set(groups)
    assert changed("eval/rankers/baselines.py") == {"baseline", ""}
    assert changed("agent/ranking/ease.py") == set(groups) - {"SASRec"}
    assert changed("eval/rankers/sequence_worker.py") == {"SASRec", ""}
    assert changed("eval/measures/metrics.py") == set(groups)
    assert changed("agent/pipeline.py") == {"product"}
    assert changed("eval/report/page.py") == set()


def test_the_closure_follows_imports_and_versions_are_in_the_key(tmp_path, monkeypatch):
    before = manifest_module.code_digest("baseline")
    real = manifest_module._version
    monkeypatch.setattr(manifest_module, "_version", lambda name: "0" if name == "scipy" else real(name))
    assert manifest_module.code_digest("baseline") != before
    monkeypatch.setattr(manifest_module, "ROOT", tmp_path)
    files = {
        "eval/a.py": "import typing\nif typing.TYPE_CHECKING:\n    import eval.e\nfrom eval import b\n",
        "eval/b.py": "def f():\n    from .c import x\n",
        "eval/c.py": "import eval.data.datasets\nimport numpy\n",
        "eval/data/datasets.py": "import eval.d\n",
        "eval/d.py": "",
        "eval/e.py": "",
    }
    (tmp_path / "eval" / "data").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = {path.relative_to(tmp_path).as_posix() for path in manifest_module.closure(["eval/a.py"])}
    assert found == {"eval/a.py", "eval/b.py", "eval/c.py", "eval/data/datasets.py"}


def test_what_is_missing_is_told_before_anything_runs(home, monkeypatch):
    monkeypatch.setattr(run_module, "run_row", lambda *a: pytest.fail("a row was run"))
    with pytest.raises(DataSetMissingError, match="no-such-data"):
        run_it(home, "missing", replace(PLAN, data=("smoke", "no-such-data")))


def test_the_report_says_first_how_ours_did():
    entry = {"row": "fused list, no LLM", "mean": -0.01, "low": -0.02, "high": -0.001, "verdict": "worse"}
    metrics = {"NDCG@10": {"mean": 0.1, "low": 0.09, "high": 0.11}}
    table = {
        "data": "shop",
        "task": "new",
        "reference": "EASE",
        "comparisons": [entry],
        "rows": [{"name": name, "metrics": metrics} for name in ("EASE", "fused list, no LLM")],
    }
    page = render_overview([table], "fused list, no LLM")
    assert "EASE: 0.1000" in page and "-0.0100 (-0.0200 to -0.0010)" in page and ">worse<" in page
    assert render_overview([{**table, "comparisons": []}], "fused list, no LLM") == ""


def test_the_commands_run_show_and_compare_ones_own_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eval.runs.run.RUNS", tmp_path / "runs")
    monkeypatch.setattr("eval.runs.tables.RUNS", tmp_path / "runs")
    monkeypatch.setattr("eval.runs.run.CACHE", tmp_path / "cache")
    events = [
        f"u{user},i{(user * 3 + n * n) % 17},{1500000000 + n * 86400 + user}"
        for n in range(30)
        for user in range(12)
    ]
    Path("own.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(events), encoding="utf-8")

    def call(*arguments):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return done.output

    assert "EASE, half-life" in call("rows")
    for name, seed in ("one", "0"), ("two", "0"):
        shown = call(
            *("run", "-d", "own.csv", "--task", "any", "--only", "random", "--only", "popularity"),
            *("--name", name, "--seed", seed),
        )
        assert "own, any item, repeats counted" in shown and "report.html" in shown
    assert "| random |" in call("tables", "one") and "| popularity |" in call("tables")
    assert call("report", "two").strip().endswith("report.html")
    assert "own-any: random, second run against first run: +0.0000" in call("compare", "one", "two")
    assert CliRunner().invoke(app, ["run", "-d", "own.csv", "--task", "old"]).exit_code == 2
    assert CliRunner().invoke(app, ["run", "-d", "own.csv", "--split", "odd"]).exit_code == 2
    readme = Path("README.md")
    readme.write_text("<!-- mine -->\n<!-- /mine -->\n", encoding="utf-8")
    call("tables", "one", "--readme", "README.md", "--mark", "mine")
    assert "| random |" in readme.read_text(encoding="utf-8")
    call("tables", "one", "--check", "--mark", "mine")
    (summary,) = json.loads((Path(".github") / "figures.json").read_text(encoding="utf-8")).values()
    assert summary["command"].startswith("python -m eval ")
