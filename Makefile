# Two commands do all the set-up: `make demo` and `make test`. Needs Python 3.11+, a C compiler, the package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL ?= qwen2.5-coder-0.5b
STAMP := $(VENV)/.installed

.PHONY: demo test cover check bench eval eval-smoke lock clean

demo: $(STAMP)
	$(BIN)/driftrec demo --model $(MODEL) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

# The suite with its gates: 90 % of all branches and lines, all of them where a mistake would not show.
EXACT := eval/metrics.py,agent/ranking/fusion.py,agent/ranking/score_object.py,agent/interests/migration.py,agent/interests/change_test.py
cover: $(STAMP)
	$(BIN)/python -m pytest --cov --cov-report= $(ARGS)
	$(BIN)/python -m coverage report --fail-under=90 --skip-covered --sort=cover | tail -40
	$(BIN)/python -m coverage report --fail-under=100 --include="$(EXACT)"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m eval bench $(ARGS)

# Every row on the three data sets, without a language model, and a report in HTML. What was run before is kept.
# SASRec runs in an interpreter that has RecTools, named by DRIFTREC_RECTOOLS_PYTHON; without it that row is not installed.
eval: $(STAMP)
	$(BIN)/python -m eval run $(ARGS)

eval-smoke: $(STAMP)
	$(BIN)/python -m eval run --smoke

# Versions are pinned in requirements.lock; llama.cpp compiles once (about six minutes on two cores).
$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	touch $(STAMP)

# Writes the lock from what is installed now; run it in a fresh environment with `pip install -e .[dev]`.
lock:
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude pip --exclude driftrec | sed 's/^\(torch==[0-9.]*\).*/\1/' > requirements.lock

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
