"""What a client and a server say to each other about a ledger and a store, as JSON.

One table for both ends, so that they cannot differ: what a question takes, and how its
answer is written and read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from lineage_graph.errors import InvalidRecord
from lineage_graph.ledger import Entry, Invalidation
from lineage_graph.stores import Iri, Value
from lineage_graph.strict_json import LARGEST_INTEGER

VERSION: Final = 1
"""Of what is said in this module; it changes when an older end would misunderstand."""
VERSION_HEADER: Final = "lineage-graph-protocol"
TXID_HEADER: Final = "lineage-graph-transaction"
BUNDLE_TYPE: Final = "application/n-quads"
_MOST_IRIS: Final = 10_000


@dataclass(frozen=True)
class Question:
    """One question to a ledger.

    Attributes:
        takes: Reads each argument; raises InvalidRecord for one of another kind.
        write: Makes JSON of the answer.
        read: Makes the answer of JSON.
    """

    takes: tuple[Callable[[Any], Any], ...]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]

    def arguments(self, given: Any) -> list[Any]:
        """Return the arguments of a question that somebody sent.

        Raises:
            InvalidRecord: They are not what it takes.
        """
        if not isinstance(given, list) or len(given) != len(self.takes):
            raise InvalidRecord(f"Send a JSON array of {len(self.takes)} arguments.")
        return [take(one) for take, one in zip(self.takes, given, strict=True)]


def text(given: Any) -> str:
    """Return what was sent as text.

    Raises:
        InvalidRecord: It is no text, or empty.
    """
    if not isinstance(given, str) or not given:
        raise InvalidRecord("An argument is no text. Send the IRI or prefix as a JSON string.")
    return given


def texts(given: Any) -> list[str]:
    """Return what was sent as several texts; raises as :func:`text` does."""
    return [text(one) for one in _several(given)]


def number(given: Any) -> int:
    """Return what was sent as a number.

    Raises:
        InvalidRecord: It is no whole number that is zero or more.
    """
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= LARGEST_INTEGER:
        raise InvalidRecord("An argument is no whole number up to 2**53 - 1.")
    return given


def numbers(given: Any) -> list[int]:
    """Return what was sent as several numbers; raises as :func:`number` does."""
    return [number(one) for one in _several(given)]


def _several(given: Any) -> list[Any]:
    if not isinstance(given, list) or len(given) > _MOST_IRIS:
        raise InvalidRecord(f"An argument is no array of at most {_MOST_IRIS}. Ask in parts.")
    return given


def _same(value: Any) -> Any:
    return value


def _pairs(found: Mapping[int, Any]) -> list[list[Any]]:
    return [[key, value] for key, value in found.items()]


def _tuples(rows: Iterable[list[Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


QUESTIONS: Final[Mapping[str, Question]] = {
    "described": Question((texts,), sorted, set),
    "described_first": Question((texts,), _same, _same),
    "described_between": Question((text, number, number), sorted, set),
    "iris_with": Question((text,), _same, _same),
    "things_after": Question((number, texts), _same, _tuples),
    "is_bundle": Question((text,), _same, _same),
    "partial": Question((text,), _same, _same),
    "invalidations": Question(
        (number, number), _same, lambda rows: [Invalidation(*row) for row in rows]
    ),
    "kind_sets": Question((), _pairs, lambda rows: {row[0]: tuple(row[1]) for row in rows}),
    "node_ids": Question((texts,), _same, _same),
    "iris_of": Question((numbers,), _pairs, lambda rows: {row[0]: row[1] for row in rows}),
    "chain_at": Question((number,), _same, _same),
}
"""By the name of the method of :class:`~lineage_graph.ledger.Ledger`."""


def entry_written(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON can say it."""
    return {
        "seq": entry.seq,
        "txid": entry.txid,
        "at": entry.at.isoformat(),
        "author": entry.author,
        "bundle": entry.bundle,
        "body": entry.body.decode(),
        "digest": entry.digest,
        "chain": entry.chain,
    }


def entry_read(said: Mapping[str, Any]) -> Entry:
    """Return the entry that JSON says."""
    at, body = datetime.fromisoformat(said["at"]), said["body"].encode()
    return Entry(**{**said, "at": at, "body": body})


def value_written(value: Value) -> Any:
    """Return a value of an answer as JSON can say it: text and truth as they are."""
    match value:
        case None | bool():
            return value
        case Iri():
            return {"iri": str(value)}
        case str():
            return value
        case int():
            return {"int": str(value)}
        case float():
            return {"float": repr(value)}
        case Decimal():
            return {"decimal": str(value)}
    return {"time": value.isoformat()}


_READ: Final[Mapping[str, Callable[[str], Value]]] = {
    "iri": Iri,
    "int": int,
    "float": float,
    "decimal": Decimal,
    "time": datetime.fromisoformat,
}


def value_read(said: Any) -> Value:
    """Return the value that JSON says."""
    if not isinstance(said, dict):
        plain: Value = said
        return plain
    ((kind, written),) = said.items()
    return _READ[kind](written)
