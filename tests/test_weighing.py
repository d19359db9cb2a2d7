"""The model's weight in the product: a prior, a trial on the workspace's own past, a kept decision."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from agent.agent import Agent
from agent.cli import main
from agent.doctor import examine
from agent.errors import SettingsError
from agent.interests.migration import moment
from agent.listing.weighing import decide_llm
from agent.ranking.llm_weight import Graded, decide_llm_weight, keep_llm_decision, load_llm_decision
from eval.data.splits import make_split
from eval.rankers.product import open_past
from eval.runs.smoke import smoke_data

MODEL = "smollm2-135m"


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    question = make_split(smoke_data()["smoke"], max_users=0)[0][0]
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("weighing"))
    try:
        with open_past(question, model=MODEL) as opened:
            yield opened
    finally:
        os.chdir(before)


def rerank_stage(agent, **options):
    user = agent.session.log.user_ids[0]
    (stage,) = [stage for stage in agent.recommend(user, 5, **options).stages if stage.name == "rerank"]
    return stage


def test_until_a_trial_a_list_is_reranked_by_a_prior_and_says_so(agent):
    stage = rerank_stage(agent)
    assert stage.status == "ran" and stage.tokens > 0
    assert "weight 0.1" in stage.detail and "prior" in stage.detail


def test_a_trial_of_the_real_model_is_kept(agent):
    shown = agent.fit(decide_llm=2)["language model, new items"]
    assert shown["weight"] == 0.1 and "prior" in shown["why"]  # two people a window decide nothing
    kept = load_llm_decision(agent.session.store, agent.settings, task="new")
    assert kept is not None and not kept.decided and kept.n_windows == 3 and kept.tokens > 0
    assert kept.n_users <= 6 and len(kept.tried) == 4


def test_a_model_that_gains_nothing_is_not_asked_again(agent):
    rng = np.random.default_rng(0)
    hit = np.r_[True, np.zeros(11, bool)]
    graded = [Graded(w, u, rng.random(12), rng.permutation(hit), 1, 1) for w in range(3) for u in range(40)]
    decision = decide_llm_weight(graded, model=MODEL, n_events=10**6, moment_ms=agent.session.now_ms)
    assert decision.decided and decision.weight == 0
    keep_llm_decision(agent.session.store, agent.settings, decision, task="new")
    stage = rerank_stage(agent)
    assert stage.status == "skipped" and stage.tokens == 0 and "decided on 40 people" in stage.detail
    assert agent.fit()["language model, new items"]["weight"] == 0


def test_a_list_of_the_past_is_not_ranked_by_what_was_decided_later(agent):
    session = agent.session
    kept = load_llm_decision(session.store, agent.settings, task="new")
    assert kept is not None and kept.decided  # by the test above
    assert kept.moment_ms == session.now_ms
    assert rerank_stage(agent).status == "skipped"
    as_of = moment(int(session.log.timestamp_ms[int(0.8 * len(session.log))]))
    stage = rerank_stage(agent, as_of=as_of)
    assert stage.status == "ran" and "later than the moment looked back at" in stage.detail


def test_the_check_up_tells_what_was_decided(agent):
    # A look back, as in the test before, leaves a ranker that was used later than that of now.
    told = {entry.name: entry for entry in examine(str(agent.workspace.root))}
    session = agent.session
    decided = session.ranker(session.now_ms).trained.decisions["new"]
    assert told["ranking weights, new items"].detail == decided.describe()
    # The settings of the file name another model, which nobody has tried here.
    assert "prior" in told["language model's weight, new items"].detail


def test_without_a_model_there_is_nothing_to_weigh(agent):
    with Agent.open(agent.workspace.root, model="none") as bare:
        with pytest.raises(SettingsError, match="--model"):
            decide_llm(bare.session, n_users=2)
        assert not any(name.startswith("language model") for name in bare.fit())


def test_the_command_line_asks_for_a_trial_of_so_many(agent, capsys, monkeypatch):
    monkeypatch.setattr(Agent, "fit", lambda self, *, decide_llm=0: {"asked": decide_llm})
    for flags, expected in (["--decide-llm", "--users", "7"], 7), ([], 0):
        monkeypatch.setattr(
            "sys.argv", ["driftrec", "fit", "-w", str(agent.workspace.root), "--json", *flags]
        )
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 0 and json.loads(capsys.readouterr().out) == {"asked": expected}
