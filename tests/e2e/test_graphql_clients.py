"""Clients of GraphQL, as they are: the audit of graphql-http, Relay's compiler, and gql."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gql import Client as Gql
from gql import gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.e2e.awkward_store import CASE
from tests.integration.asked import Client, asking, small_store
from tests.integration.test_graphql_subscriptions import (
    FOLLOW,
    PROTOCOL,
    cancelled,
    requested,
    socket_of,
)

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv" / "clients"
RELAY = Path(__file__).with_name("relay")
AUDITS = 61
_TEXT = "console.log(JSON.stringify(require(process.argv[1]).params.text))"


@pytest.fixture(scope="module")
def address(serve_given: Callable[..., str]) -> str:
    # The audit asks for the schema, which is shown to developers alone.
    return serve_given(CASE / "given.ttl", dev=True)


def run(*command: str | Path, cwd: Path, given: str = "") -> str:
    assert (CLIENTS / "node_modules").is_dir(), "./check installs the clients"
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, input=given, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_audit_of_graphql_over_http_is_passed(address: str) -> None:
    script = Path(__file__).with_name("audit.mjs").read_text(encoding="utf-8")
    said = run(
        *("node", "--input-type=module", "-", f"{address}/graphql"), cwd=CLIENTS, given=script
    )
    audits = [json.loads(line) for line in said.splitlines()]
    assert [one for one in audits if one["status"] != "ok"] == []
    assert len(audits) == AUDITS


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """What Relay's compiler makes of our schema and some fragments."""
    project = tmp_path / "relay"
    shutil.copytree(RELAY, project)
    shutil.copy(ROOT / "docs" / "schema.graphql", project)
    run(CLIENTS / "node_modules" / ".bin" / "relay-compiler", cwd=project)
    return project / "src" / "__generated__"


def test_relay_compiles_against_the_schema_and_its_queries_are_answered(
    compiled: Path, address: str
) -> None:
    def ask(operation: str, **variables: Any) -> Any:
        text = json.loads(
            run("node", "-e", _TEXT, compiled / f"{operation}.graphql.js", cwd=compiled)
        )
        answer = httpx2.post(f"{address}/graphql", json={"query": text, "variables": variables})
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    first = ask("DatasetListQuery", first=1)["datasets"]
    assert [edge["node"]["name"] for edge in first["edges"]] == ["A"]
    assert first["pageInfo"]["hasNextPage"]
    after = first["pageInfo"]["endCursor"]
    further = ask("DatasetListPaginationQuery", first=5, after=after)["datasets"]
    assert [edge["node"]["name"] for edge in further["edges"]] == ["T"]
    known = first["edges"][0]["node"]
    again = ask("DatasetNameQuery", id=known["id"])["node"]
    assert (again["__typename"], again["id"], again["name"]) == ("Dataset", known["id"], "A")
    assert ask("DatasetNameRefetchQuery", id=known["id"])["node"]["iri"] == known["iri"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with asking(small_store(tmp_path_factory.mktemp("graphql") / "store")) as client:
        yield client


def test_gql_is_answered(client: Client) -> None:
    async def asked() -> Any:
        transport = HTTPXAsyncTransport(url=f"{client.address}/graphql")
        async with Gql(transport=transport) as session:
            return await session.execute(gql("{ datasets(first: 1) { edges { node { name } } } }"))

    assert asyncio.run(asked()) == {"datasets": {"edges": [{"node": {"name": "joined"}}]}}


def test_gql_follows_a_rebuild_until_it_has_ended(client: Client) -> None:
    id_ = requested(client)

    async def followed() -> list[str]:
        states = []
        transport = WebsocketsTransport(url=socket_of(client), subprotocols=[PROTOCOL])
        async with Gql(transport=transport) as session:
            asked = gql(FOLLOW)
            asked.variable_values = {"id": id_}
            async for event in session.subscribe(asked):
                states.append(event["rebuildProgress"]["state"])
                await asyncio.to_thread(cancelled, client, id_)
        return states

    assert asyncio.run(followed()) == ["QUEUED", "CANCELLED"]


def test_gql_cannot_follow_what_is_not_there(client: Client) -> None:
    async def followed() -> None:
        transport = WebsocketsTransport(url=socket_of(client), subprotocols=[PROTOCOL])
        async with Gql(transport=transport) as session:
            asked = gql(FOLLOW)
            asked.variable_values = {"id": "x"}
            async for _ in session.subscribe(asked):
                pass

    with pytest.raises(TransportQueryError, match="no request"):
        asyncio.run(followed())
