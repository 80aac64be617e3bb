"""What is kept of the bodies of a ledger is believed only while it is right."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.ledger import Entry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.visibility import Visibility, extracts
from tests.guarded import Recorded
from tests.unit.test_visible_graph import Company

TOGETHER = 3


class Watched(LedgerFile):
    """A ledger that remembers from where on it was read."""

    def __init__(self, path: Path) -> None:
        self.read_after: list[int] = []
        super().__init__(path)
        self.read_after.clear()

    def entries(self, after: int = 0, upto: int | None = None) -> Iterator[Entry]:
        self.read_after.append(after)
        return super().entries(after, upto)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep few entries together, so that few are needed."""
    monkeypatch.setattr(extracts, "TOGETHER", TOGETHER)


@pytest.fixture
def company(store: Path) -> Iterator[Company]:
    with closing(Company(store)) as company:
        company.hide()
        yield company


def known(company: Company, kept: Path | None) -> tuple[list[Any], int]:
    """Return all that is known of who may see what, and after which entry bodies were read."""
    with closing(Watched(company.folder / "ledger.db")) as ledger:
        visibility = Visibility(ledger, kept=kept)
        visibility.refresh()
        mentions = visibility.mentions
        found = [
            visibility.seq,
            mentions.bundles,
            mentions.of,
            mentions.born,
            {seq: sorted(some) for seq, some in mentions.describes.items()},
            sorted(map(tuple, mentions.versions)),
            sorted(map(tuple, mentions.pairs)),
            mentions.said,
            mentions.names,
            mentions.raw,
            mentions.find([name for some in mentions.names.values() for name in some]),
            visibility.labelled,
            visibility.things,
        ]
        return found, ledger.read_after[0]


def file_of(company: Company) -> Path:
    """Return the file, after it was made."""
    path = company.folder / "visibility.db"
    known(company, path)
    return path


def test_a_ledger_is_read_from_where_it_was_kept_on(company: Company) -> None:
    whole, first = known(company, None)
    path = file_of(company)
    assert first == 0
    for _ in range(2):
        found, after = known(company, path)
        assert found == whole
        assert after == company.ledger.head // TOGETHER * TOGETHER
    company.made("later")
    company.graph.label_visibility("later", ["board"])
    assert known(company, path)[0] == known(company, None)[0] != whole


def changed(statement: str, *values: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as file:
            assert file.execute(statement, values).rowcount != 0

    return change


def emptied(path: Path) -> None:
    """Have a part say nothing, in the right form."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        (packed,) = file.execute("SELECT extracts FROM part WHERE last = 3").fetchone()
        read = [[one[0], False, False, *[[]] * 8] for one in json.loads(zlib.decompress(packed))]
        packed = zlib.compress(json.dumps(read).encode())
        file.execute("UPDATE part SET extracts = ? WHERE last = 3", (packed,))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(cut, id="cut"),
        pytest.param(lambda path: path.write_bytes(b"no database at all"), id="no database"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(emptied, id="a part that says less"),
        pytest.param(changed("DELETE FROM part WHERE last = 3"), id="without the first part"),
        pytest.param(changed("DELETE FROM part WHERE last = 6"), id="with a hole"),
        pytest.param(changed("UPDATE part SET extracts = x'00' WHERE last = 6"), id="no text"),
        pytest.param(changed("UPDATE part SET chain = 'x' WHERE last = 6"), id="another chain"),
        pytest.param(changed("UPDATE part SET last = 5 WHERE last = 6"), id="another place"),
        pytest.param(changed("DROP TABLE part"), id="no table"),
        pytest.param(changed("UPDATE part SET digest = 'x' WHERE last = 3"), id="another digest"),
    ],
)
def test_what_is_damaged_is_made_again(company: Company, harm: Callable[[Path], None]) -> None:
    whole, _ = known(company, None)
    path = file_of(company)
    harm(path)
    assert known(company, path)[0] == whole
    known(company, path)
    found, after = known(company, path)
    assert (found, after) == (whole, company.ledger.head // TOGETHER * TOGETHER)


def test_what_another_ledger_says_is_not_believed(company: Company, tmp_path: Path) -> None:
    whole, _ = known(company, None)
    other = Recorded(tmp_path / "other")
    for number in range(12):
        other.made(f"other {number}")
    other.graph.label_visibility("other 1", ["hr"])
    path = company.folder / "visibility.db"
    with closing(LedgerFile(other.folder / "ledger.db")) as ledger:
        Visibility(ledger, kept=path).refresh()
    other.close()
    assert path.exists()
    assert known(company, path)[0] == whole


def test_what_other_code_read_is_not_believed(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = known(company, None)
    path = file_of(company)
    monkeypatch.setattr(extracts, "reader", lambda: "0" * 64)
    assert known(company, path) == (whole, 0)


def test_a_file_that_cannot_be_written_makes_it_only_slower(company: Company) -> None:
    whole, _ = known(company, None)
    path = company.folder / "a folder"
    path.mkdir()
    assert known(company, path) == (whole, 0)
