"""The records of one run: an activity, what it used, what it generated, and from what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from lineage_graph.declarations import bundled
from lineage_graph.identity import named, part, without_credentials
from lineage_graph.openlineage.flows import UNKNOWN, Flows, Kinds
from lineage_graph.openlineage.names import Name, RunKey, dataset_iri, job_iri, run_iri
from lineage_graph.openlineage.runs import ReportedRun, ReportedVersion
from lineage_graph.recording.descriptions import environment_record
from lineage_graph.records import Association, Column, Record, SoftwareAgent
from lineage_graph.records.openlineage import (
    GradedDerivation,
    GradedUsage,
    QualityAssertion,
    ReportedActivity,
    SourceColumn,
    WrittenVersion,
)

UNTYPED: Final = "unknown"
"""The datatype of a column whose type nobody said."""

_NO_SOURCES: Final = frozenset({"DROP", "TRUNCATE"})

Read = Mapping[Name, list[ReportedVersion]]


def run_records(run: ReportedRun, read: Read, others: frozenset[RunKey]) -> list[Record]:
    """Return what is said of a run.

    Args:
        run: What is known of it.
        read: The versions of its inputs.
        others: Runs that events are about.
    """
    activity = run_iri(run.key)
    agent = SoftwareAgent(id=named("agent", run.producer), label=_label(run.producer))
    usages = list(_usages(activity, read))
    environment = _environment(run.engine)
    upstream = [one for one in run.upstream if one in others]
    return [
        ReportedActivity(
            id=activity,
            label=run.job.name or run.key.run_id or "run",
            started_at=_time(run.started),
            ended_at=_time(run.ended),
            status=run.status,
            used=tuple(sorted({usage.entity for usage in usages})),
            qualified_usage=tuple(usage.id for usage in usages),
            associated_with=agent.id,
            qualified_association=part(activity, "association"),
            environment=environment[0].id if environment else None,
            informed_by=tuple(map(run_iri, upstream)),
            part_of=run_iri(run.parent) if run.parent in others and run.parent else None,
        ),
        Association(id=part(activity, "association"), agent=agent.id, had_plan=job_iri(run.job)),
        agent,
        *environment,
        *usages,
        *(one for output in sorted(run.outputs) for one in _output(run, read, output)),
        *_assertions(run, read),
    ]


def columns_of(
    version: str, schema: Mapping[str, Any] | None, fields: Iterable[str]
) -> list[Column]:
    """Return the columns of a version.

    Args:
        version: IRI of the version.
        schema: A ``schema`` facet; None when there is none.
        fields: Names of further columns, of which the type is not known.
    """
    types: dict[str, str] = {}
    for one in (schema or {}).get("fields", ()):
        types.setdefault(one["name"], one.get("type") or UNTYPED)
    for name in fields:
        types.setdefault(name, UNTYPED)
    return [
        Column(id=part(version, name), name=name, datatype=datatype, order=order)
        for order, (name, datatype) in enumerate(types.items())
    ]


def _environment(engine: Mapping[str, Any]) -> list[Record]:
    keys = ("name", "version", "openlineageAdapterVersion")
    facts = {key: engine[key] for key in keys if engine.get(key)}
    return [environment_record(facts)] if facts else []


def _usages(activity: str, read: Read) -> Iterator[GradedUsage]:
    for dataset, versions in sorted(read.items()):
        for number, version in enumerate(versions):
            slot = dataset.text if number == 0 else f"{dataset.text} {number + 1}"
            yield GradedUsage(
                id=part(activity, "usage", slot),
                entity=version.iri,
                slot=slot,
                evidence_grade=_grade(version),
            )


def _output(run: ReportedRun, read: Read, dataset: Name) -> Iterator[Record]:
    for version in run.written(dataset):
        yield from _version(run, read, dataset, version)


def _version(run: ReportedRun, read: Read, dataset: Name, version: str) -> Iterator[Record]:
    flow, flows = run.outputs[dataset], run.flows[dataset]
    derivations = list(_derivations(run, read, dataset, version))
    columns = list(_columns(run, read, flow.facets.get("schema"), flows, version))
    statistics = flow.facets.get("outputStatistics") or {}
    yield WrittenVersion(
        id=version,
        version_of=dataset_iri(dataset),
        label=dataset.text,
        generated_by=run_iri(run.key),
        generated_at=_time(run.written_at),
        derived_from=tuple(sorted({one.entity for one in derivations})),
        qualified_derivation=tuple(one.id for one in derivations),
        column=tuple(one.id for one in columns if isinstance(one, Column)),
        row_count=_count(statistics.get("rowCount")),
        byte_size=_count(statistics.get("size")),
        lifecycle=tuple(_lifecycle(flow.facets)),
        alternate_of=tuple(run.otherwise_written(dataset)),
    )
    yield from derivations
    yield from columns


def _derivations(
    run: ReportedRun, read: Read, dataset: Name, version: str
) -> Iterator[GradedDerivation]:
    told = {source for flows in run.flows.values() for source in flows.sources}
    flows = run.flows[dataset]
    if _NO_SOURCES.intersection(_lifecycle(run.outputs[dataset].facets)):
        return
    for source, versions in sorted(read.items()):
        ways: set[Kinds] = flows.sources.get(source, set())
        # Of an input that no output names nobody knows where it went: to all of them.
        if not ways and not (flows.explicit and (source in told or not flows.sources)):
            ways = {UNKNOWN}
        for one in versions:
            for kinds in sorted(ways):
                if one.iri != version:
                    yield _derivation(run, version, one, kinds, kinds == UNKNOWN or None)


def _derivation(
    run: ReportedRun, derived: str, source: ReportedVersion, kinds: Kinds, approximate: bool | None
) -> GradedDerivation:
    activity = run_iri(run.key)
    return GradedDerivation(
        id=_way(derived, activity, source.iri, kinds),
        entity=source.iri,
        had_activity=activity,
        kinds=kinds,
        approximate=approximate,
        evidence_grade=_grade(source),
    )


def _columns(
    run: ReportedRun, read: Read, schema: Mapping[str, Any] | None, flows: Flows, version: str
) -> Iterator[Record]:
    for column in columns_of(version, schema, flows.fields):
        ways = []
        for flow in sorted(flows.columns, key=lambda one: (one.source, one.column, one.kinds)):
            if flow.field != column.name:
                continue
            for one in read[flow.source]:
                source = ReportedVersion(part(one.iri, flow.column), one.declared)
                if source.iri != column.id:
                    approximate = flow.approximate or None
                    ways.append(_derivation(run, column.id, source, flow.kinds, approximate))
        ways = list({way.id: way for way in ways}.values())
        yield Column(
            id=column.id,
            name=column.name,
            datatype=column.datatype,
            order=column.order,
            derived_from=tuple(sorted({way.entity for way in ways})),
            qualified_derivation=tuple(way.id for way in ways),
        )
        yield from ways
        yield from (SourceColumn(id=way.entity) for way in ways)


def _assertions(run: ReportedRun, read: Read) -> Iterator[Record]:
    """Yield the checks of data that a run made: of what it read, and of what it wrote."""
    checked = {name: [one.iri for one in versions] for name, versions in read.items()}
    about = [(run.inputs[name], iris) for name, iris in sorted(checked.items())]
    about += [(flow, run.written(name)) for name, flow in sorted(run.outputs.items())]
    for flow, versions in about:
        facet = flow.facets.get("dataQualityAssertions") or {}
        for number, one in enumerate(facet.get("assertions", ())):
            for version in versions:
                column = one.get("column")
                yield QualityAssertion(
                    id=part(version, "assertion", run.key.namespace, run.key.run_id, number),
                    about=part(version, column) if column else version,
                    name=one["assertion"],
                    passed=one["success"],
                    generated_by=run_iri(run.key),
                )


def _lifecycle(facets: Mapping[str, Any]) -> list[str]:
    change = (facets.get("lifecycleStateChange") or {}).get("lifecycleStateChange")
    return [change] if change else []


def _way(derived: str, activity: str, source: str, kinds: Kinds) -> str:
    """Name a derivation by its ends: one version may be written by several runs."""
    place, hash_mark, column = derived.partition("#")
    of = (column,) if hash_mark else ()
    return part(place, *of, "derivation", activity, source, "+".join(kinds))


def _grade(version: ReportedVersion) -> str:
    return bundled().iri("Declared" if version.declared else "InferredByTime")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _label(producer: str) -> str:
    return without_credentials(producer).replace("@", " at ") or "unknown producer"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
