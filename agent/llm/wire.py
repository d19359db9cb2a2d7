"""Messages between parent and worker: four bytes of length, then JSON. No pickles, nothing to execute."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

_HEADER = struct.Struct(">I")
MAX_BYTES = 64 << 20


def write_message(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Writes one message and flushes. Lone surrogates in texts survive (JSON escapes them)."""
    body = json.dumps(message).encode("ascii")
    if len(body) > MAX_BYTES:
        raise ValueError(f"expected a message of at most {MAX_BYTES} bytes, got {len(body)}")
    stream.write(_HEADER.pack(len(body)) + body)
    stream.flush()


def read_message(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message, or None when the other side has gone (also in the middle of a message)."""
    header = _read_exactly(stream, _HEADER.size)
    if header is None:
        return None
    (size,) = _HEADER.unpack(header)
    if size > MAX_BYTES:
        return None
    body = _read_exactly(stream, size)
    if body is None:
        return None
    message: dict[str, Any] = json.loads(body)
    return message


def find_surrogate(message: object) -> str:
    """What of a JSON-ready message is no text: its first lone surrogate, as an escape; empty for none.

    Tokenizers and HTTP take UTF-8, which has no such characters; the native tokenizer ends its process.
    """
    try:
        json.dumps(message, ensure_ascii=False, default=dict).encode("utf-8")
    except UnicodeEncodeError as error:
        return ascii(error.object[error.start])
    return ""


def _read_exactly(stream: BinaryIO, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        chunk = stream.read(size - len(data))
        if not chunk:
            return None
        data += chunk
    return data
