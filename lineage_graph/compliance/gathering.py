"""Gathers what a report is made from: declared processing, versions, statuses, runs, places.

Everything is asked for in bulk. Of datasets and models the newest versions are looked at, with
all they came from; of models also older ones, with what they learnt from: one that was trained
too late stays a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from lineage_graph.compliance.assessment import Assessment
from lineage_graph.compliance.runs import Runs, Touched
from lineage_graph.compliance.statements import Statements
from lineage_graph.declarations import Declarations
from lineage_graph.identity import kind_of, name_of, named, part
from lineage_graph.stores import Row

if TYPE_CHECKING:
    from lineage_graph.index import LineageIndex
    from lineage_graph.privacy.status import Holding, Status

ASSESSMENT: Final = named("assessment", "report")
LEARNING: Final = frozenset(("Training", "MemorisingTraining", "FineTune", "Distil"))
PREDICTING: Final = "Inference"
_MANY: Final = 20_000
"""From so many on all there is read faster than each is looked up."""


class Asked(Protocol):
    """Answers declared queries over the record as of one entry."""

    def run(self, name: str, **values: Any) -> list[Row]:
        """Return the rows of a declared SELECT."""
        ...


@dataclass(frozen=True)
class Affected:
    """What something has to do with the person a report is about.

    Attributes:
        version: IRI of the version.
        verdict: Such as ``contains``.
        path: How the person's data came there.
        why: Why that is the verdict.
        duty: What has to be done about it.
        order: When it is made again.
    """

    version: str
    verdict: str
    path: str = ""
    why: str = ""
    duty: str | None = None
    order: int | None = None


@dataclass(frozen=True)
class State:
    """The record as of one entry, as it can be asked.

    Attributes:
        seq: Seq of that entry.
        past: The same when it is not the last one; None for the present.
        asked: Answers queries.
        processing: What is declared, as N-Triples.
        index: Reachability.
        ordered: Gives the versions of every dataset and model, the first one first.
        statuses: Gives the privacy status of versions.
        on: The day by which time limits are judged.
        affected: What concerns one person; empty when a report is about none.
    """

    seq: int
    past: int | None
    asked: Asked
    processing: bytes
    index: LineageIndex
    ordered: Callable[[], Mapping[str, Sequence[str]]]
    statuses: Callable[[Collection[str]], Mapping[str, Status]]
    on: date
    affected: tuple[Affected, ...] = field(default=())


def assess(declarations: Declarations, state: State) -> Assessment:
    """Return the assessment of a state.

    Args:
        declarations: Where the ontology and the queries are.
        state: What is recorded.
    """
    assessment = Assessment(declarations, state.processing)
    assessment.add(_Gathering(declarations, state, assessment).statements())
    return assessment


class _Gathering:
    """One gathering."""

    def __init__(self, declarations: Declarations, state: State, assessment: Assessment) -> None:
        self._state = state
        self._assessment = assessment
        self._said = Statements(declarations)
        self._term = declarations.iri
        ordered = state.ordered()
        self._thing = {version: thing for thing, all_ in ordered.items() for version in all_}
        self._label = {
            version: f"{name}@{number}"
            for name, all_ in ((name_of(thing), all_) for thing, all_ in ordered.items())
            for number, version in enumerate(all_, 1)
        }
        self._newest = {all_[-1] for all_ in ordered.values() if all_}
        self._numbers = state.index.ids(self._thing)
        self._iris = {number: iri for iri, number in self._numbers.items()}

    def statements(self) -> bytes:
        """Return everything as N-Triples."""
        wanted = self._wanted()
        statuses = self._state.statuses(wanted)
        self._versions(wanted, statuses)
        self._derivations(set(wanted))
        self._touches(set(wanted))
        located = self._places(wanted)
        self._persons(set(wanted))
        self._summary(wanted, statuses, located)
        return self._said.ntriples()

    def _wanted(self) -> list[str]:
        """Return the versions that are looked at, in a fixed order."""
        models = {v for v in self._thing if kind_of(v) == "model-version"}
        concerned = {one.version for one in self._state.affected}
        starts = self._numbered(self._newest | concerned)
        if not starts:
            return []
        walk, past = self._state.index.closure, self._state.past
        found = set(walk(starts, downstream=False, as_of=past).nodes.tolist())
        found |= set(
            walk(self._numbered(models), downstream=False, depth=1, as_of=past).nodes.tolist()
        )
        return sorted(self._iris[n] for n in found if n in self._iris)

    def _numbered(self, versions: Collection[str]) -> list[int]:
        return [self._numbers[version] for version in versions if version in self._thing]

    def _versions(self, wanted: Sequence[str], statuses: Mapping[str, Status]) -> None:
        said = self._said
        personal = [v for v in wanted if v in statuses and statuses[v].personal]
        facts = self._facts(personal)
        for version in wanted:
            is_model = kind_of(version) == "model-version"
            said.kind(version, "lg:ModelVersion" if is_model else "lg:DatasetVersion")
            said.link(version, "dcat:isVersionOf", self._thing[version])
            said.text(version, "rdfs:label", self._label[version])
            if version in self._newest:
                said.value(version, "lg:newest", True)
            if version in facts:
                said.value(version, "prov:generatedAtTime", facts[version]["generated"])
                said.value(version, "lg:rowCount", facts[version]["rows"])
            if version in statuses:
                self._status(version, statuses[version])

    def _facts(self, versions: Collection[str]) -> Mapping[str, Row]:
        """Return when versions were made and how many rows they have."""
        if not versions:
            return {}
        chosen = versions if len(versions) < _MANY else None
        rows = self._state.asked.run("assessment/versions", version=chosen)
        return {str(row["version"]): row for row in rows}

    def _status(self, version: str, status: Status) -> None:
        said = self._said
        said.link(version, "lg:privacyStatus", self._term(f"lg:{status.status}"))
        if status.rule:
            said.link(version, "lg:statusRule", status.rule)
        said.text(version, "lg:statusPath", status.path)
        for number, holding in enumerate(status.holdings, 1):
            self._holding(version, part(version, "holds", number), holding)

    def _holding(self, version: str, node: str, holding: Holding) -> None:
        said = self._said
        said.link(version, "lg:holds", node)
        said.kind(node, "lg:Holding")
        said.links("dpv:hasPersonalData", ((node, category) for category in holding.categories))
        if holding.semantic_type:
            said.link(node, "lg:semanticType", holding.semantic_type)
        said.link(node, "lg:identifierRole", self._term(f"lg:{holding.role}"))
        said.text(node, "lg:columnName", holding.column)
        said.text(node, "lg:labelStatus", holding.label_status)
        if holding.rule:
            said.link(node, "lg:holdingRule", holding.rule)
        said.text(node, "lg:holdingPath", holding.path)
        if holding.inferred:
            said.value(node, "lg:inferredAboutPersons", True)

    def _derivations(self, wanted: Collection[str]) -> None:
        kind_sets = self._state.index.kind_sets
        numbers = [self._numbers[v] for v in wanted]
        derived, source, codes, _ = self._edges(numbers)
        pairs: dict[str, list[tuple[str, str]]] = {"lg:trainedOn": [], "lg:inferredBy": []}
        every = pairs["prov:wasDerivedFrom"] = []
        for out, into, code in zip(derived.tolist(), source.tolist(), codes.tolist(), strict=True):
            if into not in self._iris:
                continue
            pair = (self._iris[out], self._iris[into])
            every.append(pair)
            kinds = kind_sets[code]
            if not LEARNING.isdisjoint(kinds):
                pairs["lg:trainedOn"].append(pair)
            if PREDICTING in kinds and kind_of(pair[1]) == "model-version":
                pairs["lg:inferredBy"].append(pair)
        for property_, found in pairs.items():
            self._said.links(property_, dict.fromkeys(found))

    def _edges(self, numbers: Collection[int]) -> tuple[Any, Any, Any, Any]:
        """Return the derivations that lead into versions: derived, source, kinds, run."""
        walked = self._state.index.closure(
            numbers, downstream=False, depth=1, as_of=self._state.past, invalidated=True
        )
        return walked.edge_arrays()

    def _touches(self, wanted: Collection[str]) -> None:
        declared: dict[str, set[str]] = {
            str(row["process"]): set() for row in self._assessment.rows("assessment/processes")
        }
        for row in self._assessment.rows("assessment/declared_touches"):
            declared[str(row["process"])].add(str(row["thing"]))
        newest = {self._thing[v]: v for v in self._newest}
        touched = self._runs(declared)
        times = self._times(touched.values())
        for process, things in declared.items():
            said = {newest[thing] for thing in things if thing in newest}
            run = {self._iris[n] for n in touched[process].versions.tolist()} & set(wanted)
            self._said.links("lg:touches", ((process, v) for v in sorted(said | run)))
            if things:
                self._said.text(process, "lg:touchedBy", "declared")
            if touched[process].runs.size:
                self._said.text(process, "lg:touchedBy", "run")
                self._runs_of(process, touched[process], times)

    def _runs_of(self, process: str, touched: Touched, times: Mapping[int, Row]) -> None:
        runs = touched.runs
        self._said.value(process, "lg:runCount", int(runs.size))
        first, last = times.get(int(runs[0])), times.get(int(runs[-1]))
        self._said.value(process, "lg:firstRun", first["began"] if first else None)
        self._said.value(process, "lg:lastRun", (last["ended"] or last["began"]) if last else None)

    def _runs(self, declared: Mapping[str, Collection[str]]) -> Mapping[str, Touched]:
        things = {thing: number for number, thing in enumerate(sorted(set(self._thing.values())))}
        thing_of = np.full(max(self._iris, default=0) + 1, -1, np.int64)
        for version, thing in self._thing.items():
            thing_of[self._numbers[version]] = things[thing]
        derived, source, _, activity = self._edges(list(self._numbers.values()))
        known = np.flatnonzero(source < thing_of.size)
        runs = Runs(derived[known], source[known], activity[known], thing_of)
        return runs.of(
            {p: {things[t] for t in said if t in things} for p, said in declared.items()}
        )

    def _times(self, touched: Iterable[Touched]) -> Mapping[int, Row]:
        """Return when the first and the last run of each process were."""
        ends = {int(run) for one in touched if one.runs.size for run in one.runs[[0, -1]]}
        if not ends:
            return {}
        activities = self._state.index.iris(ends)
        rows = self._state.asked.run("assessment/run_times", activity=sorted(activities.values()))
        found = {str(row["activity"]): row for row in rows}
        return {n: found[iri] for n, iri in activities.items() if iri in found}

    def _places(self, wanted: Collection[str]) -> frozenset[str]:
        """Say where versions lie; return those of which that is recorded."""
        places: dict[str, list[str]] = {}
        for row in self._assessment.rows("assessment/locations"):
            places.setdefault(str(row["dataset"]), []).append(str(row["place"]))
        pairs = [(v, place) for v in wanted for place in places.get(self._thing[v], ())]
        self._said.links("lg:locatedIn", pairs)
        return frozenset(version for version, _ in pairs)

    def _persons(self, wanted: Collection[str]) -> None:
        said = self._said
        for one in self._state.affected:
            if one.version not in wanted:
                continue
            node = part(one.version, "impact")
            said.link(one.version, "lg:impact", node)
            said.kind(node, "lg:SubjectImpact")
            said.text(node, "lg:impactVerdict", one.verdict)
            said.text(node, "lg:impactPath", one.path)
            said.text(node, "lg:impactReason", one.why)
            said.text(node, "lg:impactDuty", one.duty)
            said.value(node, "lg:rebuildOrder", one.order)

    def _summary(
        self, wanted: Sequence[str], statuses: Mapping[str, Status], located: Collection[str]
    ) -> None:
        newest = [v for v in wanted if v in self._newest and v in statuses]
        datasets = [v for v in newest if kind_of(v) != "model-version"]
        personal = [v for v in datasets if statuses[v].personal]
        policy = self._assessment.rows("assessment/policy")[0]
        processes = self._assessment.rows("assessment/processes")
        said = self._said
        said.kind(ASSESSMENT, "lg:Assessment")
        values: Mapping[str, bool | int | date | datetime | None] = {
            "lg:ledgerSeq": self._state.seq,
            "lg:assessedOn": self._state.on,
            "lg:minGroupSize": policy["least"],
            "lg:largeScaleThreshold": policy["large"],
            "lg:hasProcesses": bool(processes),
            "lg:hasPersonal": any(statuses[v].personal for v in newest),
            "lg:personalDatasets": len(personal),
            "lg:locatedDatasets": len([v for v in personal if v in located]),
            "lg:unexaminedDatasets": len(
                [v for v in datasets if statuses[v].status == "NotExamined"]
            ),
        }
        for property_, value in values.items():
            said.value(ASSESSMENT, property_, value)
