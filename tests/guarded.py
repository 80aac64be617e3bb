"""A store of versions that are derived from each other, recorded without an engine."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from lineage_graph.declarations import Declarations
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.identity import digested, fresh, named, part, sha256
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import (
    Activity,
    Agent,
    Association,
    Column,
    Content,
    Dataset,
    DatasetVersion,
    Derivation,
    Distribution,
    Plan,
    Record,
    Step,
    Usage,
)
from lineage_graph.records.privacy import SemanticLabel

AUTHOR = "urn:lineage-graph:agent:tester"
AT = datetime(2026, 5, 1, tzinfo=UTC)


class Recorded:
    """A store, a graph that sees all of it, and short ways to record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.graph = Graph(opened(folder), quiet=True)
        self.ledger = LedgerFile(folder / "ledger.db")
        self.bundles = Bundles(self.ledger, Declarations(), AUTHOR)
        self.declarations = Declarations()

    def close(self) -> None:
        self.graph.close()
        self.ledger.close()

    def made(self, name: str, *sources: str, content: str | None = None) -> str:
        """Record one more version of a dataset as a run makes it, with every kind of record.

        Args:
            name: Of the dataset; what is recorded of it has the name in it.
            *sources: IRIs of versions.
            content: What it contains; its own by default.
        """
        version = fresh("version")
        self.bundles.append(self.records(version, name, sources, content or version))
        return version

    def records(
        self, version: str, name: str, sources: Collection[str], content: str
    ) -> list[Record]:
        dataset, activity = named("dataset", name), fresh("activity")
        plan = digested("plan", sha256(f"plan of {name}".encode()))
        holds = Content(
            id=digested("content", sha256(content.encode())),
            fingerprint=sha256(content.encode()),
            fingerprint_version="test1",
            row_count=3,
        )
        ways = [
            Derivation(
                id=part(version, "derivation", number),
                entity=source,
                had_activity=activity,
                kinds=("Filter",),
            )
            for number, source in enumerate(sources)
        ]
        column = part(version, f"key of {name}")
        where = Distribution(
            id=part(version, "distribution"),
            location=f"/data/{name}/{version[-12:]}",
            format="parquet",
        )
        usages = [
            Usage(id=part(activity, "usage", number), entity=source, slot=str(number))
            for number, source in enumerate(sources)
        ]
        return [
            Agent(id=AUTHOR),
            Dataset(
                id=dataset, title=name, description=f"All about {name}", location=f"/in/{name}"
            ),
            DatasetVersion(
                id=version,
                version_of=dataset,
                label=name,
                specialization_of=holds.id,
                generated_by=activity,
                generated_at=AT,
                derived_from=tuple(sorted(sources)),
                qualified_derivation=tuple(way.id for way in ways),
                distribution=where.id,
                column=(column,),
            ),
            where,
            holds,
            Column(id=column, name=f"key of {name}", datatype="string", order=0),
            SemanticLabel(
                id=part(version, f"key of {name}", "type", "00000000"),
                about=column,
                semantic_type=None,
                label_status="unknown",
                generated_at=AT,
                attributed_to=AUTHOR,
                recogniser="00000000",
            ),
            *ways,
            *usages,
            Plan(
                id=plan,
                sha256=plan[-64:],
                artifact=digested("artifact", plan[-64:]),
                executor="spark",
                label=f"save {name}",
            ),
            Step(
                id=part(plan, "step", 0),
                step_of=plan,
                operator=self.declarations.iri("lg:operator/filter"),
                order=0,
                parameters=f"read /in/{name}",
            ),
            Association(id=part(activity, "association"), agent=AUTHOR, had_plan=plan),
            Activity(
                id=activity,
                label=f"save {name}",
                started_at=AT,
                ended_at=AT,
                status="completed",
                used=tuple(sorted(sources)),
                qualified_usage=tuple(usage.id for usage in usages),
                associated_with=AUTHOR,
                qualified_association=part(activity, "association"),
            ),
        ]
