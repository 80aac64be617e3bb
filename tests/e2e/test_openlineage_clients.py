"""Clients that send OpenLineage, as they are: openlineage-python, and curl."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import schema_dataset
from openlineage.client.serde import Serde
from openlineage.client.transport.async_http import AsyncHttpConfig, AsyncHttpTransport
from openlineage.client.transport.http import HttpCompression, HttpConfig, HttpTransport

import lineage_graph
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.producers import DATABASE, PRODUCER

RUN = "01941b29-7c00-7000-8000-000000000001"
AT = "2026-05-01T12:00:00Z"
ANY_COMPRESSION = pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])


@pytest.fixture
def address(store: Path) -> Iterator[str]:
    with serving(Settings(store, port=0)) as served:
        yield served


def events() -> list[RunEvent | JobEvent | DatasetEvent]:
    """Return events of all three kinds, those of a run in the wrong order."""
    job = Job("shop", "load")
    fields = [schema_dataset.SchemaDatasetFacetFields("x", "int")]
    facets: Any = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}
    runs = [
        RunEvent(
            eventType=state,
            eventTime=AT,
            run=Run(RUN),
            job=job,
            producer=PRODUCER,
            inputs=[InputDataset(DATABASE, "a")],
            outputs=[OutputDataset(DATABASE, "b", facets)],
        )
        for state in (RunState.COMPLETE, RunState.START)
    ]
    return [
        *runs,
        JobEvent(eventTime=AT, producer=PRODUCER, job=job, inputs=[], outputs=[]),
        DatasetEvent(eventTime=AT, producer=PRODUCER, dataset=StaticDataset(DATABASE, "c")),
    ]


def require_what_they_say(store: Path) -> None:
    """Check that a graph says what the events do."""
    with lineage_graph.connect(store) as graph:
        names = {row["name"]: row["versions"] for row in graph.datasets()}
        assert names == {f"{DATABASE} a": 1, f"{DATABASE} b": 1, f"{DATABASE} c": 0}
        described = graph.describe(f"{DATABASE} b")
        assert described["columns"] == [{"name": "x", "type": "int"}]
        found = graph.lineage(f"{DATABASE} b")
        assert {node.name for node in found.nodes} == {f"{DATABASE} a@1", f"{DATABASE} b@1"}


@ANY_COMPRESSION
def test_openlineage_python_sends_all_three_kinds(
    address: str, store: Path, compression: HttpCompression | None
) -> None:
    transport = HttpTransport(HttpConfig(url=address, compression=compression))
    client = OpenLineageClient(transport=transport)
    for event in events():
        client.emit(event)
    client.close()
    require_what_they_say(store)


@ANY_COMPRESSION
def test_openlineage_python_sends_all_three_kinds_beside_the_job(
    address: str, store: Path, compression: HttpCompression | None
) -> None:
    transport = AsyncHttpTransport(AsyncHttpConfig(url=address, compression=compression))
    client = OpenLineageClient(transport=transport)
    for event in events():
        client.emit(event)
    assert client.close(timeout=60)
    assert transport.get_stats()["failed"] == 0
    require_what_they_say(store)


@ANY_COMPRESSION
def test_a_batch_of_events_as_openlineage_python_writes_them_is_taken(
    address: str, store: Path, tmp_path: Path, compression: HttpCompression | None
) -> None:
    body = f"[{','.join(map(Serde.to_json, events()))}]".encode()
    packed = ("-H", "Content-Encoding: gzip") if compression else ()
    file = tmp_path / "batch.json"
    file.write_bytes(gzip.compress(body) if compression else body)
    done = subprocess.run(
        [
            *("curl", "-sS", "--fail-with-body", "-H", "Content-Type: application/json", *packed),
            *("--data-binary", f"@{file}", f"{address}/api/v1/lineage/batch"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "seq": 1,
        "status": "success",
        "summary": {
            "received": 4,
            "successful": 4,
            "failed": 0,
            "retriable": 0,
            "non_retriable": 0,
        },
        "failed_events": [],
    }
    require_what_they_say(store)
