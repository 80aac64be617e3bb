"""What is followed over WebSocket, by the protocol graphql-transport-ws."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.integration.asked import Client, asking, small_store

PROTOCOL = Subprotocol("graphql-transport-ws")
FOLLOW = "subscription ($id: ID!) { rebuildProgress(id: $id) { state attempts } }"
INIT = {"type": "connection_init"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with asking(small_store(tmp_path_factory.mktemp("graphql") / "store")) as client:
        yield client


def socket_of(client: Client) -> str:
    return f"{client.address.replace('http', 'ws', 1)}/graphql"


def requested(client: Client) -> str:
    asked = client.ask('mutation { requestRebuild(of: "joined") { request { id } } }')
    return str(asked["requestRebuild"]["request"]["id"])


def cancelled(client: Client, id_: str) -> None:
    client.ask("mutation ($id: ID!) { cancelRebuild(id: $id) { errors { code } } }", id=id_)


def told(client: Client, *messages: Any) -> tuple[list[Any], int | None]:
    """Send messages, and return what is said until the connection is closed, or complete."""
    heard: list[Any] = []
    with connect(socket_of(client), subprotocols=[PROTOCOL]) as socket:
        for message in messages:
            socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
        try:
            while not heard or heard[-1]["type"] not in ("complete", "error", "pong"):
                heard.append(json.loads(socket.recv(timeout=30)))
        except ConnectionClosed as end:
            return heard, end.rcvd.code if end.rcvd else None
    return heard, None


def subscribe(id_: str, query: str = FOLLOW, **variables: Any) -> dict[str, Any]:
    payload = {"query": query, "variables": variables}
    return {"type": "subscribe", "id": id_, "payload": payload}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4400),
        (["[]"], 4400),
        ([b"{}"], 4400),
        (['{"type": "unknown"}'], 4400),
        (['{"type": 1}'], 4400),
        ([subscribe("a", id="x")], 4401),
        ([INIT, INIT], 4429),
        ([INIT, {"type": "subscribe", "id": "a"}], 4400),
        ([INIT, {"type": "subscribe", "payload": {"query": FOLLOW}}], 4400),
    ],
)
def test_what_is_against_the_protocol_ends_the_connection(
    client: Client, messages: list[Any], code: int
) -> None:
    assert told(client, *messages)[1] == code


def test_a_connection_follows_ten_things_and_each_under_one_name(client: Client) -> None:
    id_ = requested(client)
    assert told(client, INIT, subscribe("a", id=id_), subscribe("a", id=id_))[1] == 4409
    many = [subscribe(str(n), id=id_) for n in range(11)]
    assert told(client, INIT, *many)[1] == 4429
    cancelled(client, id_)


def test_what_is_no_subscription_or_wrong_is_refused(client: Client) -> None:
    for query in ("{ ledger { head } }", "subscription { x }", "{", "subscription { __schema }"):
        heard, code = told(client, INIT, subscribe("a", query))
        assert (heard[-1]["type"], heard[-1]["id"], code) == ("error", "a", None)


def test_a_ping_is_answered(client: Client) -> None:
    assert told(client, INIT, {"type": "ping"})[0][-1] == {"type": "pong"}


def test_another_protocol_or_another_site_is_refused(client: Client, tmp_path: Path) -> None:
    with pytest.raises(InvalidStatus), connect(socket_of(client), subprotocols=[]):
        pass
    evil = "http" + "://evil.example"
    with (
        pytest.raises(InvalidStatus),
        connect(socket_of(client), subprotocols=[PROTOCOL], additional_headers={"Origin": evil}),
    ):
        pass
