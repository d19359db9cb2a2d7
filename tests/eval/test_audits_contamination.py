from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import BackendError
from agent.llm.llamacpp import LlamaCppBackend
from agent.llm.registry import model_path
from agent.llm.scripted import ScriptedBackend
from eval.audits.contamination import ContaminationReport, history_probe, name_probes, rename, title_probes
from eval.audits.probes import choose_rests, complete_titles, guess_next, history_tasks, title_tasks
from eval.audits.rankers import ModelRanker
from eval.audits.tasks import make_slates
from eval.audits.titles import code_names, halve, long_titles, make_up, plain, tokens_of
from eval.measures.proportions import rate, rate_difference
from tests.eval.audit_world import ARTICLES, cinema, cinema_question, shown_titles, titles

WORDS = st.text(alphabet="abcdefghij()0123 ", min_size=1, max_size=60).map(
    lambda text: " ".join(text.split())
)


def quiet(stage, done, total):
    pass


@pytest.fixture(scope="module")
def world():
    return cinema_question()


def reader_of(known):
    """A model that has read these titles and nothing else: it writes their rest and finds it likely."""
    rests = {half.first: half.second for half in map(halve, known)}

    def answer(request):
        return rests.get(request.user.splitlines()[-1], "I do not know")

    def likely(prefix, continuation):
        last = prefix.split("\n")[-1]
        return [-0.1 if rests.get(last) == continuation else -3.0]

    return ScriptedBackend(answer, score_function=likely)


@given(WORDS)
def test_halves_are_the_whole(title):
    if title:
        half = halve(title)
        assert half.first + half.second == title
        assert 0 <= half.length <= len(tokens_of(half.first))


def test_titles_without_spaces_are_cut_between_characters():
    assert halve("流浪地球传") == halve("流浪地球传")
    assert (halve("流浪地球传").first, halve("流浪地球传").second) == ("流浪地", "球传")


def test_made_up_titles_are_nobodys_and_break_in_the_middle():
    real = titles()
    found = make_up(real, 50, random=np.random.default_rng(0))
    assert len(found) == 50
    assert not {plain(title) for title in found} & {plain(title) for title in real}
    triples = {tuple(tokens_of(title)[place : place + 3]) for title in real for place in range(8)}
    for title in found:
        tokens = tokens_of(title)
        middle = (len(tokens) + 1) // 2
        assert tuple(tokens[middle - 2 : middle + 1]) not in triples
    pairs = {tuple(tokens_of(title)[place : place + 2]) for title in real for place in range(8)}
    assert all(
        pair in pairs for title in found for pair in zip(title.split(), title.split()[1:], strict=False)
    )


def test_a_model_that_has_read_the_catalogue_is_said_to_know_it(world):
    question, _ = world
    probes, skipped = title_probes(reader_of(titles()), question, n=30, seed=0, progress=quiet)
    assert not skipped
    assert [probe.verdict for probe in probes] == ["knows", "knows"]
    assert all(probe.value.mean == 1.0 and probe.control.mean == 0.0 for probe in probes)


def test_a_model_that_has_read_other_titles_shows_no_sign(world):
    question, _ = world
    elsewhere = reader_of([f"Nothing in common number {number}" for number in range(50)])
    probes, _ = title_probes(elsewhere, question, n=30, seed=0, progress=quiet)
    assert [probe.verdict for probe in probes] == ["shows no sign", "shows no sign"]


def test_without_likelihoods_the_writing_remains_and_without_titles_the_reason(world):
    question, _ = world
    mute = ScriptedBackend(lambda request: "no idea")
    probes, _ = title_probes(mute, question, n=12, seed=0, progress=quiet)
    assert [probe.asked.name for probe in probes] == ["second half of a title written"]
    short = question.catalogue.__class__(
        **{
            field: getattr(question.catalogue, field)
            for field in question.catalogue.__dataclass_fields__
            if field != "titles"
        },
        titles=tuple(f"Film {number}" for number in range(len(question.catalogue))),
    )
    assert long_titles(short) == []


def test_histories_are_read_by_heart_or_not(world):
    question, _ = world
    tasks = history_tasks(question, n=20, random=np.random.default_rng(0))
    assert len(tasks) == 20
    log = question.train
    following = {}
    for user in range(log.n_users):
        names = [question.catalogue.titles[code] for code in log.item[log.rows_of(user)]]
        following |= {(tuple(names[:cut][-10:])): name for cut, name in enumerate(names) if cut}

    def by_heart(prefix, continuation):
        past = tuple(line for line in prefix.splitlines() if line.startswith(ARTICLES))
        return [-0.1 if following.get(past) == continuation else -3.0]

    knows = history_probe(
        *guess_next(ScriptedBackend([], score_function=by_heart), tasks, progress=quiet), seed=0
    )
    assert knows.verdict == "knows"
    flat = ScriptedBackend([], score_function=lambda prefix, continuation: [-1.0])
    assert history_probe(*guess_next(flat, tasks, progress=quiet), seed=0).verdict == "shows no sign"


def test_history_tasks_hold_nothing_of_the_future_and_nothing_twice(world):
    question, _ = world
    for task in history_tasks(question, n=20, random=np.random.default_rng(0)):
        names = [candidate.title for candidate in task.candidates]
        assert len(set(names)) == len(names) == 21
        assert not set(task.prompts.recent) & set(names)


def test_codes_hide_every_title_and_leave_the_task_as_it_is(world):
    question, exam = world
    slates = make_slates(question, exam, n_users=10, draws=("random",))
    for attributes in (True, False):
        names = code_names(
            question.catalogue, attributes=attributes, language="en", random=np.random.default_rng(0)
        )
        assert len(set(names)) == len(names)
        hidden = rename(slates, names, keep_interests=attributes)
        assert not shown_titles(hidden) & set(titles())
        assert hidden.vault is slates.vault
        for before, after in zip(slates.slates, hidden.slates, strict=True):
            assert [one.item for one in before.candidates] == [one.item for one in after.candidates]
            text = after.prompts.history().user
            assert not any(title in text for title in titles())
            assert any(genre in text for genre in ("Comedy", "Drama", "Thriller", "Western")) == attributes


def test_what_the_names_are_worth_is_measured_against_the_same_users(world):
    question, exam = world
    slates = make_slates(question, exam, n_users=30, draws=("random",))
    wanted = {slates.slates[n].candidates[place].title for n, place in enumerate(slates.targets)}

    def likely(prefix, text):
        # After a history only: without one, every title is as likely as another.
        return [-0.1 if text in wanted and "main interests" in prefix else -2.0]

    fan = ScriptedBackend([], score_function=likely)
    probes = name_probes(ModelRanker(fan), slates, question, seed=0, progress=quiet)
    assert [probe.verdict for probe in probes] == ["the names matter", "the names matter"]
    assert probes[1].control.mean == pytest.approx(0.227, abs=0.002), "all tied is chance"


def test_what_went_wrong_with_the_names_is_in_the_report(world):
    slates = make_slates(*world, n_users=2, draws=("random",))
    broken = ScriptedBackend(lambda request: BackendError("out of order"))
    probes = name_probes(ModelRanker(broken), slates, world[0], seed=0, progress=quiet)
    report = ContaminationReport("cinema", "0", broken.name, 0, tuple(probes), ())
    assert "trouble: BackendError: out of order" in report.to_markdown()
    assert report.to_dict()["probes"][0]["verdict"] == "too few to say"


def test_few_trials_are_not_put_into_words(world):
    question, _ = world
    probes, _ = title_probes(reader_of(titles()), question, n=5, seed=0, progress=quiet)
    assert {probe.verdict for probe in probes} == {"too few to say"}


def test_rates_never_claim_certainty_they_do_not_have():
    assert rate(0, 30).high > 0.1
    assert rate(30, 30).low < 0.9
    assert rate_difference(rate(0, 30), rate(0, 30)).high > 0.1
    with pytest.raises(ValueError, match="0 to 3"):
        rate(4, 3)


@pytest.mark.model
def test_a_real_model_answers_every_probe():
    backend = LlamaCppBackend(
        model_path("smollm2-135m"), name="smollm2-135m", context_tokens=1536, timeout_s=120
    )
    try:
        names = long_titles(cinema().catalogue)
        tasks = title_tasks(names, n=2, examples=names, random=np.random.default_rng(0))
        for ask in (choose_rests, complete_titles):
            found = ask(backend, tasks, chinese=False, stage="titles", progress=quiet)
            assert len(found.right) == 2
            assert found.problems == ()
        question, _ = cinema_question()
        (task,) = history_tasks(question, n=1, random=np.random.default_rng(0))
        following, later = guess_next(backend, [task], progress=quiet)
        assert following.problems == later.problems == ()
    finally:
        backend.close()
