"""From events to the graph: what they mean, worked out by whoever asks.

The record of each run, dataset and job is a bundle of its own. When further events change
it, a new bundle says so and ends the old one; so at any time the bundles that hold are a
function of the set of events, whatever their order, and however often one was sent.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lineage_graph.declarations import bundled, term_text
from lineage_graph.errors import StoreUnavailable
from lineage_graph.identity import digested, named, sha256
from lineage_graph.ledger import Edge, Entry, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.nquads import nquads
from lineage_graph.openlineage.acceptance import EVENT, TRANSACTION
from lineage_graph.openlineage.activities import run_records
from lineage_graph.openlineage.facts import Unit, dataset_unit, run_unit, said_by
from lineage_graph.openlineage.known import Known, text_of, unit_of
from lineage_graph.openlineage.names import Name, RunKey
from lineage_graph.openlineage.runs import ReportedRun, read_run, resolved
from lineage_graph.openlineage.things import dataset_records, job_records, version_records
from lineage_graph.recording.bundle import edges_of
from lineage_graph.recording.descriptions import ENGINE
from lineage_graph.records import Record

log = logging.getLogger("lineage_graph")

STATING: Final = "openlineage-of:"
MAPPING: Final = named("activity", "openlineage-mapping")
"""What ends a bundle that further events have made obsolete."""

_DRAFT: Final = named("bundle", "draft")
_NOTHING: Final = ""
_AT_ONCE: Final = 500
# Whoever else appends waits for as many to be written.
_TOGETHER: Final = 50


@dataclass(frozen=True)
class Statement:
    """What is to be said of a unit now, in place of what was said of it.

    Attributes:
        unit: Digest of the unit.
        digest: Of what is said; empty for nothing.
        lines: N-Quads of the draft's graph.
        subjects: IRIs that are described.
        edges: Derivations that are stated.
        before: The bundle that this one ends.
    """

    unit: str
    digest: str
    lines: bytes
    subjects: list[str]
    edges: list[Edge]
    before: str | None

    def entry(self) -> NewEntry:
        """Return it as a bundle that is named by what it says and what it ends."""
        name = sha256(f"{self.unit} {self.digest} {self.before}".encode())
        bundle = digested("bundle", name)
        end = f" <{bundle}> .\n".encode()
        body = self.lines.replace(f" <{_DRAFT}> .\n".encode(), end)
        if self.before is not None:
            ended = term_text("iri", bundled().iri("invalidated_by"))
            body += f"<{self.before}> {ended} <{MAPPING}>".encode() + end
        return NewEntry(
            txid=f"{STATING}{self.unit}:{self.digest}:{name}",
            author=ENGINE,
            bundle=bundle,
            body=b"".join(sorted(body.splitlines(keepends=True))),
            subjects=self.subjects,
            edges=self.edges,
            invalidates=[self.before] if self.before else [],
        )


class Mapper:
    """Keeps what events mean in the ledger.

    Args:
        path: The file of what is known, a projection of the ledger.
        ledger: The whole ledger; a part of it would mean something else.
    """

    def __init__(self, path: Path, ledger: LedgerFile) -> None:
        self._path = path
        self._ledger = ledger
        self._seen = -1
        self._mutex = threading.Lock()

    def catch_up(self) -> None:
        """Bring what the events mean into the ledger, as far as it is not there.

        Without events it costs one look at the ledger's head, and one more when that moved.

        Raises:
            StoreUnavailable: The file of what is known cannot be used.
            StoreError: The ledger cannot be read or written.
        """
        head = self._ledger.head
        if head == self._seen:
            return
        if not self._path.exists() and not self._ledger.iris_with(named(EVENT, "")):
            self._seen = head
            return
        try:
            with self._mutex, self._alone(), self._opened() as known:
                self._take_in(known)
                self._state_what_waits(known)
                self._take_in(known)
                self._seen = -1 if known.waiting() else known.position[0]
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(
                f"{self._path} cannot be used: {error}. Check the folder's permissions and the "
                "free space; the file may be deleted, it is made again from the ledger."
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _opened(self) -> Iterator[Known]:
        try:
            known = Known(self._path)
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            known = Known(self._path)
        try:
            yield known
        finally:
            known.close()

    def _take_in(self, known: Known) -> None:
        """Learn from what was appended."""
        seq, chain = known.position
        if seq and self._ledger.chain_at(seq) != chain:
            known.begin_anew()
            seq = 0
        entries = iter(self._ledger.entries(seq, self._ledger.head))
        while some := list(islice(entries, _AT_ONCE)):
            with known.transaction():
                for entry in some:
                    _learn(known, entry)
                known.move_to(some[-1].seq, some[-1].chain)

    def _state_what_waits(self, known: Known) -> None:
        waiting = known.waiting()
        if not waiting:
            return
        with known.transaction():
            runs, others = _resolve(known, waiting)
            # Whoever is interrupted from here on does not find out again whom this concerns.
            waiting = sorted({*waiting, *(run.unit for run in runs), *others})
            known.wait(waiting)
        # What else a dataset is called is said before anything is its version: who may not see it
        # by one name does not by another.
        self._state(known, [_other_work(known, unit) for unit in others])
        self._state(known, [_run_work(known, run) for run in runs])
        with known.transaction():
            known.done(waiting)

    def _state(self, known: Known, work: Iterable[Work]) -> None:
        """Append what is new of some work, and wait until it is on the disk."""
        pending = iter(work)
        while some := list(islice(pending, _TOGETHER)):
            drafts = [_draft(known, unit, records) for unit, records in some]
            self._ledger.append_all([one.entry() for one in drafts if one is not None])


Work = tuple[str, Callable[[], list[Record]]]


def _run_work(known: Known, run: ReportedRun) -> Work:
    def records() -> list[Record]:
        named_runs = [one for one in (run.parent, *run.upstream) if one]
        others = frozenset(one for one in named_runs if known.facts(run_unit(one)))
        return run_records(run, resolved(known, run), others)

    return run.unit, records


def _other_work(known: Known, text: str) -> Work:
    kind, namespace, name, *number = unit_of(text)
    make = _MAKERS[kind]
    return text, lambda: make(known, Name(namespace, name), *number)


_MAKERS: Final[Mapping[str, Callable[..., list[Record]]]] = {
    "dataset": dataset_records,
    "version": version_records,
    "job": job_records,
}


def _draft(known: Known, unit: str, make: Callable[[], list[Record]]) -> Statement | None:
    """Return what is to be said of a unit; None when just that is said already."""
    records = make()
    lines = nquads(_DRAFT, records) if records else b""
    digest = sha256(lines) if records else _NOTHING
    key = sha256(unit.encode())
    before = known.stated(key)
    if (before[1] if before else _NOTHING) == digest:
        return None
    subjects = sorted({record.id for record in records})
    ends = before[0] if before and before[1] != _NOTHING else None
    return Statement(key, digest, lines, subjects, edges_of(records), ends)


def _resolve(known: Known, waiting: list[str]) -> tuple[list[ReportedRun], list[str]]:
    """Work out who wrote and read what, and return the runs and other units to be stated."""
    runs: dict[str, ReportedRun] = {}
    changed: dict[str, str] = {}
    units = set(waiting)
    for unit in filter(_is_run, waiting):
        run = _read(known, unit)
        if run is None:
            continue
        runs[unit] = run
        flows = {
            (text_of(dataset_unit(dataset)), run.written_at, version)
            for dataset in run.outputs
            for version in run.written(dataset)
        }
        for dataset, at, _ in known.replace_flows("wrote", unit, flows):
            changed[dataset] = min(at, changed.get(dataset, at))
    for dataset, since in changed.items():
        for unit in known.readers(dataset, since):
            if unit not in runs and (run := _read(known, unit)) is not None:
                runs[unit] = run
    for unit, run in runs.items():
        flows = {
            (text_of(dataset_unit(dataset)), run.started, version.iri)
            for dataset, versions in resolved(known, run).items()
            for version in versions
        }
        units.update(dataset for dataset, _, _ in known.replace_flows("read", unit, flows))
    others = {_canonical(known, unit_of(unit)) for unit in units if not _is_run(unit)}
    others.update(unit for unit in units if not _is_run(unit))
    for version in filter(_is_version, others):
        _, namespace, name, _ = unit_of(version)
        names = known.names(known.dataset(Name(namespace, name)))
        known.mention((unit_of(version), dataset_unit(one)) for one in names)
    return list(runs.values()), sorted(others)


def _read(known: Known, unit: str) -> ReportedRun | None:
    return read_run(known, RunKey(*unit_of(unit)[1:]))


def _is_run(unit: str) -> bool:
    return unit_of(unit)[0] == "run"


def _is_version(unit: str) -> bool:
    return unit_of(unit)[0] == "version"


def _canonical(known: Known, unit: Unit) -> str:
    kind, namespace, name, *number = unit
    if kind not in ("dataset", "version"):
        return text_of(unit)
    return text_of((kind, *known.dataset(Name(namespace, name)), *number))


def _learn(known: Known, entry: Entry) -> None:
    if entry.txid.startswith(TRANSACTION):
        for digest, event in _events(entry.body):
            try:
                _learn_event(known, digest, event)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                # Only what was appended past the checks can be so; others must not suffer.
                log.warning("Event %s is not understood: %s.", digest, type(error).__name__)
    elif entry.txid.startswith(STATING) and entry.author == ENGINE:
        unit, digest, _ = entry.txid.removeprefix(STATING).split(":")
        known.state(unit, entry.bundle, digest)


def _learn_event(known: Known, digest: str, event: Any) -> None:
    said = said_by(event)
    before = {fact.unit for fact in said.facts if fact.unit[0] == "run"}
    new = [text_of(unit) for unit in before if not known.facts(unit)]
    changed = known.learn(said.at, digest, said.facts)
    known.mention(said.mentions)
    renamed = known.link(said.links)
    known.wait({*changed, *renamed, *known.mentioning([*renamed, *new])})
    fields = {text_of(fact.unit) for fact in said.facts if fact.key[0] == "field"}
    known.wait(filter(_is_version, known.mentioning(sorted(fields & changed))))


def _events(body: bytes) -> Iterable[tuple[str, Any]]:
    """Yield the digests and the documents of the events in an entry."""
    for found in _document_line().finditer(body.decode()):
        # The escapes of such a literal, which is canonical JSON, are also those of JSON.
        yield found[1], json.loads(json.loads(found[2]))


@cache
def _document_line() -> re.Pattern[str]:
    event, document = re.escape(named(EVENT, "")), re.escape(bundled().iri("document"))
    literal = r'("(?:[^"\\]+|\\.)*")'
    return re.compile(rf"^<{event}([0-9a-f]{{64}})> <{document}> {literal}\^\^", re.M)
