"""Everything that differs between SQLite and PostgreSQL: connections, transactions, upserts, triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, Table, create_engine, event, exc
from sqlalchemy.dialects import postgresql, sqlite

from agent.errors import StoreError, WorkspaceBusyError, WorkspaceNotFoundError

BUSY_TIMEOUT_S: Final = 30.0
WRITE_OPTION: Final = "driftrec_write"

# recursive_triggers: without it INSERT OR REPLACE deletes rows behind the back of the delete trigger.
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "recursive_triggers=ON",
    "temp_store=MEMORY",
    "cache_size=-131072",
    "mmap_size=268435456",
)


def open_engine(location: Path | str) -> Engine:
    """An engine for a SQLite file (`Path`, or a string without `://`) or any SQLAlchemy URL.

    Raises:
        WorkspaceNotFoundError: the folder of the SQLite file does not exist.
        StoreError: the URL cannot be understood.
    """
    if isinstance(location, str) and "://" in location:
        url = location
    else:
        path = Path(location).expanduser()
        if not path.parent.is_dir():
            raise WorkspaceNotFoundError(
                f"expected the folder of the store at {str(path.parent)!r}, found none; "
                "run: driftrec init, or create the folder"
            )
        url = f"sqlite:///{path}"
    try:
        engine = create_engine(url)
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise StoreError(f"expected a file path or an SQLAlchemy URL, got {url!r}: {error}") from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself: it would begin deferred ones.
        dbapi_connection.isolation_level = None
        dbapi_connection.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")
        for pragma in _PRAGMAS:
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT,
        # whatever the busy timeout says: writers take the lock when they begin.
        immediate = connection.get_execution_options().get(WRITE_OPTION, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """A connection inside one transaction, committed at the end of the block, rolled back on any error.

    Raises:
        WorkspaceBusyError: another process held the write lock for longer than `BUSY_TIMEOUT_S`.
        StoreError: the database refused; the message carries its words.
    """
    try:
        with engine.connect().execution_options(**{WRITE_OPTION: write}) as connection, connection.begin():
            yield connection
    except exc.DBAPIError as error:
        words = str(error.orig)
        where = engine.url.render_as_string(hide_password=True)
        if "locked" in words or "busy" in words:
            raise WorkspaceBusyError(
                f"{where}: another process has been writing for {BUSY_TIMEOUT_S:.0f} s; "
                "wait for it to end or stop it, then try again"
            ) from error
        if "not a database" in words or "malformed" in words:
            raise StoreError(
                f"{where}: expected a driftrec store, got a damaged or foreign file ({words}); "
                "move it away and ingest again, or restore a backup"
            ) from error
        raise StoreError(f"{where}: the database refused: {words}") from error


def bulk_insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> int:
    """Number of rows inserted by one executemany; rows whose key exists are left out and not counted.

    `columns` names the entries of each row in order. Values go to the driver as they are: no type of
    SQLAlchemy converts them (JSON has to come as text).
    """
    if not rows:
        return 0
    statement = _insert(connection, table).on_conflict_do_nothing()
    return _execute_many(connection, statement, columns, rows)


def bulk_upsert(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str,
) -> None:
    """Inserts rows, and overwrites those whose `conflict` column exists; values as in `bulk_insert`.

    The primary key of an existing row stays as it is.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    fixed = {conflict, *(column.name for column in table.primary_key)}
    changes = {name: statement.excluded[name] for name in columns if name not in fixed}
    _execute_many(
        connection, statement.on_conflict_do_update(index_elements=[conflict], set_=changes), columns, rows
    )


def fetch_tuples(
    connection: Connection, statement: Select[Any], *, size: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of `statement` as the driver gives them, at most `size` at a time, never an empty list.

    Wrapping a million rows in SQLAlchemy's own takes as long as reading them. No type converts the values.
    """
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    cursor = connection.connection.cursor()
    try:
        cursor.execute(str(compiled))
        while rows := cursor.fetchmany(size):
            yield list(rows)
    finally:
        cursor.close()


def put_value(connection: Connection, table: Table, row: Mapping[str, Any], *, conflict: str) -> None:
    """Inserts one row, or overwrites the one with the same `conflict` column."""
    statement = _insert(connection, table).values(**row)
    changes = {name: statement.excluded[name] for name in row if name != conflict}
    connection.execute(statement.on_conflict_do_update(index_elements=[conflict], set_=changes))


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _execute_many(
    connection: Connection,
    statement: sqlite.Insert | postgresql.Insert,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> int:
    # Handing tuples to the driver skips the per-value processing of Core, which takes longer than the insert.
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    if compiled.positional:
        order = list(compiled.positiontup or ())
        picks = [columns.index(name) for name in order]
        tuples = rows if picks == list(range(len(columns))) else [tuple(r[i] for i in picks) for r in rows]
        return connection.exec_driver_sql(str(compiled), [tuple(row) for row in tuples]).rowcount
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return connection.exec_driver_sql(str(compiled), named).rowcount


def append_only_ddl(dialect: str, table: str) -> tuple[str, ...]:
    """Statements that make `table` refuse UPDATE and DELETE in the SQL of `dialect`."""
    message = f"{table} are append-only"
    if dialect == "postgresql":
        return (
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$",
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
        )
    return tuple(
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        for action in ("UPDATE", "DELETE")
    )
