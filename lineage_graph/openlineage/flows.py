"""How data went from the inputs of a run to an output, by the facets that say so.

``columnLineage`` in its old and new form, ``lineage`` of datasets and jobs. What decides only
which rows there are is said of datasets, as of recorded Spark jobs, not of columns.

Source: OpenLineage, ColumnLineageDatasetFacet 1-2-0 and LineageFacet 1-0-0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lineage_graph.openlineage.names import Name

Kinds = tuple[str, ...]

UNKNOWN: Final[Kinds] = ("Combine", "Transform")
"""What is said of a dataset when nothing is known: values may be there, and be others."""

_DIRECT: Final = {
    "IDENTITY": "Identity",
    "TRANSFORMATION": "Transform",
    "AGGREGATION": "Aggregate",
    "MASKED": "Transform",
}
# What decides on rows or groups: how it acts beside values, and how it acts alone.
_INDIRECT: Final = {
    "JOIN": ("Combine", "Combine"),
    "FILTER": ("Filter", "Combine"),
    "GROUP_BY": (None, "Aggregate"),
    "SORT": (None, "Combine"),
    "WINDOW": ("Transform", "Transform"),
    "CONDITIONAL": ("Transform", "Transform"),
}
_ON_VALUES: Final = frozenset({"CONDITIONAL", "WINDOW"})


@dataclass(frozen=True)
class ColumnFlow:
    """One way from a column of an input to a column of an output.

    Attributes:
        field: Column of the output.
        source: Name of the input.
        column: Column of the input.
        kinds: Terms of the kinds of derivation.
        approximate: Whether the producer did not say how.
    """

    field: str
    source: Name
    column: str
    kinds: Kinds
    approximate: bool


@dataclass
class Flows:
    """What is said of how data reached one output.

    Attributes:
        explicit: Whether anything is said, perhaps that there are no sources.
        columns: Ways between columns.
        fields: Columns of the output that are named.
        sources: For each input, the sets of kinds on the ways from it.
    """

    explicit: bool = False
    columns: set[ColumnFlow] = field(default_factory=set)
    fields: list[str] = field(default_factory=list)
    sources: dict[Name, set[Kinds]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Step:
    """One transformation of one input field, or of a whole input."""

    field: str | None
    source: Name
    column: str | None
    kind: str | None
    subtype: str


def flows_of(facets: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> Flows:
    """Return how data reached an output.

    Args:
        facets: The facets of the output.
        entries: What a ``lineage`` facet of the job says of this output.
    """
    found = Flows()
    steps: list[_Step] = []
    if column_lineage := facets.get("columnLineage"):
        found.explicit = True
        steps += _of_columns(column_lineage)
        found.fields += column_lineage["fields"]
    for lineage in filter(None, (facets.get("lineage"), *entries)):
        found.explicit = True
        steps += _of_lineage(lineage)
        found.fields += lineage.get("fields", {})
    found.fields = list(dict.fromkeys(found.fields))
    for step in steps:
        flow = _column_flow(step)
        if flow is not None:
            found.columns.add(flow)
    for source in {step.source for step in steps}:
        found.sources[source] = _whole_kinds([step for step in steps if step.source == source])
    return found


def _of_columns(lineage: Mapping[str, Any]) -> Iterator[_Step]:
    for name, entry in lineage["fields"].items():
        old = entry.get("transformationType")
        for source in entry["inputFields"]:
            yield from _steps(name, source, old)
    for source in lineage.get("dataset", ()):
        yield from _steps(None, source, None)


def _of_lineage(lineage: Mapping[str, Any]) -> Iterator[_Step]:
    named = [(None, one) for one in lineage.get("inputs", ())]
    for name, entry in lineage.get("fields", {}).items():
        named += [(name, one) for one in entry["inputs"]]
    for name, source in named:
        if source["type"] == "DATASET":
            yield from _steps(name, source, None)


def _steps(name: str | None, source: Mapping[str, Any], old: str | None) -> Iterator[_Step]:
    of, column = Name(source["namespace"], source["name"]), source.get("field")
    # A field of the source that is said of the whole output decides on its rows.
    decides = name is None and column is not None
    transformations = source.get("transformations") or [
        {"type": "INDIRECT" if decides else "DIRECT", "subtype": old}
    ]
    for one in transformations:
        kind, subtype = one["type"].upper(), (one.get("subtype") or "").upper()
        yield _Step(name, of, column, "INDIRECT" if decides else kind, subtype)


def _column_flow(step: _Step) -> ColumnFlow | None:
    if step.field is None or step.column is None:
        return None
    if step.kind == "INDIRECT" and step.subtype not in _ON_VALUES:
        return None
    known = _DIRECT if step.kind != "INDIRECT" else {one: "Transform" for one in _ON_VALUES}
    kind = known.get(step.subtype)
    return ColumnFlow(step.field, step.source, step.column, (kind or "Transform",), kind is None)


def _whole_kinds(steps: list[_Step]) -> set[Kinds]:
    """Return the distinct sets of kinds on the ways from one input to the output."""
    deciding = [_INDIRECT.get(one.subtype, ("Combine", "Combine")) for one in _indirect(steps)]
    direct = [step for step in steps if step.kind != "INDIRECT"]
    if not direct:
        return {tuple(sorted({alone for _, alone in deciding}))}
    beside = {kind for kind, _ in deciding if kind is not None}
    found = set()
    for step in direct:
        kind = _DIRECT.get(step.subtype)
        if kind is None:
            found.add(tuple(sorted(beside | set(UNKNOWN))))
        else:
            own = "Projection" if kind == "Identity" else kind
            found.add(tuple(sorted(beside | {own})))
    return found


def _indirect(steps: list[_Step]) -> list[_Step]:
    return [step for step in steps if step.kind == "INDIRECT"]
