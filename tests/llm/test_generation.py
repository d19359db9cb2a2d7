"""Text handed on while it is made is the final text, whatever the pieces and the stop texts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.llm.generation import Teller

LETTERS = st.text(alphabet="ab你é🎬", max_size=20)


@settings(deadline=None)
@given(LETTERS, st.lists(st.text(alphabet="ab你", min_size=1, max_size=4), max_size=3), st.integers(1, 5))
def test_pieces_make_up_the_text_up_to_the_first_stop(text, stops, size):
    raw, heard = text.encode(), []
    teller = Teller(heard.append, stops)
    for start in range(0, len(raw), size):
        teller.feed(raw[start : start + size])
        so_far = raw[: start + size]
        if any(stop.encode() in so_far for stop in stops):  # where generation ends
            text = so_far.decode(errors="replace")
            break
    teller.feed(b"", last=True)
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    assert "".join(heard) == (text[: min(found)] if found else text)
    assert all(heard)


def test_half_a_character_at_the_end_is_shown_as_such():
    heard = []
    teller = Teller(heard.append, ())
    teller.feed("ab你".encode()[:-1])
    assert heard == ["ab"]
    teller.feed(b"", last=True)
    assert "".join(heard) == "ab\ufffd"
