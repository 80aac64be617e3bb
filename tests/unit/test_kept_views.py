"""What is kept of those who look at a store: little in memory, and on disk only what is used."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lineage_graph.access.principals import Principal
from lineage_graph.graph.viewing import KEPT as KEPT_VIEWS
from lineage_graph.graph.viewing import UNUSED_SECONDS, Viewing
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.server.settings import Settings
from lineage_graph.server.views import KEPT, Views
from tests.unit.test_visible_graph import SECRET, Company


@pytest.fixture
def company(store: Path) -> Iterator[Company]:
    with closing(Company(store)) as company:
        company.hide()
        yield company


def reader(*clearances: str) -> Principal:
    return Principal("urn:lineage-graph:agent:ana", frozenset({"read"}), frozenset(clearances), "a")


def open_ledgers() -> int:
    """Count the handles on ledgers that this process has."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(one).endswith("ledger.db")
        except FileNotFoundError:
            continue
    return found


def folders(store: Path) -> set[str]:
    return {one.name for one in (store / "views").iterdir()}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no list of open files")
def test_graphs_of_many_clearances_do_not_stay_open(company: Company) -> None:
    views = Views(Settings(company.folder), company.viewing)

    def asked(*numbers: int) -> int:
        for number in numbers:
            found = asyncio.run(views.ask(reader(f"l{number}"), lambda graph: graph.datasets()))
            assert SECRET not in {one["name"] for one in found}
        return open_ledgers()

    with closing(views):
        full = asked(*range(KEPT))
        # Each graph has two handles; SQLite closes some only with the next one.
        assert asked(*range(KEPT, 2 * KEPT)) < full + KEPT


def test_views_that_nobody_has_a_graph_of_are_forgotten(company: Company) -> None:
    for number in range(KEPT_VIEWS + 3):
        company.viewing.seen(frozenset({f"l{number}"}))
    assert len(company.viewing.alive) == KEPT_VIEWS


def test_a_view_is_one_while_a_graph_over_it_is_open(company: Company) -> None:
    graph = company.seen("board")
    view = company.viewing.view(frozenset({"board"}))
    for number in range(KEPT_VIEWS + 3):
        company.viewing.seen(frozenset({f"l{number}"}))
    assert company.viewing.view(frozenset({"board"})) is view
    assert graph.datasets()


def test_projections_that_nobody_used_for_long_are_removed(company: Company) -> None:
    for label in ("board", "works"):
        company.seen(label).datasets()
    both = folders(company.folder)
    assert len(both) == 2
    ledger = LedgerFile(company.folder / "ledger.db")
    with closing(ledger):
        again = Viewing(ledger, company.graph.folders)
        kept = again.view(frozenset({"board"})).folder("").name
        long_ago = time.time() - UNUSED_SECONDS - 60
        for one in both:
            os.utime(company.folder / "views" / one, (long_ago, long_ago))
        again.view(frozenset({"others"}))
        assert folders(company.folder) == {kept}
        assert company.viewing.view(frozenset({"board"}))


def test_what_was_removed_is_made_again(company: Company) -> None:
    company.seen("board").datasets()
    company.open.pop().close()
    long_ago = time.time() - UNUSED_SECONDS - 60
    for one in folders(company.folder):
        os.utime(company.folder / "views" / one, (long_ago, long_ago))
    ledger = LedgerFile(company.folder / "ledger.db")
    with closing(ledger):
        company.viewing = Viewing(ledger, company.graph.folders)
        company.viewing.view(frozenset({"others"}))
        assert folders(company.folder) == set()
        names = {one["name"] for one in company.seen("board").datasets()}
        assert names == {"sales", "averages", "chart"}
