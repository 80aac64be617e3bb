"""Whatever is appended reads back, and whatever is altered afterwards is noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.errors import LedgerBroken
from lineage_graph.ledger import LEVELS, Edge, Entry, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile

# Every text that UTF-8 can write; ends of edges are few, so that edges share them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ends = st.sampled_from(["urn:a", "urn:b#é", "urn:c'\"", "", "urn:\0", "urn:d"])
edges = st.builds(
    Edge,
    derived=ends,
    source=ends,
    kinds=st.lists(st.sampled_from(["Filter", "Combine", "Ünion"]), max_size=3).map(tuple),
    activity=ends,
    level=st.sampled_from(["entity", "column"]),
)
bundles = st.lists(
    st.fixed_dictionaries(
        {
            "txid": texts,
            "author": texts,
            "bundle": texts,
            "body": st.binary(max_size=300),
            "subjects": st.lists(texts | ends, max_size=5),
            "edges": st.lists(edges, max_size=5),
            "invalidates": st.lists(texts | ends, max_size=3),
        }
    ),
    max_size=8,
    unique_by=(lambda b: b["txid"], lambda b: b["bundle"]),
)
Bundle = dict[str, Any]
# Appending waits for the disk, so how long an example takes says nothing.
unhurried = settings(deadline=None)


@contextmanager
def new_ledger() -> Iterator[tuple[Ledger, Path]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        with LedgerFile(path) as ledger:
            yield ledger, path


def said(entry: Entry) -> tuple[str, str, str, bytes]:
    return entry.txid, entry.author, entry.bundle, entry.body


@unhurried
@given(bundles)
def test_any_bundles_read_back_and_verify(appended: list[Bundle]) -> None:
    with new_ledger() as (ledger, _):
        assert [ledger.append(NewEntry(**b)) for b in appended] == list(range(1, len(appended) + 1))

        assert [said(entry) for entry in ledger.entries()] == [
            (b["txid"], b["author"], b["bundle"], b["body"]) for b in appended
        ]
        assert ledger.verify() == ledger.head == len(appended)


@unhurried
@given(bundles, st.integers(0, 8), st.integers(0, 8))
def test_the_rows_beside_are_exactly_what_was_stated(
    appended: list[Bundle], after: int, upto: int
) -> None:
    with new_ledger() as (ledger, _):
        for bundle in appended:
            ledger.append(NewEntry(**bundle))

        rows = [row for page in ledger.index_rows(after, upto) for row in page]
        gone = ledger.invalidations(after, upto)
        numbers = {number for row in rows for number in (row[1], row[2], row[4])}
        iris = ledger.iris_of({*numbers, *(row.node for row in gone)})
        kinds = ledger.kind_sets()

    names = {bundle["bundle"]: seq for seq, bundle in enumerate(appended[:upto], 1)}
    assert len(rows) == len(set(rows))
    assert {
        (seq, Edge(iris[d], iris[s], kinds[k], iris[a], LEVELS[level]))
        for seq, d, s, k, a, level in rows
    } == {
        (seq, edge)
        for seq, bundle in enumerate(appended, 1)
        if after < seq <= upto
        for edge in bundle["edges"]
    }
    assert {(row.seq, iris[row.node], row.entry) for row in gone} == {
        (seq, iri, names.get(iri))
        for seq, bundle in enumerate(appended[:upto], 1)
        for iri in bundle["invalidates"]
        if seq > after or names.get(iri, 0) > after
    }


@unhurried
@given(bundles)
def test_exactly_the_subjects_are_described(appended: list[Bundle]) -> None:
    first: dict[str, int] = {}
    with new_ledger() as (ledger, _):
        for bundle in appended:
            seq = ledger.append(NewEntry(**bundle))
            for subject in bundle["subjects"]:
                first.setdefault(subject, seq)
        others = {end for b in appended for e in b["edges"] for end in (e.derived, e.activity)}

        assert ledger.described([*first, *others]) == set(first)
        assert ledger.described_first([*first, "urn:nobody"]) == first


@unhurried
@given(bundles, st.lists(st.integers(0, 7), max_size=12))
def test_retries_change_nothing_in_whatever_order_they_come(
    appended: list[Bundle], retries: list[int]
) -> None:
    with new_ledger() as (ledger, _):
        answers = [ledger.append(NewEntry(**bundle)) for bundle in appended]
        chain = ledger.chain_head

        for retry in retries:
            if retry < len(appended):
                assert ledger.append(NewEntry(**appended[retry])) == answers[retry]

        assert ledger.chain_head == chain
        assert ledger.verify() == len(appended)


COLUMNS = {
    "entry": ["seq", "txid", "at", "author", "bundle", "digest", "chain", "body", "beside"],
    "node": ["id", "iri"],
    "kinds": ["id", "terms"],
    "subject": ["seq", "node"],
    "edge": ["seq", "derived", "source", "kinds", "activity", "level"],
    "invalidation": ["seq", "node"],
}
SAMPLE: list[Bundle] = [
    {
        "txid": f"tx-{n}",
        "author": "urn:agent",
        "bundle": f"urn:bundle:{n}",
        "body": b"".join(b"<urn:v:%d> <urn:p> <urn:o:%d> .\n" % (n, o) for o in range(4)),
        "subjects": [f"urn:v:{n}", f"urn:run:{n}"],
        "edges": [Edge(f"urn:v:{n}", f"urn:v:{n - 1}", ("Filter",), f"urn:run:{n}")],
        "invalidates": [f"urn:v:{n - 1}"],
    }
    for n in range(1, 4)
]


def altered(value: Any, at: int, bits: int) -> Any:
    """Return a stored value with one byte of it changed, of the same type."""
    if isinstance(value, int):
        return value ^ (bits << 8 * (at % 2))
    data = bytearray(value if isinstance(value, bytes) else value.encode())
    data[at % len(data)] ^= bits
    return bytes(data)


@unhurried
@given(
    st.sampled_from([(table, column) for table, columns in COLUMNS.items() for column in columns]),
    st.integers(0, 100),
    st.integers(0, 10_000),
    st.integers(1, 255),
)
def test_one_altered_byte_anywhere_is_noticed(
    place: tuple[str, str], row: int, at: int, bits: int
) -> None:
    table, column = place
    with new_ledger() as (ledger, path):
        for bundle in SAMPLE:
            ledger.append(NewEntry(**bundle))
        before = list(ledger.entries())
        with closing(sqlite3.connect(path)) as connection, connection:
            key = COLUMNS[table][:6]
            rows = connection.execute(f"SELECT {column}, {', '.join(key)} FROM {table}").fetchall()
            value, *keys = rows[row % len(rows)]
            put = "CAST(? AS text)" if isinstance(value, str) else "?"
            connection.execute(
                f"UPDATE OR REPLACE {table} SET {column} = {put} "
                f"WHERE {' AND '.join(f'{name} = ?' for name in key)}",
                (altered(value, at, bits), *keys),
            )

        try:
            ledger.verify()
        except LedgerBroken:
            return
        # One and the same body has more than one compressed form: then nothing was altered.
        assert column in ("body", "beside")
        assert list(ledger.entries()) == before
