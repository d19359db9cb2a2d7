# Two commands do all the set-up: `make demo` and `make test`. Needs Python 3.11+, a C compiler, the package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL ?= qwen2.5-coder-0.5b
STAMP := $(VENV)/.installed

.PHONY: demo test cover cover-exact check bench eval eval-smoke lock clean

demo: $(STAMP)
	$(BIN)/driftrec demo --model $(MODEL) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

# Where a mistake would not show: every line and branch, by the tests of these modules alone. Seconds, so CI runs it.
EXACT := eval/measures/metrics.py,eval/measures/statistics.py,agent/ranking/fusion.py,agent/ranking/segments.py,agent/ranking/windows.py,$\
	agent/ranking/score_object.py,agent/ranking/rerank.py,agent/ranking/llm_weight.py,agent/interests/migration.py,$\
	agent/interests/change_test.py,agent/interests/permutation.py,agent/interests/changes.py,agent/interests/season.py,$\
	agent/interests/story_check.py,agent/interests/summary_check.py,agent/data/readers.py,agent/data/sniff.py,$\
	agent/data/timestamps.py,agent/data/chunks.py,agent/data/missing.py,agent/data/quarantine.py
EXACT_TESTS := $(addprefix tests/,$(addsuffix .py,$(addprefix eval/test_,metrics statistics) \
	$(addprefix ranking/test_,fusion rerank segments llm_weight) \
	$(addprefix interests/test_,migration change_test season permutation wording story diff) \
	$(addprefix data/test_,readers sniff cleaning days missing)))
cover-exact: $(STAMP)
	COVERAGE_FILE=$(CURDIR)/.coverage.d/exact $(BIN)/python -m pytest -q --cov --cov-report= $(EXACT_TESTS)
	COVERAGE_FILE=$(CURDIR)/.coverage.d/exact $(BIN)/python -m coverage report --show-missing --fail-under=100 --include="$(EXACT)"

# The whole suite with its gate: 90 % of all lines and branches, processes that it starts included. Takes half as long
# again as `make test`, so it is for before a release.
cover: cover-exact
	COVERAGE_FILE=$(CURDIR)/.coverage.d/all $(BIN)/python -m pytest --cov --cov-report= $(ARGS)
	COVERAGE_FILE=$(CURDIR)/.coverage.d/all $(BIN)/python -m coverage report --fail-under=90 --skip-covered --sort=cover

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
	rm -rf build dist *.egg-info .coverage.d .pytest_cache .mypy_cache .ruff_cache .hypothesis
