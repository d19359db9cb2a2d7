"""Fetching wheels with the real pip, from a folder instead of an index."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from agent.errors import FetchError, InputFileError, OfflineError
from agent.fetch import extract_member, fetch_wheel, find_wheel, home


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTREC_HOME", str(tmp_path / "home"))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes wheels from, with `driftrec-toy` 1.0 in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "driftrec_toy-1.0.dist-info"
    with zipfile.ZipFile(folder / "driftrec_toy-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("driftrec_toy/data.bin", b"weights" * 1000)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: driftrec-toy\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_home_follows_the_environment(monkeypatch):
    monkeypatch.setenv("DRIFTREC_HOME", "~/elsewhere")
    assert home() == Path("~/elsewhere").expanduser()
    monkeypatch.delenv("DRIFTREC_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert home() == Path("/cache/driftrec")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert home() == Path.home() / ".cache" / "driftrec"


def test_a_wheel_is_fetched_once(index):
    assert find_wheel("driftrec-toy==1.0") is None
    path = fetch_wheel("driftrec-toy==1.0")
    assert path.parent == home() / "wheels"
    (index / path.name).unlink()
    assert fetch_wheel("driftrec_toy == 1.0", offline=True) == path
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_offline_and_absent_is_an_error():
    with pytest.raises(OfflineError, match=r"driftrec-toy==1\.0"):
        fetch_wheel("driftrec-toy==1.0", offline=True)


def test_what_pip_says_is_in_the_error(index):
    with pytest.raises(FetchError, match=r"driftrec-toy==2\.0.*\nERROR") as caught:
        fetch_wheel("driftrec-toy==2.0")
    assert "No matching distribution" in str(caught.value)
    assert not list((home() / "wheels").iterdir())


@pytest.mark.parametrize("requirement", ["driftrec-toy", "driftrec-toy>=1", "--index-url=x", ""])
def test_only_pinned_requirements(requirement):
    with pytest.raises(ValueError, match="pinned"):
        fetch_wheel(requirement)


def test_members_are_extracted_whole_or_not_at_all(index, tmp_path):
    wheel = fetch_wheel("driftrec-toy==1.0")
    steps = []
    target = extract_member(
        wheel, "driftrec_toy/data.bin", tmp_path / "out" / "data.bin", progress=steps.append
    )
    assert target.read_bytes() == b"weights" * 1000
    assert sum(steps) == 7000
    with pytest.raises(InputFileError, match="no/such"):
        extract_member(wheel, "no/such", tmp_path / "out" / "other.bin")
    wheel.write_bytes(wheel.read_bytes()[:2000])
    with pytest.raises(InputFileError, match="delete it"):
        extract_member(wheel, "driftrec_toy/data.bin", target)
    assert [entry.name for entry in target.parent.iterdir()] == ["data.bin"]
