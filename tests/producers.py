"""Events as producers of OpenLineage send them, for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).parent / "conformance" / "openlineage"
PRODUCER = "https://example.org/producer/1.0"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
FACETS = "https://openlineage.io/spec/facets"
DATABASE = "postgres://db:5432"

Event = dict[str, Any]


def facet(**fields: Any) -> Event:
    """Return a facet with what every facet has."""
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/1-0-0/AnyFacet.json", **fields}


def dataset(name: str, namespace: str = DATABASE, **facets: Any) -> Event:
    """Return a dataset as an event names it."""
    return {"namespace": namespace, "name": name, "facets": facets}


def schema(*names: str) -> Event:
    return facet(fields=[{"name": name, "type": "int"} for name in names])


def columns(**fields: Sequence[tuple[str, str]]) -> Event:
    """Return a column lineage: each field with the pairs of table and field it came from."""
    return facet(
        fields={
            field: {
                "inputFields": [
                    {"namespace": DATABASE, "name": table, "field": source}
                    for table, source in sources
                ]
            }
            for field, sources in fields.items()
        }
    )


def run(
    run_id: str,
    event_type: str = "COMPLETE",
    at: str = "12:00:00",
    *,
    inputs: Sequence[Event | str] = (),
    outputs: Sequence[Event | str] = (),
    job: str = "load",
    namespace: str = "shop",
    run_facets: Event | None = None,
    job_facets: Event | None = None,
) -> Event:
    """Return an event of a run, on the first of May 2026 when only an hour is given."""
    return {
        "eventType": event_type,
        "eventTime": f"2026-05-01T{at}Z" if at[2] == ":" else at,
        "producer": PRODUCER,
        "schemaURL": f"{SCHEMA}#/$defs/RunEvent",
        "run": {"runId": run_id, "facets": run_facets or {}},
        "job": {"namespace": namespace, "name": job, "facets": job_facets or {}},
        "inputs": [dataset(one) if isinstance(one, str) else one for one in inputs],
        "outputs": [dataset(one) if isinstance(one, str) else one for one in outputs],
    }


def published(scenario: str) -> list[Event]:
    """Return the events of a published scenario, in the order they were sent."""
    found: list[Event] = []
    for path in sorted((PUBLISHED / "events" / scenario / "events").glob("*.json")):
        said = json.loads(path.read_text())
        found += said if isinstance(said, list) else [said]
    return found


def symlink(name: str, namespace: str, kind: str = "TABLE") -> Event:
    return facet(identifiers=[{"namespace": namespace, "name": name, "type": kind}])


def static(at: str = "2026-05-01T12:00:00Z", **what: Any) -> Event:
    return {"eventTime": at, "producer": PRODUCER, "schemaURL": SCHEMA, **what}


STORY = [
    run("w1", "START", "10:00:00", job="ingest", outputs=["raw"]),
    run("w1", "COMPLETE", "10:05:00", job="ingest", outputs=[dataset("raw", schema=schema("a"))]),
    run("c1", "START", "10:10:00", inputs=["raw"], outputs=["clean"]),
    run("c1", "RUNNING", "10:11:00", inputs=["extra"]),
    run(
        "c1",
        "COMPLETE",
        "10:12:00",
        outputs=[dataset("clean", columnLineage=columns(b=[("raw", "a")]))],
    ),
    run("w2", "COMPLETE", "10:09:00", outputs=["raw"]),
    run("w2", "FAIL", "10:09:30", outputs=["raw"]),
    run("w3", "OTHER", "10:08:00", outputs=[dataset("raw", version=facet(datasetVersion="3"))]),
    run("l1", "COMPLETE", "11:00:00", inputs=[dataset("/w/clean", "file")], outputs=["report"]),
    run(
        "l2",
        "ABORT",
        "2036-05-01T11:30:00Z",
        inputs=[dataset("/w/clean", "file", symlinks=symlink("clean", DATABASE))],
        outputs=["report"],
    ),
    run("c1", "COMPLETE", "2016-05-01T10:12:00Z", namespace="elsewhere", outputs=["clean"]),
    static(job={"namespace": "shop", "name": "load"}, inputs=[dataset("raw")]),
    static(dataset=dataset("report", documentation=facet(description="for people"))),
]
