"""The graph in memory or in a folder, by Oxigraph.

Oxigraph acknowledges writes that are not on the disk yet, and lets one process write. So
nobody keeps the folder: who has something to apply takes a lock beside it, opens it,
applies a batch in one transaction and closes it; who asks reads a frozen snapshot. What is
lost or damaged is applied again from the ledger.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pyoxigraph as ox

from lineage_graph.errors import DeclarationError, StoreLocked, StoreUnavailable
from lineage_graph.identity import uuid7
from lineage_graph.stores import Applied, Bundle, EntriesAfter, Rows, quads, rdf
from lineage_graph.stores.reading import require_question

T = TypeVar("T")

_POLL_SECONDS = 0.02
_MARKER = {"holds": "a projection of a lineage_graph ledger", "format": 1}
# Oxigraph raises RuntimeError for a damaged file, FileNotFoundError for one that is gone.
DAMAGE = (RuntimeError, FileNotFoundError)


class _OxigraphStore(ABC):
    """Everything but how one comes by an open store."""

    @abstractmethod
    def _read(self, work: Callable[[ox.Store], T]) -> T:
        """Do something with a store that others may be reading."""

    @abstractmethod
    def _write(self, work: Callable[[ox.Store], T]) -> T:
        """Do something with a store that nobody else can write."""

    @property
    def applied(self) -> Applied:
        """How far the store has come."""
        return self._read(quads.applied)

    def apply(self, entries_after: EntriesAfter) -> int:
        """Apply the next batch in one transaction."""
        return self._write(lambda graph: quads.apply(graph, entries_after))

    def select(self, sparql: str) -> Rows:
        """Answer a SELECT over the merge of all bundles."""
        answer = self._ask(sparql, rdf.rows, ox.QuerySolutions, "SELECT")
        assert isinstance(answer, Rows)
        return answer

    def ask(self, sparql: str) -> bool:
        """Answer an ASK over the merge of all bundles."""
        return bool(self._ask(sparql, bool, ox.QueryBoolean, "ASK"))

    def construct(self, sparql: str) -> bytes:
        """Answer a CONSTRUCT or DESCRIBE as sorted N-Triples, each once."""
        answer = self._ask(sparql, quads.ntriples, ox.QueryTriples, "CONSTRUCT or DESCRIBE")
        assert isinstance(answer, bytes)
        return answer

    def _ask(
        self, sparql: str, read: Callable[..., object], kind: type[object], form: str
    ) -> object:
        require_question(sparql)

        def work(graph: ox.Store) -> object:
            try:
                answer = graph.query(sparql)
            except SyntaxError as problem:
                raise DeclarationError(f"the query does not parse: {problem}") from problem
            if not isinstance(answer, kind):
                raise DeclarationError(f"the query is not a {form}")
            return read(answer)

        return self._read(work)

    def dump(self, bundle: str | None = None) -> bytes:
        """Return the bundles, or one of them, as sorted N-Quads."""
        return self._read(lambda graph: quads.dump(graph, bundle))

    def bundle_matches(self, entry: Bundle) -> bool:
        """Tell whether the bundle's graph and the merge hold what an entry says."""
        return self._read(lambda graph: quads.matches(graph, entry))

    def unrecorded(self, bundles: Container[str]) -> str | None:
        """Return one graph or node that none of the bundles accounts for."""
        return self._read(lambda graph: quads.unrecorded(graph, bundles))


class MemoryStore(_OxigraphStore):
    """A store that ends with the process.

    Args:
        declared: Turtle files to hold from the start, beside what is applied.

    Raises:
        DeclarationError: A file does not parse.
    """

    def __init__(self, declared: Iterable[Path] = ()) -> None:
        self._graph = ox.Store()
        for path in declared:
            try:
                self._graph.load(path.read_bytes(), format=ox.RdfFormat.TURTLE)
            except SyntaxError as problem:
                raise DeclarationError(f"{path} does not parse: {problem}") from problem
        self._mutex = threading.Lock()

    def load(self, ntriples: bytes) -> None:
        """Hold further statements, beside what is declared and applied.

        Raises:
            DeclarationError: They do not parse.
        """
        try:
            self._write(lambda graph: graph.bulk_load(ntriples, format=ox.RdfFormat.N_TRIPLES))
        except SyntaxError as problem:
            raise DeclarationError(f"the N-Triples do not parse: {problem}") from problem

    def _read(self, work: Callable[[ox.Store], T]) -> T:
        return work(self._graph)

    def _write(self, work: Callable[[ox.Store], T]) -> T:
        with self._mutex:
            return work(self._graph)

    def clear(self) -> None:
        """Drop everything."""
        with self._mutex:
            self._graph = ox.Store()

    def close(self) -> None:
        """Nothing is open."""


class FolderStore(_OxigraphStore):
    """A store in a folder that several processes share.

    Args:
        folder: The folder; it is made when first written. One that holds anything but
            our projection is moved aside, never deleted.
        timeout: Seconds to wait for another process that is writing.
    """

    def __init__(self, folder: Path, *, timeout: float = 30.0) -> None:
        self.folder = folder
        self._files = folder / "oxigraph"
        self._marker = folder / "projection.json"
        self._lock = folder.with_name(f"{folder.name}.lock")
        self._timeout = timeout
        self._reader: ox.Store | None = None

    def _read(self, work: Callable[[ox.Store], T]) -> T:
        try:
            return work(self._open_reader())
        except DAMAGE:
            # A snapshot goes stale when a writer has merged the files under it.
            self._reader = None
        try:
            return work(self._open_reader())
        except DAMAGE as problem:
            self.clear()
            raise StoreUnavailable(
                f"{self.folder} was damaged ({problem}) and has been dropped; ask again and"
                " it is rebuilt from the ledger"
            ) from problem

    def _open_reader(self) -> ox.Store:
        if self._reader is None:
            if not self._is_ours():
                return ox.Store()
            # While a writer opens or closes them, the files look damaged to a reader.
            with self._locked(fcntl.LOCK_SH):
                try:
                    self._reader = ox.Store.read_only(str(self._files))
                except DAMAGE:
                    # Nothing is applied here: whoever brings it up to date mends it.
                    return ox.Store()
                except OSError as problem:
                    raise self._unavailable(problem) from problem
        return self._reader

    def _write(self, work: Callable[[ox.Store], T]) -> T:
        with self._locked():
            self._reader = None
            try:
                return self._with_writer(work)
            except DAMAGE:
                shutil.rmtree(self._files, ignore_errors=True)
                return self._with_writer(work)
            except OSError as problem:
                raise self._unavailable(problem) from problem

    def _with_writer(self, work: Callable[[ox.Store], T]) -> T:
        self._prepare()
        graph = self._open_writer()
        try:
            return work(graph)
        except BaseException as problem:
            # Only the last reference closes it, and a traceback would keep one.
            traceback.clear_frames(problem.__traceback__)
            raise
        finally:
            del graph

    def _open_writer(self) -> ox.Store:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return ox.Store(str(self._files))
            except OSError as problem:
                if "lock" not in str(problem).lower():
                    raise
                if time.monotonic() > deadline:
                    raise StoreLocked(
                        f"{self._files} is held open by a program that does not use"
                        f" {self._lock.name}; end it and try again"
                    ) from problem
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def _locked(self, how: int = fcntl.LOCK_EX) -> Iterator[None]:
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as problem:
            raise self._unavailable(problem) from problem
        try:
            self._wait_for(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int, how: int) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                return
            except BlockingIOError as problem:
                if time.monotonic() > deadline:
                    raise StoreLocked(
                        f"another process has been writing {self.folder} for more than"
                        f" {self._timeout:g} seconds; wait for it, or end it, and try again"
                    ) from problem
            time.sleep(_POLL_SECONDS)

    def _is_ours(self) -> bool:
        try:
            return bool(json.loads(self._marker.read_bytes()) == _MARKER)
        except (OSError, ValueError):
            return False

    def _prepare(self) -> None:
        if self._is_ours():
            return
        if self._marker.exists():
            shutil.rmtree(self._files, ignore_errors=True)
        elif self.folder.exists() and (self.folder.is_file() or any(self.folder.iterdir())):
            self.folder.rename(self.folder.with_name(f"{self.folder.name}.aside-{uuid7()}"))
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self._marker.with_suffix(".new")
        written.write_text(json.dumps(_MARKER), encoding="utf-8")
        written.replace(self._marker)

    def _unavailable(self, problem: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"the graph in {self.folder} cannot be used: {problem}; check the folder's"
            " permissions and the free space"
        )

    def clear(self) -> None:
        """Drop everything."""
        with self._locked():
            self._reader = None
            shutil.rmtree(self._files, ignore_errors=True)

    def close(self) -> None:
        """Let go of the snapshot."""
        self._reader = None
