"""Free text put to the graph: asked of a checkpoint, in a process that can be killed.

What is declared is ours and is asked directly. What somebody typed may run for ever or end
the process that parses it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lineage_graph.errors import DeclarationError
from lineage_graph.ledger import Entry, Ledger
from lineage_graph.query import Queries
from lineage_graph.sandbox import MEBIBYTE, Checkpoint, Limits
from lineage_graph.sandbox.pool import Sandbox
from lineage_graph.stores import Applied, Rows, Store
from lineage_graph.stores.free import table_rows
from lineage_graph.stores.oxigraph import FolderStore, MemoryStore

OWN: Final = Limits(seconds=60, memory=2048 * MEBIBYTE, rows=1_000_000, size=256 * MEBIBYTE)
"""What a question may cost on the machine of whoever asks it."""

_PASTS: Final = 4


class Checkpoints:
    """Gives what free text may be put to.

    Args:
        ledger: The truth.
        store: Its projection.
        queries: Brings it up to date.
        folder: Where projections of the past are kept, a few of them.
    """

    def __init__(self, ledger: Ledger, store: Store, queries: Queries, folder: Path) -> None:
        self._ledger = ledger
        self._store = store
        self._queries = queries
        self._folder = folder

    @property
    def elsewhere(self) -> bool:
        """Whether the projection lies on a server, which has limits of its own."""
        return not isinstance(self._store, FolderStore | MemoryStore)

    def now(self) -> Checkpoint:
        """Return a projection that is up to date.

        One that has no folder here is put into one, from the ledger.
        """
        if isinstance(self._store, FolderStore):
            self._queries.up_to_date()
            return Checkpoint(self._store.folder, self._store.applied)
        return self.at(self._ledger.head)

    def at(self, seq: int) -> Checkpoint:
        """Return the projection of the ledger up to an entry, made when there is none.

        Args:
            seq: The last entry to consider.
        """
        last = next(self._ledger.entries(seq - 1, seq), None) if seq else None
        # Another ledger may have as many entries, so that the chain is part of the name.
        place = self._folder / f"{seq}-{last.chain[:32] if last else ''}"
        store = FolderStore(place / "graph")
        if last is None or store.applied != Applied(last.seq, last.chain):
            self._fill(store, seq)
        os.utime(place)
        self._drop_all_but_newest()
        return Checkpoint(store.folder, store.applied)

    def _fill(self, store: Store, seq: int) -> None:
        def entries(after: int) -> Iterator[Entry]:
            return self._ledger.entries(after, seq)

        before = -1
        while before != (now := store.apply(entries)):
            before = now

    def _drop_all_but_newest(self) -> None:
        newest = sorted(self._folder.iterdir(), key=_used, reverse=True)
        for place in newest[_PASTS:]:
            shutil.rmtree(place, ignore_errors=True)


def _used(place: Path) -> float:
    with suppress(FileNotFoundError):
        return place.stat().st_mtime
    return 0.0


def selected(checkpoints: Checkpoints, sandbox: Sandbox, queries: Queries, sparql: str) -> Rows:
    """Answer a SELECT that somebody typed.

    A projection on a SPARQL server is asked there, with the limits of that server.

    Raises:
        DeclarationError: It does not parse, or is not a SELECT.
        PolicyRefused: It is more than a question, or costs more than one may.
    """
    if checkpoints.elsewhere:
        return queries.select(sparql)
    # It gets ready while the projection is brought up to date.
    sandbox.start()
    found = sandbox.query(checkpoints.now, sparql)
    if found.form != "SELECT" or found.body is None:
        raise DeclarationError("the query is not a SELECT")
    return table_rows(found.body)
