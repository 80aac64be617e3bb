"""What the expressions of one relation can name, and where that comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any, Protocol

from lineage_graph.executors.spark.column_expressions import (
    Value,
    Values,
    name_parts,
)
from lineage_graph.executors.spark.flows import (
    COPY,
    Column,
    Flows,
    Frame,
    Kinds,
    field_of,
    find,
    find_columns,
    same,
    union_of,
)
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import relation_type
from lineage_graph.executors.spark.sql_columns import SqlColumns
from lineage_graph.executors.spark.topology import Topology


class Names(Protocol):
    """Column names as Spark resolves them."""

    def of(self, relation: Any) -> Sequence[str] | None:
        """Return a relation's column names, or None."""
        ...


class Plan(Protocol):
    """The plan around a relation, as far as it has been evaluated."""

    operators: Operators
    topology: Topology
    frames: list[Frame]
    correlated: Set[int]

    @property
    def names(self) -> Names:
        """Column names as Spark resolves them."""
        ...

    def frame_of(self, plan_id: int) -> Frame | None:
        """Return the frame of a relation that has been evaluated."""
        ...

    def hidden(self, index: int, parts: Sequence[str]) -> Flows | None:
        """Look a name up further down."""
        ...

    def outer(self, index: int, parts: Sequence[str]) -> Flows | None:
        """Look a name up around a correlated subquery."""
        ...

    def everything(self) -> Flows:
        """Return a flow from every source met so far."""
        ...


class RelationScope:
    """One relation among its inputs.

    Args:
        plan: The plan around it; its inputs have been evaluated.
        index: Its position there.
    """

    def __init__(self, plan: Plan, index: int) -> None:
        node = plan.topology.nodes[index]
        self.plan = plan
        self.index = index
        self.relation = node.relation
        self.kind = relation_type(node.relation)
        self.inputs = [plan.frames[i] for i in node.inputs]
        self.references = [plan.frames[i] for i in node.references]
        self.frame = self.inputs[0] if self.inputs else Frame()
        self._values = Values(self, plan.operators)
        self.asked: list[Frame] = []

    def attribute(self, attribute: Any) -> Flows:
        """Return the flows of a column, by the table it was taken from or by name."""
        parts = name_parts(attribute.unparsed_identifier)
        if attribute.HasField("plan_id"):
            found = self._of_table(attribute.plan_id, parts)
            if found is not None:
                return found
        return self.named(parts)

    def named(self, parts: Sequence[str]) -> Flows:
        """Return the flows of a name; of everything when nothing has it."""
        for look in (self._here, self._hidden, self._outside):
            found = look(parts)
            if found is not None:
                return found
        return self.plan.everything()

    def _here(self, parts: Sequence[str]) -> Flows | None:
        found = [f for frame in self.inputs if (f := find(frame, parts)) is not None]
        return union_of(found) if found else None

    def _hidden(self, parts: Sequence[str]) -> Flows | None:
        return self.plan.hidden(self.index, parts)

    def _outside(self, parts: Sequence[str]) -> Flows | None:
        return self.plan.outer(self.index, parts)

    def _of_table(self, plan_id: int, parts: Sequence[str]) -> Flows | None:
        origin = self.plan.frame_of(plan_id)
        found = find_columns(origin, parts) if origin is not None else None
        if found is None:
            return None
        columns, nested = found
        # What was passed on since may have been combined, so look here first.
        flows = union_of(c.flows for c in self._kept(columns) or columns)
        return field_of(flows) if nested else flows

    def _kept(self, columns: Iterable[Column]) -> list[Column]:
        """Return what is left here of columns taken from a table below."""
        keys = {id(c.key) for c in columns}
        return [c for frame in self.inputs for c in frame.columns if id(c.key) in keys]

    def dropped(self, attribute: Any) -> list[Column]:
        """Return the columns an attribute means, itself and not its fields."""
        parts = name_parts(attribute.unparsed_identifier)
        if attribute.HasField("plan_id"):
            origin = self.plan.frame_of(attribute.plan_id)
            found = find_columns(origin, parts) if origin is not None else None
            if found is not None:
                return self._kept(found[0])
        here = find_columns(self.frame, parts)
        return here[0] if here is not None and not here[1] else []

    def passed(self, attribute: Any) -> Column | None:
        """Return the one column that an attribute hands on as it is."""
        columns = self.dropped(attribute)
        flows = self.attribute(attribute)
        alike = [c for c in columns if c.flows == flows]
        return alike[0] if alike else None

    def star(self, star: Any) -> list[Column]:
        """Return the columns of a star; a struct's fields are one column."""
        if star.HasField("plan_id"):
            origin = self.plan.frame_of(star.plan_id)
            keys = {id(c.key) for c in origin.columns} if origin is not None else set()
            found = [c for c in self.frame.columns if id(c.key) in keys]
            if found:
                return found
        return self.columns_of(name_parts(star.unparsed_target.removesuffix(".*")))

    def columns_of(self, target: Sequence[str]) -> list[Column]:
        """Return the columns of ``target.*``, of ``*`` without a target."""
        every = [c for frame in self.inputs for c in frame.columns]
        if not target or not target[-1]:
            return every
        owned = [c for c in every if c.qualifier.lower() == target[-1].lower()]
        return owned or [Column("", field_of(self.named(target)))]

    def text(self, expression: str) -> Value:
        """Return the value of an expression written as SQL."""
        items = self.sql_items(expression)
        value = Value()
        for column, made in items:
            value.add(made or Value(column.flows), COPY)
        return value

    def sql_items(self, expression: str) -> list[tuple[Column, Value | None]]:
        """Return the columns of SQL text in a selection, with what is computed for them."""
        return self._sql_text({}).items(expression)

    def sql_query(self, text: str) -> Frame | None:
        """Return what an SQL query makes of the tables it refers to, if it can be read."""
        nodes = self.plan.topology.nodes
        tables = {}
        for index in nodes[self.index].references:
            relation = nodes[index].relation
            if relation_type(relation) == "subquery_alias":
                tables[relation.subquery_alias.alias.lower()] = self.plan.frames[index]
        return self._sql_text(tables).query(text)

    def _sql_text(self, tables: dict[str, Frame]) -> SqlColumns:
        return SqlColumns(self.plan.operators, tables, self.named, self.columns_of)

    def subquery(self, plan_id: int) -> Frame | None:
        """Return the table behind a subquery."""
        return self.plan.frame_of(plan_id)

    def value(self, expression: Any) -> Value:
        """Return what an expression is made of; its subqueries become inputs."""
        return self.asking(self._values.of(expression))

    def asking(self, value: Value) -> Value:
        """Make what was asked for a value an input of the relation."""
        self.asked.extend(value.subqueries)
        return value

    def flows(self, expressions: Iterable[Any]) -> Flows:
        """Return the flows of some expressions together."""
        return union_of(self.value(e).flows for e in expressions)

    def kinds(self) -> Kinds:
        """Return what the relation itself does, as declared."""
        return frozenset({self.plan.operators.relation(self.kind).kind}) - {"Identity"}

    def spark_names(self) -> Sequence[str] | None:
        """Return the names of this relation's columns, asked of Spark.

        A part of a correlated subquery cannot stand alone, so Spark cannot say.
        """
        if self.inputs and self.index in self.plan.correlated:
            return None
        return self.plan.names.of(self.plan.topology.nodes[self.index].whole)

    def pick(self, names: Iterable[str]) -> list[Column]:
        """Return columns by name, all of them when none is named."""
        wanted = [c for name in names for c in same(self.frame.columns, name)]
        return wanted if names else list(self.frame.columns)
