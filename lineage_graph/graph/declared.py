"""What ``ontology/`` declares for executors, read once when it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from lineage_graph.declarations import Declarations
from lineage_graph.stores import Row, Store


class Declared:
    """Answers queries over the declarations alone."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations

    @cached_property
    def _store(self) -> Store:
        from lineage_graph.stores.oxigraph import MemoryStore

        return MemoryStore(self._declarations.ontology_files())

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a named query over ``ontology/``."""
        return list(self._store.select(self._declarations.query(name).bind()))

    def estimators(self) -> list[tuple[Any, Any, Any]]:
        """Return the declared estimators and trusted types: name, kind and trust."""
        return [
            (row["name"], row["kind"], row["trusted"]) for row in self.rows("records/estimators")
        ]

    def operators(self) -> list[dict[str, Any]]:
        """Return the operators, their kinds and effects as terms."""
        return [
            {
                **row,
                "iri": str(row["operator"]),
                "kind": self._declarations.term(str(row["kind"])),
                "effect": self._declarations.term(str(row["effect"] or "")),
            }
            for row in self.rows("records/operators")
        ]
