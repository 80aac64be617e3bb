"""What has a limit in time or number, and ends when it is reached."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from lineage_graph.access.tokens import Tokens
from lineage_graph.declarations import bundled
from lineage_graph.identity import named
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.replay.requests import Requests
from lineage_graph.sandbox import Limits
from lineage_graph.server import body_timeout, declared_queries, running
from lineage_graph.server.graphql import sockets
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.integration.asked import small_store
from tests.integration.test_server_security import head, raw, status

FOLLOW = "subscription ($id: ID!) { rebuildProgress(id: $id) { state } }"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_store(tmp_path_factory.mktemp("limits") / "store")


@pytest.mark.parametrize(
    "request_line",
    [
        "POST /graphql",
        "POST /sparql",
        "POST /api/v1/lineage",
        "POST /api/rebuilds",
        "POST /api/ledger/entries",
        "POST /api/store/select",
        "PUT /api/artifacts/" + "0" * 64,
    ],
)
def test_a_body_that_does_not_arrive_is_waited_for_only_so_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch, request_line: str
) -> None:
    monkeypatch.setattr(body_timeout, "SECONDS", 0.2)
    with serving(Settings(folder, port=0)) as address:
        kind = "application/sparql-query" if "/sparql" in request_line else "application/json"
        start = (
            f"{request_line} HTTP/1.1\r\nHost: {address.removeprefix('http://')}\r\n"
            f"Lineage-Graph-Transaction: 12345678\r\nContent-Type: {kind}\r\n"
            "Content-Length: 100\r\n\r\n{"
        )
        answer = raw(address, start.encode())
        assert status(answer) == 408, answer
        assert b"connection: close" in answer.lower()
        assert httpx2.get(f"{address}/ready").status_code == 200


def test_who_comes_when_there_are_too_many_connections_is_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 5
    monkeypatch.setattr(running, "CONNECTIONS", most)
    with serving(Settings(folder, port=0)) as address, ExitStack() as held:
        host, _, port = address.removeprefix("http://").rpartition(":")
        assert status(raw(address, head(address, "/health"))) == 200
        for _ in range(most):
            one = held.enter_context(socket.create_connection((host, int(port)), timeout=30))
            one.sendall(head(address, "/health").replace(b"Connection: close\r\n", b"")[:-2])
        assert status(raw(address, head(address, "/health"))) == 503
        held.close()
        answers = (status(raw(address, head(address, "/health"))) for _ in range(1000))
        assert 200 in answers


@contextmanager
def following(address: str, secret: str, id_: str) -> Iterator[ClientConnection]:
    """Follow a request for a rebuild, and have heard of it once."""
    with connect(
        f"{address.replace('http', 'ws', 1)}/graphql",
        additional_headers={"Authorization": f"Bearer {secret}"},
        subprotocols=[Subprotocol("graphql-transport-ws")],
    ) as socket_:
        payload = {"query": FOLLOW, "variables": {"id": id_}}
        for message in (
            {"type": "connection_init"},
            {"type": "subscribe", "id": "a", "payload": payload},
        ):
            socket_.send(json.dumps(message))
        assert json.loads(socket_.recv(timeout=30))["type"] == "connection_ack"
        assert json.loads(socket_.recv(timeout=30))["type"] == "next"
        yield socket_


@pytest.mark.parametrize("ended_by", ["revoked", "expired"])
def test_a_subscription_ends_with_its_token(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ended_by: str
) -> None:
    monkeypatch.setattr(sockets, "RECOGNISED_SECONDS", 0.1)
    tokens = Tokens(folder / "access")
    secret, made = tokens.create(ended_by, ["reader"], expires=datetime.now(UTC) + timedelta(1))
    requests = Requests(folder)
    id_ = requests.add(versions(folder)[0], made.agent).id
    with serving(Settings(folder, port=0)) as address, following(address, secret, id_) as one:
        if ended_by == "revoked":
            tokens.revoke(ended_by)
        else:
            expire(folder, ended_by)
        with pytest.raises(ConnectionClosed) as closed:
            one.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == sockets.FORBIDDEN
    requests.cancel(id_)
    tokens.close()


def expire(folder: Path, name: str) -> None:
    """Let the time of a token have passed."""
    with closing(sqlite3.connect(folder / "access" / "tokens.db", isolation_level=None)) as file:
        passed = datetime.now(UTC).isoformat()
        file.execute("UPDATE token SET expires = ? WHERE name = ?", (passed, name))


def versions(folder: Path) -> list[str]:
    with closing(LedgerFile(folder / "ledger.db")) as ledger:
        return ledger.iris_with(named("version", ""))


def test_a_declared_question_about_very_much_has_the_limits_of_any_text(
    tmp_path: Path,
) -> None:
    folder = small_store(tmp_path / "store")
    question = bundled().query("records/columns")
    many = [named("version", f"{number:080}") for number in range(declared_queries.LONGEST // 80)]
    with serving(Settings(folder, port=0, sparql=Limits(rows=1))) as address:

        def answer(wanted: list[str]) -> httpx2.Response:
            text = question.bind(version=wanted)
            return httpx2.post(f"{address}/api/store/select", json=text, timeout=60)

        few = answer(versions(folder))
        assert few.status_code == 200
        assert len(few.json()["rows"]) > 1
        assert answer(versions(folder) + many).status_code == 422
