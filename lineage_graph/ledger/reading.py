"""What projections read from the columns beside the bodies: numbers, and names for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from lineage_graph.ledger.database import Row
from lineage_graph.ledger.entries import GENESIS, terms

CHUNK = 500
PAGE = 50_000

PAGE_OF_EDGES = """
SELECT seq, derived, source, kinds, activity, level FROM edge
WHERE (seq, derived, source, kinds, activity, level) > (?, ?, ?, ?, ?, ?) AND seq <= ?
ORDER BY seq, derived, source, kinds, activity, level LIMIT ?
"""
INVALIDATED = """
SELECT i.seq, i.node, e.seq FROM invalidation i JOIN node n ON n.id = i.node
LEFT JOIN entry e ON e.bundle = n.iri AND e.seq <= ?
WHERE i.seq > ? AND i.seq <= ? ORDER BY i.seq, i.node
"""
INVALIDATED_BEFORE = """
SELECT i.seq, i.node, e.seq FROM entry e JOIN node n ON n.iri = e.bundle
JOIN invalidation i ON i.node = n.id AND i.seq <= ?
WHERE e.seq > ? AND e.seq <= ? ORDER BY i.seq, i.node
"""
ANY_INVALIDATION = "SELECT 1 FROM invalidation WHERE seq <= ? LIMIT 1"

Read = Callable[[str, Row], list[Row]]
T = TypeVar("T")


class IndexRow(NamedTuple):
    """One edge as numbers of the ``node`` and ``kinds`` tables.

    Attributes:
        seq: Entry that states it.
        derived: What came out.
        source: What went in.
        kinds: Its set of derivation kinds.
        activity: The activity that did it.
        level: Position in ``LEVELS``.
    """

    seq: int
    derived: int
    source: int
    kinds: int
    activity: int
    level: int


class Invalidation(NamedTuple):
    """One thing that an entry says no longer holds.

    Attributes:
        seq: Entry that says so.
        node: The bundle or the version.
        entry: Entry of the bundle; None when it is not, or not yet, a bundle.
    """

    seq: int
    node: int
    entry: int | None


def index_rows(read: Read, after: int, upto: int) -> Iterator[list[Row]]:
    """Yield the edges of some entries, a page at a time, in the order of :class:`IndexRow`.

    The rows are plain tuples: there may be millions of them.
    """
    last: Row = (after, *[2**62] * 5)
    while page := read(PAGE_OF_EDGES, (*last, upto, PAGE)):
        yield page
        if len(page) < PAGE:
            return
        last = page[-1]


def invalidations(read: Read, after: int, upto: int) -> list[Invalidation]:
    """Return what became known by some entries: who invalidates, and whose bundle was before."""
    if not read(ANY_INVALIDATION, (upto,)):
        return []
    rows = read(INVALIDATED, (upto, after, upto)) + read(INVALIDATED_BEFORE, (after, after, upto))
    return [Invalidation(*row) for row in rows]


def kind_sets(read: Read) -> dict[int, tuple[str, ...]]:
    """Return the sets of derivation kinds by number, in the order they were first met."""
    rows = read("SELECT id, terms FROM kinds ORDER BY id", ())
    return {number: terms(text) for number, text in rows}


def node_ids(read: Read, iris: Iterable[str]) -> dict[str, int]:
    """Return the numbers of those IRIs that occur in the ledger."""
    found: dict[str, int] = {}
    for chunk in chunks(iris):
        found.update(read(f"SELECT iri, id FROM node WHERE iri IN ({marks(chunk)})", chunk))
    return found


def iris_of(read: Read, ids: Iterable[int]) -> dict[int, str]:
    """Return the IRIs of numbers that are in the ledger."""
    found: dict[int, str] = {}
    for chunk in chunks(ids):
        found.update(read(f"SELECT id, iri FROM node WHERE id IN ({marks(chunk)})", chunk))
    return found


def chain_at(read: Read, seq: int) -> str | None:
    """Return the chain of an entry; None when there is no such entry."""
    if seq == 0:
        return GENESIS
    rows = read("SELECT chain FROM entry WHERE seq = ?", (seq,))
    return str(rows[0][0]) if rows else None


def described(read: Read, iris: Iterable[str]) -> set[str]:
    """Return which of the IRIs some entry describes."""
    found: set[str] = set()
    for chunk in chunks(iris):
        rows = read(
            f"SELECT n.iri FROM node n WHERE n.iri IN ({marks(chunk)}) "
            "AND EXISTS (SELECT 1 FROM subject s WHERE s.node = n.id)",
            chunk,
        )
        found.update(iri for (iri,) in rows)
    return found


def described_first(read: Read, iris: Iterable[str]) -> dict[str, int]:
    """Return the seq of the first entry that describes an IRI, for those that are."""
    found: dict[str, int] = {}
    for chunk in chunks(iris):
        rows = read(
            "SELECT n.iri, min(s.seq) FROM node n JOIN subject s ON s.node = n.id "
            f"WHERE n.iri IN ({marks(chunk)}) GROUP BY n.id, n.iri",
            chunk,
        )
        found.update(rows)
    return found


def described_between(read: Read, prefix: str, after: int, upto: int) -> set[str]:
    """Return the IRIs with a prefix that some entries describe, at the cost of these entries."""
    rows = read(
        "SELECT DISTINCT n.iri FROM subject s CROSS JOIN node n ON n.id = s.node "
        "WHERE s.seq > ? AND s.seq <= ? AND n.iri >= ? AND n.iri < ?",
        (after, upto, prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)),
    )
    return {iri for (iri,) in rows}


def iris_with(read: Read, prefix: str) -> list[str]:
    """Return the IRIs with a prefix, without those of parts of things, sorted."""
    rows = read(
        "SELECT iri FROM node WHERE iri >= ? AND iri < ? AND iri NOT LIKE '%#%' ORDER BY iri",
        (prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)),
    )
    return [iri for (iri,) in rows]


def things_after(read: Read, node: int, prefixes: Sequence[str]) -> list[Row]:
    """Return number and IRI of what was named after a node: things, and their direct parts."""
    within = " OR ".join(["(+iri >= ? AND +iri < ?)"] * len(prefixes))
    bounds = [b for p in prefixes for b in (p, p[:-1] + chr(ord(p[-1]) + 1))]
    return read(
        f"SELECT id, iri FROM node WHERE id > ? AND ({within}) "
        "AND instr(substr(iri, instr(iri || '#', '#')), '/') = 0 ORDER BY id",
        (node, *bounds),
    )


def is_bundle(read: Read, iri: str) -> bool:
    """Tell whether an entry's bundle has this IRI."""
    return bool(read("SELECT 1 FROM entry WHERE bundle = ?", (iri,)))


def chunks(values: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Yield the values in pieces that fit into one statement."""
    rest = iter(values)
    while chunk := tuple(islice(rest, CHUNK)):
        yield chunk


def marks(chunk: Sequence[object]) -> str:
    """Return as many parameter marks as there are values."""
    return ", ".join("?" * len(chunk))
