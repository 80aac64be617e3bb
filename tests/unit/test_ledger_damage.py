"""A ledger that was altered, cut short or never was one is refused, by its first bad entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lineage_graph.errors import LedgerBroken, StoreError
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile


def append_many(ledger: Ledger, count: int) -> None:
    for number in range(1, count + 1):
        version, run = f"urn:v:{number}", f"urn:run:{number}"
        ledger.append(
            NewEntry(
                txid=f"tx-{number}",
                author="urn:agent",
                bundle=f"urn:bundle:{number}",
                body=f"<{version}> <urn:p> <urn:o> <urn:bundle:{number}> .\n".encode(),
                subjects=[version, run],
                edges=[Edge(version, f"urn:v:{number - 1}", ("Filter",), run)],
                invalidates=[f"urn:bundle:{number - 2}"],
            )
        )


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with LedgerFile(path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE entry SET body = x'0000' WHERE seq = 3", "unpacked"),
        ("UPDATE entry SET body = x'' WHERE seq = 3", "cut short"),
        ("UPDATE entry SET body = CAST(body || x'00' AS blob) WHERE seq = 3", "tail"),
        (
            "UPDATE entry SET body = (SELECT body FROM entry WHERE seq = 2) WHERE seq = 3",
            "not have its digest",
        ),
        ("UPDATE entry SET chain = replace(chain, 'a', 'b') WHERE seq = 3", "chain"),
        ("UPDATE entry SET author = 'urn:somebody-else' WHERE seq = 3", "chain"),
        ("UPDATE entry SET body = 'text' WHERE seq = 3", "another type"),
        ("UPDATE entry SET author = x'FF' WHERE seq = 3", "chain"),
        ("UPDATE entry SET author = CAST(x'FF' AS text) WHERE seq = 3", "cannot be read"),
        ("UPDATE edge SET level = 1 WHERE seq = 3", "subjects or edges"),
        ("UPDATE edge SET level = 9 WHERE seq = 3", "subjects or edges"),
        ("DELETE FROM edge WHERE seq = 3", "subjects or edges"),
        ("DELETE FROM subject WHERE seq = 3", "subjects or edges"),
        ("INSERT INTO subject SELECT 3, id FROM node WHERE iri = 'urn:v:0'", "subjects or edges"),
        ("DELETE FROM invalidation WHERE seq = 3", "invalidates"),
        ("INSERT INTO invalidation SELECT 3, id FROM node WHERE iri = 'urn:v:0'", "invalidates"),
        ("UPDATE node SET iri = 'urn:else' WHERE iri = 'urn:run:3'", "subjects or edges"),
        ("UPDATE node SET iri = CAST(x'FF' AS text) WHERE iri = 'urn:run:3'", "subjects or edges"),
    ],
)
def test_verify_names_the_first_altered_entry(
    ledger: Ledger, path: Path, statement: str, what: str
) -> None:
    append_many(ledger, 5)
    tamper(path, statement)

    with pytest.raises(LedgerBroken, match=f"Entry 3 .*{what}.*backup") as broken:
        ledger.verify()
    assert broken.value.seq == 3


def test_the_first_of_two_damages_is_named_whatever_its_kind(ledger: Ledger, path: Path) -> None:
    append_many(ledger, 5)
    tamper(path, "UPDATE entry SET body = x'00' WHERE seq = 4", "DELETE FROM edge WHERE seq = 2")

    with pytest.raises(LedgerBroken) as broken:
        ledger.verify()
    assert broken.value.seq == 2


def test_derivation_kinds_are_checked(ledger: Ledger, path: Path) -> None:
    append_many(ledger, 2)
    tamper(path, "UPDATE kinds SET terms = '[\"Combine\"]'")

    with pytest.raises(LedgerBroken) as broken:
        ledger.verify()
    assert broken.value.seq == 1


def test_entries_before_a_broken_one_can_still_be_read(ledger: Ledger, path: Path) -> None:
    append_many(ledger, 5)
    tamper(path, "UPDATE entry SET txid = 'forged' WHERE seq = 4")
    read: list[int] = []

    with pytest.raises(LedgerBroken) as broken:
        read.extend(entry.seq for entry in ledger.entries())
    assert broken.value.seq == 4
    assert read == [1, 2, 3]


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("DELETE FROM entry WHERE seq = 1", 1),
        ("DELETE FROM entry WHERE seq IN (3, 4)", 3),
        ("DELETE FROM entry WHERE seq = 5", 5),
        ("UPDATE entry SET seq = 9 WHERE seq = 5", 5),
        ("UPDATE entry SET seq = -1 WHERE seq = 1", 1),
        ("DELETE FROM entry", 1),
        ("UPDATE entry SET chain = chain || '0' WHERE seq = 5", 5),
        ("UPDATE entry SET chain = chain || '0' WHERE seq = 4", 5),
    ],
)
def test_a_ledger_with_a_hole_does_not_open(path: Path, statement: str, seq: int) -> None:
    with LedgerFile(path) as ledger:
        append_many(ledger, 5)
    tamper(path, statement)

    with pytest.raises(LedgerBroken, match=f"Entry {seq} ") as broken:
        LedgerFile(path)
    assert broken.value.seq == seq


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_verify_finds_what_was_deleted_while_it_was_open(
    ledger: Ledger, path: Path, seq: int
) -> None:
    append_many(ledger, 5)
    tamper(path, f"DELETE FROM entry WHERE seq = {seq}")

    with pytest.raises(LedgerBroken) as broken:
        ledger.verify()
    assert broken.value.seq == seq


def test_verify_finds_an_index_that_no_longer_leads_to_its_rows(path: Path) -> None:
    with LedgerFile(path) as ledger:
        append_many(ledger, 3)
    with closing(sqlite3.connect(path)) as connection:
        root, size = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema "
            "WHERE name = 'subject_by_node'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek(root * size - 1)
        last = file.read(1)[0]
        file.seek(root * size - 1)
        file.write(bytes([last ^ 1]))

    with LedgerFile(path) as ledger, pytest.raises(LedgerBroken, match="damaged"):
        ledger.verify()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"not a database, whatever its name says" * 200,
        lambda data: b"\0" * 100 + data[100:],
        lambda data: data[:4096],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1000],
    ],
    ids=["empty", "text", "header", "first-page", "half", "tail"],
)
def test_a_damaged_file_is_refused_as_such(path: Path, spoil: Callable[[bytes], bytes]) -> None:
    with LedgerFile(path) as ledger:
        append_many(ledger, 40)
    path.write_bytes(spoil(path.read_bytes()))

    with pytest.raises(LedgerBroken, match="backup"), LedgerFile(path) as opened:
        opened.verify()


def test_another_database_is_not_a_ledger(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE entry (seq integer)")

    with pytest.raises(LedgerBroken, match="not a ledger"):
        LedgerFile(path)


def test_a_newer_schema_asks_for_an_upgrade(path: Path) -> None:
    LedgerFile(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")

    with pytest.raises(StoreError, match="Upgrade lineage_graph"):
        LedgerFile(path)


def test_a_ledger_from_before_the_first_release_is_refused_as_whole(path: Path) -> None:
    LedgerFile(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")

    with pytest.raises(StoreError, match="is whole"):
        LedgerFile(path)
