from __future__ import annotations

import pytest

from agent.errors import SettingsError, WorkspaceNotFoundError
from agent.workspace import Workspace


def test_a_bare_name_lives_under_the_dotted_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Workspace.place("shop").create("# mine\n")
    assert (tmp_path / ".driftrec/shop/driftrec.toml").read_text() == "# mine\n"
    assert Workspace.find("shop").root.resolve() == tmp_path / ".driftrec/shop"


def test_an_unrelated_folder_of_that_name_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench").mkdir()
    assert Workspace.place("bench").root.parts == (".driftrec", "bench")


def test_a_path_is_taken_as_it_stands(tmp_path):
    place = Workspace.place(tmp_path / "here")
    place.create("# mine\n")
    assert Workspace.find(tmp_path / "here").settings_path == tmp_path / "here/driftrec.toml"


def test_creating_twice_is_harmless_and_never_overwrites_silently(tmp_path):
    place = Workspace(tmp_path)
    place.create("a = 1\n")
    place.create("a = 1\n")
    with pytest.raises(SettingsError, match="--overwrite"):
        place.create("a = 2\n")
    place.create("a = 2\n", overwrite=True)
    assert place.settings_path.read_text() == "a = 2\n"


def test_a_missing_workspace_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceNotFoundError, match=r"nope.*\.driftrec.*driftrec init nope"):
        Workspace.find("nope")


def test_an_absolute_path_is_named_once(tmp_path):
    with pytest.raises(WorkspaceNotFoundError) as caught:
        Workspace.find(tmp_path / "nope")
    assert str(caught.value).count("driftrec.toml") == 1
