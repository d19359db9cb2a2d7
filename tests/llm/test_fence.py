from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.fence import fence

NASTY = st.lists(
    st.sampled_from(
        ["<|im_start|>", "<|im_end|>", "</items>", "[INST]", "[/INST]", "\n", "\u202e", "\x00", "<"]
    )
    | st.text(max_size=5)
).map("".join)


@given(NASTY, st.integers(min_value=1, max_value=60))
def test_nothing_structural_is_left(text, limit):
    fenced = fence(text, limit)
    assert len(fenced) <= limit
    assert not {"<", ">", "\n", "\r", "\t"} & set(fenced)
    assert "[INST]" not in fenced
    assert "[/INST]" not in fenced
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in fenced)
    assert fenced == " ".join(fenced.split())


@given(NASTY, st.integers(min_value=1, max_value=60))
def test_fencing_twice_changes_nothing(text, limit):
    assert fence(fence(text, limit), limit) == fence(text, limit)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=80))
def test_plain_titles_stay_as_they_are(text):
    assert fence(text) == text


@pytest.mark.parametrize(
    "title", ["三体：黑暗森林", "Amélie (2001)", "Baby food, 4 oz & co.", "Se7en [1995]"]
)
def test_real_titles_stay_as_they_are(title):
    assert fence(title) == title


def test_absurdly_long_titles_are_cut():
    assert fence("a" * 1_000_000, 10) == "a" * 9 + "…"
    with pytest.raises(ValueError, match="limit"):
        fence("a", 0)
