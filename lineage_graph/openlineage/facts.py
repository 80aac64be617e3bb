"""What an event says, taken apart into facts that any order of events adds up to the same.

A fact has a key within its unit: a run, a job or a dataset. Of several events that state it,
the latest one counts, or the earliest where the key says so; the digest of the event decides
between two of one time. So what is known of a unit is a function of the set of events.

Source: OpenLineage 2-0-2 and the facets that are named here; all others mean nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from lineage_graph.openlineage.names import Name, RunKey
from lineage_graph.openlineage.schemas import kind_of
from lineage_graph.openlineage.times import moment

ENDS: Final = {"COMPLETE": "completed", "FAIL": "failed", "ABORT": "aborted"}
RUN_FACETS: Final = ("parent", "jobDependencies", "processing_engine")
JOB_FACETS: Final = ("documentation", "sql", "sourceCodeLocation", "ownership", "tags")
DATASET_FACETS: Final = ("documentation", "ownership", "tags")
FLOW_FACETS: Final = (
    *("schema", "columnLineage", "lineage", "lifecycleStateChange", "dataQualityAssertions"),
    *("outputStatistics", "dataQualityMetrics"),
)
FACETS_IN: Final = ("facets", "inputFacets", "outputFacets")

Role = Literal["in", "out"]
ROLES: Final[Mapping[Role, str]] = {"in": "inputs", "out": "outputs"}
Unit = tuple[str, ...]
"""``run``, ``job``, ``dataset`` or ``version``, a namespace, and a name or a run id.

A version that a producer names has its number behind these. It is a unit of its own: a table
that is written each hour would be stated again as a whole each time.
"""


class Fact(NamedTuple):
    """One thing that is said of a unit.

    Attributes:
        unit: What it is said of.
        key: What it is about.
        value: What is said, as JSON; None when it is taken back.
        earliest: Whether the earliest event counts.
    """

    unit: Unit
    key: tuple[str, ...]
    value: Any
    earliest: bool = False


@dataclass
class Said:
    """All that one event says.

    Attributes:
        at: When.
        facts: What is said of its run, job and datasets.
        mentions: Units that a unit's record depends on.
        links: Pairs of names of the same dataset; the second one's type says what it is.
    """

    at: str
    facts: list[Fact] = field(default_factory=list)
    mentions: set[tuple[Unit, Unit]] = field(default_factory=set)
    links: list[tuple[Name, Name, str]] = field(default_factory=list)


def run_unit(key: RunKey) -> Unit:
    """Return the unit of a run."""
    return "run", key.namespace, key.run_id


def dataset_unit(name: Name) -> Unit:
    """Return the unit of a dataset, by one of its names."""
    return "dataset", name.namespace, name.name


def version_unit(dataset: Name, number: str) -> Unit:
    """Return the unit of a version that a producer names, by one of the dataset's names."""
    return "version", *dataset, number


def job_unit(name: Name) -> Unit:
    """Return the unit of a job."""
    return "job", name.namespace, name.name


def said_by(event: Mapping[str, Any]) -> Said:
    """Take an event apart.

    Args:
        event: An event that was accepted.
    """
    said = Said(moment(event["eventTime"]))
    kind = kind_of(dict(event))
    if kind == "DatasetEvent":
        _dataset(said, event["dataset"])
        _declared_versions(said, event["dataset"])
        return said
    _job(said, event["job"])
    if kind == "RunEvent":
        _run(said, event)
    else:
        _declared(said, event)
    return said


def sources_of(lineage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every source that a ``lineage`` facet of a dataset, or an entry of a job's, names."""
    yield from lineage.get("inputs", ())
    for entry in lineage.get("fields", {}).values():
        yield from entry["inputs"]


def column_sources_of(lineage: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every source field that a ``columnLineage`` facet names."""
    yield from lineage.get("dataset", ())
    for entry in lineage["fields"].values():
        yield from entry["inputFields"]


def _run(said: Said, event: Mapping[str, Any]) -> None:
    job, facets = event["job"], event["run"].get("facets", {})
    unit = run_unit(RunKey(job["namespace"], event["run"]["runId"]))
    kind = event.get("eventType")
    told = [
        Fact(unit, ("first",), said.at, earliest=True),
        Fact(unit, ("last",), said.at),
        Fact(unit, ("job",), job["name"]),
        Fact(unit, ("producer",), event["producer"]),
    ]
    if kind == "START":
        told.append(Fact(unit, ("start",), said.at, earliest=True))
    if kind in ENDS:
        told.append(Fact(unit, ("end",), [ENDS[kind], said.at]))
    told += [Fact(unit, ("run", key), _stated(facets[key])) for key in RUN_FACETS if key in facets]
    said.facts += told
    for other in _other_runs(facets):
        said.mentions.add((unit, run_unit(other)))
    said.mentions.add((unit, job_unit(_name(job))))
    for role, key in ROLES.items():
        for dataset in event.get(key, ()):
            _flow(said, unit, role, dataset)
    lineage = _stated(job.get("facets", {}).get("lineage", {}))
    if lineage:
        said.facts.append(Fact(unit, ("lineage",), lineage))
        for entry in lineage["entries"]:
            named = [one for one in (entry, *sources_of(entry)) if one["type"] == "DATASET"]
            _mention(said, unit, *map(_name, named))


def _other_runs(facets: Mapping[str, Any]) -> Iterator[RunKey]:
    parent = _stated(facets.get("parent", {}))
    if parent:
        yield RunKey(parent["job"]["namespace"], parent["run"]["runId"])
    yield from upstream_runs(_stated(facets.get("jobDependencies", {})))


def upstream_runs(dependencies: Mapping[str, Any] | None) -> Iterator[RunKey]:
    """Yield the runs that a ``jobDependencies`` facet says had to end before."""
    for one in (dependencies or {}).get("upstream", ()):
        if "run" in one:
            yield RunKey(one["job"]["namespace"], one["run"]["runId"])


def _flow(said: Said, unit: Unit, role: Role, dataset: Mapping[str, Any]) -> None:
    name = _name(dataset)
    _dataset(said, dataset)
    _mention(said, unit, name)
    said.facts.append(Fact(unit, (role, *name), True))
    for version in _versions(dataset):
        said.facts.append(Fact(unit, (role, *name, "version", version), True))
    _declared_versions(said, dataset)
    for place in FACETS_IN:
        for key, facet in dataset.get(place, {}).items():
            if key in FLOW_FACETS:
                said.facts.append(Fact(unit, (role, *name, key), _stated(facet)))
    lineage = _facet(dataset, "columnLineage")
    named = []
    for one in column_sources_of(lineage) if lineage else ():
        named.append(_name(one))
        said.facts.append(Fact(dataset_unit(_name(one)), ("field", one["field"]), True))
    lineage = _facet(dataset, "lineage")
    if lineage:
        named += [_name(one) for one in sources_of(lineage) if one["type"] == "DATASET"]
    _mention(said, unit, *named)
    if role == "in" and (schema := _facet(dataset, "schema")):
        said.facts.append(Fact(dataset_unit(name), ("read",), schema, earliest=True))


def _mention(said: Said, unit: Unit, *names: Name) -> None:
    for name in names:
        said.mentions.add((unit, dataset_unit(name)))
        said.facts.append(Fact(dataset_unit(name), ("named",), True))


def _dataset(said: Said, dataset: Mapping[str, Any]) -> None:
    name = _name(dataset)
    facets = dataset.get("facets", {})
    said.facts.append(Fact(dataset_unit(name), ("named",), True))
    for key in DATASET_FACETS:
        if key in facets:
            said.facts.append(Fact(dataset_unit(name), (key,), _stated(facets[key])))
    for other in (_stated(facets.get("symlinks", {})) or {}).get("identifiers", ()):
        said.links.append((name, _name(other), other["type"]))


def _job(said: Said, job: Mapping[str, Any]) -> None:
    unit, facets = job_unit(_name(job)), job.get("facets", {})
    said.facts.append(Fact(unit, ("named",), True))
    for key in JOB_FACETS:
        if key in facets:
            said.facts.append(Fact(unit, (key,), _stated(facets[key])))


def _declared(said: Said, event: Mapping[str, Any]) -> None:
    unit = job_unit(_name(event["job"]))
    for role, key in ROLES.items():
        names = [_name(one) for one in event.get(key, ())]
        said.facts.append(Fact(unit, ("declared", role), names))
        for one in event.get(key, ()):
            _dataset(said, one)
        _mention(said, unit, *names)


def _declared_versions(said: Said, dataset: Mapping[str, Any]) -> None:
    name, schema = _name(dataset), _facet(dataset, "schema")
    for number in _versions(dataset):
        unit = version_unit(name, number)
        said.facts.append(Fact(unit, ("named",), True))
        said.mentions.add((unit, dataset_unit(name)))
        if schema:
            said.facts.append(Fact(unit, ("schema",), schema))


def _versions(dataset: Mapping[str, Any]) -> Iterator[str]:
    version = _facet(dataset, "version")
    if version:
        yield version["datasetVersion"]


def _facet(dataset: Mapping[str, Any], key: str) -> Any:
    return _stated(dataset.get("facets", {}).get(key, {})) or None


def _stated(facet: Mapping[str, Any]) -> Any:
    """Return a facet, or None for one that is deleted."""
    return None if facet.get("_deleted") is True else facet


def _name(one: Mapping[str, Any]) -> Name:
    return Name(one["namespace"], one["name"])
