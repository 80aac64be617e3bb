"""Questions to the graph: brings the store up to the ledger's head, then asks.

Recording never waits for the store. Whoever asks applies what is missing first, so an
answer is about everything that had been recorded when the question was put.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from lineage_graph.declarations import Declarations
from lineage_graph.errors import StoreUnavailable
from lineage_graph.ledger import Ledger
from lineage_graph.stores import Applied, Row, Rows, Store

T = TypeVar("T")
Progress = Callable[[int, int], None]
Watching = Callable[[], AbstractContextManager[Progress | None]]

_MANY: Final = 200
"""Entries that take about a second to apply."""


@dataclass(frozen=True)
class Verification:
    """What a comparison of the store with the ledger found.

    Attributes:
        entries: How many ledger entries were compared.
        differs: IRI of the first bundle whose graph is not what its entry says, or of a
            graph or node that no entry accounts for; None when all is well.
    """

    entries: int
    differs: str | None = None


class Queries:
    """Asks the graph.

    Args:
        ledger: The truth.
        store: Its projection, brought up to date before each question.
        declarations: Where the queries are.
        watching: Gives what to tell how far it has come, when a question has to wait
            until many entries are applied.
        derive: Brings into the ledger what follows from it, before the store is brought up
            to its head.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        declarations: Declarations,
        watching: Watching = nullcontext,
        derive: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._declarations = declarations
        self._watching = watching
        self._derive = derive
        self._ours: Applied | None = None

    def up_to_date(self, progress: Progress | None = None) -> int:
        """Apply what the store lacks, and return the seq it has come to.

        A store that another ledger filled is dropped and built again.

        Args:
            progress: Called after each batch with the entries applied and their total;
                None tells who is watching, if there are many.

        Raises:
            StoreLocked: Another process held the store for too long.
            LedgerBroken: The ledger cannot be read.
        """
        self._derive()
        # In this order: another process may append and apply between the two.
        applied = self._store.applied
        head = self._ledger.head
        if not self._is_of_this_ledger(applied, head):
            self._store.clear()
            applied = Applied()
        if progress is not None or head - applied.seq < _MANY:
            return self._applied_until(head, applied.seq, progress)
        with self._watching() as shown:
            if shown is not None:
                shown(applied.seq, head)
            return self._applied_until(head, applied.seq, shown)

    def _applied_until(self, head: int, seq: int, progress: Progress | None) -> int:
        while seq < head:
            seq = self._store.apply(self._ledger.entries)
            if progress is not None:
                progress(min(seq, head), head)
        return seq

    def _is_of_this_ledger(self, applied: Applied, head: int) -> bool:
        if applied.seq == 0:
            return True
        if applied.seq > head:
            return False
        if applied != self._ours:
            if self._ledger.chain_at(applied.seq) != applied.chain:
                return False
            self._ours = applied
        return True

    def run(self, name: str, **values: Any) -> list[Row]:
        """Answer a declared SELECT.

        Args:
            name: Such as ``records/models``.
            **values: Its parameters; what is left out means "any".

        Raises:
            NotFound: There is no such query.
            DeclarationError: A parameter is unknown or of the wrong type.
        """
        return list(self.select(self._declarations.query(name).bind(**values)))

    def select(self, sparql: str) -> Rows:
        """Answer a SELECT.

        Raises:
            DeclarationError: It does not parse, or is not a SELECT.
            PolicyRefused: It is more than a question.
        """
        return self._answer(lambda: self._store.select(sparql))

    def ask(self, sparql: str) -> bool:
        """Answer an ASK; raises as :meth:`select` does."""
        return self._answer(lambda: self._store.ask(sparql))

    def construct(self, sparql: str) -> bytes:
        """Answer a CONSTRUCT or DESCRIBE as N-Triples; raises as :meth:`select` does."""
        return self._answer(lambda: self._store.construct(sparql))

    def dump(self, bundle: str | None = None) -> bytes:
        """Return everything, or one bundle, as sorted N-Quads."""
        return self._answer(lambda: self._store.dump(bundle))

    def _answer(self, ask: Callable[[], T]) -> T:
        head = self.up_to_date()
        try:
            answer = ask()
        except StoreUnavailable:
            # A damaged folder drops itself; a server that is away has lost nothing.
            if self._store.applied.seq >= head:
                raise
        else:
            # A store that somebody dropped meanwhile answers as an empty one would.
            if self._store.applied.seq >= head:
                return answer
        self.up_to_date()
        return ask()

    def verify(self, progress: Progress | None = None) -> Verification:
        """Compare the store with the ledger, bundle by bundle.

        A finding is a result: nothing is raised, and nothing is mended, when they differ;
        ``Store.clear()`` makes the next question rebuild the store.

        Args:
            progress: Called with the entries compared and their total.

        Raises:
            LedgerBroken: The ledger itself does not hold.
        """
        head = self.up_to_date()
        bundles: set[str] = set()
        for entry in self._ledger.entries(0, head):
            if not self._store.bundle_matches(entry):
                return Verification(entry.seq, entry.bundle)
            bundles.add(entry.bundle)
            if progress is not None:
                progress(entry.seq, head)
        # What others appended meanwhile may be in the store already.
        bundles.update(entry.bundle for entry in self._ledger.entries(head))
        return Verification(head, self._store.unrecorded(bundles))
