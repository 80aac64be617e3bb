"""Writes one entry inside the transaction of its group."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lineage_graph.errors import RecordConflict
from lineage_graph.identity import canonical_json, sha256
from lineage_graph.ledger.database import broken
from lineage_graph.ledger.entries import GENESIS, LEVELS, Request, link, now, pack, unpack

KNOWN = "SELECT seq, txid, bundle, digest, beside FROM entry WHERE txid = ? OR bundle = ?"
LAST = "SELECT seq, chain FROM entry ORDER BY seq DESC LIMIT 1"
INSERT_ENTRY = """
INSERT INTO entry (seq, txid, at, author, bundle, digest, chain, body, beside)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_NODE = "INSERT INTO node (iri) VALUES (?) ON CONFLICT DO NOTHING"
INSERT_INVALIDATION = "INSERT INTO invalidation (seq, node) SELECT ?, id FROM node WHERE iri = ?"
INSERT_KINDS = "INSERT INTO kinds (terms) VALUES (?) ON CONFLICT DO NOTHING"
INSERT_SUBJECT = "INSERT INTO subject (seq, node) SELECT ?, id FROM node WHERE iri = ?"
INSERT_EDGE = """
INSERT INTO edge (seq, level, kinds, derived, source, activity)
SELECT ?, ?, k.id, d.id, s.id, a.id FROM kinds k, node d, node s, node a
WHERE k.terms = ? AND d.iri = ? AND s.iri = ? AND a.iri = ?
"""


def write(connection: sqlite3.Connection, path: Path, new: Request) -> int | RecordConflict:
    """Write an entry, unless it is a retry or in conflict with one that is there.

    Args:
        connection: Holds the write lock.
        path: The ledger's file, for messages.
        new: What to append.

    Returns:
        The entry's seq, of the first time for a retry. A conflict is returned, not
        raised: it concerns one writer, the transaction is shared by a group.

    Raises:
        LedgerBroken: The entry that is there cannot be read.
    """
    known = connection.execute(KNOWN, (new.txid, new.bundle)).fetchone()
    if known:
        return _answer(new, path, *known)
    last = connection.execute(LAST).fetchone()
    seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    fields = (new.txid, now(), new.author, new.bundle, new.digest)
    chain = link(previous, seq, *fields, sha256(new.beside))
    connection.execute(INSERT_ENTRY, (seq, *fields, chain, new.packed, pack(new.beside)))
    _write_beside(connection, seq, new)
    return seq


def _write_beside(connection: sqlite3.Connection, seq: int, new: Request) -> None:
    edges = [
        (LEVELS.index(e.level), canonical_json(e.kinds).decode(), e.derived, e.source, e.activity)
        for e in new.edges
    ]
    iris = new.subjects.union(new.invalidates, *(edge[2:] for edge in edges))
    many = connection.executemany
    many(INSERT_NODE, [(iri,) for iri in sorted(iris)])
    many(INSERT_SUBJECT, [(seq, iri) for iri in new.subjects])
    many(INSERT_INVALIDATION, [(seq, iri) for iri in new.invalidates])
    many(INSERT_KINDS, sorted({edge[1:2] for edge in edges}))
    many(INSERT_EDGE, [(seq, *edge) for edge in edges])


def _answer(
    new: Request, path: Path, seq: int, txid: str, bundle: str, digest: str, packed: bytes
) -> int | RecordConflict:
    """Tell a retry of an entry that is there from a conflict with it."""
    try:
        stated = unpack(packed)
    except ValueError as error:
        raise broken(path, seq, str(error)) from error
    if (new.txid, new.bundle, new.digest, new.beside) == (txid, bundle, digest, stated):
        return seq
    if new.txid == txid:
        return RecordConflict(
            f"Transaction {txid} is entry {seq} already, with other content. "
            "Give new content a transaction id of its own."
        )
    return RecordConflict(
        f"Bundle {bundle} is entry {seq} already, from transaction {txid}. "
        "Record a correction as a bundle of its own."
    )
