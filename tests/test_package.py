"""The package as others get it: its exports, its wheel in a clean environment, its import weight."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import agent
from agent.llm.prompts import render

ROOT = Path(__file__).parent.parent


def test_exports_are_few_sorted_and_real():
    assert 15 <= len(agent.__all__) <= 25
    assert list(agent.__all__) == sorted(agent.__all__, key=lambda name: (not name[0].isupper(), name))
    assert all(hasattr(agent, name) for name in agent.__all__)


def test_every_package_folder_is_shipped():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("agent", "eval")
        for path in (ROOT / top).rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert listed == found | {"agent.prompts"}


def test_importing_is_light():
    """`import agent` must not load torch, Chroma, llama.cpp or scikit-learn: the command line would crawl."""
    heavy = ["torch", "chromadb", "llama_cpp", "sentence_transformers", "sklearn", "openai", "polars"]
    code = f"import sys, agent, agent.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def clean_python(tmp_path_factory):
    """A fresh environment with the built wheel; third-party packages are lent by this one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    home = folder / "clean"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)],
        check=True,
        capture_output=True,
        text=True,
    )
    (site,) = home.glob("lib/python*/site-packages")
    lenders = [path for path in sys.path if path.endswith("site-packages")]
    (site / "lenders.pth").write_text("\n".join(lenders))
    return python, folder


def test_the_wheel_renders_every_prompt_in_a_clean_environment(clean_python):
    """Same text from the wheel as from the checkout, for the variables of the golden renders."""
    python, folder = clean_python
    spec = importlib.util.spec_from_file_location("golden", ROOT / "tests" / "llm" / "test_prompts.py")
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    names = sorted(path.name.removesuffix(".jinja") for path in (ROOT / "prompts").glob("*.jinja"))
    assert len(names) >= 12
    variables = {name: golden.VARIABLES[name.removesuffix(".zh")] for name in names}
    code = (
        "import agent, json, pathlib, sys\n"
        "from agent.llm.prompts import list_prompts, render\n"
        f"assert pathlib.Path(agent.__file__).is_relative_to({str(folder)!r}), agent.__file__\n"
        "variables = json.load(sys.stdin)\n"
        "assert sorted(list_prompts()) == sorted(variables), list_prompts()\n"
        "rendered = {name: render(name, **given) for name, given in variables.items()}\n"
        "plain = {name: [entry.hash, entry.system, entry.user] for name, entry in rendered.items()}\n"
        "json.dump(plain, sys.stdout)\n"
    )
    done = subprocess.run(
        [python, "-c", code], input=json.dumps(variables), capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    here = {name: render(name, **given) for name, given in variables.items()}
    assert json.loads(done.stdout) == {
        name: [entry.hash, entry.system, entry.user] for name, entry in here.items()
    }


def test_the_command_of_the_wheel_answers(clean_python):
    python, folder = clean_python
    done = subprocess.run(
        [python.parent / "driftrec", "--help"], capture_output=True, text=True, cwd=folder, timeout=120
    )
    assert done.returncode == 0
    assert "recommend" in done.stdout
