"""What a job leaves in the record, without an engine; and endpoints that are told of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lineage_graph.executors import (
    ColumnPath,
    Description,
    Fingerprint,
    InputPath,
    Operation,
    OperatorUse,
    Place,
    Program,
)
from lineage_graph.graph import Graph
from lineage_graph.identity import fresh, named
from lineage_graph.recording import Made
from lineage_graph.records import Dataset
from lineage_graph.replay import Rebuilt
from lineage_graph.replay.recording import replay_records

BEGUN = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENDED = datetime(2026, 5, 1, 12, 1, tzinfo=UTC)
SCHEMA = '{"struct":[["x","bigint"],["y","string"]]}'
CONTENT = Fingerprint("ab" * 32, "test1", 2, SCHEMA, {"x": "01", "y": "02"})
ENVIRONMENT = {"python": "3.11", "spark": "4.3.0"}


def description(*kinds: str, steps: tuple[OperatorUse, ...] = ()) -> Description:
    """Return what a program does that makes x of x by some kinds, and keeps y."""
    return Description(
        steps,
        (InputPath("input:0", kinds),),
        (ColumnPath("x", "input:0", "x", kinds), ColumnPath("y", "input:0", "y", ("Identity",))),
    )


def source(graph: Graph, folder: Path, name: str = "people") -> str:
    """Register a file with the columns x and y, and return its version."""
    file = folder / f"{name}.csv"
    file.write_text("x,y\n1,a\n2,b\n")
    graph._writer.recorder.fingerprint = lambda place: CONTENT
    return graph.dataset(name, file, header=True)


def job(graph: Graph, folder: Path, of: str, name: str = "doubled", **changes: Any) -> str:
    """Record that a dataset was made from a version; return the IRI of its version."""
    recorder, version = graph._writer.recorder, fresh("version")
    fields: dict[str, Any] = {
        "label": f"save {name}",
        "program": Program("spark", name.encode()),
        "sources": {},
        "description": description("Filter", "Transform"),
        "written": None,
        "content": None,
        "started": BEGUN,
        "ended": ENDED,
        "environment": ENVIRONMENT,
    }
    operation = Operation(**{**fields, **changes})
    pin = recorder.pin(Place((str(folder / "people.csv"),), "csv"))
    made = Made(version, Dataset(id=named("dataset", name), title=name), pin, CONTENT)
    recorder.record_activity(operation, None if operation.error else made, {"input:0": of})
    return version


def rebuild(graph: Graph, version: str, read: str, **changes: Any) -> None:
    """Record that a version which :func:`job` made of another one was made again."""
    (origin,) = graph.query("replay/origins", version=version)
    fields: dict[str, Any] = {
        "version": version,
        "name": "doubled@1",
        "action": "run",
        "verdict": "identical",
        "explanation": "the same",
        "content": CONTENT,
        "original": str(origin["activity"]),
        "plan": str(origin["plan"]),
        "inputs": {"input:0": read},
        "facts": ENVIRONMENT,
        "started": BEGUN,
        "seconds": 1.0,
    }
    recorder = graph._writer.recorder
    recorder.append(*replay_records([Rebuilt(**{**fields, **changes})], recorder.author))


class Answering(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers as its server says."""

    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), json.loads(body)))
        self.server.arrived.set()
        self.server.released.wait(60)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Endpoint(ThreadingHTTPServer):
    """Some endpoint of OpenLineage.

    Attributes:
        status: What it answers.
        received: Path, headers and event of each request.
        arrived: Set when there was a request.
        released: Answers are given when this is set.
    """

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status = status
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.arrived = threading.Event()
        self.released = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, event in self.received]


@contextmanager
def answering(status: int = 201, at_once: bool = True) -> Iterator[Endpoint]:
    """Serve an endpoint from a thread."""
    with Endpoint(status) as endpoint:
        if at_once:
            endpoint.released.set()
        thread = threading.Thread(target=endpoint.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.released.set()
            endpoint.shutdown()
            thread.join()
