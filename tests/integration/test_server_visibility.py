"""What may not be seen is in no answer of the server, at any of its doors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from websockets.sync.client import connect

from lineage_graph.access.tokens import Tokens
from lineage_graph.remote.protocol import QUESTIONS, TXID_HEADER
from lineage_graph.server.app import application
from lineage_graph.server.graphql.schema import executable
from lineage_graph.server.running import serving
from lineage_graph.server.settings import QueryLimits, Settings
from tests.integration.asking import WEBSOCKET, asked_for
from tests.integration.hidden import DOORS, Ask, Hidden, asks, hidden_store, operations, without
from tests.integration.test_graphql_subscriptions import INIT, PROTOCOL
from tests.unit.test_visible_graph import SECRET, Company

ROUTES = sorted(DOORS)
FIELDS = sorted(DOORS["POST /graphql"]["fields"])
OF_THE_GRAPH = [
    route
    for route in ROUTES
    # Rows of persons need an engine that looked for them.
    if DOORS[route]["gets"].startswith("as if") and route != "POST /api/subjects/rows"
]
ABOUT_ALL = {"ledger", "reports", "verify", "models", "agents", "model", "modelVersion"}
"""Fields that say nothing of datasets: there is nothing of them that a label hides here."""
LIMITS = QueryLimits(depth=50, aliases=100, tokens=1_000_000, cost=10**12, seconds=60)
_TIMES = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d[0-9:.+]*")
_OF_ITS_OWN = ("x-request-id", "date", "content-length", "etag", "last-modified")


class Doors(NamedTuple):
    """A server, what is hidden from some who ask it, and a client for each."""

    hidden: Hidden
    clients: dict[str, httpx2.Client]

    def answer(self, who: str, ask: Ask) -> tuple[int, str]:
        """Ask, and return status, and headers and body as one text without what was asked."""
        if ask.method == WEBSOCKET:
            return 101, without(ask.asked, self._heard(who, ask))
        headers = {"Content-Type": ask.media, TXID_HEADER: "a-transaction-of-a-test"}
        found = self.clients[who].request(
            ask.method, ask.path, content=ask.body, headers=headers if ask.body else None
        )
        said = [f"{k}: {v}" for k, v in found.headers.items() if k.lower() not in _OF_ITS_OWN]
        text = without(ask.asked, "\n".join([*said, found.text]))
        text = re.sub(r'"(seq|head|ledgerEntries)":\s*\d+|"chain":\s*"[0-9a-f]+"', "", text)
        return found.status_code, _TIMES.sub("(time)", text)

    def _heard(self, who: str, ask: Ask) -> str:
        """Return the first thing that is said to a subscriber."""
        client = self.clients[who]
        address = str(client.base_url).replace("http", "ws", 1).rstrip("/") + ask.path
        headers = {"Authorization": client.headers["Authorization"]}
        payload = json.loads(ask.body or b"")
        with connect(address, additional_headers=headers, subprotocols=[PROTOCOL]) as socket:
            for message in (INIT, {"type": "subscribe", "id": "1", "payload": payload}):
                socket.send(json.dumps(message))
            assert json.loads(socket.recv(timeout=30))["type"] == "connection_ack"
            return str(socket.recv(timeout=30))

    def leaks(self, text: str) -> list[str]:
        return sorted(word for word in self.hidden.words if word in text)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    store = tmp_path_factory.mktemp("doors") / "store"
    hidden = hidden_store(store)
    with serving(Settings(store, port=0, graphql=LIMITS)) as address:
        clients = {
            name: httpx2.Client(
                base_url=address, timeout=60, headers={"Authorization": f"Bearer {secret}"}
            )
            for name, secret in hidden.tokens.items()
        }
        found = Doors(hidden, clients)
        # Who sees all of it asks first, so that what is kept of its answers could be found.
        for ask, _ in asks("GET /sparql", hidden):
            found.answer("hr", ask)
        yield found
        for client in clients.values():
            client.close()


def test_every_route_and_every_field_is_considered(tmp_path: Path) -> None:
    routes = {f"{method} {path}" for method, path, _ in asked_for(application(Settings(tmp_path)))}
    assert set(DOORS) == routes, "say in doors.toml what is asked at the route"
    assert all(DOORS[route]["asks"] and DOORS[route]["gets"] for route in routes)
    schema = executable()
    assert schema.query_type and schema.mutation_type and schema.subscription_type
    assert set(FIELDS) == {*schema.query_type.fields, *schema.mutation_type.fields}
    asked = {ask["path"].rpartition("/")[2] for ask in DOORS["POST /api/ledger/ask/{name}"]["asks"]}
    assert asked >= set(QUESTIONS)


def require_nothing(doors: Doors, who: str, ask: Ask, other: Ask | None) -> None:
    """Require that an answer tells nothing, and is the one about what never was."""
    status, text = doors.answer(who, ask)
    where = f"{who}: {ask.method} {ask.path} {ask.body!r}"
    assert status < 500 and "internal error" not in text, f"{where}\n{text}"
    leaks = doors.leaks(text)
    around = [text[max(text.index(word) - 200, 0) :][:400] for word in leaks]
    assert leaks == [], f"{where}\n{around}"
    if other is not None:
        no_status, nothing = doors.answer(who, other)
        assert (status, text.splitlines()) == (no_status, nothing.splitlines()), where


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("who", ["reader", "admin"])
def test_no_route_tells_of_what_is_hidden(doors: Doors, who: str, route: str) -> None:
    for ask, other in asks(route, doors.hidden):
        require_nothing(doors, who, ask, other)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("who", ["reader", "admin"])
def test_no_field_tells_of_what_is_hidden(doors: Doors, who: str, field: str) -> None:
    for ask, other in operations(field, executable(), doors.hidden):
        require_nothing(doors, who, ask, other)


@pytest.mark.parametrize("route", OF_THE_GRAPH)
def test_every_route_tells_of_it_who_is_cleared(doors: Doors, route: str) -> None:
    """Otherwise the others could not fail."""
    assert any(
        doors.answer("admin", ask) != doors.answer("hr", ask)
        for ask, _ in asks(route, doors.hidden)
    )


@pytest.mark.parametrize("field", sorted(set(FIELDS) - ABOUT_ALL))
def test_every_field_tells_of_it_who_is_cleared(doors: Doors, field: str) -> None:
    """Otherwise the others could not fail."""
    assert any(
        doors.answer("admin", ask) != doors.answer("hr", ask)
        for ask, _ in operations(field, executable(), doors.hidden)
    )


def test_requests_about_what_is_hidden_do_not_count(doors: Doors) -> None:
    assert len(doors.clients["reader"].get("/api/rebuilds?first=1").json()) == 1


LABEL = """mutation ($of: String!) {
  labelVisibility(of: $of, labels: ["hr"]) { errors { message } } }"""


def test_a_label_holds_from_the_next_request_on_and_for_the_past(store: Path) -> None:
    company = Company(store)
    before = company.ledger.head
    company.close()
    everything = {"query": "SELECT * WHERE { GRAPH ?g { ?s ?p ?o } }"}
    asked: dict[str, dict[str, str]] = {
        "/": {},
        "/sparql": everything,
        "/sparql?then": {**everything, "as-of": str(before)},
        "/api/export": {"name": "sales", "format": "svg"},
        "/id/dataset/chart": {},
        "/pictures/up": {"iri": "dataset/chart"},
        "/graphql": {"query": f'{{ lineage(of: "chart", asOf: {before}) {{ nodes {{ name }} }} }}'},
    }
    tokens = Tokens(store / "access")
    headers, steward = (
        {"Authorization": f"Bearer {tokens.create(role, [role], clearances=seen)[0]}"}
        for role, seen in (("reader", ()), ("steward", None))
    )
    tokens.close()
    with serving(Settings(store, port=0)) as address:
        client = httpx2.Client(base_url=address, headers=headers, timeout=60)

        def telling() -> set[str]:
            answers = {
                path: client.get(path.partition("?")[0], params=given)
                for path, given in asked.items()
            }
            assert {answer.status_code for answer in answers.values()} == {200}
            return {path for path, answer in answers.items() if "raises" in answer.text}

        with client:
            assert telling() == set(asked) - {"/api/export"}
            label = {"query": LABEL, "variables": {"of": SECRET}}
            said = httpx2.post(f"{address}/graphql", json=label, headers=steward, timeout=60)
            assert said.json()["data"]["labelVisibility"]["errors"] == []
            client.get("/")
            assert client.get("/id/dataset/chart").status_code == 404
            del asked["/id/dataset/chart"], asked["/pictures/up"], asked["/graphql"]
            assert telling() == set()
