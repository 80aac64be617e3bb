"""Rebuilds that somebody asked for: a queue that outlives whoever asks and whoever works.

A worker holds a lock on a file of its own while it lives. The system frees that lock when the
process ends, however it ends, so what a dead worker had begun goes back to the queue.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Literal

from lineage_graph.errors import LineageGraphError, NotFound, StepFailed, StoreUnavailable
from lineage_graph.identity import uuid7
from lineage_graph.replay.results import Rebuild

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: Final = frozenset({"done", "failed", "cancelled"})
MOST_ATTEMPTS: Final = 3
MOST_QUEUED: Final = 1000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS request (
  id text PRIMARY KEY,
  target text NOT NULL,
  from_scratch integer NOT NULL,
  requested_by text NOT NULL,
  at text NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  worker text,
  cancel integer NOT NULL DEFAULT 0,
  begun text,
  ended text,
  done integer,
  total integer,
  step text,
  verdict text,
  outputs text,
  error text
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS request_by_state ON request (state, id);
"""
_COLUMNS: Final = (
    "id, target, from_scratch, requested_by, at, state, attempts, begun, ended, done, total, step, "
    "verdict, outputs, error"
)
_OUTPUT: Final = ("version", "name", "action", "verdict", "rows", "seconds")


@dataclass(frozen=True)
class Request:
    """A rebuild that somebody asked for.

    Attributes:
        id: Names the request.
        target: IRI of the version to rebuild.
        from_scratch: Whether everything on the way is run too.
        requested_by: IRI of the agent who asked.
        at: When, ISO 8601 in UTC, as all times here.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        attempts: How many workers took it.
        begun: When the last worker took it.
        ended: When it was done, failed or cancelled.
        done: Steps that are done.
        total: Steps there are.
        step: Name of the version that is being made.
        verdict: What the rebuild found.
        outputs: The versions on the way: ``version``, ``name``, ``action``, ``verdict``,
            ``rows`` and ``seconds`` of each.
        error: Why it failed, without what the data holds.
    """

    id: str
    target: str
    from_scratch: bool
    requested_by: str
    at: str
    state: State
    attempts: int
    begun: str | None
    ended: str | None
    done: int | None
    total: int | None
    step: str | None
    verdict: str | None
    outputs: tuple[dict[str, Any], ...]
    error: str | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change about it any more."""
        return self.state in ENDED


class Requests:
    """The queue of a store; any number of processes of one machine may use it.

    Args:
        folder: The store.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rebuilds.db"
        self._workers = folder / "workers"

    def add(self, target: str, requested_by: str, from_scratch: bool = False) -> Request:
        """Ask for a rebuild; what somebody asked for and nobody began yet is not asked twice.

        Args:
            target: IRI of the version.
            requested_by: IRI of the agent who asks.
            from_scratch: Whether everything on the way is run too.

        Raises:
            StoreUnavailable: The queue is full, or cannot be written.
        """
        with self._writing() as db:
            same = db.execute(
                "SELECT id FROM request WHERE state = 'queued' AND target = ? "
                "AND requested_by = ? AND from_scratch = ?",
                (target, requested_by, from_scratch),
            ).fetchone()
            if same:
                return _one(db, same[0])
            waiting = db.execute("SELECT count(*) FROM request WHERE state = 'queued'").fetchone()
            if waiting[0] >= MOST_QUEUED:
                raise StoreUnavailable(
                    f"{MOST_QUEUED} rebuilds are waiting already. Ask again when some are done; "
                    "an operator starts what does them with: lineage-graph worker."
                )
            new = uuid7()
            db.execute(
                "INSERT INTO request (id, target, from_scratch, requested_by, at, state) "
                "VALUES (?, ?, ?, ?, ?, 'queued')",
                (new, target, from_scratch, requested_by, _now()),
            )
            return _one(db, new)

    def get(self, id: str) -> Request:
        """Return a request.

        Raises:
            NotFound: There is none.
        """
        with self._connected() as db:
            return _one(db, id)

    def all(
        self, state: State | None = None, first: int = 100, before: str | None = None
    ) -> list[Request]:
        """Return requests, the newest first.

        Args:
            state: Only those in a state.
            first: How many at most.
            before: Only those that are older than the request of this id.
        """
        with self._connected() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM request WHERE (? IS NULL OR state = ?) "
                "AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
                (state, state, before, before, first),
            )
            return [_read(row) for row in rows]

    def cancel(self, id: str) -> Request:
        """Take a request back; one that runs ends before its next step.

        Raises:
            NotFound: There is none.
        """
        with self._writing() as db:
            _one(db, id)
            db.execute(
                "UPDATE request SET state = 'cancelled', ended = ? WHERE id = ? "
                "AND state = 'queued'",
                (_now(), id),
            )
            db.execute("UPDATE request SET cancel = 1 WHERE id = ? AND state = 'running'", (id,))
            return _one(db, id)

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """Give what takes requests, for as long as this process lives.

        Raises:
            StoreUnavailable: The folder cannot be written.
        """
        lock = self._workers / uuid7()
        try:
            self._workers.mkdir(parents=True, exist_ok=True)
            file = lock.open("w")
        except OSError as error:
            raise StoreUnavailable(
                f"{self._workers} cannot be written: {error.strerror}. Make it writable."
            ) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield Worker(self, lock.name)
            finally:
                lock.unlink(missing_ok=True)

    def _lives(self, worker: str) -> bool:
        """Whether a worker still holds the lock on its file."""
        try:
            with (self._workers / worker).open("r") as file:
                return not _lockable(file)
        except FileNotFoundError:
            return False

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise StoreUnavailable(
                f"The queue {self._path} cannot be used: {error}. Check that it is writable and "
                "that the disk has space, and ask again."
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


class Worker:
    """Takes requests, one at a time.

    Args:
        requests: The queue.
        name: Name of its lock.
    """

    def __init__(self, requests: Requests, name: str) -> None:
        self._requests = requests
        self._name = name

    def take(self) -> Request | None:
        """Take the request that waits longest; None when none waits.

        What dead workers had begun waits again, unless it was begun too often.
        """
        with self._requests._writing() as db:
            self._return_abandoned(db)
            row = db.execute(
                "SELECT id FROM request WHERE state = 'queued' ORDER BY id LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE request SET state = 'running', worker = ?, attempts = attempts + 1, "
                "begun = ?, done = NULL, total = NULL, step = NULL WHERE id = ?",
                (self._name, _now(), row[0]),
            )
            return _one(db, row[0])

    def tell(self, id: str, done: int, total: int, step: str) -> bool:
        """Record how far a rebuild has come.

        Returns:
            Whether it shall go on; it shall not when somebody took the request back.
        """
        with self._requests._writing() as db:
            db.execute(
                "UPDATE request SET done = ?, total = ?, step = ? WHERE id = ? AND worker = ?",
                (done, total, step or None, id, self._name),
            )
            row = db.execute("SELECT cancel FROM request WHERE id = ?", (id,)).fetchone()
            return not row[0]

    def finish(self, id: str, rebuild: Rebuild) -> None:
        """Record what a rebuild found."""
        outputs = [
            {key: value for key, value in one.to_dict().items() if key in _OUTPUT}
            for one in rebuild.outputs
        ]
        self._end(id, "done", "verdict = ?, outputs = ?", rebuild.verdict, json.dumps(outputs))

    def fail(self, id: str, error: Exception) -> None:
        """Record that a rebuild failed, and why as far as that quotes no data."""
        self._end(id, "failed", "error = ?", _said(error))

    def cancelled(self, id: str) -> None:
        """Record that a rebuild ended because its request was taken back."""
        self._end(id, "cancelled", "step = NULL")

    def put_back(self, id: str) -> None:
        """Let a request wait again, as if it had not been taken."""
        with self._requests._writing() as db:
            db.execute(
                "UPDATE request SET state = 'queued', worker = NULL, attempts = attempts - 1 "
                "WHERE id = ? AND worker = ?",
                (id, self._name),
            )

    def _end(self, id: str, state: State, set_: str, *values: str | None) -> None:
        with self._requests._writing() as db:
            db.execute(
                f"UPDATE request SET state = ?, ended = ?, {set_} WHERE id = ? AND worker = ?",
                (state, _now(), *values, id, self._name),
            )

    def _return_abandoned(self, db: sqlite3.Connection) -> None:
        running: Sequence[tuple[str, str, int, int]] = db.execute(
            "SELECT id, worker, attempts, cancel FROM request WHERE state = 'running'"
        ).fetchall()
        for id, worker, attempts, cancel in running:
            if self._requests._lives(worker):
                continue
            with suppress(FileNotFoundError):
                (self._requests._workers / worker).unlink()
            state = "cancelled" if cancel else "failed" if attempts >= MOST_ATTEMPTS else "queued"
            error = (
                f"The worker ended {attempts} times while it did this. Its log may say why."
                if state == "failed"
                else None
            )
            ended = None if state == "queued" else _now()
            db.execute(
                "UPDATE request SET state = ?, worker = NULL, ended = ?, error = ? WHERE id = ?",
                (state, ended, error, id),
            )


def _one(db: sqlite3.Connection, id: str) -> Request:
    row = db.execute(f"SELECT {_COLUMNS} FROM request WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no request {id[:100]!r} for a rebuild.")
    return _read(row)


def _read(row: tuple[Any, ...]) -> Request:
    *head, outputs, error = row
    known = dict(zip(_COLUMNS.split(", "), head, strict=False))
    known |= {"from_scratch": bool(known["from_scratch"]), "error": error}
    return Request(**known, outputs=tuple(json.loads(outputs or "[]")))


def _lockable(file: IO[str]) -> bool:
    """Whether nobody holds the lock on a file; it is let go again with the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _said(error: Exception) -> str:
    """Return why something failed, as far as it can be told to whoever asks."""
    if isinstance(error, LineageGraphError) and not isinstance(error, StepFailed):
        return f"{error.code}: {error}"
    cause = error.__cause__ or error
    return f"{type(cause).__name__} was raised. The worker's log says more."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
