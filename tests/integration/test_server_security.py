"""What a server refuses, and that nobody else notices."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.routing import Mount

from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import StoreError
from lineage_graph.server import app as server
from lineage_graph.server.app import application
from lineage_graph.server.authorize import Caller, all_need, needs, refuse_unguarded
from lineage_graph.server.bodies import LARGEST, unpacked
from lineage_graph.server.connections import LARGEST_HEAD
from lineage_graph.server.observing import HEADERS, REQUEST_ID
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from lineage_graph.strict_json import read_json
from tests.integration.asking import (
    NOBODY,
    asked_for,
    declared_roles,
    expected,
    happens,
    token_of_each_role,
)
from tests.integration.test_cli import written_by
from tests.integration.test_serve import served

SECRET = "529.982.247-25"


def test_every_route_lets_in_whom_the_declarations_say(store: Path) -> None:
    roles = declared_roles()
    secrets: dict[str, str | None] = {NOBODY: None, **token_of_each_role(store)}
    with serving(Settings(store, port=0)) as address:
        found = {
            (method, path, role): happens(address, method, path, secret)
            for method, path, _ in asked_for(application(Settings(store)))
            for role, secret in secrets.items()
        }
    assert found == {
        (method, path, role): expected(permission, role, roles)
        for method, path, permission in asked_for(application(Settings(store)))
        for role in secrets
    }


def test_every_route_asks_for_a_permission_that_there_is(store: Path) -> None:
    known = declared_roles().permissions | {"public"}
    asked = {permission for _, _, permission in asked_for(application(Settings(store)))}
    assert asked <= known


def test_the_page_about_security_has_the_table_of_this_release() -> None:
    generate = written_by("generate")
    assert generate.SECURITY.read_text(encoding="utf-8") == generate.security_page(), (
        "run python docs/generate.py"
    )


odd = APIRouter()


@odd.get("/odd/undeclared")
def undeclared() -> dict[str, str]:
    return {"never": "answered"}


@odd.post("/odd/json", openapi_extra=needs("record"))
async def strict(request: Request, who: Caller) -> Any:
    body = unpacked(await request.body(), request.headers.get("content-encoding"))
    return {"by": who.name, "said": read_json(body)}


@odd.get("/odd/failing/{value}", openapi_extra=needs("read"))
def failing(value: str) -> None:
    raise ValueError(f"the value {value} was not expected")


@odd.get("/odd/broken", openapi_extra=needs("read"))
def broken(request: Request) -> None:
    raise StoreError(f"{request.app.state.served.settings.store} is broken")


foreign = APIRouter()


@foreign.websocket("/odd/socket")
async def talk(socket: Any) -> None:
    raise AssertionError("never reached")


all_need(foreign, "administer")


@pytest.fixture
def address(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with routes that real ones have no reason to be like."""
    monkeypatch.setattr(server, "ROUTERS", (*server.ROUTERS, odd, foreign))
    with serving(Settings(store, port=0)) as where:
        yield where


def test_a_route_that_declares_nothing_is_refused(address: str, store: Path) -> None:
    assert httpx2.get(f"{address}/odd/undeclared").status_code == 403
    secrets = token_of_each_role(store)
    assert happens(address, "GET", "/odd/undeclared", secrets["admin"]) == "forbidden"
    assert happens(address, "GET", "/odd/undeclared", None) == "unauthenticated"
    assert happens(address, "WEBSOCKET", "/odd/socket", secrets["auditor"]) == "forbidden"
    assert happens(address, "WEBSOCKET", "/odd/socket", None) == "unauthenticated"


def test_an_application_with_a_route_past_the_dependency_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.append(Mount("/files", app=FastAPI()))
    with pytest.raises(TypeError, match="/files is reached without being authorised"):
        refuse_unguarded(app)


def test_every_answer_has_safe_headers_and_an_id(address: str) -> None:
    ways = ["/health", "/openapi.json", "/none", "/odd/failing/x", "/odd/undeclared", "/a/%2e%2e/b"]
    answers = [httpx2.get(address + way) for way in ways]
    answers += [httpx2.get(f"{address}/health", headers={"Host": "evil.example"})]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
    assert len({answer.headers[REQUEST_ID] for answer in answers}) == len(answers)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_failure_is_told_to_the_log_alone(
    capfd: pytest.CaptureFixture[str], address: str, store: Path
) -> None:
    answer = httpx2.get(f"{address}/odd/failing/{SECRET}?cpf={SECRET}")
    broken = httpx2.get(f"{address}/odd/broken")
    posted = httpx2.post(f"{address}/odd/json", content=f'{{"cpf": "{SECRET}", "cpf": 1}}')
    refused = httpx2.get(f"{address}/health", headers={"Authorization": f"Bearer {SECRET}"})
    assert (answer.status_code, broken.status_code, posted.status_code) == (500, 500, 400)
    assert refused.status_code == 200
    assert answer.headers[REQUEST_ID] in answer.json()["detail"]
    assert "ValueError" not in answer.text and str(store) not in broken.text
    text = ""
    # A line is written when its answer is out already.
    while text.count('"event": "request"') < 4:
        text += capfd.readouterr().err
    assert SECRET not in text
    said = {line["event"]: line for line in lines(text)}
    assert said["unexpected"]["request"] == answer.headers[REQUEST_ID]
    assert said["unexpected"]["errors"] == ["builtins.ValueError"]
    assert any("test_server_security.py" in place for place in said["unexpected"]["where"])
    assert said["failed"]["reason"] == f"{store} is broken"
    requests = [line for line in lines(text) if line["event"] == "request"]
    assert requests[0]["route"] == "/odd/failing/{value}"
    assert [line["principal"] for line in requests] == ["local", "local", "local", None]


def test_what_was_asked_is_counted_by_route(address: str) -> None:
    for value in range(3):
        httpx2.get(f"{address}/odd/failing/{value}")
    httpx2.get(f"{address}/nowhere/{SECRET}")
    httpx2.get(f"{address}/health", headers={"Authorization": "Bearer x"})
    httpx2.get(f"{address}/openapi.json", headers={"Authorization": "Bearer x"})
    text = ""
    while 'route="/openapi.json"' not in text:
        text = httpx2.get(f"{address}/metrics").text
    asked = 'lineage_graph_requests_total{method="GET",route="/odd/failing/{value}",status="500"}'
    assert f"{asked} 3.0" in text
    assert 'route="(none)",status="404"} 1.0' in text
    assert 'lineage_graph_refused_tokens{reason="unknown"} 1.0' in text
    assert "lineage_graph_ledger_entries 0.0" in text
    assert "lineage_graph_projection_lag_entries 0.0" in text
    assert SECRET not in text


HOSTS = {
    "127.0.0.1:PORT": 200,
    "LOCALHOST:PORT": 200,
    "[::1]:PORT": 200,
    "lineage.example.org": 200,
    "lineage.example.org:8443": 200,
    "other.example.org:8443": 200,
    "evil.example": 421,
    "evil.example:PORT": 421,
    "127.0.0.1": 421,
    "127.0.0.1:1": 421,
    "127.0.0.1.evil.example:PORT": 421,
    "localhost:PORT@evil.example": 421,
    "other.example.org": 421,
    "": 421,
}


def test_only_the_server_s_own_names_are_answered(store: Path) -> None:
    names = ("Lineage.example.org", "other.example.org:8443")
    with serving(Settings(store, port=0, allowed_hosts=names)) as address:
        port = address.rpartition(":")[2]
        found = {
            host: httpx2.get(
                f"{address}/health", headers={"Host": host.replace("PORT", port)}
            ).status_code
            for host in HOSTS
        }
        assert found == HOSTS
        two = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n"
        none = "GET /health HTTP/1.1\r\n\r\n"
        assert [status(raw(address, text.encode())) for text in (two, none)] == [400, 400]


def test_a_page_of_another_site_changes_nothing(address: str) -> None:
    def posted(origin: str) -> int:
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        return httpx2.post(f"{address}/odd/json", content=b"{}", headers=headers).status_code

    assert posted(address) == 200
    assert [posted(origin) for origin in ("http://evil.example", "null", "")] == [403] * 3


PATHS = (
    "/..;/health", "/x/..;a=b/health", "/%2e%2e%2fhealth", "/%2E%2e/health", "/x/../health",
    "/%252e%252e%252fhealth", "/%25252e%25252e/health", "/./health", "/x\\..\\health",
    "/x%5c..%5chealth", "/x%255chealth", "/health%00", "/health%2500", "/health%0d%0aX:1",
    "/health%ff", "/health%c0%ae", "//evil.example/..", "/health%1b",
)  # fmt: skip


def raw(address: str, data: bytes) -> bytes:
    """Send bytes as they are, and return what is answered."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        try:
            connection.sendall(data)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            return b"HTTP/1.1 400 reset"
        return answer


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1.1 (\d{3})", answer)
    assert found is not None, answer[:200]
    return int(found[1])


def head(address: str, path: str, *headers: str) -> bytes:
    host = address.removeprefix("http://")
    more = "".join(f"{header}\r\n" for header in headers)
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n".encode(
        "latin-1"
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_not_what_it_seems_is_refused(address: str, path: str) -> None:
    assert status(raw(address, head(address, path))) in (400, 404)


def test_heads_have_a_limit(address: str) -> None:
    long = {
        "a path": head(address, "/" + "x" * 10_000),
        "a query": head(address, "/health?" + "x" * 40_000),
        "a header": head(address, "/health", "X: " + "x" * (LARGEST_HEAD + 1)),
        "many headers": head(address, "/health", *[f"X{i}: {i}" for i in range(20_000)]),
        "a header without an end": head(address, "/health", "X: " + "x" * 200_000)[:-4],
    }
    found = {what: status(raw(address, data)) for what, data in long.items()}
    assert set(found.values()) <= {400, 414, 431}, found


def posted(address: str, length: str, body: bytes) -> bytes:
    host = address.removeprefix("http://")
    start = f"POST /odd/json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}\r\n\r\n"
    return raw(address, start.encode() + body)


def test_bodies_have_a_limit_whatever_their_length_is_said_to_be(address: str) -> None:
    large = b'"' + b"x" * LARGEST + b'"'
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    answers = {
        "as it is": httpx2.post(f"{address}/odd/json", content=large),
        "in chunks": httpx2.post(f"{address}/odd/json", content=iter([large[:9], large[9:]])),
    }
    for answer in answers.values():
        assert (answer.status_code, answer.headers["content-type"]) == (
            413,
            "application/problem+json",
        )
    assert status(posted(address, "Transfer-Encoding: chunked", chunks)) in (400, 413)
    assert status(posted(address, "Content-Length: 99999999999", b"{}")) in (400, 413)
    assert status(posted(address, "Content-Length: 1", b"{}")) == 400
    assert status(posted(address, "Content-Length: -1", b"{}")) == 400
    assert status(posted(address, "Content-Length: 2\r\nContent-Length: 3", b"{} ")) == 400
    assert status(posted(address, "Content-Length: 2\r\nTransfer-Encoding: chunked", b"{}")) == 400


def test_a_fault_in_a_body_is_told_with_its_place(address: str) -> None:
    answer = httpx2.post(f"{address}/odd/json", content=b'{"a":[{"b":NaN}]}')
    assert answer.status_code == 400
    assert (
        answer.json()["detail"]
        == "/a/0/b: it is no number that JSON has. Send null for what is not known."
    )


def test_one_server_goes_on_while_it_is_sent_nonsense(store: Path) -> None:
    secret, _ = Tokens(store / "access").create("good", ["reader"])
    with served(store, "--port", "0") as (process, address):
        stop = threading.Event()
        answered: list[int] = []

        def another_client() -> None:
            headers = {"Authorization": f"Bearer {secret}"}
            with httpx2.Client(base_url=address, headers=headers) as client:
                while not stop.is_set():
                    answered.append(client.get("/openapi.json").status_code)
                    time.sleep(0.01)

        client = threading.Thread(target=another_client)
        client.start()
        open_ones = [socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
                     for _ in range(50)]  # fmt: skip
        for connection in open_ones:
            connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        nonsense = [
            *(head(address, path) for path in PATHS),
            head(address, "/openapi.json", "Authorization: Bearer x"),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\0" * 100_000,
            b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
        ]
        statuses = {status(raw(address, data)) for data in nonsense}
        stop.set()
        client.join()
        for connection in open_ones:
            connection.close()
        assert process.poll() is None
    assert statuses <= {400, 401, 404, 421}
    assert set(answered) == {200}
