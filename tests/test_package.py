"""The package as others get it: its exports, its wheel in a clean environment, its import weight."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import agent

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
    python, folder = clean_python
    names = sorted(path.name.removesuffix(".jinja") for path in (ROOT / "prompts").glob("*.jinja"))
    assert len(names) >= 10
    code = (
        "import agent, pathlib, sys\n"
        "from agent.llm.prompts import prompt_names, render_example\n"
        f"assert pathlib.Path(agent.__file__).is_relative_to({str(folder)!r}), agent.__file__\n"
        f"assert prompt_names() == {names!r}, prompt_names()\n"
        "for name in prompt_names():\n"
        "    prompt = render_example(name)\n"
        "    assert prompt.user and len(prompt.hash) == 12, name\n"
        "print('rendered', len(prompt_names()))\n"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"rendered {len(names)}"


def test_the_command_of_the_wheel_answers(clean_python):
    python, folder = clean_python
    done = subprocess.run(
        [python.parent / "driftrec", "--help"], capture_output=True, text=True, cwd=folder, timeout=30
    )
    assert done.returncode == 0
    assert "recommend" in done.stdout
