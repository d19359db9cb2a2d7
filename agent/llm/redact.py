"""A backend that is never told who people are: addresses and numbers are replaced before each call."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from agent.llm.backend import Completion, LlmRequest, Scores, Stream
from agent.llm.pii import KINDS, Redactor
from agent.llm.wrapper import WrappedBackend

# The longest placeholder a stream waits for before it gives an open bracket out as it is.
_MAX_PLACEHOLDER: Final = max(map(len, KINDS)) + 12


class RedactingBackend(WrappedBackend):
    """Holds a backend; emails, telephone and card numbers, IBANs, IP addresses and URLs stay here.

    Each becomes a placeholder such as `⟨email-1⟩`, the same one throughout a request, and is put back in
    text and data of the answer. Card numbers must pass the Luhn check and IBANs theirs, so that prices and
    most item numbers stay; one EAN in ten passes the Luhn check and goes too. Of a URL the part up to the
    first Han, kana or hangul sign goes. Names of people are not recognised.
    """

    def complete(self, request: LlmRequest) -> Completion:
        """See `Backend.complete`."""
        redactor = Redactor(request.system, request.user)
        return _restored(self._inner.complete(_hidden(request, redactor)), redactor)

    def stream(self, request: LlmRequest) -> Stream:
        """See `Backend.stream`; a piece that ends inside a placeholder waits for the next one."""
        redactor = Redactor(request.system, request.user)
        stream = self._inner.stream(_hidden(request, redactor))
        held = ""
        try:
            while True:
                try:
                    held += next(stream)
                except StopIteration as end:
                    if held:
                        yield redactor.restore(held)
                    return _restored(end.value, redactor)
                ready = len(held) - _open_tail(held)
                if ready:
                    yield redactor.restore(held[:ready])
                    held = held[ready:]
        finally:
            stream.close()

    def score(self, prefix: str, continuations: Sequence[str], *, stage: str = "rerank") -> Scores:
        """See `Backend.score`; the likelihoods are those of the texts with placeholders."""
        redactor = Redactor(prefix, *continuations)
        return self._inner.score(
            redactor.hide(prefix), [redactor.hide(text) for text in continuations], stage=stage
        )


def _hidden(request: LlmRequest, redactor: Redactor) -> LlmRequest:
    schema: Mapping[str, Any] | None = None
    if request.schema is not None:
        schema = redactor.hide_schema(request.schema)
    return dataclasses.replace(
        request,
        system=redactor.hide(request.system),
        user=redactor.hide(request.user),
        schema=schema,
        stop=tuple(redactor.hide(text) for text in request.stop),
    )


def _restored(completion: Completion, redactor: Redactor) -> Completion:
    data = None if completion.data is None else redactor.restore_data(completion.data)
    return dataclasses.replace(completion, text=redactor.restore(completion.text), data=data)


def _open_tail(text: str) -> int:
    """Length of the end of `text` that may be the beginning of a placeholder."""
    start = max(text.rfind("⟨"), text.rfind("<"))
    if start < 0 or len(text) - start > _MAX_PLACEHOLDER:
        return 0
    tail = text[start:]
    return 0 if "⟩" in tail or ">" in tail else len(tail)
