"""Looks up what the ledger says of things that a bundle refers to and does not describe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from lineage_graph.ledger import Ledger
from lineage_graph.recording.nodes import nodes_of

Said = Mapping[str, list[str]]
"""Values by term."""

_KEPT: Final = 64


class Look:
    """Nodes of the ledger by their IRIs, where they were first described.

    It reads the ledger and asks no projection, so it may run beside whoever asks those.

    Args:
        ledger: Where to look.

    Attributes:
        own: What the bundle says itself.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._entry = lru_cache(_KEPT)(self._nodes_at)
        self.own: Mapping[str, Said] = {}

    def into(self, body: bytes) -> None:
        """Begin with what a bundle says itself."""
        self.own = nodes_of(body)

    def of(self, iri: str) -> Said:
        """Return what is said of something; empty when nothing is.

        Raises:
            StoreError: The ledger cannot be read.
        """
        return self.own[iri] if iri in self.own else self.beside(iri, iri)

    def beside(self, iri: str, other: str) -> Said:
        """Return what is said of something where another thing was first described.

        Raises:
            StoreError: The ledger cannot be read.
        """
        seq = self._ledger.described_first([other]).get(other)
        return self._entry(seq).get(iri, {}) if seq is not None else {}

    def one(self, iri: str, term: str) -> str | None:
        """Return one value of something; None when it is not said."""
        return next(iter(self.of(iri).get(term, ())), None)

    def _nodes_at(self, seq: int) -> Mapping[str, Said]:
        entries = self._ledger.entries(seq - 1, seq)
        return {iri: said for entry in entries for iri, said in nodes_of(entry.body).items()}
