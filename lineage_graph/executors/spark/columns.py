"""Which inputs and columns a Spark Connect plan's output comes from, and how.

Relations are evaluated bottom up, each to a :class:`Frame`. Names are derived
here where that is certain and asked of Spark where it is not. What is not known
exactly comes from all columns of its inputs: never too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from lineage_graph.executors import ColumnPath, InputPath
from lineage_graph.executors.spark.column_relations import RelationColumns
from lineage_graph.executors.spark.flows import (
    Column,
    Flows,
    Frame,
    Kinds,
    Path,
    Source,
    Sources,
    find,
    named,
    union_of,
)
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import relation_type
from lineage_graph.executors.spark.topology import Topology

SchemaOf = Callable[[Any], Sequence[str]]


@dataclass(frozen=True)
class PlanLineage:
    """Where a plan's output comes from.

    Attributes:
        inputs: Each distinct set of kinds on a way from an input to the output.
        columns: Each way a source column's values reach an output column's.
        influences: Source columns that decide which rows there are.
        group_sizes: Names of output columns that count the rows of groups.
    """

    inputs: tuple[InputPath, ...]
    columns: tuple[ColumnPath, ...]
    influences: tuple[Source, ...]
    group_sizes: tuple[str, ...] = ()


def derivations(relation: Any, schema_of: SchemaOf, operators: Operators) -> PlanLineage:
    """Return where a plan's output comes from.

    Args:
        relation: A closed and lifted ``spark.connect.Relation``: it reads slots.
        schema_of: Returns the column names of a relation, as Spark resolves them.
        operators: The declared kinds of relations and functions.
    """
    names = _Names(schema_of)
    frame = named(_Plan(relation, names, operators).evaluate(), names.of(relation))
    return PlanLineage(
        _inputs(frame.paths),
        _columns(frame.columns),
        _sorted(frame.influences),
        tuple(c.name for c in frame.columns if c.group_size),
    )


def _inputs(paths: Iterable[Path]) -> tuple[InputPath, ...]:
    found = {InputPath(p.slot, _terms(p.kinds), p.approximate) for p in paths}
    return tuple(sorted(found, key=lambda p: (p.slot, p.kinds, p.approximate)))


def _columns(columns: Iterable[Column]) -> tuple[ColumnPath, ...]:
    found = []
    for column in columns:
        paths = {
            ColumnPath(column.name, f.source.slot, f.source.column, _terms(f.kinds), f.approximate)
            for f in column.flows
        }
        found.extend(sorted(paths, key=lambda p: (p.slot, p.source, p.kinds, p.approximate)))
    return tuple(dict.fromkeys(found))


def _terms(kinds: Kinds) -> tuple[str, ...]:
    if "Decrypt" in kinds:
        # Which of them came last is not known: then nothing is protected.
        kinds -= {"Encrypt"}
    return tuple(sorted(kinds - {"Identity"})) or ("Identity",)


def _sorted(sources: Sources) -> tuple[Source, ...]:
    return tuple(sorted(sources, key=lambda s: (s.slot, s.column)))


class _Names:
    """Column names as Spark resolves them, each relation asked once."""

    def __init__(self, schema_of: SchemaOf) -> None:
        self._schema_of = schema_of
        self._known: dict[int, tuple[Any, Sequence[str] | None]] = {}

    def of(self, relation: Any) -> Sequence[str] | None:
        """Return the names; None for what cannot stand alone, such as a correlated subquery."""
        if id(relation) not in self._known:
            try:
                names: Sequence[str] | None = list(self._schema_of(relation))
            except Exception:  # whatever Spark says no with, lineage must go on
                names = None
            self._known[id(relation)] = (relation, names)
        return self._known[id(relation)][1]


class _Plan:
    """Evaluates the relations of one plan."""

    def __init__(self, relation: Any, names: _Names, operators: Operators) -> None:
        self.names = names
        self.operators = operators
        self.topology = Topology(relation)
        self.frames: list[Frame] = []
        self._outer = _outer_positions(self.topology)
        self.correlated: Set[int] = self._outer.keys() - _standing_alone(self.topology)

    def evaluate(self) -> Frame:
        """Return the frame of the topmost relation."""
        for index in range(len(self.topology.nodes)):
            self.frames.append(RelationColumns(self, index).evaluate())
        return self.frames[-1]

    def frame_of(self, plan_id: int) -> Frame | None:
        """Return the frame of a relation that has been evaluated."""
        index = self.topology.position.get(plan_id, len(self.frames))
        return self.frames[index] if index < len(self.frames) else None

    def hidden(self, index: int, parts: Sequence[str]) -> Flows | None:
        """Look a name up further down, where Spark still finds it for filters and sorts."""
        level = list(self.topology.nodes[index].inputs)
        seen = set(level)
        while level:
            found = [f for i in level if (f := find(self.frames[i], parts)) is not None]
            if found:
                return union_of(found)
            below = [i for at in level for i in self.topology.nodes[at].inputs]
            level = [i for i in dict.fromkeys(below) if i not in seen]
            seen.update(level)
        return None

    def outer(self, index: int, parts: Sequence[str]) -> Flows | None:
        """Look a name up in the tables that a correlated subquery stands in."""
        found = [f for i in self._outer.get(index, ()) if (f := find(self.frames[i], parts))]
        return union_of(found) if found else None

    def everything(self) -> Flows:
        """Return a flow from every source met so far."""
        return union_of(f.everything() for f in self.frames)


def _standing_alone(topology: Topology) -> set[int]:
    """Return the relations that are no part of a correlated subquery."""
    found: set[int] = set()
    stack = [len(topology.nodes) - 1]
    while stack:
        index = stack.pop()
        if index not in found:
            found.add(index)
            node = topology.nodes[index]
            kind = relation_type(node.relation)
            stack.extend(node.inputs[:1] if kind == "lateral_join" else node.inputs)
            stack.extend(node.references if kind == "sql" else ())
    return found


def _outer_positions(topology: Topology) -> dict[int, tuple[int, ...]]:
    """Return, for each relation of a correlated subquery, the tables outside it."""
    outer: dict[int, tuple[int, ...]] = {}
    for node in topology.nodes:
        inner, around = node.references, node.inputs
        if relation_type(node.relation) == "lateral_join":
            inner, around = node.inputs[1:], node.inputs[:1]
        if around:
            stack = list(inner)
            while stack:
                index = stack.pop()
                if around[0] not in outer.get(index, ()):
                    outer[index] = (*outer.get(index, ()), *around)
                    stack.extend(topology.nodes[index].inputs)
                    stack.extend(topology.nodes[index].references)
    return outer
