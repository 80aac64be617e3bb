"""Where the graph lives: text in, plain Python out; no RDF library crosses this seam.

A store is a projection of the ledger and can be dropped at any time. It holds every bundle
as a named graph, and the merge of all bundles, in which a statement made twice is there
once: that merge is what a query's default graph is, so that a fact stated by two bundles
is not counted twice. ``GRAPH ?bundle`` says who said something. A bundle of which a later
one says that it no longer holds stays a named graph; the merge has nothing by it.

Sources: SPARQL 1.1 Query and Protocol, RDF 1.1 Datasets.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from lineage_graph.errors import StoreUnavailable

MEMORY: Final = "memory:"


class Iri(str):
    """An IRI in an answer, told apart from a string of the same text."""

    __slots__ = ()


Value: TypeAlias = Iri | str | int | float | Decimal | bool | datetime | None
# What a column holds is known to the query, not to a type checker.
Row: TypeAlias = Mapping[str, Any]


class Rows(Iterator[Row]):
    """The answer to a SELECT: rows to iterate over once, and their columns.

    Attributes:
        columns: Names of the columns in the query's order, there even without rows.
    """

    def __init__(self, columns: tuple[str, ...], values: Iterable[tuple[Value, ...]]) -> None:
        self.columns = columns
        self._values = iter(values)

    def __next__(self) -> Row:
        return dict(zip(self.columns, next(self._values), strict=True))


class Bundle(Protocol):
    """What a store needs to know of a ledger entry."""

    @property
    def seq(self) -> int:
        """Position in the ledger, from 1, without holes."""

    @property
    def bundle(self) -> str:
        """IRI of the named graph."""

    @property
    def body(self) -> bytes:
        """Canonical N-Quads of exactly that graph."""

    @property
    def chain(self) -> str:
        """Hex digest that names the ledger's content up to here."""


EntriesAfter: TypeAlias = Callable[[int], Iterator[Bundle]]


@dataclass(frozen=True)
class Applied:
    """How far a store has come.

    Attributes:
        seq: Last ledger entry that was applied; 0 for none.
        chain: Its chain, which tells one ledger from another of the same length.
    """

    seq: int = 0
    chain: str = ""


class Store(Protocol):
    """A place where the graph lives.

    Every method may raise StoreUnavailable; questions raise DeclarationError for text
    that does not parse and PolicyRefused for text that is more than a question.
    """

    @property
    def applied(self) -> Applied:
        """How far the store has come."""

    def apply(self, entries_after: EntriesAfter) -> int:
        """Apply the next entries, at most one batch, whole or not at all.

        Args:
            entries_after: Gives the entries after a seq. The store asks itself, once
                nobody else can write, so two processes never apply past each other.

        Returns:
            The seq of the last entry applied so far.

        Raises:
            StoreLocked: Another process held the store for too long.
        """

    def select(self, sparql: str) -> Rows:
        """Answer a SELECT over the merge of all bundles."""

    def ask(self, sparql: str) -> bool:
        """Answer an ASK over the merge of all bundles."""

    def construct(self, sparql: str) -> bytes:
        """Answer a CONSTRUCT or DESCRIBE as sorted N-Triples, each once."""

    def dump(self, bundle: str | None = None) -> bytes:
        """Return the bundles, or one of them, as sorted N-Quads."""

    def bundle_matches(self, entry: Bundle) -> bool:
        """Tell whether the store says exactly what a ledger entry says.

        Literals are compared by value: a store may write ``1.0`` as ``1``.
        """

    def unrecorded(self, bundles: Container[str]) -> str | None:
        """Return one graph or node that none of the bundles accounts for, or None."""

    def clear(self) -> None:
        """Drop everything; the next :meth:`apply` begins with the first entry."""

    def close(self) -> None:
        """Let go of what is open; a second call does nothing."""


def open_store(address: str | Path, *, timeout: float = 30.0) -> Store:
    """Return the store at an address.

    Args:
        address: ``memory:``, a folder, or ``http(s)://`` of a SPARQL 1.1 server: its base
            address, or the addresses for queries and for updates with a space between.
        timeout: Seconds to wait for a lock or a server.

    Raises:
        StoreUnavailable: For an address of another kind.
    """
    text = str(address)
    if text == MEMORY:
        from lineage_graph.stores.oxigraph import MemoryStore

        return MemoryStore()
    if text.startswith(("http://", "https://")):
        from lineage_graph.stores.sparql import SparqlStore

        return SparqlStore(text, timeout=timeout)
    if "://" in text:
        raise StoreUnavailable(
            f"no store is known for {text.partition(':')[0]}://;"
            " give memory:, a folder, or http(s):// of a SPARQL server"
        )
    from lineage_graph.stores.oxigraph import FolderStore

    return FolderStore(Path(text), timeout=timeout)
