"""Builds a warehouse whose sources have licences, of any size, through the real recorder.

``python -m benchmarks.licensed_store FOLDER --entities 200000``

One entity in a hundred is a source with a licence statement. The others lie in layers above
them, each made from two of the layers below on average, by steps of the kinds that a
warehouse has; some are models. Many entities share a bundle, so that building it does not
take all day; every bundle is validated.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import stopwatch
from lineage_graph.declarations import bundled
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.licensing.licenses import Licenses
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import (
    Activity,
    Agent,
    Association,
    Dataset,
    DatasetVersion,
    Derivation,
    LicenseStatement,
    Model,
    ModelVersion,
    Record,
)

LICENSES = (
    "ODbL-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-4.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ODC-By-1.0",
    "OGL-UK-3.0",
)
"""In turn: each is that of as many sources as the next."""
LAYERS = 5
NEAR = 0.45
"""Share of inputs that come from the layer just below."""
VERSIONS = 4
"""Of each dataset or model."""
MODELS = 20
"""One thing in so many is a model."""
AT_ONCE = 250
"""Entities in one bundle."""
ALONE = (("Filter",), ("Projection",), ("Filter", "Projection"), ("Transform",), ("Aggregate",))
JOINED = (("Combine",), ("Combine", "Filter"), ("Combine", "Projection"), ("Aggregate", "Combine"))
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
AUTHOR = named("agent", "benchmark")


@dataclass
class LicensedWarehouse:
    """Says what is in the warehouse, entity by entity.

    Attributes:
        entities: How many there are.
        licenses: Gives the IRI of a licence.
    """

    entities: int
    licenses: Licenses
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    @property
    def sources(self) -> int:
        """How many entities came from outside."""
        return self.entities // 100

    def version(self, number: int) -> str:
        """Return the IRI of an entity."""
        return named("model-version" if self._is_model(number) else "version", f"{number:07}")

    def bundles(self) -> Iterator[list[Record]]:
        """Yield everything, what lies below before what lies above."""
        for first in range(0, self.entities, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, self.entities))
            activity = named("activity", f"{first:07}")
            records = activity_of(activity, BEGUN + timedelta(seconds=first))
            for number in numbers:
                records += self.entity(number, activity)
            yield records

    def entity(self, number: int, activity: str) -> list[Record]:
        """Return the records of one entity."""
        if number < self.sources:
            return self._source(number)
        inputs = self._inputs(number)
        return self._made(
            number, list(zip(inputs, self._kinds(number, inputs), strict=True)), activity
        )

    def _is_model(self, number: int) -> bool:
        return number >= self.sources and number // VERSIONS % MODELS == 0

    def _inputs(self, number: int) -> list[int]:
        """Return what an entity is made from: two of the layers below, on average."""
        size = -(-(self.entities - self.sources) // LAYERS)
        layer = (number - self.sources) // size
        begun = self.sources + layer * size
        below = max(0, begun - size) if layer > 1 else 0
        found: set[int] = set()
        for _ in range(self.chance.choice((1, 2, 3))):
            near = layer > 1 and self.chance.random() < NEAR
            found.add(self.chance.randrange(below if near else 0, begun))
        return sorted(found)

    def _kinds(self, number: int, inputs: Sequence[int]) -> list[tuple[str, ...]]:
        """Return what was done to each input."""
        if self._is_model(number):
            return [("Training",)] * len(inputs)
        if any(map(self._is_model, inputs)):
            return [("Inference",)] * len(inputs)
        kinds = ALONE if len(inputs) == 1 else JOINED
        return [self.chance.choice(kinds) for _ in inputs]

    def _source(self, number: int) -> list[Record]:
        version = self.version(number)
        license_ = LICENSES[number // VERSIONS % len(LICENSES)]
        statement = LicenseStatement(
            id=named("license-statement", f"{number:07}"),
            about=version,
            license=(self.licenses.iri(license_),),
            license_expression=license_,
            generated_at=BEGUN,
            attributed_to=AUTHOR,
        )
        return [*self._thing(number), self._version(number), statement]

    def _thing(self, number: int) -> list[Record]:
        if number % VERSIONS:
            return []
        kind = Model if self._is_model(number) else Dataset
        return [kind(id=self._thing_of(number), title=_title(number))]

    def _thing_of(self, number: int) -> str:
        return named("model" if self._is_model(number) else "dataset", _title(number))

    def _version(
        self, number: int, sources: Sequence[int] = (), activity: str | None = None
    ) -> Record:
        version = self.version(number)
        kind = ModelVersion if self._is_model(number) else DatasetVersion
        return kind(
            id=version,
            version_of=self._thing_of(number),
            generated_by=activity,
            generated_at=BEGUN + timedelta(seconds=number),
            derived_from=tuple(map(self.version, sources)),
            qualified_derivation=tuple(part(version, "from", source) for source in sources),
        )

    def _made(
        self, number: int, inputs: Sequence[tuple[int, tuple[str, ...]]], activity: str
    ) -> list[Record]:
        version = self.version(number)
        derivations = [
            Derivation(
                id=part(version, "from", source),
                entity=self.version(source),
                had_activity=activity,
                kinds=kinds,
            )
            for source, kinds in inputs
        ]
        made = self._version(number, [source for source, _ in inputs], activity)
        return [*self._thing(number), made, *derivations]


def activity_of(activity: str, at: datetime) -> list[Record]:
    """Return the records of an activity that made something."""
    association = part(activity, "association")
    return [
        Activity(
            id=activity,
            label="a job of the warehouse",
            started_at=at,
            ended_at=at,
            status="completed",
            associated_with=AUTHOR,
            qualified_association=association,
        ),
        Association(id=association, agent=AUTHOR),
        Agent(id=AUTHOR),
    ]


def _title(number: int) -> str:
    return f"thing-{number // VERSIONS:06}"


def warehouse_of(entities: int) -> LicensedWarehouse:
    """Return what says what is in a warehouse of a size; it is always the same."""
    return LicensedWarehouse(entities, Licenses(bundled()))


def build(folder: Path, entities: int) -> LicensedWarehouse:
    """Record a warehouse, and return what says what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    warehouse = warehouse_of(entities)
    with LedgerFile(Folders(folder).ledger) as ledger:
        bundles = Bundles(ledger, bundled(), AUTHOR)
        for records in warehouse.bundles():
            bundles.append(records)
    return warehouse


def main() -> None:
    """Build a store and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entities", type=int, default=200_000)
    asked = parser.parse_args()
    with stopwatch() as watch:
        build(asked.folder, asked.entities)
    print(f"{asked.entities:,} entities in {asked.folder}, recorded in {watch.seconds:.0f} s")


if __name__ == "__main__":
    main()
