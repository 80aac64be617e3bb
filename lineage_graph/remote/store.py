"""A store on a server, which keeps it up to date itself: questions go there as text."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from lineage_graph.errors import PolicyRefused
from lineage_graph.remote.connection import Connection
from lineage_graph.remote.protocol import value_read
from lineage_graph.stores import Applied, Bundle, EntriesAfter, Rows


class RemoteStore:
    """The graph on a server, as far as whoever asks may see it.

    Args:
        connection: The way to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def applied(self) -> Applied:
        """How far the server had come when it last answered."""
        if self._connection.seen is None:
            self._connection.saw(self._connection.get("/api/ledger"))
        return self._connection.seen or Applied()

    def apply(self, entries_after: EntriesAfter) -> int:
        """Return how far the server is: it applies what was recorded before it answers."""
        self._connection.saw(self._connection.get("/api/ledger"))
        return self.applied.seq

    def select(self, sparql: str) -> Rows:
        """Answer a SELECT over the merge of all bundles that may be seen."""
        said = self._answered("select", sparql)
        values = (tuple(map(value_read, row)) for row in said["rows"])
        return Rows(tuple(said["columns"]), values)

    def ask(self, sparql: str) -> bool:
        """Answer an ASK."""
        return bool(self._answered("ask", sparql)["answer"])

    def construct(self, sparql: str) -> bytes:
        """Answer a CONSTRUCT or DESCRIBE as sorted N-Triples, each once."""
        return str(self._answered("construct", sparql)["answer"]).encode()

    def dump(self, bundle: str | None = None) -> bytes:
        """Return the bundles that may be seen, or one of them, as sorted N-Quads."""
        return self._connection.post("/api/store/dump", bundle).content

    def bundle_matches(self, entry: Bundle) -> bool:
        """Refuse: the server compares its store with its ledger; see ``Graph.verify``."""
        raise _on_the_server()

    def unrecorded(self, bundles: Container[str]) -> str | None:
        """Refuse: the server compares its store with its ledger; see ``Graph.verify``."""
        raise _on_the_server()

    def clear(self) -> None:
        """Forget how far the server had come; its store is its own."""
        self._connection.seen = None

    def close(self) -> None:
        """Let the connection go; a second call does nothing."""
        self._connection.close()

    def _answered(self, form: str, sparql: str) -> Any:
        said = self._connection.ask(f"/api/store/{form}", sparql)
        self._connection.saw(said)
        return said


def _on_the_server() -> PolicyRefused:
    return PolicyRefused("The server checks its own store. Ask it: graph.verify().")
