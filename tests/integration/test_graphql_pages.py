"""Pages over many things: what they cost, and that they put together are the whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage_graph.access.principals import Principal
from lineage_graph.declarations import Declarations
from lineage_graph.executors import Fingerprint, Pin, Place
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.viewing import Viewing
from lineage_graph.identity import digested, fresh, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.recording.bundle import Bundles
from lineage_graph.recording.descriptions import dataset_version
from lineage_graph.records import Agent, Dataset, LicenseStatement
from lineage_graph.records.privacy import SemanticLabel
from lineage_graph.replay.requests import Requests
from lineage_graph.server.graphql.operations import Operations, Request
from lineage_graph.server.settings import QueryLimits, Settings
from lineage_graph.server.views import Views
from lineage_graph.stores.oxigraph import FolderStore

AGENT = named("agent", "test")
AT = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = '{"struct":[["cpf","string"],["city","string"]]}'
READER = Principal(AGENT, frozenset({"read"}), None, "reader")
PAGE = """
query ($first: Int!, $after: String) {
  datasets(first: $first, after: $after) {
    pageInfo { hasNextPage hasPreviousPage endCursor }
    edges { cursor node {
      name license owner { name } licenseStatements { expression }
      versions(first: 2) { edges { node {
        name license generatedAt profile { rows }
        columns { name semanticType { type status } } } } } } }
  }
}
"""
NAMES = "query ($n: Int!, $after: String) { datasets(first: $n, after: $after) { pageInfo {\
 hasNextPage endCursor } edges { node { name } } } }"


class Shelf:
    """Datasets with versions, columns, licences and labels, and what asks them."""

    def __init__(self, root: Path) -> None:
        folders = Folders(root)
        folders.prepare()
        self.ledger = LedgerFile(folders.ledger)
        self.bundles = Bundles(self.ledger, Declarations(), AGENT)
        self.bundles.append([Agent(id=AGENT)])
        chosen = Settings(root, graphql=QueryLimits(cost=10_000))
        self.views = Views(chosen, Viewing(self.ledger, folders))
        self.operations = Operations(chosen, self.views, Requests(root))

    def add(self, name: str, number: int) -> None:
        dataset = Dataset(id=named("dataset", name), title=name, attributed_to=AGENT)
        records: list[Any] = [dataset]
        for turn in range(2):
            version = digested("version", f"{number:08x}{turn}")
            digests = {"cpf": "1", "city": "2"}
            content = Fingerprint(f"{number:032x}{turn:032x}", "test1", number, SCHEMA, digests)
            pin = Pin(Place((f"/data/{number}/{turn}",), "csv"), None, "reference")
            at = AT + timedelta(hours=number)
            records += dataset_version(version, dataset, pin, content, at)
            records += self._said(version)
        self.bundles.append(records)

    def _said(self, version: str) -> list[Any]:
        declared = Declarations()
        return [
            SemanticLabel(
                id=fresh("semantic-label"),
                about=part(version, "cpf"),
                semantic_type=declared.iri("semantic-type:CPF"),
                label_status="accepted",
                generated_at=AT,
                attributed_to=AGENT,
            ),
            LicenseStatement(
                id=fresh("license-statement"),
                about=version,
                license=(declared.iri("license-iri:MIT"),),
                license_expression="MIT",
                generated_at=AT,
                attributed_to=AGENT,
            ),
        ]

    def ask(self, query: str, **variables: Any) -> Any:
        answer = asyncio.run(self.operations.answer(Request(query, variables), READER))
        assert "errors" not in answer.body, answer.body
        return answer.body["data"]

    def close(self) -> None:
        self.views.close()
        self.ledger.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "store")
    yield made
    made.close()


def counting(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is asked of stores and ledgers."""
    counted: Counter[str] = Counter()

    def watched(owner: type, name: str) -> None:
        asked: Callable[..., Any] = getattr(owner, name)

        def counts(*given: Any, **named_ones: Any) -> Any:
            counted[name] += 1
            return asked(*given, **named_ones)

        monkeypatch.setattr(owner, name, counts)

    for name in ("select", "ask", "construct"):
        watched(FolderStore, name)
    watched(LedgerFile, "_read")
    return counted


def test_a_page_of_a_hundred_asks_no_more_than_a_page_of_ten(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        shelf.add(f"dataset {number:03}", number)
    shelf.ask(PAGE, first=1)
    counted = counting(monkeypatch)
    asked = []
    for first in (10, 100):
        counted.clear()
        found = shelf.ask(PAGE, first=first)["datasets"]["edges"]
        assert len(found) == first
        asked.append(dict(counted))
    last = found[-1]["node"]
    assert (last["name"], last["license"]) == ("dataset 099", "MIT")
    assert [edge["node"]["columns"] for edge in last["versions"]["edges"]] == [
        [
            {"name": "cpf", "semanticType": {"type": "cpf", "status": "accepted"}},
            {"name": "city", "semanticType": None},
        ]
    ] * 2
    assert asked[0]["select"] == asked[1]["select"] <= 12
    assert asked[1]["_read"] <= asked[0]["_read"] + 5 <= 70


@given(
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=12, unique=True),
    st.lists(st.text(min_size=1, max_size=8), max_size=6, unique=True),
    st.integers(1, 5),
)
@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_pages_are_the_whole_whatever_is_recorded_between_them(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], later: list[str], size: int
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("pages") / "store")
    for name in first:
        shelf.bundles.append([Dataset(id=named("dataset", name), title=name)])
    waiting = [name for name in later if name not in first]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = shelf.ask(NAMES, n=size, after=after)["datasets"]
        seen += [edge["node"]["name"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        if waiting:
            name = waiting.pop()
            shelf.bundles.append([Dataset(id=named("dataset", name), title=name)])
    assert len(seen) == len(set(seen))
    assert set(first) <= set(seen) <= {*first, *later}
    assert seen == sorted(seen, key=lambda name: named("dataset", name))
    shelf.close()


def test_a_cursor_of_versions_stays_where_it_is(shelf: Shelf) -> None:
    shelf.add("growing", 1)
    query = """query ($after: String) { dataset(name: "growing") {
      versions(first: 1, after: $after) { pageInfo { hasNextPage hasPreviousPage }
        edges { cursor node { number } } } } }"""
    begun = shelf.ask(query)["dataset"]["versions"]
    assert begun["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    shelf.add("growing", 2)
    after = begun["edges"][0]["cursor"]
    assert shelf.ask(query, after=after)["dataset"]["versions"]["edges"][0]["node"]["number"] == 2
