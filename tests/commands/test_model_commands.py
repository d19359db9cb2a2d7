"""`driftrec models`: list, pull, verify, remove, advise; on a toy model from a hub on loopback."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.errors import FetchError, SettingsError
from agent.llm import advice, model_specs, registry
from agent.llm.advice import Machine, advise, measure_machine
from agent.llm.llamacpp import Speed
from agent.llm.model_specs import ModelSpec
from tests.llm.servers import serving
from tests.shops import new_shop

CONTENT = bytes(range(256)) * 8000
TOY = ModelSpec("toy", "toy.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "none", "owner/toy", ())
GIGABYTE = 10**9


class _Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.server.asked.append(start)
        self.send_response(206)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.asked = []
    monkeypatch.setenv("DRIFTREC_HUB_URL", f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield server


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty home whose only known model is the toy."""
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    monkeypatch.setattr(model_specs, "MODELS", (TOY,))
    return tmp_path / "models"


def run(*arguments, code=0, answer=None):
    done = CliRunner().invoke(app, ["models", *arguments], input=answer)
    assert done.exit_code == code, (done.output, done.exception)
    return done


def state():
    (entry,) = json.loads(run("list", "--json").stdout)
    return entry


def test_the_life_of_a_model(folder, hub):
    assert state()["state"] == "absent"
    folder.mkdir()
    (folder / "toy.gguf.part").write_bytes(CONTENT[:1000])
    assert (state()["state"], state()["bytes_here"]) == ("partial", 1000)
    run("pull", "toy", "--from", "hub")
    assert hub.asked == [1000], "the pull goes on where it stopped"
    assert state()["state"] == "verified"
    assert "toy: verified" in run("verify").stdout
    path = folder / "toy.gguf"
    path.write_bytes(CONTENT[:-1] + b"!")
    assert "damaged" in run("verify", "toy", code=1).stdout
    assert "Kept" in run("remove", "toy", answer="n\n", code=1).stdout
    assert path.is_file()
    assert json.loads(run("remove", "toy", "--yes", "--json").stdout)["freed_bytes"] >= len(CONTENT)
    assert state()["state"] == "absent"
    assert "nothing" in run("remove", "toy").stdout
    assert not [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def test_verifying_what_is_not_there(folder):
    assert "No model" in run("verify").stdout
    assert "models pull toy" in run("verify", "toy", code=1).stdout


def test_a_hash_that_was_remembered_is_not_believed_by_verify(folder, hub):
    run("pull", "toy", "--from", "hub")
    path = folder / "toy.gguf"
    facts = path.stat()
    path.write_bytes(CONTENT[::-1])
    registry._stamp_path(path).write_text(
        json.dumps({"size": facts.st_size, "mtime_ns": path.stat().st_mtime_ns, "sha256": TOY.sha256})
    )
    assert state()["state"] == "verified", "by the stamp"
    run("verify", "toy", code=1)
    assert state()["state"] == "damaged"


def test_advice_on_this_machine_speaks_json():
    found = json.loads(run("advise", "--no-measure", "--users", "10", "--json").stdout)
    assert found["machine"]["cores"] >= 1
    assert found["estimates"][0]["model"] == "smollm2-135m"
    assert found["choice"] in {"none", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"}
    text = run("advise", "--no-measure", "--task", "rerank").stdout
    assert "Take " in text and "reranked list" in text


def test_advice_goes_by_the_data_of_a_workspace(tmp_path, en_files):
    with new_shop(tmp_path, en_files) as agent:
        counts = agent.session.store.counts()
    found = json.loads(run("advise", "--no-measure", "-w", str(tmp_path), "--json").stdout)
    assert found["users"] == found["data"]["users"] == counts.users > 1
    assert found["data"]["items"] == counts.items
    text = run("advise", "--no-measure", "-w", str(tmp_path)).stdout
    assert f"{counts.users:,} users, {counts.items:,} items, {counts.interactions:,} events" in " ".join(
        text.split()
    )
    assert (
        json.loads(run("advise", "--no-measure", "--users", "7", "-w", str(tmp_path), "--json").stdout)[
            "users"
        ]
        == 7
    ), "what is said counts more"
    assert json.loads(run("advise", "--no-measure", "--json").stdout)["users"] == 1000


def _choice(task, users, *, memory=64 * GIGABYTE, cores=2, measured=None):
    return advise(task, users, machine=Machine(cores, memory), measured=measured or {})


def test_the_largest_model_that_keeps_the_time_is_taken():
    assert _choice("words", 100).choice == "qwen2.5-coder-1.5b"
    assert _choice("words", 4000).choice == "qwen2.5-coder-0.5b", "a day is too short for the larger one"
    assert _choice("words", 100_000).choice == "none"
    assert _choice("words", 100_000, cores=64).choice == "none", "no more than eight cores help"
    assert _choice("rerank", 100_000).choice == "qwen2.5-coder-0.5b", "on demand: only the single list counts"
    assert _choice("rerank", 1, cores=4).choice == "qwen2.5-coder-1.5b"


def test_memory_decides():
    found = _choice("words", 10, memory=1_100_000_000)
    assert found.choice == "qwen2.5-coder-0.5b"
    assert "memory" in found.estimates[-1].problem
    assert _choice("words", 10, memory=GIGABYTE // 2).choice == "none"
    assert _choice("words", 10, memory=None).choice == "qwen2.5-coder-1.5b"


def test_a_measured_speed_counts_more_than_the_table():
    slow = _choice("words", 10, measured={"qwen2.5-coder-1.5b": Speed(prompt=10, output=2)})
    assert slow.choice == "qwen2.5-coder-0.5b"
    assert [entry.measured for entry in slow.estimates] == [False, False, True]
    # By hand: 900 / 10 + 440 / 2 = 310 s for one profile, 3,100 s for ten.
    assert slow.estimates[-1].seconds_each == pytest.approx(310)
    assert slow.estimates[-1].hours_all == pytest.approx(3100 / 3600)


def test_every_known_model_has_a_stated_speed():
    assert set(advice._STATED) == {spec.name for spec in model_specs.MODELS}
    assert all(cost.least in advice._STATED for cost in advice.TASKS.values())


def test_the_machine_is_measured():
    machine = measure_machine()
    assert machine.cores >= 1
    assert machine.memory_bytes is None or machine.memory_bytes > 0


@pytest.mark.model
def test_a_model_that_is_here_is_measured(monkeypatch):
    smallest = tuple(spec for spec in model_specs.MODELS if spec.name == "smollm2-135m")
    registry.model_path("smollm2-135m")
    monkeypatch.setattr(model_specs, "MODELS", smallest)
    found = json.loads(run("advise", "--json").stdout)
    entry = next(entry for entry in found["estimates"] if entry["model"] == "smollm2-135m")
    assert entry["measured"]
    assert entry["speed"]["prompt"] > 1 and entry["speed"]["output"] > 1


@pytest.mark.parametrize("options", [["--json"], []])
def test_where_nobody_can_answer_removing_asks_for_yes(folder, options):
    folder.mkdir()
    (folder / "toy.gguf").write_bytes(CONTENT)
    done = run("remove", "toy", *options, code=1, answer="")
    assert isinstance(done.exception, SettingsError) and "--yes" in str(done.exception)
    assert not done.stdout.strip()
    assert (folder / "toy.gguf").is_file()


@pytest.mark.parametrize(
    "address", ["notaurl", "", "ftp://hub.example", "http://[bad", "http://h:x", "http://", "http://a b"]
)
def test_a_hub_address_that_is_none(folder, monkeypatch, address):
    monkeypatch.setenv("DRIFTREC_HUB_URL", address)
    done = run("pull", "toy", "--from", "hub", code=1)
    assert isinstance(done.exception, FetchError)
    assert "DRIFTREC_HUB_URL" in str(done.exception) and repr(address) in str(done.exception)


@pytest.mark.parametrize("rest", ["127.0.0.1:1/hub", "hub:port"])
def test_a_password_in_the_hub_address_is_not_shown(folder, monkeypatch, rest):
    monkeypatch.setenv("DRIFTREC_HUB_URL", f"http://me:SECRET@{rest}")
    done = run("pull", "toy", "--from", "hub", code=1)
    assert isinstance(done.exception, FetchError) and rest in str(done.exception)
    assert "SECRET" not in str(done.exception)
