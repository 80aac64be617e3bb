"""A store that answers only while nothing of what it holds is hidden."""

from __future__ import annotations

from collections.abc import Container
from typing import TypeVar

from lineage_graph.stores import Applied, Bundle, EntriesAfter, Rows, Store
from lineage_graph.visibility.ledger import VisibleLedger

T = TypeVar("T")


class WatchedStore:
    """The whole store, for those from whom nothing is hidden as long as that is so.

    Others project into it, so an answer may know of an entry that hid something meanwhile:
    it is looked at once more after every answer.

    Args:
        store: The store.
        ledger: What is seen; it raises VisibilityChanged.
    """

    def __init__(self, store: Store, ledger: VisibleLedger) -> None:
        self._store = store
        self._ledger = ledger

    @property
    def applied(self) -> Applied:
        """How far the store has come."""
        return self._store.applied

    def apply(self, entries_after: EntriesAfter) -> int:
        """Apply the next entries, at most one batch, whole or not at all."""
        return self._store.apply(entries_after)

    def select(self, sparql: str) -> Rows:
        """Answer a SELECT over the merge of all bundles."""
        return self._checked(self._store.select(sparql))

    def ask(self, sparql: str) -> bool:
        """Answer an ASK over the merge of all bundles."""
        return self._checked(self._store.ask(sparql))

    def construct(self, sparql: str) -> bytes:
        """Answer a CONSTRUCT or DESCRIBE as sorted N-Triples, each once."""
        return self._checked(self._store.construct(sparql))

    def dump(self, bundle: str | None = None) -> bytes:
        """Return the bundles, or one of them, as sorted N-Quads."""
        return self._checked(self._store.dump(bundle))

    def bundle_matches(self, entry: Bundle) -> bool:
        """Tell whether the store says exactly what a ledger entry says."""
        return self._checked(self._store.bundle_matches(entry))

    def unrecorded(self, bundles: Container[str]) -> str | None:
        """Return one graph or node that none of the bundles accounts for, or None."""
        return self._checked(self._store.unrecorded(bundles))

    def clear(self) -> None:
        """Drop everything; the next :meth:`apply` begins with the first entry."""
        self._store.clear()

    def close(self) -> None:
        """Let go of what is open; a second call does nothing."""
        self._store.close()

    def _checked(self, answer: T) -> T:
        self._ledger.sight()
        return answer
