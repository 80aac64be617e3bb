"""Walks the chain: every entry that is read has been checked."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from lineage_graph.errors import LedgerBroken
from lineage_graph.ledger.database import Row, broken, rows_until_damage
from lineage_graph.ledger.entries import GENESIS, LEVELS, Edge, Entry, beside, read, terms

PAGE = 100

ENTRIES = """
SELECT seq, txid, at, author, bundle, digest, chain, body, beside FROM entry
WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?
"""
SUBJECTS = """
SELECT s.seq, n.iri FROM subject s JOIN node n ON n.id = s.node
WHERE s.seq BETWEEN ? AND ? ORDER BY s.seq
"""
EDGES = """
SELECT e.seq, d.iri, s.iri, k.terms, a.iri, e.level FROM edge e
JOIN node d ON d.id = e.derived JOIN node s ON s.id = e.source
JOIN kinds k ON k.id = e.kinds JOIN node a ON a.id = e.activity
WHERE e.seq BETWEEN ? AND ? ORDER BY e.seq
"""
INVALIDATIONS = """
SELECT i.seq, n.iri FROM invalidation i JOIN node n ON n.id = i.node
WHERE i.seq BETWEEN ? AND ? ORDER BY i.seq
"""
STRAYS = """
SELECT count(*) FROM (
  SELECT seq FROM subject WHERE seq < 1 OR seq > ?
  UNION ALL SELECT seq FROM edge WHERE seq < 1 OR seq > ?
  UNION ALL SELECT seq FROM invalidation WHERE seq < 1 OR seq > ?) AS stray
"""

Fetch = Callable[[str, Row], tuple[list[Row], bool]]
Page = list[tuple[Entry, bytes]]


def pages(fetch: Fetch, path: Path, after: int, upto: int) -> Iterator[Page]:
    """Yield checked entries, a page at a time so that no read transaction stays open.

    Args:
        fetch: Runs a query; returns its rows until a damaged one, and whether one was met.
        path: The ledger's file, for messages.
        after: Seq of the last entry not wanted.
        upto: Seq of the last entry wanted.

    Raises:
        LedgerBroken: At the first entry that does not hold, after those that do.
    """
    previous = GENESIS
    if after:
        rows, _ = fetch("SELECT chain FROM entry WHERE seq = ?", (after,))
        if not rows:
            return
        previous = rows[0][0]
    full = True
    while full:
        rows, damaged = fetch(ENTRIES, (after, upto, PAGE))
        page, failure = _checked(rows, path, after, previous)
        if page:
            yield page
            after, previous = page[-1][0].seq, page[-1][0].chain
        if failure or damaged:
            raise failure or broken(path, after + 1, "it cannot be read")
        full = len(rows) == PAGE


def verify(
    connect: Callable[[], sqlite3.Connection],
    path: Path,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Check everything that is in the file now; return the number of entries.

    Raises:
        LedgerBroken: Names the first entry that cannot be trusted.
    """
    # SQLite's own check of pages and indices runs beside the walk, without the GIL.
    with ThreadPoolExecutor(1) as pool, closing(connect()) as connection:
        structure = pool.submit(_structure, connect)
        connection.execute("BEGIN")
        checked = _walk(connection, path, progress)
        flaw = structure.result()
    if flaw:
        raise broken(path, None, f"is damaged: {flaw}")
    return checked


def _walk(
    connection: sqlite3.Connection, path: Path, progress: Callable[[int, int], None] | None
) -> int:
    fetch = partial(rows_until_damage, connection)
    total: int = connection.execute("SELECT count(*) FROM entry").fetchone()[0]
    checked = 0
    for page in pages(fetch, path, 0, 2**62):
        _check_beside(fetch, path, page)
        checked = page[-1][0].seq
        if progress:
            progress(checked, total)
    strays: int = connection.execute(STRAYS, (checked,) * 3).fetchone()[0]
    if strays or checked != total:
        raise broken(path, checked + 1, "it is missing, parts of it are still there")
    return checked


def _checked(
    rows: list[Row], path: Path, after: int, previous: str
) -> tuple[Page, LedgerBroken | None]:
    page: Page = []
    for expected, row in enumerate(rows, after + 1):
        try:
            page.append(read(row, expected, previous))
        except ValueError as error:
            return page, broken(path, expected, str(error))
        previous = page[-1][0].chain
    return page, None


def _check_beside(fetch: Fetch, path: Path, page: Page) -> None:
    """Compare the columns beside the bodies with what the chained entries say of them.

    A damaged row ends what is read, so its entry is the first that lacks something.
    """
    span = (page[0][0].seq, page[-1][0].seq)
    subjects = _by_seq(fetch(SUBJECTS, span)[0])
    edges = _by_seq(fetch(EDGES, span)[0])
    gone = _by_seq(fetch(INVALIDATIONS, span)[0])
    for entry, stated in page:
        try:
            stored = beside(
                _iris(subjects[entry.seq]), _edges(edges[entry.seq]), _iris(gone[entry.seq])
            )
        except (ValueError, TypeError, IndexError):
            stored = b""
        if stored != stated:
            what = "its subjects or edges were altered, or what it invalidates"
            raise broken(path, entry.seq, what)


def _by_seq(rows: Iterable[Row]) -> defaultdict[int, list[Row]]:
    grouped: defaultdict[int, list[Row]] = defaultdict(list)
    for seq, *rest in rows:
        grouped[seq].append(tuple(rest))
    return grouped


def _iris(rows: list[Row]) -> list[str]:
    return [iri for (iri,) in rows]


def _edges(rows: list[Row]) -> Iterator[Edge]:
    for derived, source, kinds, activity, level in rows:
        yield Edge(derived, source, terms(kinds), activity, LEVELS[level])


def _structure(connect: Callable[[], sqlite3.Connection]) -> str | None:
    """Return what SQLite finds wrong; the walk goes past the indices that lineage uses."""
    with closing(connect()) as connection:
        rows, damaged = rows_until_damage(connection, "PRAGMA integrity_check(1)")
    if damaged or not rows:
        return "it cannot be read to its end"
    return None if rows == [("ok",)] else str(rows[0][0])
