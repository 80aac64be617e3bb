"""A store that takes OpenLineage events and answers, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lineage_graph.declarations import bundled
from lineage_graph.index import LineageIndex
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.openlineage.acceptance import accept_batch
from lineage_graph.openlineage.mapping import Mapper
from lineage_graph.query import Queries
from lineage_graph.stores.oxigraph import MemoryStore
from tests.producers import Event

AUTHOR = "urn:lineage-graph:agent:producer"
EVERYTHING = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o FILTER (?p != <%s>) }"
Edges = set[tuple[str, str, tuple[str, ...]]]


class House:
    """A store that takes events and answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = LedgerFile(folder / "ledger.db")
        self.mapper = Mapper(folder / "openlineage.db", self.ledger)
        self.store = MemoryStore()
        self.queries = Queries(
            self.ledger, self.store, bundled(), derive=lambda: self.mapper.catch_up()
        )

    def take(self, *events: Event) -> House:
        assert accept_batch(self.ledger, AUTHOR, events).refused == ()
        return self

    def ask(self, name: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self.queries.run(name, **values)]

    def graph(self) -> bytes:
        """Return all that holds, without the events."""
        ended = bundled().iri("invalidated_by")
        return self.queries.construct(EVERYTHING % ended)

    def edges(self, level: str = "entity") -> Edges:
        """Return derived, source and kinds of every edge that holds, with readable ends."""
        self.queries.up_to_date()
        index = LineageIndex(self.folder / "index", self.ledger)
        starts = [row[0] for row in self.ledger.things_after(0, ["urn:lineage-graph:version:"])]
        found = index.closure(starts, downstream=False, level=level).edges()  # type: ignore[arg-type]
        iris = index.iris({node for edge in found for node in (edge.derived, edge.source)})
        kinds = index.kind_sets
        index.close()
        return {(iris[e.derived], iris[e.source], kinds[e.kinds]) for e in found}

    def pairs(self) -> set[tuple[str, str]]:
        return {(derived, source) for derived, source, _ in self.edges()}

    def close(self) -> None:
        self.ledger.close()
