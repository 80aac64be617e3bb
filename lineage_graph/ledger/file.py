"""The ledger in one SQLite file, in WAL mode with ``synchronous=FULL``.

An entry is on the disk when :meth:`LedgerFile.append` returns, any number of processes may
append, and SQLite gives the order.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

from lineage_graph.errors import StoreError, StoreUnavailable
from lineage_graph.ledger import reading, verification
from lineage_graph.ledger.database import (
    Row,
    broken,
    connect,
    create,
    explain,
    explained,
    primary_code,
    recognise,
    rows_until_damage,
)
from lineage_graph.ledger.entries import (
    GENESIS,
    Entry,
    NewEntry,
    Request,
    request,
)
from lineage_graph.ledger.reading import Invalidation
from lineage_graph.ledger.writing import write

EVER = 2**62
FIRST_HOLE = """
SELECT min(e.seq + 1) FROM (SELECT 0 AS seq UNION ALL SELECT seq FROM entry WHERE seq > 0) AS e
WHERE NOT EXISTS (SELECT 1 FROM entry n WHERE n.seq = e.seq + 1)
"""


class LedgerFile:
    """An append-only, hash-chained ledger in one SQLite file.

    A handle may be shared by threads, not by a forked child. It is a context manager.

    Args:
        path: The file.
        create: Whether to begin a new ledger when there is no file.
        busy_timeout: Seconds to wait for another process that is appending.

    Raises:
        LedgerBroken: The file is not a ledger, is damaged, or has a hole; the full
            check is :meth:`verify`.
        StoreUnavailable: There is no file, or it cannot be opened.
        StoreError: A newer release wrote it.
    """

    def __init__(self, path: Path, *, create: bool = True, busy_timeout: float = 30.0) -> None:
        """Open the ledger, or begin it."""
        self._path = path.absolute()
        self._connect = partial(connect, self._path, busy_timeout)
        self._pid = os.getpid()
        self._unusable: str | None = None
        self._queue: deque[Request] = deque()
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._open(create)

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if os.getpid() != self._pid:
            return
        with self._write_lock, self._read_lock:
            self._unusable = self._unusable or "it was closed"
            self._writer.close()
            self._reader.close()

    def append(self, new: NewEntry) -> int:
        """Append one bundle; it is on the disk when this returns."""
        return self.append_all([new])[0]

    def append_all(self, several: Sequence[NewEntry]) -> list[int]:
        """Append bundles in one transaction; they are on the disk when this returns.

        Raises:
            RecordConflict: One was in conflict; the others were appended.
        """
        self._require_usable()
        waiting = [request(new) for new in several]
        self._queue.extend(waiting)
        # Whoever gets the lock commits all that waits; the others find their outcome.
        with self._write_lock:
            if any(one.outcome is None for one in waiting):
                self._require_usable()
                self._commit_queued()
        return [self._seq(one) for one in waiting]

    def _seq(self, done: Request) -> int:
        if isinstance(done.outcome, int):
            return done.outcome
        raise done.outcome or self._interrupted()

    @property
    def head(self) -> int:
        """Seq of the last entry, 0 when there is none."""
        return int(self._read("SELECT coalesce(max(seq), 0) FROM entry")[0][0])

    @property
    def chain_head(self) -> str:
        """Chain of the last entry: it names the content of the whole ledger."""
        rows = self._read("SELECT chain FROM entry ORDER BY seq DESC LIMIT 1")
        return str(rows[0][0]) if rows else GENESIS

    def entries(self, after: int = 0, upto: int | None = None) -> Iterator[Entry]:
        """Yield entries in order, each checked against its digest and the chain."""
        last = EVER if upto is None else upto
        for page in verification.pages(self._read_until_damage, self._path, after, last):
            for entry, _ in page:
                yield entry

    def described(self, iris: Iterable[str]) -> set[str]:
        """Return which of the IRIs some entry describes."""
        return reading.described(self._read, iris)

    def described_first(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the seq of the first entry that describes an IRI, for those that are."""
        return reading.described_first(self._read, iris)

    def described_between(self, prefix: str, after: int, upto: int) -> set[str]:
        """Return the IRIs with a prefix that some entries describe."""
        return reading.described_between(self._read, prefix, after, upto)

    def iris_with(self, prefix: str) -> list[str]:
        """Return the IRIs with a prefix, without those of parts of things, sorted."""
        return reading.iris_with(self._read, prefix)

    def things_after(self, node: int, prefixes: Sequence[str]) -> list[Row]:
        """Return number and IRI of things, and of their columns, in the order of their numbers."""
        return reading.things_after(self._read, node, prefixes)

    def is_bundle(self, iri: str) -> bool:
        """Tell whether an entry's bundle has this IRI."""
        return reading.is_bundle(self._read, iri)

    def index_rows(self, after: int, upto: int) -> Iterator[list[Row]]:
        """Yield the edges that some entries state, as numbers, a page at a time."""
        return reading.index_rows(self._read, after, upto)

    def invalidations(self, after: int, upto: int) -> list[Invalidation]:
        """Return what no longer holds as far as some entries make it known."""
        return reading.invalidations(self._read, after, upto)

    def kind_sets(self) -> dict[int, tuple[str, ...]]:
        """Return the sets of derivation kinds by number, the first one met first."""
        return reading.kind_sets(self._read)

    def node_ids(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those IRIs that occur in the ledger."""
        return reading.node_ids(self._read, iris)

    def iris_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the IRIs of those numbers that are in the ledger."""
        return reading.iris_of(self._read, ids)

    def chain_at(self, seq: int) -> str | None:
        """Return the chain of an entry, of the beginning for 0; None when there is none."""
        return reading.chain_at(self._read, seq)

    def partial(self, version: str) -> bool:
        """Tell that there is nothing that a version came from and that is not here."""
        return False

    def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Check every entry: sequence, digest, chain, and the columns beside the body."""
        self._require_usable()
        with explained(self._path):
            return verification.verify(self._connect, self._path, progress)

    def _open(self, may_create: bool) -> None:
        if may_create and not self._path.exists():
            create(self._path)
        with explained(self._path):
            self._writer, self._reader = self._connect(), self._connect()
        try:
            with explained(self._path):
                recognise(self._reader, self._path)
                # One snapshot: somebody else may be appending between two questions.
                self._reader.execute("BEGIN")
                self._check_end()
                self._reader.execute("COMMIT")
        except BaseException:
            self.close()
            raise

    def _check_end(self) -> None:
        """Refuse a ledger with a hole, one cut short, and one whose last link is wrong."""
        count, first, last = self._read("SELECT count(*), min(seq), max(seq) FROM entry")[0]
        if count and (first, last) != (1, count):
            raise broken(self._path, self._read(FIRST_HOLE)[0][0], "it is missing")
        if self._read("SELECT coalesce(max(seq), 0) FROM subject")[0][0] > count:
            raise broken(self._path, count + 1, "it is missing, its subjects are still there")
        for _ in self.entries(after=max(0, count - 1)):
            pass

    def _commit_queued(self) -> None:
        """Commit everything that waits in one transaction, as the leader of the group."""
        group: list[Request] = []
        committing = False
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            group += self._drain()
            outcomes = [write(self._writer, self._path, waiting) for waiting in group]
            committing = True
            self._writer.execute("COMMIT")
            for waiting, outcome in zip(group, outcomes, strict=True):
                waiting.outcome = outcome
        except sqlite3.Error as error:
            self._give_up(error, committing)
            for waiting in (*group, *self._drain()):
                waiting.outcome = explain(error, self._path)
        except BaseException:
            self._roll_back()
            raise

    def _drain(self) -> list[Request]:
        return [self._queue.popleft() for _ in range(len(self._queue))]

    def _give_up(self, error: sqlite3.Error, committing: bool) -> None:
        if committing or primary_code(error) == sqlite3.SQLITE_IOERR:
            self._unusable = f"writing failed ({error}), what reached the disk is not known"
        self._roll_back()

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")

    def _read(self, sql: str, parameters: Row = ()) -> list[Row]:
        self._require_usable()
        with self._read_lock, explained(self._path):
            return self._reader.execute(sql, parameters).fetchall()

    def _read_until_damage(self, sql: str, parameters: Row) -> tuple[list[Row], bool]:
        self._require_usable()
        with self._read_lock, explained(self._path):
            return rows_until_damage(self._reader, sql, parameters)

    def _require_usable(self) -> None:
        if os.getpid() != self._pid:
            raise StoreError(
                f"The ledger {self._path} was opened by process {self._pid}; a forked child "
                "must not use its handle. Open the ledger again in this process."
            )
        if self._unusable:
            raise StoreUnavailable(
                f"The handle on the ledger {self._path} is no longer usable: {self._unusable}. "
                "Open the ledger again; append the same transaction again to learn its seq."
            )

    def _interrupted(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"The commit to the ledger {self._path} was interrupted. "
            "Append the same transaction again to learn its seq."
        )
