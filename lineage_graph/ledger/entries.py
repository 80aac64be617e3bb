"""What one entry is, how it is packed, and how it is chained to the one before."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import canonical_json, sha256

Level = Literal["entity", "column"]
LEVELS: tuple[Level, ...] = ("entity", "column")
GENESIS = "0" * 64


@dataclass(frozen=True)
class Edge:
    """One derivation path between two versions, or two columns.

    Attributes:
        derived: IRI of what came out.
        source: IRI of what went in.
        kinds: Terms of the derivation kinds met on the path.
        activity: IRI of the activity that did it.
        level: Whether the ends are entities or columns.
    """

    derived: str
    source: str
    kinds: tuple[str, ...]
    activity: str
    level: Level = "entity"


@dataclass(frozen=True)
class Entry:
    """One bundle as it was recorded.

    Attributes:
        seq: Position in the ledger, from 1, without holes.
        txid: Transaction id the writer chose.
        at: When it was appended (UTC).
        author: Who appended it.
        bundle: IRI of the named graph.
        body: Canonical N-Quads.
        digest: Hex sha256 of the body.
        chain: Hex sha256 over the previous entry's chain and all of this entry.
    """

    seq: int
    txid: str
    at: datetime
    author: str
    bundle: str
    body: bytes
    digest: str
    chain: str


@dataclass(frozen=True)
class NewEntry:
    """One bundle that is to be appended.

    Attributes:
        txid: Transaction id; the same one again is a retry, answered with the first answer.
        author: Who appends.
        bundle: IRI of the bundle's named graph; never used twice.
        body: Canonical N-Quads.
        subjects: IRIs the bundle describes.
        edges: Derivations the bundle states.
        invalidates: IRIs of bundles or versions that no longer hold. A bundle's
            derivations, and a version, stay in answers about earlier entries.
    """

    txid: str
    author: str
    bundle: str
    body: bytes
    subjects: Sequence[str]
    edges: Sequence[Edge] = ()
    invalidates: Sequence[str] = ()


@dataclass
class Request:
    """An append that waits for its group's commit.

    Attributes:
        packed: The body, compressed.
        beside: Canonical bytes of the subjects, edges and invalidations.
        outcome: The seq, or why there is none; set by the group's leader.
    """

    txid: str
    author: str
    bundle: str
    digest: str
    packed: bytes
    beside: bytes
    subjects: frozenset[str]
    edges: frozenset[Edge]
    invalidates: frozenset[str]
    outcome: int | Exception | None = None


def request(new: NewEntry) -> Request:
    """Prepare an append, so that the work is done before the ledger is locked.

    Raises:
        InvalidRecord: A text cannot be written as UTF-8.
    """
    names = (new.txid, new.author, new.bundle)
    subjects, edges = frozenset(new.subjects), frozenset(new.edges)
    gone = frozenset(new.invalidates)
    try:
        for text in names:
            text.encode()
        stated = beside(subjects, edges, gone)
    except UnicodeEncodeError as error:
        raise InvalidRecord(
            f"Transaction {new.txid!r} has a text that UTF-8 cannot write: {error.object!r}. "
            "Remove the unpaired surrogate."
        ) from error
    digest, packed = sha256(new.body), pack(new.body)
    return Request(*names, digest, packed, stated, subjects, edges, gone)


def beside(subjects: Iterable[str], edges: Iterable[Edge], invalidates: Iterable[str]) -> bytes:
    """Return the one way to write what lies beside a body: sorted, as canonical JSON."""
    rows = sorted((e.derived, e.source, e.kinds, e.activity, e.level) for e in edges)
    return canonical_json([sorted(subjects), rows, sorted(invalidates)])


@lru_cache(maxsize=1024)
def terms(text: str) -> tuple[str, ...]:
    """Return derivation kinds from how the ``kinds`` table writes them, a JSON array.

    Raises:
        ValueError: It is not JSON.
    """
    return tuple(json.loads(text))


def pack(data: bytes) -> bytes:
    """Return the bytes compressed (RFC 1950)."""
    return zlib.compress(data)


def unpack(data: bytes) -> bytes:
    """Return the bytes that were packed.

    Raises:
        ValueError: They are cut short, have a tail, or are no such stream.
    """
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(data)
    except zlib.error as error:
        raise ValueError("it cannot be unpacked") from error
    if not stream.eof or stream.unused_data:
        raise ValueError("it is cut short or has a tail")
    return unpacked


def link(previous: str, seq: int, *fields: str) -> str:
    """Return an entry's chain: sha256 over the previous chain and all of the entry.

    Each is preceded by its length, so the whole can be read in one way only.

    Args:
        previous: Chain of the entry before.
        seq: Its position.
        *fields: txid, at, author, bundle, hex sha256 of the body, hex sha256 of
            what :func:`beside` returns.
    """
    joined = "".join([f"{len(field)}:{field}," for field in (previous, str(seq), *fields)])
    return sha256(joined.encode())


def read(row: tuple[Any, ...], expected: int, previous: str) -> tuple[Entry, bytes]:
    """Return a stored row as an entry, with the bytes of what it says lies beside it.

    Args:
        row: seq, txid, at, author, bundle, digest, chain, body, beside.
        expected: The seq it must have.
        previous: Chain of the entry before.

    Raises:
        ValueError: What is wrong with it.
    """
    seq, txid, at, author, bundle, digest, chain, packed, packed_beside = row
    if seq != expected:
        raise ValueError("it is missing")
    try:
        body, stated = unpack(packed), unpack(packed_beside)
        linked = link(previous, seq, txid, at, author, bundle, digest, sha256(stated))
    except (TypeError, AttributeError) as error:
        raise ValueError("a column has another type") from error
    if sha256(body) != digest:
        raise ValueError("its body does not have its digest")
    if linked != chain:
        raise ValueError("it does not continue the chain")
    return Entry(seq, txid, datetime.fromisoformat(at), author, bundle, body, digest, chain), stated


def now() -> str:
    """Return the time as the ledger writes it (ISO 8601, UTC, microseconds)."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
