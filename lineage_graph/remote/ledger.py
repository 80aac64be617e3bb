"""A ledger on a server: the same questions, asked over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from lineage_graph.errors import PolicyRefused
from lineage_graph.ledger import Entry, Invalidation, NewEntry
from lineage_graph.ledger.database import Row
from lineage_graph.remote.connection import Connection
from lineage_graph.remote.protocol import (
    BUNDLE_TYPE,
    QUESTIONS,
    TXID_HEADER,
    entry_read,
)
from lineage_graph.strict_json import LARGEST_INTEGER

_BYTES_A_REQUEST: Final = 400_000
_IRIS_A_REQUEST: Final = 5_000

T = TypeVar("T", str, int)


class RemoteLedger:
    """An append-only ledger behind HTTP.

    What is appended travels as its body alone: the server reads subjects, derivations and
    what no longer holds from it, and knows the author by the token.

    Args:
        connection: The way to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Let the connection go; a second call does nothing."""
        self._connection.close()

    def append(self, new: NewEntry) -> int:
        """Append one bundle; it is on the server's disk when this returns.

        A server that restarts meanwhile is asked again with the same transaction id.
        """
        answer = self._connection.send(
            "POST",
            "/api/ledger/entries",
            content=lambda: new.body,
            headers={"Content-Type": BUNDLE_TYPE, TXID_HEADER: new.txid},
        )
        return int(self._connection.json_of(answer)["seq"])

    @property
    def head(self) -> int:
        """Seq of the last entry, 0 when there is none."""
        return self._end()[0]

    @property
    def chain_head(self) -> str:
        """Chain of the last entry."""
        return self._end()[1]

    def entries(self, after: int = 0, upto: int | None = None) -> Iterator[Entry]:
        """Yield entries in order, as far as they may be seen; the server checked each."""
        last = LARGEST_INTEGER if upto is None else upto
        while after < last:
            page = self._connection.ask("/api/ledger/entries/page", [after, last])
            for said in page["entries"]:
                yield entry_read(said)
            if page["next"] is None:
                return
            after = page["next"]

    def described(self, iris: Iterable[str]) -> set[str]:
        """Return which of the IRIs some entry describes."""
        found: set[str] = set()
        for answer in self._in_parts("described", iris):
            found |= answer
        return found

    def described_first(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the seq of the first entry that describes an IRI, for those that are."""
        return _joined(self._in_parts("described_first", iris))

    def described_between(self, prefix: str, after: int, upto: int) -> set[str]:
        """Return the IRIs with a prefix that some entries describe."""
        found: set[str] = self._ask("described_between", prefix, after, upto)
        return found

    def iris_with(self, prefix: str) -> list[str]:
        """Return the IRIs with a prefix, without those of parts of things, sorted."""
        found: list[str] = self._ask("iris_with", prefix)
        return found

    def things_after(self, node: int, prefixes: Sequence[str]) -> list[Row]:
        """Return number and IRI of things, and of their columns, in the order of their numbers."""
        found: list[Row] = self._ask("things_after", node, list(prefixes))
        return found

    def is_bundle(self, iri: str) -> bool:
        """Tell whether an entry's bundle has this IRI."""
        return bool(self._ask("is_bundle", iri))

    def index_rows(self, after: int, upto: int) -> Iterator[list[Row]]:
        """Yield the edges that some entries state, as numbers, some entries at a time."""
        while after < upto:
            page = self._connection.ask("/api/ledger/edges/page", [after, upto])
            if page["rows"]:
                yield [tuple(row) for row in page["rows"]]
            after = page["upto"]

    def invalidations(self, after: int, upto: int) -> list[Invalidation]:
        """Return what no longer holds as far as some entries make it known."""
        found: list[Invalidation] = self._ask("invalidations", after, upto)
        return found

    def kind_sets(self) -> dict[int, tuple[str, ...]]:
        """Return the sets of derivation kinds by number, the first one met first."""
        found: dict[int, tuple[str, ...]] = self._ask("kind_sets")
        return found

    def node_ids(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those IRIs that occur in the ledger."""
        return _joined(self._in_parts("node_ids", iris))

    def iris_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the IRIs of those numbers that are in the ledger."""
        return _joined(self._in_parts("iris_of", map(int, ids)))

    def chain_at(self, seq: int) -> str | None:
        """Return the chain of an entry, of the beginning for 0; None when there is none."""
        seen = self._connection.seen
        if seen is not None and seen.seq == seq:
            return seen.chain
        found: str | None = self._ask("chain_at", seq)
        return found

    def partial(self, version: str) -> bool:
        """Tell whether part of what a version came from may not be seen by who asks."""
        return bool(self._ask("partial", version))

    def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Refuse: the chain is checked where it lies.

        Raises:
            PolicyRefused: Always; it says what to do.
        """
        raise PolicyRefused("The server checks its own ledger. Ask it: graph.verify().")

    def _end(self) -> tuple[int, str]:
        said = self._connection.get("/api/ledger")
        self._connection.saw(said)
        return said["seq"], said["chain"]

    def _ask(self, name: str, *arguments: Any) -> Any:
        said = self._connection.ask(f"/api/ledger/ask/{name}", list(arguments))
        return QUESTIONS[name].read(said)

    def _in_parts(self, name: str, values: Iterable[T]) -> Iterator[Any]:
        """Ask about many things, as many at a time as a request may hold."""
        part: list[T] = []
        size = 0
        for value in values:
            part.append(value)
            size += len(str(value)) * 2
            if size > _BYTES_A_REQUEST or len(part) >= _IRIS_A_REQUEST:
                yield self._ask(name, part)
                part, size = [], 0
        if part:
            yield self._ask(name, part)


def _joined(answers: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for answer in answers:
        found |= answer
    return found
