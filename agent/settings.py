"""One `Settings`, nested by room. Argument > environment `DRIFTREC_…` > `driftrec.toml` > default."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from agent.errors import SettingsError

MissingPolicy = Literal["keep", "mean", "median", "mode", "category", "drop"]

DEFAULT_WEIGHTS: dict[str, float] = {
    "view": 0.3,
    "search": 0.3,
    "purchase": 1.0,
    "rate": 1.0,
    "like": 1.0,
    "follow": 1.0,
    "add-to-cart": 0.6,
    "dislike": -1.0,
}


class _Room(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InteractionFile(_Room):
    """How event files are read.

    Attributes:
        columns: our name → the file's column; a value that starts with `=` is a constant (`"=purchase"`).
            Ours: user_id, item_id, query, timestamp, event, value, key (tells apart events that are
            otherwise equal, such as a basket number). Unmapped names are looked up as they stand.
        weights: weight of each event; added to the defaults. An event without a weight is quarantined.
        rename: event names of the file → ours (`rating` → `rate`).
        low_rating: at or below it a `rate` counts as a dislike; None means 0.4 of the observed range.
        near_duplicate_s: same user, item and event within so many seconds are one event; 0 is off.
        missing: policy per column of ours: keep, mean, median, mode, category, drop.
        timezone: of timestamps without one.
        encoding: of text files.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    weights: dict[str, float] = Field(default_factory=dict)
    rename: dict[str, str] = Field(default_factory=lambda: {"rating": "rate", "cart": "add-to-cart"})
    low_rating: float | None = None
    near_duplicate_s: float = Field(0.0, ge=0)
    missing: dict[str, MissingPolicy] = Field(default_factory=dict)
    timezone: str = "UTC"
    encoding: str = "utf-8"


class ItemFile(_Room):
    """How item files are read; `columns` as for events.

    Ours: item_id, title, description, categories, domain, text, extra. `repeats` says whether people take
    the same item again (groceries: yes, films: no); None lets the data say.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    category_separator: str = "|"
    missing: dict[str, MissingPolicy] = Field(default_factory=dict)
    encoding: str = "utf-8"
    domain: str = ""
    repeats: bool | None = None


class EmbeddingSettings(_Room):
    """Item vectors. `auto` looks at the catalogue's language; `pca_dims` 0 keeps all dimensions."""

    model: str = "auto"
    batch_size: int = Field(64, ge=1)
    pca_dims: int = Field(0, ge=0)


class InterestSettings(_Room):
    """Facets, profiles, migration.

    Attributes:
        min_sessions: fewer sessions than this and a profile says that it is a first impression; such users
            are left out of `refresh --all`.
        distance_threshold: average-linkage cosine distance at which clusters stop merging, 0–2.
        max_worded: facets that are worded and shown; the rest counts as other.
        half_life_days: of the recency weight of shares.
        permutations: whole-day shuffles behind each p-value.
        alpha: level of the drift test: nothing is called a change unless the whole moved beyond chance.
        facet_fdr: false discovery rate over a user's facets, once the whole has moved.
    """

    min_sessions: int = Field(4, ge=2)
    distance_threshold: float = Field(0.5, gt=0, lt=2)
    max_worded: int = Field(12, ge=1)
    half_life_days: float = Field(60.0, gt=0)
    permutations: int = Field(1999, ge=200)
    alpha: float = Field(0.05, gt=0, lt=1)
    facet_fdr: float = Field(0.1, gt=0, lt=1)
    n_topics: int = Field(24, ge=2)
    seed: int = 0


class RankingSettings(_Room):
    """Candidates, fusion, rerank.

    Attributes:
        n_candidates: retrieval depth per source.
        n_rerank: how many of the fused list the language model scores.
        max_exact_items: catalogues up to here get the exact EASE; beyond, the most active items do.
        horizon_days: what confidence speaks of.
        weights: fixed fusion weights per source; empty lets validation decide.
        llm_weight: of the language model's order against the fused one, 0–1; 0 leaves it out.
    """

    n_candidates: int = Field(200, ge=10)
    n_rerank: int = Field(20, ge=2, le=50)
    max_exact_items: int = Field(4000, ge=100)
    horizon_days: float = Field(30.0, gt=0)
    weights: dict[str, float] = Field(default_factory=dict)
    llm_weight: float = Field(0.2, ge=0, le=1)
    seed: int = 0


class LlmSettings(_Room):
    """The language model: `llamacpp:NAME-OR-FILE`, `openai:NAME`, or `none` for deterministic wording."""

    model: str = "llamacpp:qwen2.5-coder-0.5b"
    base_url: str | None = None
    api_key: SecretStr | None = None
    threads: int = Field(0, ge=0)
    context_tokens: int = Field(4096, ge=512)
    timeout_s: float = Field(60.0, gt=0)
    language: Literal["auto", "en", "zh"] = "auto"


class Settings(BaseSettings):
    """Everything that can be set, one attribute per room."""

    model_config = SettingsConfigDict(
        env_prefix="DRIFTREC_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    interactions: InteractionFile = Field(default_factory=InteractionFile)
    items: ItemFile = Field(default_factory=ItemFile)
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings)
    interests: InterestSettings = Field(default_factory=InterestSettings)
    ranking: RankingSettings = Field(default_factory=RankingSettings)
    llm: LlmSettings = Field(default_factory=LlmSettings)
    offline: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Argument > environment > file > default."""
        return init_settings, env_settings


def load_settings(path: Path | None = None, **overrides: object) -> Settings:
    """The settings of `driftrec.toml` at `path`, under environment and `overrides`.

    Args:
        path: the TOML file; None or a missing file gives the defaults.
        **overrides: whole rooms, by name.

    Raises:
        SettingsError: unknown key, wrong type or value out of range; names key, value and file.
    """

    class _FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            if path is None or not path.is_file():
                return init_settings, env_settings
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    try:
        merged = _FromFile(**overrides)  # type: ignore[arg-type]
        return Settings(**{name: getattr(merged, name) for name in Settings.model_fields})
    except ValidationError as error:
        where = str(path) if path else "settings"
        problems = "; ".join(
            f"[{'.'.join(str(part) for part in entry['loc'])}] {entry['msg']} (got {entry['input']!r})"
            for entry in error.errors(include_url=False)
            if "api_key" not in entry["loc"]
        )
        raise SettingsError(f"{where}: {problems or 'llm.api_key is not a string'}") from None
    except ValueError as error:  # TOML syntax, or a malformed environment value
        raise SettingsError(f"{path or 'settings'}: {error}") from None
