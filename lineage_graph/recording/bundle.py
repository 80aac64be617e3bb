"""One bundle: the records of one thing that happened, appended whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineage_graph.declarations import Declarations
from lineage_graph.identity import fresh, uuid7
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.nquads import nquads
from lineage_graph.records import Column, Derivation, Invalidated, Record, Version
from lineage_graph.validation import Validator


class Bundles:
    """Appends bundles of records to the ledger.

    Args:
        ledger: The truth.
        declarations: Where the shapes are.
        author: IRI of the agent who records.

    Attributes:
        appended: Told of each bundle that is durable: its records, and its seq.
    """

    def __init__(self, ledger: Ledger, declarations: Declarations, author: str) -> None:
        self._ledger = ledger
        self._validator = Validator(declarations)
        self.author = author
        self.appended: Callable[[Sequence[Record], int], None] = lambda records, seq: None

    def check(self, records: Sequence[Record]) -> None:
        """Refuse what could not be appended, before anything is done for it.

        Raises:
            InvalidRecord: A shape is broken.
        """
        self._validator.check(nquads(fresh("bundle"), records))

    def append(self, records: Sequence[Record]) -> int:
        """Validate and append; durable when it returns.

        Args:
            records: What is said.

        Raises:
            InvalidRecord: A shape is broken; nothing was written.
            StoreError: The ledger could not be written.
        """
        bundle = fresh("bundle")
        body = nquads(bundle, records)
        self._validator.check(body)
        seq = self._ledger.append(
            NewEntry(
                txid=uuid7(),
                author=self.author,
                bundle=bundle,
                body=body,
                subjects=sorted({record.id for record in records}),
                edges=edges_of(records),
                invalidates=[r.id for r in records if isinstance(r, Invalidated)],
            )
        )
        self.appended(records, seq)
        return seq

    def is_recorded(self, iri: str) -> bool:
        """Tell whether an IRI is a bundle of the ledger, or something it describes."""
        return bool(self._ledger.described([iri])) or self._ledger.is_bundle(iri)

    def unknown(self, records: Sequence[Record]) -> list[Record]:
        """Return the records whose node the ledger does not describe yet."""
        known = self._ledger.described({record.id for record in records})
        return [record for record in records if record.id not in known]


def edges_of(records: Sequence[Record]) -> list[Edge]:
    """Return the derivations among records as edges, for the lineage index."""
    derivations = {r.id: r for r in records if isinstance(r, Derivation)}
    edges = []
    for record in records:
        if not isinstance(record, Version | Column):
            continue
        for name in record.qualified_derivation:
            derivation = derivations[name]
            edges.append(
                Edge(
                    derived=record.id,
                    source=derivation.entity,
                    kinds=derivation.kinds,
                    activity=derivation.had_activity,
                    level="column" if "#" in derivation.entity else "entity",
                )
            )
    return edges
