"""`driftrec migration USER --plot`, on the Chinese catalogue, and what a browser shows of it."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from agent.cli import app
from tests.shops import new_shop


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, zh_files):
    folder = tmp_path_factory.mktemp("zh-picture")
    with new_shop(folder, zh_files) as agent:
        agent.index()
    return folder


def plot(workspace, user, target):
    done = CliRunner().invoke(
        app,
        ["migration", user, "--plot", str(target), "-w", str(workspace), "--model", "none", "--json"],
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_plotted_page_shows_the_table_of_the_migration(workspace, browser, tmp_path):
    target = tmp_path / "out.html"
    found = plot(workspace, "u01", target)
    dom = browser.dom(target)
    assert browser.requests == set()
    assert '<html lang="zh-CN">' in dom
    rows = re.findall(r"</svg>([^<]+)</td><td>([^<]+)<.*?<td class=\"n\">([^<]+)</td>", dom)
    assert [name for _, name, _ in rows] == [change["label"] for change in found["changes"]]
    leading = max(found["changes"], key=lambda change: change["share_after"])
    assert ("上升", "编程入门", f"{leading['share_before']:.0%}") in rows
    course = f"编程入门 {leading['share_before']:.0%} → {leading['share_after']:.0%}"
    assert course in re.findall(r">([^<]+)</text>", dom)


@pytest.mark.parametrize("user", ["u11", "u12"])
def test_an_abstention_is_told_in_chinese(workspace, user, tmp_path):
    target = tmp_path / "out.svg"
    found = plot(workspace, user, target)
    assert found["abstained"]
    text = " ".join(re.findall(r">([^<]+)</text>", target.read_text(encoding="utf-8")))
    assert not re.search(r"[A-Za-z]{3,}", text)
    assert ("没有超出偶然的变化" if user == "u11" else "活动次数太少") in text
