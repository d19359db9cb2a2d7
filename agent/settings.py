"""One `Settings`, nested by room. Argument > environment `DRIFTREC_…` > `driftrec.toml` > default."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
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
        low_rating: at or below it a `rate` counts as a dislike; None means 0.4 of the range observed so far.
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
    the same item again (groceries: yes, films: no); None lets the data say. `domain` is that of items whose
    file names none, and of items without a file; where it is `people`, items are users by their ids, and
    nobody is recommended to themselves.
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
        refresh_change: a version is worded anew when the profile is this far from the stored one, 0–1 (total
            variation of shares).
        refresh_hours: and the last version is at least so old; a burst of events costs one wording.
        day_zone: IANA name of the time zone that days are counted in: a session is a day there, and dates
            given or shown without a zone are meant in it.
    """

    min_sessions: int = Field(4, ge=2)
    distance_threshold: float = Field(0.5, gt=0, lt=2)
    max_worded: int = Field(12, ge=1)
    half_life_days: float = Field(60.0, gt=0)
    permutations: int = Field(1999, ge=200)
    alpha: float = Field(0.05, gt=0, lt=1)
    facet_fdr: float = Field(0.1, gt=0, lt=1)
    n_topics: int = Field(24, ge=2)
    refresh_change: float = Field(0.15, ge=0, le=1)
    refresh_hours: float = Field(24.0, ge=0)
    day_zone: str = "UTC"
    seed: int = 0

    @field_validator("day_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError("expected an IANA time zone such as Europe/Berlin or Asia/Shanghai") from None
        return name


class RankingSettings(_Room):
    """Candidates, fusion, rerank.

    Attributes:
        n_candidates: retrieval depth per source.
        n_rerank: how many of the fused list the language model scores.
        max_exact_items: catalogues up to here get the exact EASE; beyond, the most active items do.
        horizon_days: what confidence speaks of.
        weights: fixed fusion weights per source; empty lets validation decide.
        llm_weight: of the language model's order against the fused one, 0–1; 0 leaves it out. None: as
            decided by `driftrec fit --decide-llm`, until then a small stated prior.
        rerank_method: `likelihood` of the titles after the history, `scores` asked for as an object, or
            `auto`: likelihood where the model gives it.
    """

    n_candidates: int = Field(200, ge=10)
    n_rerank: int = Field(20, ge=2, le=50)
    max_exact_items: int = Field(4000, ge=100)
    horizon_days: float = Field(30.0, gt=0)
    weights: dict[str, float] = Field(default_factory=dict)
    llm_weight: float | None = Field(None, ge=0, le=1)
    rerank_method: Literal["auto", "likelihood", "scores"] = "auto"
    seed: int = 0


class CallSettings(_Room):
    """How a language model is called.

    Attributes:
        redact: when emails, phones, cards, IBANs, IP addresses and URLs are replaced before a call: for
            models on other machines, always, or never.
        attempts: of one call to a server, the first included.
        max_concurrent: calls under way at one server.
        record: a JSON-lines file that every call of a model and its answer is added to.
        replay: such a file, answered from in place of the models.
    """

    redact: Literal["remote", "always", "never"] = "remote"
    attempts: int = Field(3, ge=1, le=10)
    max_concurrent: int = Field(4, ge=1)
    record: Path | None = None
    replay: Path | None = None


class CostSettings(_Room):
    """What servers charge, and the hard limits. Models in this process cost nothing and have no limit.

    Attributes:
        price_in: of a million prompt tokens, in a currency of your choice.
        price_out: of a million output tokens.
        tokens_per_day: prompt and output tokens in one UTC day; None is no limit. A call that could exceed
            a limit is not made.
        tokens_total: ever.
        money_per_day: in the currency of the prices.
        money_total: ever.
        scope: limits hold for the `workspace`, from its ledger, or for each `process` alone.
    """

    price_in: float = Field(0.0, ge=0)
    price_out: float = Field(0.0, ge=0)
    tokens_per_day: int | None = Field(None, ge=0)
    tokens_total: int | None = Field(None, ge=0)
    money_per_day: float | None = Field(None, ge=0)
    money_total: float | None = Field(None, ge=0)
    scope: Literal["workspace", "process"] = "workspace"

    @model_validator(mode="after")
    def _prices_for_money(self) -> Self:
        limited = self.money_per_day is not None or self.money_total is not None
        if limited and self.price_in == self.price_out == 0:
            raise ValueError("a limit in money needs price_in and price_out, else it would never stop a call")
        return self


class LlmSettings(_Room):
    """The language model and how it is called.

    Attributes:
        model: `llamacpp:NAME-OR-FILE`, `openai:NAME` (`openai:NAME@URL` for a server of its own, which is
            sent no key), or `none` for deterministic wording. A list is a chain: the first, then `fallback`.
        fallback: models to try in turn when `model` fails; `none` can only be the last.
        base_url: of the OpenAI-compatible server; None is the vendor's.
        timeout_s: for one call, every retry included; loading a local model is not counted.
    """

    model: str = "llamacpp:qwen2.5-coder-0.5b"
    fallback: tuple[str, ...] = ()
    base_url: str | None = None
    api_key: SecretStr | None = None
    threads: int = Field(0, ge=0)
    context_tokens: int = Field(4096, ge=512)
    timeout_s: float = Field(60.0, gt=0)
    language: Literal["auto", "en", "zh"] = "auto"
    calls: CallSettings = Field(default_factory=CallSettings)
    cost: CostSettings = Field(default_factory=CostSettings)

    @model_validator(mode="before")
    @classmethod
    def _split_chain(cls, values: Any) -> Any:
        """A list as `model` becomes `model` and `fallback`."""
        if not isinstance(values, dict) or not isinstance(values.get("model"), (list, tuple)):
            return values
        chain = list(values["model"])
        if not chain or values.get("fallback"):
            raise ValueError("give llm.model as a list of one or more names, or llm.fallback beside one name")
        return {**values, "model": chain[0], "fallback": tuple(chain[1:])}

    @property
    def chain(self) -> tuple[str, ...]:
        """Every model in the order they are tried."""
        return (self.model, *self.fallback)

    def with_model(self, text: str) -> LlmSettings:
        """These settings with another model: a name, `KIND:NAME`, `none`, or a chain of those after commas.

        A text that is as a whole the path of a `.gguf` file is that file, whatever marks are in it.

        >>> LlmSettings().with_model("openai:m,smollm2-135m,none").chain
        ('openai:m', 'llamacpp:smollm2-135m', 'none')
        """
        names = [text.strip()] if _is_gguf(text) else [name.strip() for name in text.split(",")]
        chain = [
            f"llamacpp:{name.removeprefix('llamacpp:')}"
            if _is_gguf(name) or not (":" in name or name == "none")
            else name
            for name in names
        ]
        return self.model_copy(update={"model": chain[0], "fallback": tuple(chain[1:])})


def _is_gguf(text: str) -> bool:
    """Whether there is a model file at `text`, or at what follows `llamacpp:` in it."""
    try:
        path = Path(text.strip().removeprefix("llamacpp:")).expanduser()
        return path.suffix.lower() == ".gguf" and path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, with a zero byte, in the home of nobody
        return False


class ChatSettings(_Room):
    """Talks about one's own recommendations.

    Attributes:
        domain: `health` adds care: no diagnosis, and a line that nothing said is medical advice.
        sensitive_categories: interests and items of these are never named unless the person does; a list.
        model_words: let the language model word what the tools found; its words are checked either way.
        list_length: of a list when no number is asked for.
    """

    domain: Literal["general", "health"] = "general"
    sensitive_categories: tuple[str, ...] = ()
    model_words: bool = True
    list_length: int = Field(5, ge=1, le=50)

    @field_validator("sensitive_categories", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        names = value if isinstance(value, (list, tuple)) else (None,)
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise ValueError('expected a list of category names, such as ["Mystery"], or [] for none')
        return value


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
    chat: ChatSettings = Field(default_factory=ChatSettings)
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
