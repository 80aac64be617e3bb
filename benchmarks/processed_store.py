"""Builds a store of datasets about persons that are made again every night, of any size.

``python -m benchmarks.processed_store FOLDER --datasets 10000 --nights 10``

One dataset in twenty is a source; the others are made from two of their department, every
night by a run of its own; one in a hundred is a model, and one department in five is about
persons. Columns, what they were recognised as and how they derive from each other are recorded
for the last night only: older versions are known by their runs. Bundles are not validated, so
that building does not take all day.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import stopwatch
from lineage_graph.declarations import bundled
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import fresh, named, part, uuid7
from lineage_graph.ledger import NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.nquads import nquads
from lineage_graph.recording.bundle import edges_of
from lineage_graph.records import (
    Activity,
    Association,
    Column,
    Content,
    Dataset,
    DatasetVersion,
    Derivation,
    Model,
    ModelVersion,
    Record,
)
from lineage_graph.records.privacy import SemanticLabel

COLUMNS = [f"column_{number:02}" for number in range(20)]
TYPES = ("CPF", "Email", "FullName", "BirthDate", "PostalCode")
"""Of the first columns in such a department; the others are not about persons."""
DEPARTMENT = 200
"""Datasets of one department; nothing is made from those of another."""
PERSONAL = 5
"""One department in so many is about persons."""
SOURCES = 20
"""One dataset in so many came from outside."""
MODELS = 100
"""One in so many is a model."""
AT_ONCE = 250
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
AUTHOR = named("agent", "benchmark")


@dataclass
class ProcessedWarehouse:
    """Says what happens every night, dataset by dataset.

    Attributes:
        datasets: How many there are.
        nights: How many versions each gets.
    """

    datasets: int
    nights: int
    chance: random.Random = field(default_factory=lambda: random.Random(13))

    def is_source(self, number: int) -> bool:
        """Tell whether something came from outside."""
        return number % SOURCES == 0

    def is_model(self, number: int) -> bool:
        """Tell whether something is a model; nothing is made from it."""
        return number % MODELS == MODELS - 1

    def is_personal(self, number: int) -> bool:
        """Tell whether something is about persons."""
        return number // DEPARTMENT % PERSONAL == 0

    def thing(self, number: int) -> str:
        """Return the IRI of a dataset or model."""
        return named("model" if self.is_model(number) else "dataset", f"thing-{number:06}")

    def version(self, number: int, night: int) -> str:
        """Return the IRI of what was made in one night."""
        kind = "model-version" if self.is_model(number) else "version"
        return named(kind, f"{night:04}-{number:06}")

    def bundles(self) -> Iterator[list[Record]]:
        """Yield everything, in the order in which it happens."""
        for night in range(self.nights):
            for first in range(0, self.datasets, AT_ONCE):
                numbers = range(first, min(first + AT_ONCE, self.datasets))
                yield [record for number in numbers for record in self.run(number, night)]

    def run(self, number: int, night: int) -> list[Record]:
        """Return the records of one run."""
        version, at = self.version(number, night), BEGUN + timedelta(days=night, seconds=number)
        kind = Model if self.is_model(number) else Dataset
        thing = [] if night else [kind(id=self.thing(number), title=f"thing-{number:06}")]
        content = Content(
            id=named("content", version),
            fingerprint=version,
            fingerprint_version="lgfp1",
            row_count=1000 + number,
        )
        columned = night == self.nights - 1 and not self.is_model(number)
        labels = self._labels(number, version, at) if columned else []
        if self.is_source(number):
            said = self._version(number, night, at, columned)
            columns = self._columns(version, (), "") if columned else []
            return [*thing, content, said, *columns, *labels]
        activity = fresh("activity")
        inputs = self._inputs(number)
        run = Activity(
            id=activity,
            label="nightly",
            started_at=at,
            ended_at=at,
            status="completed",
            associated_with=AUTHOR,
            qualified_association=part(activity, "association"),
            used=tuple(self.version(one, night) for one in inputs),
        )
        kinds = ("Training",) if self.is_model(number) else ("Combine", "Filter")
        ways = [
            Derivation(
                id=part(version, "from", one),
                entity=self.version(one, night),
                had_activity=activity,
                kinds=kinds,
            )
            for one in inputs
        ]
        sources = [self.version(one, night) for one in inputs]
        said = self._version(number, night, at, columned, activity, sources, [w.id for w in ways])
        columns = self._columns(version, sources, activity) if columned else []
        agent = Association(id=part(activity, "association"), agent=AUTHOR)
        return [*thing, content, run, agent, said, *ways, *columns, *labels]

    def _inputs(self, number: int) -> list[int]:
        first = max(number - 60, number - number % DEPARTMENT)
        before = [one for one in range(first, number) if not self.is_model(one)]
        return sorted(self.chance.sample(before, min(2, len(before))))

    def _version(
        self,
        number: int,
        night: int,
        at: datetime,
        columned: bool,
        activity: str | None = None,
        sources: list[str] | None = None,
        ways: list[str] | None = None,
    ) -> Record:
        kind = ModelVersion if self.is_model(number) else DatasetVersion
        version = self.version(number, night)
        columns: dict[str, Any] = (
            {"column": tuple(part(version, c) for c in COLUMNS)} if columned else {}
        )
        return kind(
            id=version,
            version_of=self.thing(number),
            generated_by=activity,
            generated_at=at,
            specialization_of=named("content", version),
            derived_from=tuple(sources or ()),
            qualified_derivation=tuple(ways or ()),
            **columns,
        )

    def _columns(self, version: str, sources: list[str] | tuple[()], activity: str) -> list[Record]:
        records: list[Record] = []
        for place, name in enumerate(COLUMNS):
            column = part(version, name)
            ways: tuple[str, ...] = ()
            source: tuple[str, ...] = ()
            if sources:
                ways = (part(version, name, "from"),)
                entity = part(sources[place % len(sources)], name)
                records.append(
                    Derivation(
                        id=ways[0], entity=entity, had_activity=activity, kinds=("Identity",)
                    )
                )
                source = (entity,)
            records.append(
                Column(
                    id=column,
                    name=name,
                    datatype="string",
                    order=place,
                    derived_from=source,
                    qualified_derivation=ways,
                )
            )
        return records

    def _labels(self, number: int, version: str, at: datetime) -> list[Record]:
        found: list[Record] = []
        for place, name in enumerate(COLUMNS):
            known = self.is_personal(number) and place < len(TYPES)
            found.append(
                SemanticLabel(
                    id=part(version, name, "type", "benchmark"),
                    about=part(version, name),
                    semantic_type=bundled().iri(f"semantic-type:{TYPES[place]}") if known else None,
                    label_status="accepted" if known else "unknown",
                    generated_at=at,
                    attributed_to=AUTHOR,
                    sample_size=300,
                    value_share=1.0 if known else None,
                )
            )
        return found


def build(folder: Path, datasets: int, nights: int) -> ProcessedWarehouse:
    """Record a warehouse, and return what says what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    warehouse = ProcessedWarehouse(datasets, nights)
    with LedgerFile(Folders(folder).ledger) as ledger:
        for records in warehouse.bundles():
            bundle = fresh("bundle")
            ledger.append(
                NewEntry(
                    txid=uuid7(),
                    author=AUTHOR,
                    bundle=bundle,
                    body=nquads(bundle, records),
                    subjects=sorted({record.id for record in records}),
                    edges=edges_of(records),
                )
            )
    return warehouse


def main() -> None:
    """Build a store and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--nights", type=int, default=10)
    asked = parser.parse_args()
    with stopwatch() as watch:
        build(asked.folder, asked.datasets, asked.nights)
    print(f"{asked.datasets:,} datasets in {asked.folder}, recorded in {watch.seconds:.0f} s")


if __name__ == "__main__":
    main()
