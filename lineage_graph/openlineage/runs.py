"""One run, put together from what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage_graph.openlineage.facts import (
    Role,
    dataset_unit,
    run_unit,
    upstream_runs,
)
from lineage_graph.openlineage.flows import Flows, flows_of
from lineage_graph.openlineage.known import Known, text_of
from lineage_graph.openlineage.names import (
    Name,
    RunKey,
    declared_version,
    outside_version,
    written_version,
)

RUNNING = "running"
COMPLETED = "completed"
LOST = frozenset({"failed", "aborted"})


@dataclass
class Flow:
    """A dataset that a run read or wrote.

    Attributes:
        names: What it is called in this run.
        versions: Versions that the producer names.
        facets: What is said of it in this run, by key.
    """

    names: set[Name] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    facets: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportedVersion:
    """A version that a run read.

    Attributes:
        iri: The version.
        declared: Whether the producer named it.
    """

    iri: str
    declared: bool


@dataclass
class ReportedRun:
    """What is known of one run.

    Attributes:
        key: Which run.
        started: When it began, as far as is known.
        ended: When it ended, or the time of its last event.
        status: ``completed``, ``failed``, ``aborted`` or ``running``.
        job: What it is a run of.
        producer: Who said so.
        parent: The run that started it.
        upstream: Runs that had to end before it.
        engine: The ``processing_engine`` facet.
        inputs: What it read, by the dataset's name.
        outputs: What it wrote.
        flows: How data reached each output.
    """

    key: RunKey
    started: str
    ended: str
    status: str
    job: Name
    producer: str
    parent: RunKey | None
    upstream: list[RunKey]
    engine: Mapping[str, Any]
    inputs: dict[Name, Flow]
    outputs: dict[Name, Flow]
    flows: dict[Name, Flows]

    @property
    def unit(self) -> str:
        """Its unit, as text."""
        return text_of(run_unit(self.key))

    @property
    def written_at(self) -> str:
        """When what it wrote was there: at its end, or from its beginning when it goes on."""
        return self.started if self.status == RUNNING else self.ended

    def written(self, dataset: Name) -> list[str]:
        """Return the IRIs of the versions of an output; none when the run did not succeed.

        What it wrote is named as the run calls the dataset, not as others do: it stays the
        version of which people have said something, whatever the dataset is called later.
        """
        if self.status in LOST:
            return []
        flow = self.outputs[dataset]
        declared = sorted(declared_version(dataset, one) for one in flow.versions)
        return declared or [written_version(min(flow.names), self.key)]

    def otherwise_written(self, dataset: Name) -> list[str]:
        """Return the IRIs of what it wrote by the further names that it uses itself."""
        flow = self.outputs[dataset]
        others = () if flow.versions else sorted(flow.names)[1:]
        return [written_version(name, self.key) for name in others]


def read_run(known: Known, key: RunKey) -> ReportedRun | None:
    """Return what is known of a run; None when no event is about it."""
    facts = known.facts(run_unit(key))
    if not facts:
        return None
    first, last = facts["first",][1], facts["last",][1]
    status, end = facts["end",][1] if ("end",) in facts else (RUNNING, last)
    start = facts["start",][1] if ("start",) in facts else first
    inputs, outputs = _flows(known, facts, "in"), _flows(known, facts, "out")
    entries = _entries(known, facts)
    for dataset, said in entries.items():
        outputs.setdefault(dataset, Flow()).names.update(
            Name(entry["namespace"], entry["name"]) for entry in said
        )
    flows = {}
    for dataset, flow in outputs.items():
        found = flows_of(flow.facets, entries.get(dataset, []))
        flows[dataset] = _called(known, found)
        for source in flows[dataset].sources:
            inputs.setdefault(source, Flow())
    parent = _value(facts, "run", "parent")
    return ReportedRun(
        key=key,
        started=min(start, end),
        ended=end,
        status=status,
        job=Name(key.namespace, facts["job",][1]),
        producer=facts["producer",][1],
        parent=RunKey(parent["job"]["namespace"], parent["run"]["runId"]) if parent else None,
        upstream=sorted(set(upstream_runs(_value(facts, "run", "jobDependencies")))),
        engine=_value(facts, "run", "processing_engine") or {},
        inputs=inputs,
        outputs=outputs,
        flows=flows,
    )


def resolved(known: Known, run: ReportedRun) -> dict[Name, list[ReportedVersion]]:
    """Return which versions of its inputs a run read, as far as the events say.

    A version that the producer names is that one. Otherwise it is the newest that another
    run had written when this one began; before all of those, the one that was there.
    """
    found = {}
    for dataset, flow in run.inputs.items():
        named = [ReportedVersion(declared_version(dataset, v), True) for v in sorted(flow.versions)]
        found[dataset] = named or [ReportedVersion(_newest(known, run, dataset), False)]
    return found


def _newest(known: Known, run: ReportedRun, dataset: Name) -> str:
    unit = text_of(dataset_unit(dataset))
    return known.newest(unit, run.started, run.unit) or outside_version(dataset)


def _value(facts: Mapping[tuple[str, ...], tuple[str, Any]], *key: str) -> Any:
    return facts[key][1] if key in facts else None


def _flows(
    known: Known, facts: Mapping[tuple[str, ...], tuple[str, Any]], role: Role
) -> dict[Name, Flow]:
    """Return what a run read or wrote; what it calls by several names is one dataset."""
    found: dict[Name, Flow] = {}
    said: dict[tuple[Name, str], tuple[str, str]] = {}
    for key, (at, value) in sorted(facts.items()):
        if key[0] != role:
            continue
        name = Name(*key[1:3])
        dataset = known.dataset(name)
        flow = found.setdefault(dataset, Flow())
        flow.names.add(name)
        if key[3:4] == ("version",):
            flow.versions.add(key[4])
        elif len(key) == 4 and (at, key[2]) >= said.get((dataset, key[3]), ("", "")):
            said[dataset, key[3]] = (at, key[2])
            flow.facets[key[3]] = value
    return found


def _entries(
    known: Known, facts: Mapping[tuple[str, ...], tuple[str, Any]]
) -> dict[Name, list[Mapping[str, Any]]]:
    found: dict[Name, list[Mapping[str, Any]]] = {}
    for entry in (_value(facts, "lineage") or {}).get("entries", ()):
        if entry["type"] == "DATASET":
            dataset = known.dataset(Name(entry["namespace"], entry["name"]))
            found.setdefault(dataset, []).append(entry)
    return found


def _called(known: Known, flows: Flows) -> Flows:
    """Return flows in which datasets have the names they are called by."""
    called = Flows(flows.explicit, fields=flows.fields)
    for flow in flows.columns:
        called.columns.add(type(flow)(**{**vars(flow), "source": known.dataset(flow.source)}))
    for source, kinds in flows.sources.items():
        called.sources.setdefault(known.dataset(source), set()).update(kinds)
    return called
