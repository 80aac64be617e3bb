"""What is known from events, in a small SQLite file: a projection that may be dropped.

It holds facts, which names mean the same dataset, who wrote and read what and when, and
which bundle states each unit at present. All of it follows from the ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lineage_graph.openlineage.facts import Fact, Unit, dataset_unit
from lineage_graph.openlineage.names import Name

_FORMAT: Final = 4
_TABLES: Final = """
CREATE TABLE position (seq INTEGER NOT NULL, chain TEXT NOT NULL);
CREATE TABLE fact (
  unit TEXT, key TEXT, at TEXT NOT NULL, digest TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (unit, key)) WITHOUT ROWID;
CREATE TABLE mention (other TEXT, unit TEXT, PRIMARY KEY (other, unit)) WITHOUT ROWID;
CREATE TABLE link (one TEXT, other TEXT, PRIMARY KEY (one, other)) WITHOUT ROWID;
CREATE TABLE name (
  unit TEXT PRIMARY KEY, rank INTEGER NOT NULL, dataset TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX name_dataset ON name (dataset);
CREATE TABLE wrote (
  dataset TEXT, run TEXT, at TEXT NOT NULL, version TEXT, PRIMARY KEY (dataset, run, version)
) WITHOUT ROWID;
CREATE INDEX wrote_run ON wrote (run);
CREATE INDEX wrote_at ON wrote (dataset, at);
CREATE TABLE read (
  dataset TEXT, run TEXT, at TEXT NOT NULL, version TEXT, PRIMARY KEY (dataset, run, version)
) WITHOUT ROWID;
CREATE INDEX read_run ON read (run);
CREATE INDEX read_at ON read (dataset, at);
CREATE TABLE waiting (unit TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE stated (
  unit TEXT PRIMARY KEY, bundle TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
"""
_RANKS: Final = {"TABLE": 0, "LOCATION": 2}
_USUAL: Final = 1
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_AT_ONCE: Final = 500

Row = tuple[Any, ...]


@lru_cache(maxsize=8192)
def text_of(unit: Unit) -> str:
    """Return a unit as one text."""
    return _json(unit)


@lru_cache(maxsize=8192)
def unit_of(text: str) -> Unit:
    """Return the unit that a text names."""
    return tuple(json.loads(text))


class Known:
    """What is known; for one thread at a time, under a lock that its owner holds.

    Args:
        path: The file; one of another format is begun anew.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # What a power cut loses is worked out again.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
            self.begin_anew()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def begin_anew(self) -> None:
        """Forget everything."""
        tables = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        with self.transaction():
            for (table,) in tables:
                self._db.execute(f'DROP TABLE "{table}"')
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_FORMAT}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of something or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """Return the rows of a question."""
        return self._db.execute(sql, parameters).fetchall()

    @property
    def position(self) -> tuple[int, str]:
        """Seq and chain of the last ledger entry that was taken in."""
        found = self.rows("SELECT seq, chain FROM position")
        return found[0] if found else (0, "")

    def move_to(self, seq: int, chain: str) -> None:
        """Remember the last ledger entry that was taken in."""
        self._db.execute("DELETE FROM position")
        self._db.execute("INSERT INTO position VALUES (?, ?)", (seq, chain))

    def learn(self, at: str, digest: str, facts: Iterable[Fact]) -> set[str]:
        """Take in facts of one event, and return the units whose record may now be another.

        What is said once more of a dataset or job, and no other than before, changes only
        the record of a dataset with several names: the latest of them counts.
        """
        told: dict[Unit, dict[str, Fact]] = defaultdict(dict)
        for fact in facts:
            told[fact.unit].setdefault(_key(fact.key), fact)
        changed, rows = set(), []
        for unit, by_key in told.items():
            text = text_of(unit)
            before = self._said(text, list(by_key))
            for key, fact in by_key.items():
                value, known = _json(fact.value), before.get(key)
                if known and not _counts(fact, (at, digest), known[:2]):
                    continue
                rows.append((text, key, at, digest, value))
                if not known or known[2] != value or unit[0] == "run" or self._is_linked(unit):
                    changed.add(text)
        self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?, ?)", rows)
        return changed

    def _said(self, unit: str, keys: list[str]) -> dict[str, Row]:
        """Return when and by which event some things were said of a unit, and the values."""
        found = {}
        for first in range(0, len(keys), _AT_ONCE):
            some = keys[first : first + _AT_ONCE]
            marks = ",".join("?" * len(some))
            sql = f"SELECT key, at, digest, value FROM fact WHERE unit = ? AND key IN ({marks})"
            found.update({key: rest for key, *rest in self.rows(sql, unit, *some)})
        return {key: tuple(rest) for key, rest in found.items()}

    def _is_linked(self, unit: Unit) -> bool:
        dataset = text_of(dataset_unit(Name(*unit[1:3])))
        return bool(self.rows("SELECT 1 FROM name WHERE unit = ?", dataset))

    def facts(self, unit: Unit) -> dict[tuple[str, ...], tuple[str, Any]]:
        """Return what is known of a unit: key to when it was said, and the value."""
        rows = self.rows("SELECT key, at, value FROM fact WHERE unit = ?", text_of(unit))
        return {tuple(json.loads(key)): (at, json.loads(value)) for key, at, value in rows}

    def mention(self, pairs: Iterable[tuple[Unit, Unit]]) -> None:
        """Remember that a unit's record depends on others."""
        self._db.executemany(
            "INSERT OR IGNORE INTO mention (unit, other) VALUES (?, ?)",
            [(text_of(unit), text_of(other)) for unit, other in pairs],
        )

    def mentioning(self, others: Iterable[str]) -> set[str]:
        """Return the units that depend on some units."""
        found: set[str] = set()
        for other in others:
            found.update(u for (u,) in self.rows("SELECT unit FROM mention WHERE other = ?", other))
        return found

    def link(self, links: Iterable[tuple[Name, Name, str]]) -> set[str]:
        """Take in that names mean one dataset, and return the names that are called anew."""
        changed: set[str] = set()
        for one, other, kind in links:
            first, second = text_of(dataset_unit(one)), text_of(dataset_unit(other))
            rank = _RANKS.get(kind.upper(), _USUAL)
            for name, its_rank in ((first, _USUAL), (second, rank)):
                # A table's name is the better one whoever says so, a location's the worse.
                self._db.execute(
                    "INSERT INTO name VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                    "SET rank = min(rank, excluded.rank)",
                    (name, its_rank, name),
                )
            self._db.execute("INSERT OR IGNORE INTO link VALUES (?, ?)", (first, second))
            self._db.execute("INSERT OR IGNORE INTO link VALUES (?, ?)", (second, first))
            changed |= self._call_anew(first)
        return changed

    def _call_anew(self, name: str) -> set[str]:
        group, waiting = {name}, [name]
        while waiting:
            for (other,) in self.rows("SELECT other FROM link WHERE one = ?", waiting.pop()):
                if other not in group:
                    group.add(other)
                    waiting.append(other)
        rows = [
            (rank, unit_of(unit)[1:], unit, dataset)
            for unit in group
            for rank, dataset in self.rows("SELECT rank, dataset FROM name WHERE unit = ?", unit)
        ]
        best = min(rows)[2]
        changed = {unit for _, _, unit, dataset in rows if dataset != best}
        self._db.executemany(
            "UPDATE name SET dataset = ? WHERE unit = ?", [(best, unit) for unit in changed]
        )
        return changed | {best} if changed else changed

    def dataset(self, name: Name) -> Name:
        """Return the name by which the dataset of a name is called."""
        unit = text_of(dataset_unit(name))
        found = self.rows("SELECT dataset FROM name WHERE unit = ?", unit)
        return Name(*unit_of(found[0][0])[1:]) if found else name

    def names(self, dataset: Name) -> list[Name]:
        """Return all names of a dataset, sorted."""
        unit = text_of(dataset_unit(dataset))
        rows = self.rows("SELECT unit FROM name WHERE dataset = ?", unit)
        return sorted({dataset, *(Name(*unit_of(one)[1:]) for (one,) in rows)})

    def replace_flows(self, table: str, run: str, flows: Iterable[Row]) -> set[Row]:
        """Say anew what a run wrote or read, as rows of dataset, time and version.

        Returns:
            The rows that are gone, and those that are new.
        """
        before = set(self.rows(f"SELECT dataset, at, version FROM {table} WHERE run = ?", run))
        now = set(flows)
        if before != now:
            self._db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
            self._db.executemany(
                f"INSERT INTO {table} (dataset, run, at, version) VALUES (?, ?, ?, ?)",
                [(dataset, run, at, version) for dataset, at, version in now],
            )
        return before ^ now

    def readers(self, dataset: str, since: str) -> list[str]:
        """Return the runs that read a dataset and began at a time or later."""
        sql = "SELECT DISTINCT run FROM read WHERE dataset = ? AND at >= ?"
        return [run for (run,) in self.rows(sql, dataset, since)]

    def is_read(self, dataset: str, version: str) -> bool:
        """Tell whether a run read a version of a dataset."""
        sql = "SELECT 1 FROM read WHERE dataset = ? AND version = ? LIMIT 1"
        return bool(self.rows(sql, dataset, version))

    def newest(self, dataset: str, before: str, reader: str) -> str | None:
        """Return the newest version of a dataset that another run wrote by a time."""
        found = self.rows(
            "SELECT version FROM wrote WHERE dataset = ? AND at <= ? AND run <> ? "
            "ORDER BY at DESC, version DESC LIMIT 1",
            *(dataset, before, reader),
        )
        return found[0][0] if found else None

    def wait(self, units: Iterable[str]) -> None:
        """Remember units whose bundle is to be worked out."""
        rows = [(unit,) for unit in units]
        self._db.executemany("INSERT OR IGNORE INTO waiting VALUES (?)", rows)

    def waiting(self) -> list[str]:
        """Return the units whose bundle is to be worked out."""
        return [unit for (unit,) in self.rows("SELECT unit FROM waiting ORDER BY unit")]

    def done(self, units: Iterable[str]) -> None:
        """Forget that units wait."""
        self._db.executemany("DELETE FROM waiting WHERE unit = ?", [(unit,) for unit in units])

    def stated(self, unit_digest: str) -> tuple[str, str] | None:
        """Return the bundle that states a unit at present, and the digest of what it says."""
        found = self.rows("SELECT bundle, digest FROM stated WHERE unit = ?", unit_digest)
        return found[0] if found else None

    def state(self, unit_digest: str, bundle: str, digest: str) -> None:
        """Remember which bundle states a unit."""
        self._db.execute(
            "INSERT OR REPLACE INTO stated VALUES (?, ?, ?)", (unit_digest, bundle, digest)
        )


def _counts(fact: Fact, now: Row, before: Row) -> bool:
    """Tell whether what is said now counts, and not what was said by another event."""
    return now < before if fact.earliest else now > before


@lru_cache(maxsize=8192)
def _key(key: tuple[str, ...]) -> str:
    return _json(key)


def _json(value: Any) -> str:
    return _ENCODER.encode(value)
