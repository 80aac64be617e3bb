"""What a server acknowledged is there exactly once, however often it is killed under load."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

import lineage_graph
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.openlineage.names import RunKey, run_iri

ROUNDS = 50
CLIENTS = 4
PRODUCER = "https://example.com/producer"
SENT = """
PREFIX lg: <https://w3id.org/lineage-graph#>
SELECT ?about (COUNT(?event) AS ?events) (COUNT(DISTINCT ?bundle) AS ?bundles)
WHERE { GRAPH ?bundle { ?event a lg:OpenLineageEvent ; lg:about ?about } } GROUP BY ?about
"""


def event(run: str) -> dict[str, Any]:
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-05-01T10:00:00Z",
        "run": {"runId": run},
        "job": {"namespace": "shop", "name": "daily"},
        "inputs": [{"namespace": "db", "name": "orders"}],
        "outputs": [{"namespace": "db", "name": "totals"}],
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }


def started(store: Path, port: int) -> subprocess.Popen[bytes]:
    options = ["--store", str(store), "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "lineage_graph", "serve", *options],
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for _ in range(3_000):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready"):
                return server
        except OSError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.01)
    raise AssertionError("the server did not start")


class Producer:
    """Sends one run after the other; what was not answered is sent again to the next server."""

    def __init__(self, address: str) -> None:
        # A client takes longer to make than some servers live.
        self.client = httpx2.Client(base_url=address)
        self.acknowledged: list[str] = []
        self.unanswered: str | None = None

    def send_until_it_dies(self) -> None:
        while True:
            run = self.unanswered = self.unanswered or str(uuid.uuid4())
            try:
                self.client.post("/api/v1/lineage", json=event(run)).raise_for_status()
            except httpx2.TransportError:
                return
            self.acknowledged.append(run)
            self.unanswered = None


def test_what_was_acknowledged_is_there_exactly_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chance = random.Random(50)
    producers = [Producer(f"http://127.0.0.1:{port}") for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(ROUNDS):
            server = started(tmp_path, port)
            sending = [pool.submit(producer.send_until_it_dies) for producer in producers]
            time.sleep(chance.uniform(0.02, 0.3))
            server.kill()
            server.wait()
            for one in sending:
                one.result()

    for producer in producers:
        producer.client.close()
    acknowledged = [
        run_iri(RunKey("shop", run)) for producer in producers for run in producer.acknowledged
    ]
    assert len(acknowledged) > ROUNDS
    with LedgerFile(tmp_path / "ledger.db", create=False) as ledger:
        ledger.verify()
    with lineage_graph.connect(tmp_path, quiet=True) as graph:
        there = {str(row["about"]): (row["events"], row["bundles"]) for row in graph.query(SENT)}
        graph.verify()
    assert {run: there.get(run) for run in acknowledged} == dict.fromkeys(acknowledged, (1, 1))
