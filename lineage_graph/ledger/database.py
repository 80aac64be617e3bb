"""The SQLite file under the ledger: its tables, how it is opened, what its errors mean.

Statements keep to what PostgreSQL also understands; pragmas and the file are SQLite's.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from lineage_graph.errors import LedgerBroken, StoreError, StoreLocked, StoreUnavailable

APPLICATION_ID = 0x4C474C31
SCHEMA_VERSION = 2

SCHEMA = """
CREATE TABLE entry (
  seq integer PRIMARY KEY,
  txid text NOT NULL UNIQUE,
  at text NOT NULL,
  author text NOT NULL,
  bundle text NOT NULL UNIQUE,
  digest text NOT NULL,
  chain text NOT NULL,
  body blob NOT NULL,
  beside blob NOT NULL
);
CREATE TABLE node (id integer PRIMARY KEY, iri text NOT NULL UNIQUE);
CREATE TABLE kinds (id integer PRIMARY KEY, terms text NOT NULL UNIQUE);
CREATE TABLE subject (
  seq integer NOT NULL,
  node integer NOT NULL,
  PRIMARY KEY (seq, node)
) WITHOUT ROWID;
CREATE INDEX subject_by_node ON subject (node, seq);
CREATE TABLE edge (
  seq integer NOT NULL,
  derived integer NOT NULL,
  source integer NOT NULL,
  kinds integer NOT NULL,
  activity integer NOT NULL,
  level integer NOT NULL,
  PRIMARY KEY (seq, derived, source, kinds, activity, level)
) WITHOUT ROWID;
CREATE TABLE invalidation (
  seq integer NOT NULL,
  node integer NOT NULL,
  PRIMARY KEY (seq, node)
) WITHOUT ROWID;
CREATE INDEX invalidation_by_node ON invalidation (node, seq);
"""

Row = tuple[Any, ...]


def create(path: Path) -> None:
    """Create an empty ledger, unless another process was faster.

    It is made under another name and linked whole: a file of this name is always a
    ledger, so an empty one is damage and never taken for a fresh start.

    Raises:
        StoreUnavailable: The folder cannot be written.
    """
    made = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with explained(path), closing(sqlite3.connect(made, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION}; {SCHEMA} COMMIT;"
            )
        # The folder reaches the disk with the first commit: SQLite flushes it with a new WAL.
        with suppress(FileExistsError):
            os.link(made, path)
    except OSError as error:
        raise StoreUnavailable(
            f"The ledger {path} cannot be created: {error.strerror}. "
            "Make the folder writable or choose another one."
        ) from error
    finally:
        with suppress(OSError):
            made.unlink()


def connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open a connection whose commits are on the disk when they return.

    Args:
        path: The file, absolute.
        busy_timeout: Seconds to wait for another writer.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def recognise(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is not a ledger this release can read.

    Raises:
        LedgerBroken: It is not a ledger.
        StoreError: A newer release wrote it.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION and application == APPLICATION_ID:
        raise StoreError(
            f"The ledger {path} has schema {version}; this release reads schema "
            f"{SCHEMA_VERSION}. Upgrade lineage_graph to open it."
        )
    if version == SCHEMA_VERSION - 1 and application == APPLICATION_ID:
        raise StoreError(
            f"The ledger {path} was written before the first release and is whole; this release "
            "reads what was recorded from then on. Keep it, and record into a new store."
        )
    if (application, version) != (APPLICATION_ID, SCHEMA_VERSION):
        raise broken(path, None, "is not a ledger, or its header is damaged")


def rows_until_damage(
    connection: sqlite3.Connection, sql: str, parameters: Row = ()
) -> tuple[list[Row], bool]:
    """Return the rows that can be read, and whether a damaged one ended them."""
    rows: list[Row] = []
    try:
        for row in connection.execute(sql, parameters):
            rows.append(row)
    except sqlite3.Error as error:
        if primary_code(error) != sqlite3.SQLITE_CORRUPT:
            raise
        return rows, True
    return rows, False


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error."""
    # Python's own errors, such as text that is not UTF-8, carry no code: damage.
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)) & 0xFF


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """Return what a SQLite error means for the ledger."""
    code = primary_code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLocked(
            f"The ledger {path} is held by another process that appends. "
            "Wait for it, then append the same transaction again."
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        return broken(path, None, f"is damaged: {error}")
    return StoreUnavailable(
        f"The ledger {path} cannot be used: {error}. Check that the file exists, that it is "
        "writable and that the disk has space, then append the same transaction again."
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Let no SQLite error through, only what it means."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


def broken(path: Path, seq: int | None, what: str) -> LedgerBroken:
    """Return the error for a ledger that cannot be trusted from an entry on."""
    where = f"The ledger {path}" if seq is None else f"Entry {seq} of the ledger {path} is broken:"
    return LedgerBroken(
        f"{where} {what}. Record nothing more into it, keep a copy of the file, and restore "
        "it from a backup.",
        seq,
    )
