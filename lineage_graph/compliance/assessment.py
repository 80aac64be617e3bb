"""The graph that a report is made from, in memory: declarations, and what was recorded."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lineage_graph.compliance.definitions import Definitions
from lineage_graph.compliance.wording import Wording
from lineage_graph.declarations import Declarations, Query
from lineage_graph.stores import Row


class Assessment:
    """The state of things as of one entry, as a graph that compliance queries ask.

    Args:
        declarations: Where the ontology and the queries are.
        triples: The state as N-Triples, in the terms of ``ontology/assessment.ttl``.

    Raises:
        DeclarationError: The ontology or the triples do not parse.
    """

    def __init__(self, declarations: Declarations, triples: bytes) -> None:
        from lineage_graph.stores.oxigraph import MemoryStore

        self._declarations = declarations
        self._store = MemoryStore(declarations.ontology_files())
        self._store.load(triples)

    def add(self, triples: bytes) -> None:
        """Hold further statements, as N-Triples.

        Raises:
            DeclarationError: They do not parse.
        """
        self._store.load(triples)

    def query(self, name: str) -> Query:
        """Return a declared query.

        Raises:
            NotFound: There is none of that name.
        """
        return self._declarations.query(name)

    def rows(self, name: str, **values: Any) -> list[Row]:
        """Return the rows of a declared query.

        Raises:
            DeclarationError: It does not parse, or a parameter is not of its type.
        """
        return list(self._store.select(self.query(name).bind(**values)))

    def described(self, things: Collection[str]) -> bytes:
        """Return what is stated of some things, their parts and who they name, as N-Triples."""
        named = [one["assessment"] for one in self.rows("assessment/itself")]
        query = self.query("assessment/described").bind(node=[*things, *named])
        return self._store.construct(query) if things or named else b""

    def wording(self, definitions: Definitions, lang: str) -> Wording:
        """Return what says values of this graph in a language."""
        return Wording(lang, definitions.words(lang), self.rows("reports/labels"))
