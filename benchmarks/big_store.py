"""Builds a store of any size through the real recorder: validated, chained, durable bundles.

``python -m benchmarks.big_store FOLDER --quads 1000000``

A warehouse: sources at the bottom, and layers of datasets above them, each made from three
of the layer below. Every night each dataset gets a new version. Only Spark is left out: the
operations it would report are made up, with 16 columns and seven operators.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import stopwatch
from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations, bundled
from lineage_graph.executors import (
    ColumnPath,
    Description,
    Fingerprint,
    InputPath,
    Operation,
    OperatorUse,
    Pin,
    Place,
    Program,
)
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import fresh, named, sha256
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.recording import KnownPlaces, Made, Recorder
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset
from lineage_graph.snapshots import Snapshots

COLUMNS = [f"column_{number:02}" for number in range(16)]
OPERATORS = ("read", "project", "filter", "join", "aggregate", "sort", "limit")
SOURCES = LAYER = 20
LAYERS = 8
INPUTS = 3
ENVIRONMENT = {"spark": "4.3.0", "java": "17", "python": "3.11", "os": "Linux"}


@dataclass
class Warehouse:
    """Datasets, and the newest version of each.

    Attributes:
        recorder: Records.
        artifacts: Keeps manifests.
        newest: Name of a dataset to the IRI of its newest version.
    """

    recorder: Recorder
    artifacts: Artifacts
    random: random.Random = field(default_factory=lambda: random.Random(7))
    newest: dict[str, str] = field(default_factory=dict)

    def night(self, number: int) -> Iterator[None]:
        """Record a new version of everything, one activity at a time."""
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        for source in range(SOURCES):
            name = f"source-{source:02}"
            self.newest[name] = self._arrive(name, number)
            yield
        for layer in range(1, LAYERS + 1):
            for position in range(LAYER):
                self._derive(layer, position, at)
                yield

    def _arrive(self, name: str, number: int) -> str:
        dataset = Dataset(id=named("dataset", name), title=name, location=f"s3a://lake/{name}")
        return self.recorder.source(dataset, self._pin(f"s3a://lake/{name}", f"night {number}"))

    def _derive(self, layer: int, position: int, at: datetime) -> None:
        name = f"table-{layer}-{position:02}"
        below = [self._below(layer, position + step) for step in range(INPUTS)]
        inputs = {f"input:{slot}": self.newest[source] for slot, source in enumerate(below)}
        version = fresh("version")
        pin = self._pin(f"s3a://warehouse/{version}", version)
        dataset = Dataset(id=named("dataset", name), title=name)
        content = self.content()
        operation = self._operation(name, pin, content, at)
        self.recorder.record_activity(
            operation, Made(version, dataset, pin, content), inputs=inputs
        )
        self.newest[name] = version

    def _below(self, layer: int, position: int) -> str:
        place = position % LAYER
        return f"source-{place:02}" if layer == 1 else f"table-{layer - 1}-{place:02}"

    def _operation(self, name: str, pin: Pin, content: Fingerprint, at: datetime) -> Operation:
        return Operation(
            label=f"save {name}",
            program=Program("spark", f"plan of {name}".encode()),
            sources={},
            description=_description(),
            written=pin.place,
            content=content,
            started=at,
            ended=at + timedelta(minutes=1),
            environment=ENVIRONMENT,
        )

    def _pin(self, place: str, content: str) -> Pin:
        files = [["part-0.parquet", sha256(content.encode()), 1_000_000]]
        manifest = self.artifacts.put_bytes(json.dumps({"files": files}).encode())
        return Pin(Place((place,), "parquet"), manifest, "reference", 1_000_000)

    def content(self) -> Fingerprint:
        """Return a made-up fingerprint of a table."""
        digests = {column: f"{self.random.getrandbits(256):064x}" for column in COLUMNS}
        schema = json.dumps({"struct": [[column, "string"] for column in COLUMNS]})
        digest = sha256("".join(digests.values()).encode())
        return Fingerprint(digest, "lgfp1", self.random.randrange(10**7), schema, digests)


def _description() -> Description:
    slots = [f"input:{number}" for number in range(INPUTS)]
    return Description(
        steps=tuple(
            OperatorUse(
                order=order,
                operator=bundled().iri(f"operator-iri:{name}"),
                name=name,
                inputs=(order - 1,) if order else (),
                parameters=f"{name} something",
                deterministic="always",
            )
            for order, name in enumerate(OPERATORS)
        ),
        inputs=tuple(InputPath(slot, ("Combine", "Filter")) for slot in slots),
        columns=tuple(
            ColumnPath(column, slots[number % INPUTS], column, ("Identity",))
            for number, column in enumerate(COLUMNS)
        ),
    )


def build(folder: Path, quads: int) -> int:
    """Record until the store holds a number of quads, and return how many it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    folders = Folders(folder)
    artifacts = Artifacts(folders.artifacts)
    with LedgerFile(folders.ledger) as ledger:
        bundles = Bundles(ledger, Declarations(), named("agent", folders.author()))
        snapshots = Snapshots(artifacts)
        recorder = Recorder(bundles, artifacts, snapshots, KnownPlaces((folders.data,)))
        warehouse = Warehouse(recorder, artifacts)
        recorder.fingerprint = lambda place: warehouse.content()
        recorded, number, head = 0, 0, 0
        while recorded < quads:
            for _ in warehouse.night(number):
                pass
            recorded += sum(entry.body.count(b"\n") for entry in ledger.entries(head))
            number, head = number + 1, ledger.head
            if sys.stderr.isatty():
                print(f"\r{recorded:,} quads", end="", file=sys.stderr)
    return recorded


def main() -> None:
    """Build a store and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quads", type=int, default=1_000_000)
    asked = parser.parse_args()
    with stopwatch() as watch:
        recorded = build(asked.folder, asked.quads)
    print(f"{recorded:,} quads in {asked.folder}, recorded in {watch.seconds:.0f} s")


if __name__ == "__main__":
    main()
