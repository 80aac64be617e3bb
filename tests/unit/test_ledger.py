"""The ledger keeps what it acknowledged, says it once, and takes many writers."""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.errors import (
    InvalidRecord,
    RecordConflict,
    StoreError,
    StoreLocked,
    StoreUnavailable,
)
from lineage_graph.ledger import LEVELS, Edge, Invalidation, Ledger, NewEntry, reading
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.ledger.reading import IndexRow


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    """What the n-th writer of these tests appends: version n derived from version n-1."""
    content = {
        "txid": f"tx-{number}",
        "author": "urn:agent",
        "bundle": f"urn:bundle:{number}",
        "body": f"<urn:v:{number}> <urn:p> <urn:o> <urn:bundle:{number}> .\n".encode(),
        "subjects": [f"urn:v:{number}", f"urn:run:{number}"],
        "edges": [Edge(f"urn:v:{number}", f"urn:v:{number - 1}", ("Filter",), f"urn:run:{number}")],
    }
    return content | changes


def append_many(ledger: Ledger, count: int) -> None:
    for number in range(1, count + 1):
        ledger.append(NewEntry(**numbered(number)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with LedgerFile(path) as opened:
        yield opened


def test_an_entry_reads_back_as_it_was_appended(ledger: Ledger) -> None:
    before = datetime.now(UTC)

    assert ledger.append(NewEntry(**numbered(1))) == 1

    (entry,) = ledger.entries()
    assert (entry.seq, entry.txid, entry.author) == (1, "tx-1", "urn:agent")
    assert entry.bundle == "urn:bundle:1"
    assert entry.body == numbered(1)["body"]
    assert before <= entry.at <= datetime.now(UTC)
    assert entry.chain == ledger.chain_head


def test_a_new_ledger_is_empty_and_whole(ledger: Ledger) -> None:
    assert ledger.head == 0
    assert ledger.chain_head == "0" * 64
    assert list(ledger.entries()) == []
    assert list(ledger.entries(after=7)) == []
    assert ledger.verify() == 0


def test_entries_can_be_read_from_and_up_to_a_seq(ledger: Ledger) -> None:
    append_many(ledger, 250)

    assert [e.seq for e in ledger.entries(after=120, upto=240)] == list(range(121, 241))


def test_a_walk_over_entries_does_not_freeze_what_else_is_read(ledger: Ledger) -> None:
    append_many(ledger, 3)
    walk = ledger.entries()
    next(walk)

    ledger.append(NewEntry(**numbered(4)))

    assert ledger.head == 4


def test_the_same_transaction_again_gets_the_first_answer(ledger: Ledger) -> None:
    append_many(ledger, 3)

    assert ledger.append(NewEntry(**numbered(2))) == 2
    assert ledger.head == 3


@pytest.mark.parametrize(
    "changes",
    [{"body": b"other"}, {"bundle": "urn:other"}, {"subjects": ["urn:other"]}, {"edges": []}],
)
def test_a_transaction_id_used_again_with_other_content_is_refused(
    ledger: Ledger, changes: dict[str, Any]
) -> None:
    append_many(ledger, 1)

    with pytest.raises(RecordConflict, match="tx-1 is entry 1 already"):
        ledger.append(NewEntry(**numbered(1, **changes)))
    assert ledger.head == 1


def test_a_bundle_is_recorded_once(ledger: Ledger) -> None:
    append_many(ledger, 1)

    with pytest.raises(RecordConflict, match="urn:bundle:1 is entry 1 already"):
        ledger.append(NewEntry(**numbered(1, txid="tx-other")))


def test_text_that_utf8_cannot_write_is_refused_and_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(InvalidRecord, match="surrogate"):
        ledger.append(NewEntry(**numbered(1, subjects=["urn:\ud800"])))
    assert ledger.head == 0
    assert ledger.append(NewEntry(**numbered(2))) == 1


def test_subjects_are_known_from_the_entry_that_first_described_them(ledger: Ledger) -> None:
    append_many(ledger, 2)
    ledger.append(NewEntry(**numbered(3, subjects=["urn:v:1"])))

    found = ledger.described_first(["urn:v:1", "urn:v:2", "urn:v:3"])
    assert found == {"urn:v:1": 1, "urn:v:2": 2}, "an end of an edge is not described by it"
    many = [f"urn:v:{n}" for n in range(2000)]
    assert ledger.described(many) == {"urn:v:1", "urn:v:2"}


def stated(ledger: Ledger, after: int = 0, upto: int | None = None) -> list[tuple[int, Edge]]:
    """Return the edges of the rows that an index reads, each with its entry."""
    pages = ledger.index_rows(after, ledger.head if upto is None else upto)
    rows = [IndexRow(*row) for page in pages for row in page]
    iris = ledger.iris_of({number for row in rows for number in (row[1], row[2], row[4])})
    kinds = ledger.kind_sets()
    return [
        (r.seq, Edge(iris[r.derived], iris[r.source], kinds[r.kinds], iris[r.activity], level))
        for r in rows
        for level in [LEVELS[r.level]]
    ]


def test_edges_are_read_as_numbers_in_the_order_of_entries(ledger: Ledger) -> None:
    append_many(ledger, 3)

    assert stated(ledger) == [
        (n, Edge(f"urn:v:{n}", f"urn:v:{n - 1}", ("Filter",), f"urn:run:{n}")) for n in (1, 2, 3)
    ]
    assert [seq for seq, _ in stated(ledger, 1, 2)] == [2]
    assert stated(ledger, 3) == []


def test_edges_are_read_whole_however_many_an_entry_has(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    column = Edge("urn:v:1#a", "urn:v:0#a", ("Combine", "Filter"), "urn:run:1", "column")
    many = [column, *(Edge(f"urn:v:{n}", "urn:s", (), "urn:run") for n in range(10))]
    ledger.append(NewEntry(**numbered(1, edges=many)))
    ledger.append(NewEntry(**numbered(2)))

    found = stated(ledger)

    assert len(found) == 12
    assert {edge for seq, edge in found if seq == 1} == {*many}


def test_numbers_and_names_of_nodes_lead_to_each_other(ledger: Ledger) -> None:
    append_many(ledger, 2)
    many = [f"urn:v:{n}" for n in range(2000)]

    ids = ledger.node_ids(many)

    assert set(ids) == {"urn:v:0", "urn:v:1", "urn:v:2"}
    assert ledger.iris_of([*ids.values(), 10**9]) == {number: iri for iri, number in ids.items()}


def test_the_chain_of_an_entry_can_be_asked_for(ledger: Ledger) -> None:
    empty = ledger.chain_head
    append_many(ledger, 2)

    assert ledger.chain_at(2) == ledger.chain_head
    assert ledger.chain_at(0) == empty
    assert ledger.chain_at(3) is None


def test_what_no_longer_holds_is_known_with_its_entry(ledger: Ledger) -> None:
    append_many(ledger, 2)
    assert ledger.invalidations(0, 2) == []
    ledger.append(NewEntry(**numbered(3, invalidates=["urn:bundle:1", "urn:v:2", "urn:bundle:4"])))
    ids = ledger.node_ids(["urn:bundle:1", "urn:v:2", "urn:bundle:4"])

    found = ledger.invalidations(0, 3)
    ledger.append(NewEntry(**numbered(4)))

    assert set(found) == {
        Invalidation(3, ids["urn:bundle:1"], 1),
        Invalidation(3, ids["urn:v:2"], None),
        Invalidation(3, ids["urn:bundle:4"], None),
    }
    assert ledger.invalidations(3, 4) == [Invalidation(3, ids["urn:bundle:4"], 4)]
    assert ledger.verify() == 4


def test_other_invalidations_are_other_content(ledger: Ledger) -> None:
    said = numbered(1, invalidates=["urn:v:0"])
    assert ledger.append(NewEntry(**said)) == ledger.append(NewEntry(**said)) == 1

    with pytest.raises(RecordConflict):
        ledger.append(NewEntry(**numbered(1)))


def test_verify_reports_its_progress(ledger: Ledger) -> None:
    append_many(ledger, 150)
    seen: list[tuple[int, int]] = []

    assert ledger.verify(lambda done, total: seen.append((done, total))) == 150
    assert seen[-1] == (150, 150)


def test_a_ledger_that_is_not_there_is_not_made_unasked(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        LedgerFile(path, create=False)
    assert not path.parent.exists()


def test_a_ledger_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreUnavailable, match="cannot be created"):
        LedgerFile(tmp_path / "file" / "ledger.db")


def test_creating_leaves_one_file_only(path: Path) -> None:
    LedgerFile(path).close()

    assert [file.name for file in path.parent.iterdir()] == ["ledger.db"]


def test_a_ledger_created_by_many_at_once_is_one_ledger(path: Path) -> None:
    start = threading.Barrier(8)

    def begin(number: int) -> int:
        start.wait()
        with LedgerFile(path) as ledger:
            return ledger.append(NewEntry(**numbered(number)))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, range(8))) == list(range(1, 9))


def test_a_ledger_opens_whole_while_others_append(ledger: Ledger, path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(append_many, ledger, 200)
        while not writing.done():
            LedgerFile(path).close()
        writing.result()
    assert ledger.verify() == 200


def test_a_name_with_odd_characters_is_a_file_name(tmp_path: Path) -> None:
    odd = tmp_path / "a?mode=ro#%41 ü.db"

    with LedgerFile(odd) as ledger:
        append_many(ledger, 1)
    assert odd.exists()


def test_waiting_too_long_for_another_writer_is_said(path: Path) -> None:
    with (
        LedgerFile(path, busy_timeout=0.05) as ledger,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match="another process"):
            ledger.append(NewEntry(**numbered(1)))
        other.execute("ROLLBACK")

        assert ledger.append(NewEntry(**numbered(1))) == 1


def test_a_closed_handle_says_so(ledger: Ledger) -> None:
    ledger.close()
    ledger.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        ledger.append(NewEntry(**numbered(1)))
    with pytest.raises(StoreUnavailable, match="closed"):
        list(ledger.entries())


def test_a_forked_child_may_not_use_the_handle(ledger: Ledger) -> None:
    append_many(ledger, 1)
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            ledger.append(NewEntry(**numbered(2)))
        except StoreError as error:
            os.write(writing, str(error).encode())
        finally:
            ledger.close()
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, "rb") as answer:
        assert b"forked child" in answer.read()

    assert ledger.append(NewEntry(**numbered(2))) == 2
    assert ledger.verify() == 2


def commits(wal: Path) -> int:
    """Count the commits in a write-ahead log: frames that state the database's size.

    Source: SQLite file format, section 4.1, "WAL File Format".
    """
    data = wal.read_bytes()
    size, salts, found = struct.unpack(">I", data[8:12])[0], data[16:24], 0
    for start in range(32, len(data) - size, size + 24):
        if data[start + 8 : start + 16] == salts:
            found += data[start + 4 : start + 8] != b"\0\0\0\0"
    return found


def test_threads_that_wait_together_share_one_commit(ledger: Ledger, path: Path) -> None:
    ledger.append(NewEntry(**numbered(1)))
    wal = path.with_name("ledger.db-wal")
    before = commits(wal)
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        ThreadPoolExecutor(32) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        answers = [pool.submit(ledger.append, NewEntry(**numbered(n))) for n in range(2, 34)]
        # The queue has no door to look through; those that come late make a second group.
        threading.Event().wait(0.5)
        other.execute("ROLLBACK")
        assert {answer.result() for answer in answers} == set(range(2, 34))

    assert 1 <= commits(wal) - before < 8
    assert ledger.verify() == 33


def test_a_conflict_in_a_group_concerns_one_writer_only(ledger: Ledger, path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        calls = [numbered(1), numbered(1), numbered(1, body=b"other"), numbered(2), numbered(3)]
        answers = [pool.submit(ledger.append, NewEntry(**call)) for call in calls]
        other.execute("ROLLBACK")
        errors = [answer.exception() for answer in answers]

    refused = [error for error in errors if error]
    assert all(isinstance(error, RecordConflict) for error in refused)
    assert len(refused) in (1, 2), "the first of the contents wins, retries of it are welcome"
    assert ledger.verify() == 3


WRITER = """
import sys
from pathlib import Path
from lineage_graph.ledger import NewEntry
from lineage_graph.ledger.file import LedgerFile
with LedgerFile(Path(sys.argv[1])) as ledger:
    for number in range(50):
        name = f"{sys.argv[2]}-{number}"
        ledger.append(NewEntry(name, "a", name, name.encode(), [name]))
"""


def test_two_processes_append_in_one_order(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, name]) for name in ("left", "right")]

    assert [writer.wait() for writer in writers] == [0, 0]
    with LedgerFile(path, create=False) as ledger:
        assert ledger.verify() == 100
        order = [entry.txid for entry in ledger.entries()]
    for name in ("left", "right"):
        assert [txid for txid in order if txid.startswith(name)] == [
            f"{name}-{number}" for number in range(50)
        ]


FULL_DISK = """
import os, resource, sys
from pathlib import Path
from lineage_graph.errors import StoreUnavailable
from lineage_graph.ledger import NewEntry
from lineage_graph.ledger.file import LedgerFile
with LedgerFile(Path(sys.argv[1])) as ledger:
    said = dict(author="a", subjects=["s"])
    ledger.append(NewEntry(txid="kept", bundle="kept", body=b"kept", **said))
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
    try:
        ledger.append(NewEntry(txid="big", bundle="big", body=os.urandom(90_000), **said))
    except StoreUnavailable as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    try:
        ledger.append(NewEntry(txid="later", bundle="later", body=b"later", **said))
    except StoreUnavailable as error:
        print(error)
"""


def test_a_write_that_fails_is_said_and_ends_the_handle_but_not_the_ledger(path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )

    first, second = ran.stdout.splitlines()
    assert "cannot be used" in first
    assert "no longer usable" in second
    with LedgerFile(path, create=False) as ledger:
        assert [entry.txid for entry in ledger.entries()] == ["kept"]
        assert ledger.append(NewEntry(**numbered(1))) == 2
        assert ledger.verify() == 2
