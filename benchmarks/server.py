"""Times the server under load: OpenLineage events, lineage over GraphQL, and its start.

The load comes from the same machine. MLflow's server with SQLite, recording runs, is measured
in the same run; it is installed beside the environment when it is not there.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import big_store
from benchmarks.figures import Figure, spread, stopwatch
from benchmarks.load import Load, post, send

CONNECTIONS = 16
EVENTS = 5_000
BATCHES, IN_A_BATCH = 20, 200
RUNS = 300
QUESTIONS = 2_000
STARTS = 5
START_SECONDS = 60
MLFLOW = "mlflow==3.17.2"
BESIDE = Path(sys.prefix) / "mlflow"

LINEAGE = """query ($of: String!) {
  lineage(of: $of, direction: UP, depth: 10) { nodes { iri name kind } edges { derived source } }
}"""


def measure(quads: int = 1_000_000, store: Path | None = None) -> list[Figure]:
    """Return the figures.

    Args:
        quads: Size of the store that is asked.
        store: One that is there already; else it is made.
    """
    with tempfile.TemporaryDirectory() as folder:
        figures = [*_events(Path(folder) / "events"), *_runs(Path(folder))]
        if store is None:
            store = Path(folder) / "asked"
            big_store.build(store, quads)
        return [*figures, *_questions(store)]


def _events(store: Path) -> list[Figure]:
    chance = random.Random(5)
    with ours(store) as address:
        single = _send(address, "/api/v1/lineage", [event(chance) for _ in range(EVENTS)])
        many = [[event(chance) for _ in range(IN_A_BATCH)] for _ in range(BATCHES)]
        batch = _send(address, "/api/v1/lineage/batch", many)
        with stopwatch() as mapped:
            _ask(address, "{ ledger { head } datasets(first: 1) { edges { node { name } } } }", {})
    sent = EVENTS + BATCHES * IN_A_BATCH
    return [
        Figure(
            f"OpenLineage events, one a request, {CONNECTIONS} connections, on the disk",
            f"{single.rate:,.0f} events/s, {_tail(single)}",
            "1,000 events/s, p99 100 ms",
        ),
        Figure(
            f"OpenLineage events, {IN_A_BATCH} a request",
            f"{batch.rate * IN_A_BATCH:,.0f} events/s, {_tail(batch)} a request",
            "10,000 events/s",
        ),
        Figure(
            f"the next question, before which all {sent:,} are in the graph",
            f"{mapped.seconds:.1f} s, {sent / mapped.seconds:,.0f} events/s",
        ),
    ]


def _runs(folder: Path) -> list[Figure]:
    """Record the same runs here and with MLflow: begun, with a parameter and a metric, ended."""
    chance = random.Random(6)
    with ours(folder / "runs") as address:
        both = [one for _ in range(RUNS) for one in run(chance)]
        recorded = _send(address, "/api/v1/lineage", both)
    with mlflow(folder / "mlflow") as address:
        api = f"{address}/api/2.0/mlflow"
        ids = [
            str(_json(f"{api}/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])
            for _ in range(RUNS)
        ]
        steps = {
            "create": [{"experiment_id": "0"}] * RUNS,
            "log-batch": [_logged(one) for one in ids],
            "update": [{"run_id": one, "status": "FINISHED"} for one in ids],
        }
        loads = [_load(address, f"/api/2.0/mlflow/runs/{step}", steps[step]) for step in steps]
        failed = sum(len(load.failed) for load in loads)
    return [
        Figure(
            f"record a run, as START and COMPLETE, {CONNECTIONS} connections",
            f"{RUNS / recorded.seconds:,.0f} runs/s",
        ),
        Figure(
            f"the same with {MLFLOW} on SQLite, as create, log-batch and update",
            f"{RUNS / sum(load.seconds for load in loads):,.0f} runs/s; {failed} requests failed",
        ),
    ]


def _questions(store: Path) -> list[Figure]:
    starts = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        with ours(store) as address:
            names = _names(address)
            starts.append(time.perf_counter() - begun)
    chance = random.Random(7)
    with ours(store) as address:
        asked = [
            {"query": LINEAGE, "variables": {"of": chance.choice(names)}} for _ in range(QUESTIONS)
        ]
        _send(address, "/graphql", asked[:CONNECTIONS])
        answered = _send(address, "/graphql", asked)
    return [
        Figure("from start to the first answer", spread(starts), "3 s"),
        Figure(
            f"lineage at depth 10 over GraphQL, {CONNECTIONS} connections",
            f"{answered.rate:,.0f} answers/s, {_tail(answered)}",
            "p99 100 ms",
        ),
    ]


def event(chance: random.Random, run: str | None = None, type_: str = "COMPLETE") -> dict[str, Any]:
    """Return a run event with two inputs, one output and its schema."""
    tables = [f"shop.table_{chance.randrange(500)}" for _ in range(3)]
    fields = [{"name": f"column_{number}", "type": "string"} for number in range(8)]
    facet = {"_producer": PRODUCER, "_schemaURL": SCHEMA_FACET, "fields": fields}
    return {
        "eventType": type_,
        "eventTime": datetime.now(UTC).isoformat(),
        "run": {"runId": run or str(uuid.UUID(int=chance.getrandbits(128), version=4))},
        "job": {"namespace": "shop", "name": f"job_{chance.randrange(200)}"},
        "inputs": [{"namespace": "postgres://db:5432", "name": name} for name in tables[:2]],
        "outputs": [
            {"namespace": "postgres://db:5432", "name": tables[2], "facets": {"schema": facet}}
        ],
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
    }


PRODUCER = "https://benchmark.example/producer"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
SCHEMA_FACET = "https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json"


def run(chance: random.Random) -> list[dict[str, Any]]:
    """Return the two events of a run."""
    name = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return [event(chance, name, "START"), event(chance, name, "COMPLETE")]


def _logged(run_id: str) -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {
        "run_id": run_id,
        "metrics": [{"key": "auc", "value": 0.67, "timestamp": now, "step": 0}],
        "params": [{"key": "C", "value": "1.0"}],
    }


@contextmanager
def ours(store: Path) -> Iterator[str]:
    """Serve a store in a process of its own, and give the address."""
    port = _free_port()
    command = [sys.executable, "-m", "lineage_graph", "serve"]
    with _running(
        [*command, "--store", str(store), "--port", str(port)], port, "/ready"
    ) as address:
        yield address


@contextmanager
def mlflow(folder: Path) -> Iterator[str]:
    """Run MLflow's server with SQLite, and give its address."""
    program = BESIDE / "bin" / "mlflow"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(BESIDE)], check=True)
        subprocess.run([str(BESIDE / "bin" / "pip"), "install", "-q", MLFLOW], check=True)
    folder.mkdir(parents=True)
    port = _free_port()
    stores = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"]
    command = [str(program), "server", "--host", "127.0.0.1", "--port", str(port), *stores]
    with _running(command, port, "/health") as address:
        yield address


@contextmanager
def _running(command: Sequence[str], port: int, ready: str) -> Iterator[str]:
    address = f"http://127.0.0.1:{port}"
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        _wait(process, address + ready)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(START_SECONDS * 100):
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}") from None
            time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} did not start")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _send(address: str, path: str, bodies: Sequence[object]) -> Load:
    """Send what cannot fail over many connections."""
    load = _load(address, path, bodies)
    if load.failed:
        raise RuntimeError(f"{len(load.failed)} of {len(bodies)} to {path}: {load.failed[0]}")
    return load


def _load(address: str, path: str, bodies: Sequence[object]) -> Load:
    ready = [post(address, path, json.dumps(body).encode()) for body in bodies]
    return send(address, ready, CONNECTIONS)


def _json(address: str, body: object) -> Any:
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        return json.loads(answer.read())


def _ask(address: str, query: str, variables: dict[str, Any]) -> Any:
    answer = _json(f"{address}/graphql", {"query": query, "variables": variables})
    if answer.get("errors"):
        raise RuntimeError(str(answer["errors"][0]))
    return answer["data"]


def _names(address: str) -> list[str]:
    found = _ask(address, "{ datasets(first: 100) { edges { node { name } } } }", {})
    return [edge["node"]["name"] for edge in found["datasets"]["edges"]]


def _tail(load: Load) -> str:
    return f"median {load.percentile(0.5):.0f} ms, p99 {load.percentile(0.99):.0f} ms"
