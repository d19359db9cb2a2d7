"""A workspace held open: what the `Agent` facade stands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agent.errors import LlmError
from agent.settings import Settings, load_settings
from agent.workspace import Workspace

if TYPE_CHECKING:
    from agent.data.index import BuildReport
    from agent.data.report import IngestReport
    from agent.session import Session

ProgressCallback = Callable[[str, int, int | None], None]


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


class OpenWorkspace:
    """A workspace held open: its files, index and fitted models. Use as a context manager, or call `close`.

    What is missing or out of date (index, fitted models) is made when first needed and kept in the
    workspace; `progress` is told of all that takes time.
    """

    def __init__(
        self, workspace: Workspace, settings: Settings, *, progress: ProgressCallback | None = None
    ) -> None:
        from agent.data.store import Store

        self.workspace = workspace
        self.settings = settings
        self._progress = progress or _silent
        self._store = Store.open(workspace.store_path)
        self._session: Session | None = None

    @classmethod
    def open(
        cls,
        workspace: str | Path = "shop",
        *,
        model: str | None = None,
        offline: bool | None = None,
        progress: ProgressCallback | None = None,
    ) -> Self:
        """The agent of an existing workspace.

        Args:
            workspace: a folder with a `driftrec.toml`, or a name under `.driftrec`.
            model: language model in place of the settings': a name, a .gguf file, `openai:…`, `none`, or
                a chain of those after commas.
            offline: fetch nothing, speak to no other machine: what would need it raises OfflineError; None
                leaves it to the settings. Wrap the block in `agent.offline.network_fence` to have every
                connection of this process refused, other libraries' too, as the command line does.
            progress: called with (stage, done, total).

        Raises:
            WorkspaceNotFoundError: no such workspace.
            SettingsError: its settings are not valid.
        """
        place = Workspace.find(workspace)
        settings = load_settings(place.settings_path)
        if model is not None:
            settings = settings.model_copy(update={"llm": settings.llm.with_model(model)})
        if offline is not None:
            settings = settings.model_copy(update={"offline": offline})
        return cls(place, settings, progress=progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees model, index and store; calling it twice is harmless."""
        self._forget()
        self._store.close()

    def _forget(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    @property
    def session(self) -> Session:
        """The loaded state of the workspace: log, catalogue, rooms. Loaded once, dropped by an ingest."""
        from agent.session import Session

        if self._session is None:
            self._session = Session(self.workspace, self.settings, self._store, progress=self._progress)
        return self._session

    def ingest_items(self, path: str | Path) -> IngestReport:
        """Reads an item file; the report adds up to its rows. The same file again changes nothing."""
        from agent.data.ingest import ingest_items

        return self._ingest(ingest_items, path)

    def ingest_interactions(self, path: str | Path) -> IngestReport:
        """Reads an event file; the report adds up to its rows. The same file again changes nothing."""
        from agent.data.ingest import ingest_interactions

        return self._ingest(ingest_interactions, path)

    def _ingest(self, read: Callable[..., IngestReport], path: str | Path) -> IngestReport:
        self._forget()
        stage = f"Reading {Path(path).name}"
        return read(
            self._store,
            Path(path),
            self.settings,
            quarantine_dir=self.workspace.quarantine_dir,
            progress=lambda done, total: self._progress(stage, done, total),
        )

    def index(self) -> BuildReport:
        """Embeds the items and brings the Chroma index up to date with the store."""
        from agent.sentence_vectors import prepare_talks

        report = self.session.build_index()
        prepare_talks(self.session)
        return report

    def fit(self, *, decide_llm: int = 0) -> dict[str, Any]:
        """Fits the ranking and the population model if they are out of date; a summary of both.

        Args:
            decide_llm: people per window of the past whose lists the language model grades, so that its
                weight is decided and kept; 0 leaves that as it is.
        """
        summary = self.session.fit()
        if decide_llm:
            from agent.listing.weighing import decide_llm as decide

            decide(self.session, n_users=decide_llm)
        return {**summary, **self.session.llm_weights()}

    def warm_model(self) -> str:
        """Loads the language model, fetching it first if need be; what is wrong with it, or empty."""
        from agent.llm.wrapper import open_now

        backend = self.session.backend
        if backend is None:
            return ""
        try:
            open_now(backend)
        except LlmError as error:
            return str(error)
        return ""
