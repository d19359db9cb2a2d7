"""A workspace: one folder with its settings, store, index, caches and reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.errors import SettingsError, WorkspaceNotFoundError

SETTINGS_FILE = "driftrec.toml"
# Workspaces named without a path live here, under the current folder.
NAMED_FOLDER = Path(".driftrec")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The places of one workspace. Nothing is created by looking."""

    root: Path

    @property
    def settings_path(self) -> Path:
        """The TOML file."""
        return self.root / SETTINGS_FILE

    @property
    def store_path(self) -> Path:
        """The SQLite file."""
        return self.root / "store.sqlite"

    @property
    def index_dir(self) -> Path:
        """The Chroma folder: a cache, safe to delete."""
        return self.root / "index"

    @property
    def cache_dir(self) -> Path:
        """Fitted models: a cache, safe to delete."""
        return self.root / "cache"

    @property
    def quarantine_dir(self) -> Path:
        """Where rejected rows are written."""
        return self.root / "quarantine"

    @property
    def raw_dir(self) -> Path:
        """Where a demo keeps its prepared input files."""
        return self.root / "raw"

    @classmethod
    def find(cls, name: str | Path) -> Workspace:
        """The workspace of that name or path.

        A path that holds a `driftrec.toml` is taken as it stands, else `.driftrec/NAME` is tried.

        Raises:
            WorkspaceNotFoundError: neither holds one; says where it looked.
        """
        # Under an absolute path both are the same.
        tried = tuple(dict.fromkeys((Path(name), NAMED_FOLDER / name)))
        for root in tried:
            if (root / SETTINGS_FILE).is_file():
                return cls(root)
        places = " or ".join(str(root / SETTINGS_FILE) for root in tried)
        raise WorkspaceNotFoundError(
            f"expected a workspace at {places}, found none; "
            f"run: driftrec init {name} --interactions FILE --items FILE"
        )

    @classmethod
    def place(cls, name: str | Path) -> Workspace:
        """Where a new workspace of that name or path belongs: a bare name goes under `.driftrec`."""
        path = Path(name)
        bare = not path.is_absolute() and len(path.parts) == 1 and str(path) not in (".", "..")
        taken = (path / SETTINGS_FILE).is_file()
        return cls(NAMED_FOLDER / path if bare and not taken else path)

    def create(self, toml: str, *, overwrite: bool = False) -> None:
        """Makes the folder and writes its settings; the same settings again change nothing.

        Raises:
            SettingsError: other settings are there already and `overwrite` is False.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        if self.settings_path.exists() and not overwrite:
            if self.settings_path.read_text(encoding="utf-8") == toml:
                return
            raise SettingsError(
                f"{self.settings_path} exists with other settings; edit it, or run init with --overwrite"
            )
        self.settings_path.write_text(toml, encoding="utf-8")
