"""Handling of streams of text: all of one, a whole answer as one, failures on the way."""

from __future__ import annotations

import time

from agent.errors import LlmError
from agent.llm.backend import Completion, Stream


def collect(stream: Stream) -> tuple[list[str], Completion]:
    """Every piece of a stream, and its completion."""
    pieces: list[str] = []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            completion: Completion = end.value
            return pieces, completion


def stream_whole(completion: Completion) -> Stream:
    """A stream that gives a finished answer at once."""
    if completion.text:
        yield completion.text
    return completion


def end_openly(stream: Stream, model: str) -> Stream:
    """`stream`, with the promise of `Backend.stream` about failures kept.

    Before the first piece an error is raised as it is: nothing has been shown, another try can be made.
    After it, what came is the answer, marked as broken off.
    """
    started = time.perf_counter()
    pieces: list[str] = []
    try:
        while True:
            try:
                piece = next(stream)
            except StopIteration as end:
                completion: Completion = end.value
                return completion
            pieces.append(piece)
            yield piece
    except LlmError as error:
        if not pieces:
            raise
        return broken_off("".join(pieces), model, str(error), seconds=time.perf_counter() - started)
    finally:
        stream.close()


def broken_off(text: str, model: str, why: str, *, seconds: float) -> Completion:
    """The completion of a stream that failed after `text` had been given."""
    return Completion(
        text=text,
        model=model,
        finish_reason="error",
        output_tokens=len(text.encode()) // 4,
        seconds=seconds,
        degraded=True,
        note=f"the answer broke off after {len(text)} characters: {why}",
        estimated=True,
    )
