from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from agent.errors import BackendError
from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.registry import model_path
from agent.llm.scripted import ScriptedBackend
from eval.audits.bias import measure, place_test, run_trials
from eval.audits.bias_report import BiasReport, audit_bias
from eval.audits.rankers import CopyRanker, Figures, ModelRanker, PopularityRanker, open_model
from eval.audits.tasks import SLATE, make_slates
from eval.errors import EvalError, LeakError
from tests.conftest import CATALOGUES
from tests.eval.audit_world import cinema_question


@pytest.fixture(scope="module")
def world():
    return cinema_question()


@pytest.fixture(scope="module")
def slates(world):
    return make_slates(*world, n_users=40)


@pytest.fixture(scope="module")
def smollm():
    backend = LlamaCppBackend(
        model_path("smollm2-135m"), name="smollm2-135m", context_tokens=1536, timeout_s=120
    )
    yield backend
    backend.close()


@dataclass(frozen=True)
class HashRanker:
    """Has an opinion that neither place nor popularity explains."""

    name: str = "hash"

    def rank(self, candidates, prompts):
        said = [hashlib.sha256(f"{prompts.recent}{entry.title}".encode()).hexdigest() for entry in candidates]
        return Figures(tuple(float(int(text[:8], 16)) for text in said))


def rows_of(slates, ranker, *, n_orders=3):
    return {row.draw: row for row in audit_bias(slates, [ranker], n_orders=n_orders)}


def test_a_slate_holds_one_item_of_the_future_and_nineteen_that_are_nobodys_secret(world, slates):
    question, exam = world
    assert len(slates.slates) == 2 * 40
    for slate, place in zip(slates.slates, slates.targets, strict=True):
        codes = [candidate.item for candidate in slate.candidates]
        assert len(codes) == len({candidate.title for candidate in slate.candidates}) == SLATE
        known = set(exam.labels.known[slate.row].tolist())
        past = set(question.context(slate.row).item.tolist())
        assert codes[place] in known
        others = set(codes) - {codes[place]}
        assert not others & known
        assert not others & past
        assert codes == sorted(codes)
    again = make_slates(*world, n_users=40)
    assert [slate.candidates for slate in again.slates] == [slate.candidates for slate in slates.slates]


def test_nothing_that_ranks_can_ask_which_is_the_right_one(slates):
    class Peeking:
        name = "peeking"

        def rank(self, candidates, prompts):
            return Figures(tuple(float(value) for value in slates.targets))

    with pytest.raises(LeakError):
        run_trials(Peeking(), slates, n_orders=1)


def test_the_copying_control_is_caught(slates):
    for row in rows_of(slates, CopyRanker()).values():
        assert row.copying.mean == 1.0
        assert row.place_p < 0.01
        assert row.places[0].ndcg.low > row.places[3].ndcg.high
        assert {"copies the order shown", "accuracy depends on the place"} <= set(row.findings)


def test_the_popularity_control_is_caught_and_matched_negatives_take_its_edge(world, slates):
    matched = rows_of(slates, PopularityRanker(slates.percentile))["matched"]
    free = make_slates(*world, n_users=40, draws=("random",))
    random = rows_of(free, PopularityRanker(free.percentile))["random"]
    assert random.popularity_lift.low > 0.3
    assert random.findings == ("prefers the popular",)
    assert random.agreement.mean == 1.0
    assert random.hit.low > matched.hit.mean
    assert matched.hit.low <= 0.05 <= matched.hit.high, "by popularity alone the target is anywhere"


def test_an_opinion_without_these_biases_is_left_alone(slates):
    for row in rows_of(slates, HashRanker()).values():
        assert row.findings == ("no bias shown",)
        assert row.agreement.mean == 1.0
        assert row.tied == 0.0


def test_a_model_that_reads_from_the_top_is_caught_until_shuffles_are_averaged(world):
    few = make_slates(*world, n_users=12, draws=("random",))
    falling = ScriptedBackend(lambda request: {f"A{n}": 100 - 4 * n for n in range(1, SLATE + 1)})
    once = rows_of(few, ModelRanker(falling, "scores"))["random"]
    assert once.copying.mean == 1.0
    assert "copies the order shown" in once.findings
    averaged = rows_of(few, ModelRanker(falling, "scores", rounds=2))["random"]
    assert "copies the order shown" not in averaged.findings
    assert averaged.tied == 1.0, "an order and its reverse cancel out"
    assert "cannot tell most candidates apart" in averaged.findings


def test_failures_are_counted_and_earn_only_chance(world):
    few = make_slates(*world, n_users=10, draws=("random",))
    broken = ScriptedBackend(lambda request: BackendError("out of order"))
    row = rows_of(few, ModelRanker(broken, "scores"), n_orders=2)["random"]
    assert row.n_degraded == row.n_answers == 20
    assert row.hit.mean == pytest.approx(1 / SLATE)
    report = BiasReport("cinema", "0", 0, (row,))
    assert "20 of 20 answers degraded" in report.to_markdown()
    assert "out of order" in json.dumps(report.to_dict())


def test_likelihoods_are_not_asked_of_a_model_that_has_none():
    with pytest.raises(EvalError, match="--method scores"):
        ModelRanker(ScriptedBackend([]), "likelihood")
    with pytest.raises(EvalError, match="'none'"):
        open_model("none")


def test_few_users_are_not_put_into_words(world):
    few = make_slates(*world, n_users=3, draws=("random",))
    (row,) = rows_of(few, CopyRanker()).values()
    assert row.findings == ("too few users to say (3 of 10)",)


def test_the_place_test_holds_its_level():
    """Values that know nothing of the place: about 5 % of p-values below .05, here of 60."""
    random = np.random.default_rng(1)
    found = [
        place_test(random.integers(0, SLATE, (20, 3)), (random.random((20, 3)) < 0.3) * 1.0)
        for _ in range(60)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.15
    assert place_test(np.zeros((5, 2), np.int64), np.ones((5, 2))) == 1.0


@pytest.mark.model
def test_a_real_model_answers_both_ways_and_its_likelihoods_do_not_read_the_order(world, smollm):
    two = make_slates(*world, n_users=2, draws=("random",))
    targets = two.targets
    likely = run_trials(ModelRanker(smollm), two, n_orders=2)
    row = measure(likely, two, "random", targets=targets)
    assert row.ranker == "llamacpp:smollm2-135m, likelihood"
    assert row.n_degraded == 0
    assert row.agreement.low > 0.95
    assert not np.isnan(likely.figures).any()
    asked = run_trials(ModelRanker(smollm, "scores"), make_slates(*world, n_users=1), n_orders=1)
    assert ((asked.figures >= 0) & (asked.figures <= 100)).all()
    assert asked.tokens > 0


def test_the_command_audits_files_and_says_what_went_wrong(tmp_path):
    files = [str(CATALOGUES / "en" / name) for name in ("interactions.csv", "items.csv")]
    command = [sys.executable, "-m", "eval", "bias", "--data", files[0], "--items", files[1]]
    command += ["--model", "scripted:", "--users", "2", "--orders", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=180)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout, parse_constant=pytest.fail)
    names = [row["ranker"] for row in report["rows"]]
    assert names[0] == "control: copies the order"
    assert names[-1] == "scripted:, scores"
    assert report["rows"][-1]["n_degraded"] == report["rows"][-1]["n_answers"]
