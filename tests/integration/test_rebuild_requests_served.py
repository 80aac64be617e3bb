"""Rebuilds that are asked of a server and done by a worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from lineage_graph.access.principals import Principal
from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph, connect
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.working import work
from lineage_graph.replay.requests import Request, Requests
from lineage_graph.server import rebuild_requests
from lineage_graph.server.running import serving
from lineage_graph.server.served import Served
from lineage_graph.server.settings import Settings

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

EVERYTHING = frozenset({"read", "replay"})


@pytest.fixture
def address(store: Path) -> Iterator[str]:
    with serving(Settings(store, port=0)) as address:
        yield address


@pytest.fixture
def people(store: Path, tmp_path: Path) -> str:
    file = tmp_path / "people.csv"
    file.write_text("id\n1\n")
    with connect(store) as graph:
        return graph.dataset("people", file, header=True)


def asked(address: str, target: str = "people", **more: Any) -> dict[str, Any]:
    answer = httpx2.post(f"{address}/api/rebuilds", json={"target": target, **more})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/api/rebuilds/{found['id']}"
    return found


def test_a_request_is_asked_listed_and_taken_back(address: str, people: str) -> None:
    request = asked(address)
    assert (request["state"], request["target"]) == ("queued", people)
    assert httpx2.get(f"{address}/api/rebuilds/{request['id']}").json() == request
    assert httpx2.get(f"{address}/api/rebuilds").json() == [request]
    assert httpx2.get(f"{address}/api/rebuilds?state=done").json() == []
    taken_back = httpx2.delete(f"{address}/api/rebuilds/{request['id']}").json()
    assert taken_back["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b'{"target": 1}', 400),
        (b'{"target": "people", "from_scratch": 1}', 400),
        (b'{"target": "people", "into": "/tmp"}', 400),
        (b'{"target": "nothing"}', 404),
    ],
)
def test_what_is_no_request_is_refused(address: str, people: str, body: bytes, status: int) -> None:
    answer = httpx2.post(f"{address}/api/rebuilds", content=body)
    assert answer.status_code == status, answer.text
    assert httpx2.get(f"{address}/api/rebuilds").json() == []


def test_there_is_nothing_under_another_name(address: str) -> None:
    assert httpx2.get(f"{address}/api/rebuilds/x").status_code == 404
    assert httpx2.delete(f"{address}/api/rebuilds/x").status_code == 404
    assert httpx2.get(f"{address}/api/rebuilds?state=x").status_code == 400


def test_asking_needs_the_permission(store: Path, people: str) -> None:
    with closing(Tokens(Folders(store).access)) as tokens:
        reader, _ = tokens.create("reader", ["reader"])
        replayer, _ = tokens.create("replayer", ["replayer"])
    with serving(Settings(store, port=0)) as address:
        statuses = [
            httpx2.post(
                f"{address}/api/rebuilds",
                json={"target": "people"},
                headers={"Authorization": f"Bearer {token}"},
            ).status_code
            for token in (reader, replayer)
        ]
    assert statuses == [403, 202]


def test_a_worker_does_what_cannot_be_rebuilt_too(address: str, store: Path, people: str) -> None:
    request = asked(address)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    worker = [sys.executable, "-m", "lineage_graph", "worker", "--store", str(store), "--once"]
    ended = subprocess.run(worker, env=environment, capture_output=True, text=True, check=True)
    assert f"({request['id']}), attempt 1" in ended.stderr
    done = httpx2.get(f"{address}/api/rebuilds/{request['id']}").json()
    assert (done["state"], done["begun"] is not None, done["ended"] is not None) == (
        "done", True, True,
    )  # fmt: skip


def test_a_worker_that_is_told_to_end_ends(store: Path, people: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "lineage_graph", "worker", "--store", str(store)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    requests = Requests(store)
    request = requests.add(people, "urn:lineage-graph:agent:ana")
    assert worker.stderr is not None
    with worker.stderr as said:
        assert request.id in said.readline()
        said.readline()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait() == 130
    assert requests.get(request.id).state == "done"


@pytest.mark.spark
def test_a_rebuild_is_followed_to_its_verdict(engine: Engine, recorded: Graph, store: Path) -> None:
    rows = recorded.spark().createDataFrame([(n, n * n) for n in range(5)], ["id", "square"])
    recorded.save(rows.where("id > 1"), "squares")
    recorded.save(recorded.read("squares").where("id > 2"), "few")
    caller = Principal("urn:lineage-graph:agent:ana", EVERYTHING, None, "ana")
    requests = Requests(store)

    async def followed(served: Served, id: str) -> list[Request]:
        doing = asyncio.to_thread(
            work, recorded, requests, threading.Event(), lambda text: None, True
        )
        task = asyncio.create_task(doing)
        seen = [one async for one in rebuild_requests.followed(served, caller, id)]
        assert await task == 1
        return seen

    with closing(Served.open(Settings(store))) as served:
        request = asyncio.run(rebuild_requests.ask(served, caller, "few", from_scratch=True))
        seen = asyncio.run(followed(served, request.id))
    assert (seen[-1].state, seen[-1].verdict) == ("done", "identical")
    assert [out["name"] for out in seen[-1].outputs][-2:] == ["squares@1", "few@1"]
    assert recorded.query("records/replays")


def test_nobody_hears_of_a_request_about_what_they_may_not_see(store: Path, people: str) -> None:
    with connect(store) as graph:
        graph.label_visibility("people", ["secret"], "a test")
    cleared = Principal("urn:lineage-graph:agent:ana", EVERYTHING, None, "ana")
    other = Principal("urn:lineage-graph:agent:bruno", EVERYTHING, frozenset(), "bruno")
    with closing(Served.open(Settings(store))) as served:
        request = asyncio.run(rebuild_requests.ask(served, cleared, "people"))
        assert asyncio.run(rebuild_requests.listed(served, cleared)) == [request]
        assert asyncio.run(rebuild_requests.listed(served, other)) == []
        with pytest.raises(NotFound):
            asyncio.run(rebuild_requests.get(served, other, request.id))
        with pytest.raises(NotFound):
            asyncio.run(rebuild_requests.cancel(served, other, request.id))
        with pytest.raises(NotFound):
            asyncio.run(rebuild_requests.ask(served, other, "people"))
        assert asyncio.run(rebuild_requests.get(served, cleared, request.id)).state == "queued"
