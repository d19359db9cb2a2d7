"""Intervals, tests and words: by hand, and by how often they are right on data whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.measures.calibration import calibration_error, reliability
from eval.measures.statistics import (
    Comparison,
    Interval,
    bootstrap_mean,
    bootstrap_ratio,
    compare_rows,
    detectable_effect,
    holm,
    randomisation_p,
    sentence,
    users_needed,
)


def test_bootstrap_interval_covers_the_mean():
    rng = np.random.default_rng(0)
    covered = sum(
        found.low <= 0.3 <= found.high
        for found in (
            bootstrap_mean(rng.binomial(1, 0.3, 200).astype(float), n_resamples=400) for _ in range(100)
        )
    )
    assert 88 <= covered <= 100


def test_words_need_an_interval():
    assert bootstrap_mean(np.full(50, 0.1) + np.linspace(-0.01, 0.01, 50)).better
    nothing = bootstrap_mean(np.linspace(-1, 1, 50))
    assert not nothing.better
    assert not nothing.worse
    assert bootstrap_mean(np.full(9, -1.0)).worse
    assert bootstrap_mean(np.array([np.nan])).n == 0


def test_the_randomisation_test_is_honest():
    """Under no difference p is below .05 in about 5 % of cases; three equal signs have 2 of 8 as extreme."""
    rng = np.random.default_rng(1)
    small = sum(randomisation_p(rng.normal(size=40), n_flips=200, seed=n) < 0.05 for n in range(200))
    assert 2 <= small <= 20
    assert randomisation_p(np.array([1.0, 1.0, 1.0]), n_flips=4000) == pytest.approx(0.25, abs=0.03)
    assert randomisation_p(np.zeros(5)) == 1.0
    assert randomisation_p(np.full(60, 0.1), n_flips=200) == pytest.approx(1 / 201)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_power_figures_agree_with_simulation():
    rng = np.random.default_rng(2)
    differences = rng.normal(0.0, 1.0, 100)
    effect = detectable_effect(differences)
    found = sum(
        abs(sample.mean()) / (sample.std(ddof=1) / 10.0) > 1.96
        for sample in (rng.normal(effect, 1.0, 100) for _ in range(400))
    )
    assert 0.7 < found / 400 < 0.9
    shifted = differences - differences.mean() + effect
    assert users_needed(shifted) == pytest.approx(100, abs=2)
    assert users_needed(np.zeros(4)) == 0


def test_the_report_refuses_the_word_better():
    rng = np.random.default_rng(3)
    base = rng.random(60)
    noise, real = base + rng.normal(0, 0.3, 60), base + 0.2 + rng.normal(0, 0.05, 60)
    worse = base - 0.2
    found = {c.row: c for c in compare_rows({"a": base, "n": noise, "r": real, "w": worse}, reference="a")}
    assert found["n"].verdict == "no difference shown"
    assert "better" not in sentence(found["n"]) and "would need" in sentence(found["n"])
    assert found["r"].verdict == "better" and ": better (p" in sentence(found["r"])
    assert found["w"].verdict == "worse"
    assert all(c.holm >= c.p_value for c in found.values())


def test_rows_that_agree_on_everybody_need_no_more_users():
    (same,) = compare_rows({"a": np.array([0.5, 0.2]), "b": np.array([0.5, 0.2])}, reference="a")
    assert same.users_needed == 0 and same.p_value == 1
    assert sentence(same).endswith("no difference shown (2 users)")


def test_a_word_needs_holm_as_well():
    gap = Interval(0.1, 0.01, 0.2, 50)
    found = Comparison("a", "b", gap, 0.1, p_value=0.02, holm=0.06, detectable=0.1, users_needed=40)
    assert found.verdict == "no difference shown after Holm"
    assert "Holm 0.0600" in sentence(found) and "better" not in sentence(found)
    assert replace(found, holm=0.04).verdict == "better"
    assert replace(found, holm=0.04, difference=Interval(-0.1, -0.2, -0.01, 50)).verdict == "worse"
    assert (
        replace(found, holm=0.04, difference=Interval(0.1, -0.01, 0.2, 50)).verdict == "no difference shown"
    )


def test_rows_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one split"):
        compare_rows({"a": np.zeros(3), "b": np.zeros(4)}, reference="a")


def test_users_without_a_value_are_left_out_of_a_pair():
    (found,) = compare_rows(
        {"a": np.array([1.0, 1.0, np.nan]), "b": np.array([2.0, np.nan, 5.0])}, reference="a"
    )
    assert (found.difference.n, found.difference.mean) == (1, 1.0)


def test_a_ratio_to_nothing_is_none_and_pairs_are_kept():
    nothing = bootstrap_ratio(np.array([1.0, 2.0]), np.zeros(2))
    assert np.isnan(nothing.mean) and nothing.n == 2
    paired = bootstrap_ratio(np.array([2.0, np.nan, 6.0]), np.array([1.0, 5.0, 3.0]))
    assert (paired.mean, paired.low, paired.high, paired.n) == (2.0, 2.0, 2.0, 2)


def test_the_relative_difference_is_that_of_the_users_compared():
    base = np.array([1.0, 1.0, 9.0, 9.0])
    (found,) = compare_rows({"a": base, "b": np.array([2.0, 2.0, np.nan, np.nan])}, reference="a")
    assert found.relative == 1.0
    (nobody,) = compare_rows({"a": base, "b": np.full(4, np.nan)}, reference="a")
    assert np.isnan(nobody.relative) and nobody.verdict == "no values"


def test_calibration_by_hand():
    stated = np.array([0.1, 0.1, 0.9, 0.9])
    table = reliability(stated, np.array([False, True, True, True]), bins=2)
    assert [(b.stated, b.observed, b.n) for b in table] == [(0.1, 0.5, 2), (0.9, 1.0, 2)]
    assert calibration_error(table) == pytest.approx((0.4 + 0.1) / 2)
    rng = np.random.default_rng(4)
    p = rng.random(20_000)
    assert calibration_error(reliability(p, rng.random(20_000) < p)) < 0.02
    assert np.isnan(calibration_error([]))
