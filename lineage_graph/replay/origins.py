"""What the graph knows about how versions came about; asked by ``queries/replay``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_graph.executors import Pin, Place
from lineage_graph.query import Queries


@dataclass(frozen=True)
class Origin:
    """How one version was made.

    Attributes:
        version: IRI of the version.
        activity: IRI of the activity that made it.
        label: Of the activity.
        plan: IRI of the plan.
        executor: Who can execute it.
        program: sha256 of the executable form.
        replayable: Whether all it needs was recorded.
        cautions: Why not, or why the bytes may differ.
        facts: The environment.
        inputs: Slot to version.
        informed_by: The activity whose plan it followed once more, if any.
    """

    version: str
    activity: str
    label: str
    plan: str
    executor: str
    program: str
    replayable: bool
    cautions: tuple[str, ...]
    facts: Mapping[str, Any]
    inputs: Mapping[str, str]
    informed_by: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What a version contained.

    Attributes:
        fingerprint: Hex digest of the content.
        algorithm: How the digest was made.
        rows: Number of rows of a table.
        schema: Canonical schema of a table.
        columns: Column to the digest of its cells.
        parts: sha256 of the artifact that lists what a model learnt.
        metrics: Measures of a model.
    """

    fingerprint: str
    algorithm: str
    rows: int | None
    schema: str | None
    columns: Mapping[str, str]
    parts: str | None
    metrics: Mapping[str, float]


class Record:
    """Reads the record through queries.

    Args:
        queries: Over an up-to-date graph.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def origin(self, version: str) -> Origin | None:
        """Return how a version was made, or None when it came from outside."""
        rows = self._queries.run("replay/origins", version=version)
        if not rows:
            return None
        row = rows[0]
        usages = self._queries.run("replay/usages", activity=row["activity"])
        cautions = self._queries.run("replay/cautions", plan=row["plan"])
        return Origin(
            version=version,
            activity=row["activity"],
            label=row["label"],
            plan=row["plan"],
            executor=row["executor"],
            program=row["program"],
            replayable=row["replayable"],
            cautions=tuple(caution["caution"] for caution in cautions),
            facts=json.loads(row["facts"]) if row.get("facts") else {},
            inputs={usage["slot"]: usage["entity"] for usage in usages},
            informed_by=row.get("informed_by"),
        )

    def of(self, version: str) -> str:
        """Return the IRI of the dataset or model that something is a version of."""
        return str(self._queries.run("records/version_of", version=version)[0]["of"])

    def versions(self, of: str) -> list[str]:
        """Return the versions of a dataset or model."""
        return [str(row["version"]) for row in self._queries.run("records/version_of", of=of)]

    def pins(self, version: str) -> list[Pin]:
        """Return where the bytes of a version lie, copies first."""
        return [
            _pin(row)
            for row in self._queries.run("replay/distributions", version=version)
            if row.get("manifest")
        ]

    def features(self, model: str) -> list[str]:
        """Return the columns a model learnt from."""
        rows = self._queries.run("records/features", model=model)
        return [row["name"] for row in rows if row["role"] == "feature"]

    def content(self, version: str) -> Recorded | None:
        """Return what a version contained, or None when it was never read."""
        rows = self._queries.run("replay/contents", version=version)
        if not rows:
            return None
        columns = self._queries.run("replay/columns", version=version)
        metrics = self._queries.run("records/metrics", model=version)
        return Recorded(
            fingerprint=rows[0]["fingerprint"],
            algorithm=rows[0]["algorithm"],
            rows=rows[0].get("rows"),
            schema=rows[0].get("schema"),
            columns={row["name"]: row["digest"] for row in columns},
            parts=rows[0].get("parts"),
            metrics={row["name"]: row["value"] for row in metrics},
        )


def _pin(row: Mapping[str, Any]) -> Pin:
    reading = json.loads(row["reading"])
    place = Place(tuple(reading["paths"]), row["format"], reading["options"], reading["schema"])
    return Pin(place, row["manifest"], row["snapshot"])
