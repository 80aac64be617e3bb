"""Events of OpenLineage over HTTP; tests/e2e sends them with its own client."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lineage_graph.identity import named
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.server.deriving import QUIET_SECONDS
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.producers import DATABASE, run

RUN = "01941b29-7c00-7000-8000-000000000001"
AT = "2026-05-01T12:00:00Z"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with serving(Settings(tmp_path, port=0)) as served:
        yield served


def sent(address: str, body: Any, path: str = "", **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(f"{address}/api/v1/lineage{path}", content=content, headers=headers)


def test_the_first_question_after_an_event_knows_of_it(address: str) -> None:
    assert sent(address, run(RUN, inputs=["a"], outputs=["b"])).status_code == 201
    asked = {"query": "{ datasets { edges { node { name } } } }"}
    found = httpx2.post(f"{address}/graphql", json=asked).json()["data"]["datasets"]["edges"]
    assert {edge["node"]["name"] for edge in found} == {f"{DATABASE} a", f"{DATABASE} b"}


def test_what_an_event_means_is_worked_out_when_nobody_asks(address: str, tmp_path: Path) -> None:
    sent(address, [run(RUN, inputs=["a"], outputs=["b"])], "/batch")
    with LedgerFile(tmp_path / "ledger.db", create=False) as ledger:
        until = time.monotonic() + 60
        while (found := ledger.iris_with(named("dataset", ""))) == [] and time.monotonic() < until:
            time.sleep(0.05)
    assert found == [named("dataset", f"{DATABASE} {name}") for name in ("a", "b")]


def test_a_server_that_stops_while_it_works_out_events_loses_none(tmp_path: Path) -> None:
    names = [str(number) for number in range(300)]
    events = [run(f"01941b29-7c00-7000-8000-{int(name):012}", outputs=[name]) for name in names]
    with serving(Settings(tmp_path, port=0)) as served:
        assert sent(served, events, "/batch").status_code == 201
        time.sleep(QUIET_SECONDS)
    with serving(Settings(tmp_path, port=0)) as served:
        asked = {"query": "{ datasets { edges { node { name } } } }"}
        assert "errors" not in httpx2.post(f"{served}/graphql", json=asked).json()
    with LedgerFile(tmp_path / "ledger.db", create=False) as ledger:
        assert len(ledger.iris_with(named("dataset", ""))) == 300


def test_an_event_sent_again_gets_the_first_answer(address: str) -> None:
    first = sent(address, run(RUN))
    assert (first.status_code, first.json()) == (201, {"seq": 1})
    packed = gzip.compress(json.dumps(run(RUN)).encode())
    again = sent(address, packed, **{"Content-Encoding": "gzip"})
    assert (again.status_code, again.json()) == (201, {"seq": 1})


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "JSON"),
        (b"[]", 400, "no event"),
        (b'{"a": NaN}', 400, "/a"),
        (b'{"a": 1, "a": 1}', 400, "twice"),
        (json.dumps(run(RUN, "NEVER")).encode(), 400, "/eventType: "),
        (b'"' + b"x" * (1 << 20) + b'"', 413, ""),
    ],
)
def test_what_is_no_event_is_refused_by_place(
    address: str, body: bytes, status: int, said: str
) -> None:
    answer = sent(address, body)
    assert answer.status_code == status
    assert said in answer.text
    assert sent(address, run(RUN)).status_code == 201


def test_a_body_that_unpacks_to_too_much_is_refused(address: str) -> None:
    bomb = gzip.compress(b" " * (200 << 20))
    assert sent(address, bomb, **{"Content-Encoding": "gzip"}).status_code == 413
    assert sent(address, b"no gzip", **{"Content-Encoding": "gzip"}).status_code == 400


def test_a_batch_answers_for_each_event(address: str) -> None:
    whole = sent(address, [run(RUN), run(RUN, "START", "11:00:00")], "/batch")
    assert whole.status_code == 201
    assert whole.json()["status"] == "success"
    assert whole.json()["summary"]["successful"] == 2
    some = sent(address, [run(RUN, "NEVER"), run(RUN, at="13:00:00")], "/batch")
    assert some.status_code == 207
    assert some.json()["status"] == "partial_success"
    (failed,) = some.json()["failed_events"]
    assert failed["index"] == 0 and failed["reason"].startswith("/eventType: ")
    none = sent(address, [{}], "/batch")
    assert (none.status_code, none.json()["status"]) == (400, "error")
    assert sent(address, {}, "/batch").status_code == 400
