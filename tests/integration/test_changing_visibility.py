"""What is hidden while somebody is being answered: they get the answer as of then, or none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.access.principals import Principal
from lineage_graph.errors import VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.graph.viewing import Viewing
from lineage_graph.sandbox import Answer, Checkpoint
from lineage_graph.sandbox.pool import Sandbox
from lineage_graph.server import store as store_route
from lineage_graph.server.graphql.operations import Request
from lineage_graph.server.served import Served
from lineage_graph.server.settings import Settings
from lineage_graph.server.views import ATTEMPTS, Views
from tests.unit.test_visible_graph import SECRET, Company

READER = Principal("urn:lineage-graph:agent:ana", frozenset({"read"}), frozenset(), "ana")
QUESTION = json.dumps("SELECT ?o WHERE { ?s ?p ?o }").encode()


class Busy(Views):
    """Graphs that are lent just before something is recorded."""

    def __init__(self, served: Served, meanwhile: Callable[[], None]) -> None:
        super().__init__(served.settings, Viewing(served.opened.ledger, served.opened.folders))
        self._meanwhile = meanwhile

    @contextmanager
    def borrow(self, principal: Principal) -> Iterator[Graph]:
        with super().borrow(principal) as graph:
            assert graph.datasets()
            self._meanwhile()
            yield graph


class Slow(Sandbox):
    """A sandbox that is busy with others until something was recorded."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def query(self, checkpoint: Callable[[], Checkpoint], *args: Any, **more: Any) -> Answer:
        found = checkpoint()
        self._meanwhile()
        return super().query(lambda: found, *args, **more)


@pytest.fixture
def company(store: Path) -> Iterator[Company]:
    with closing(Company(store)) as company:
        yield company


@pytest.fixture
def served(company: Company) -> Iterator[Served]:
    with closing(Served.open(Settings(company.folder))) as served:
        yield served


def labelling(company: Company, *names: str) -> Callable[[], None]:
    """Return what hides one thing more each time that it is called."""
    left = list(names)

    def label() -> None:
        if left:
            company.graph.label_visibility(left.pop(0), ["hr"])

    return label


def test_who_only_reads_is_answered_when_a_label_lands_meanwhile(
    company: Company, served: Served
) -> None:
    with closing(Busy(served, labelling(company, SECRET, "chart"))) as views:
        found = asyncio.run(views.ask(READER, lambda graph: graph.datasets()))
        assert {one["name"] for one in found} == {"sales"}


def test_a_query_is_answered_when_a_label_lands_meanwhile(company: Company, served: Served) -> None:
    with closing(Busy(served, labelling(company, SECRET))) as views:
        here = replace(served, views=views)
        query = Request("{ datasets(first: 50) { edges { node { name } } } }")
        answer = asyncio.run(here.operations.answer(query, READER))
    found = answer.body["data"]["datasets"]["edges"]
    assert {one["node"]["name"] for one in found} == {"sales"}


def test_what_is_hidden_while_a_query_waits_is_not_answered(
    company: Company, served: Served
) -> None:
    def meanwhile() -> None:
        company.graph.label_visibility(SECRET, ["hr"])
        company.made("raises of tomorrow", company.salaries)
        company.graph.datasets()

    with closing(Slow(meanwhile)) as slow:
        here = replace(served, sandbox=slow)
        answer = asyncio.run(store_route.answer(here, READER, "select", QUESTION))
    assert answer["rows"]
    assert "raises" not in json.dumps(answer)


def test_who_reads_is_refused_when_it_never_ceases_to_change(
    company: Company, served: Served
) -> None:
    names = [f"report {number}" for number in range(ATTEMPTS)]
    for name in names:
        company.made(name)
    views = Busy(served, labelling(company, *names))
    with closing(views), pytest.raises(VisibilityChanged, match="Open it again"):
        asyncio.run(views.ask(READER, lambda graph: graph.datasets()))
