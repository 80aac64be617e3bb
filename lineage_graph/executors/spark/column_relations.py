"""What each relation of Spark Connect does to the columns of its inputs.

One method for each relation whose lineage is known, named as its message in
``spark/connect/relations.proto``; any other relation's columns may come from
everywhere below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pyspark.sql.connect.proto as pb2

from lineage_graph.executors.spark.column_expressions import (
    GENERATORS,
    TRANSFORM,
    Value,
    aggregate_kinds,
    matching,
    name_parts,
    spread,
)
from lineage_graph.executors.spark.column_scope import RelationScope
from lineage_graph.executors.spark.flows import (
    COPY,
    NOTHING,
    Column,
    Flow,
    Flows,
    Frame,
    Path,
    Source,
    aliased,
    changed,
    counted,
    join,
    matched,
    named,
    same,
    sources_of,
    union,
    union_of,
    unknown,
)
from lineage_graph.executors.spark.plans import SLOT


class RelationColumns(RelationScope):
    """Evaluates one relation."""

    def evaluate(self) -> Frame:
        """Return what the relation makes of its inputs."""
        operator = self.plan.operators.relation(self.kind)
        if operator.deterministic != "always":
            self.frame = self.frame.by_order()
        message = getattr(self.relation, self.kind, None)
        handler: Callable[[Any], Frame] = getattr(self, f"_{self.kind}", self._unknown)
        return handler(message).beside(*self.asked)

    def _unknown(self, _: Any) -> Frame:
        kinds = self.kinds() or TRANSFORM
        return unknown([*self.inputs, *self.references], self.spark_names(), kinds)

    # Sources

    def _read(self, read: Any) -> Frame:
        paths = list(read.data_source.paths)
        if len(paths) != 1 or not paths[0].startswith(SLOT):
            return self._constant(read)
        sources = [Source(paths[0], name) for name in self.spark_names() or ()]
        columns = tuple(Column(s.column, frozenset({Flow(s)})) for s in sources)
        return Frame(columns, frozenset({Path(paths[0])}), sources=frozenset(sources))

    def _constant(self, _: Any) -> Frame:
        return Frame(tuple(Column(name, NOTHING) for name in self.spark_names() or ()))

    _range = _constant
    _local_relation = _constant
    _cached_local_relation = _constant
    _chunked_cached_local_relation = _constant

    def _sql(self, sql: Any) -> Frame:
        arguments = [*sql.named_arguments.values(), *sql.pos_arguments]
        given = self.flows(arguments)
        frame = self.sql_query(sql.query)
        names = self.spark_names()
        if frame is None:
            return self._unknown(sql)
        columns = spread(frame.columns, names) if names is not None else list(frame.columns)
        if columns is None:
            return self._unknown(sql)
        return frame.with_columns(columns).influenced(given)

    def _unresolved_table_valued_function(self, function: Any) -> Frame:
        flows = changed(self.flows(function.arguments), TRANSFORM)
        names = GENERATORS.get(function.function_name.lower()) or self.spark_names() or ("",)
        return Frame(tuple(Column(n, flows) for n in names)).influenced(flows)

    # Names and places of rows

    def _same(self, _: Any) -> Frame:
        return self.frame

    _hint = _same
    _repartition = _same
    _collect_metrics = _same
    _with_watermark = _same

    def _subquery_alias(self, alias: Any) -> Frame:
        return aliased(self.frame, alias.alias)

    def _repartition_by_expression(self, repartition: Any) -> Frame:
        return self._ordered(repartition.partition_exprs)

    def _sort(self, sort: Any) -> Frame:
        return self._ordered(order.child for order in sort.order)

    def _ordered(self, keys: Iterable[Any]) -> Frame:
        flows = self.flows(keys)
        return replace(self.frame, order=self.frame.order | sources_of(flows))

    def _to_df(self, to_df: Any) -> Frame:
        return named(self.frame, list(to_df.column_names))

    def _with_columns_renamed(self, renamed: Any) -> Frame:
        renames = [(r.col_name, r.new_col_name) for r in renamed.renames]
        columns = list(self.frame.columns)
        for old, new in renames or sorted(renamed.rename_columns_map.items()):
            hit = {id(c) for c in same(columns, old)}
            columns = [replace(c, name=new) if id(c) in hit else c for c in columns]
        return self.frame.with_columns(columns)

    def _to_schema(self, to_schema: Any) -> Frame:
        columns = []
        for field in to_schema.schema.struct.fields:
            flows = self.frame.with_columns(same(self.frame.columns, field.name)).all_flows()
            columns.append(Column(field.name, changed(flows, TRANSFORM)))
        return self.frame.through(self.kinds()).with_columns(columns)

    # Columns

    def _project(self, project: Any) -> Frame:
        pairs = [self._items(e) for e in project.expressions]
        columns = [c for items, _ in pairs for c in items]
        return self._computed(columns, [v for _, values in pairs for v in values])

    def _computed(self, columns: Sequence[Column], values: Sequence[Value]) -> Frame:
        """Return a selection; with an aggregate function it is one row for all."""
        if any("Aggregate" in v.kinds for v in values):
            kinds = aggregate_kinds(values)
        else:
            kinds = COPY.union(*(self._own_kinds(v) for v in values))
            kept = {id(c.key) for c in columns}
            if any(id(c.key) not in kept for c in self.frame.columns):
                kinds |= self.kinds()
        return self._after(values).through(kinds).with_columns(self._with_names(columns))

    def _own_kinds(self, value: Value) -> frozenset[str]:
        return value.kinds if value.kinds or value.flows else TRANSFORM

    def _after(self, values: Sequence[Value]) -> Frame:
        frame = self.frame.by_order() if any(v.by_order for v in values) else self.frame
        return frame.influenced(*(v.flows for v in values if v.generates))

    def _with_names(self, columns: Sequence[Column]) -> list[Column]:
        if all(c.name for c in columns):
            return list(columns)
        names = self.spark_names()
        found = spread(columns, names) if names is not None else list(columns)
        if found is not None:
            return found
        flows = changed(self.frame.everything(), TRANSFORM, approximate=True)
        return [Column(name, flows) for name in names or ()]

    def _items(self, expression: Any) -> tuple[list[Column], list[Value]]:
        """Return the columns of one expression of a selection, and what is computed."""
        kind = expression.WhichOneof("expr_type")
        if kind == "unresolved_star":
            return self.star(expression.unresolved_star), []
        if kind == "unresolved_regex":
            return matching(self.frame, expression.unresolved_regex.col_name), []
        if kind == "unresolved_attribute":
            attribute = expression.unresolved_attribute
            name = name_parts(attribute.unparsed_identifier)[-1]
            passed = self.passed(attribute)
            if passed is not None:
                return [replace(passed, name=name)], []
            return [Column(name, self.attribute(attribute))], [self.value(expression)]
        if kind == "expression_string":
            items = self.sql_items(expression.expression_string.expression)
            return [c for c, _ in items], [self.asking(v) for _, v in items if v is not None]
        names = expression.alias.name if kind == "alias" else ("",)
        value = self.value(expression)
        return [Column(name, value.flows) for name in names], [value]

    def _aggregated(self, expression: Any, keys: Flows) -> tuple[list[Column], list[Value]]:
        """Return the columns of one expression of an aggregation, what counts said to count."""
        columns, values = self._items(expression)
        if len(columns) == len(values) == 1:
            value = values[0]
            columns = [counted(columns[0], keys, value.counts_rows, value.is_count)]
        return columns, values

    def _with_columns(self, with_columns: Any) -> Frame:
        columns = list(self.frame.columns)
        values = [self.value(alias.expr) for alias in with_columns.aliases]
        for alias, value in zip(with_columns.aliases, values, strict=True):
            new = Column(alias.name[0], value.flows)
            replaced = {id(c) for c in same(columns, new.name)}
            columns = [new if id(c) in replaced else c for c in columns]
            columns += [] if replaced else [new]
        return self._after(values).through(self.kinds()).with_columns(columns)

    def _drop(self, drop: Any) -> Frame:
        dropped = [c for name in drop.column_names for c in same(self.frame.columns, name)]
        for expression in drop.columns:
            if expression.WhichOneof("expr_type") == "unresolved_attribute":
                dropped += self.dropped(expression.unresolved_attribute)
        gone = {id(c) for c in dropped}
        kept = [c for c in self.frame.columns if id(c) not in gone]
        return self.frame.through(self.kinds() if gone else COPY).with_columns(kept)

    def _fill_na(self, fill: Any) -> Frame:
        return self._replaced(fill.cols)

    def _replace(self, replacement: Any) -> Frame:
        return self._replaced(replacement.cols)

    def _replaced(self, names: Sequence[str]) -> Frame:
        hit = {id(c) for c in self.pick(names)}
        columns = [
            Column(c.name, changed(c.flows, TRANSFORM), c.qualifier, c.key) if id(c) in hit else c
            for c in self.frame.columns
        ]
        return self.frame.through(self.kinds()).with_columns(columns)

    def _unpivot(self, unpivot: Any) -> Frame:
        ids = [c for e in unpivot.ids for c in self._items(e)[0]]
        keys = {id(c.key) for c in ids}
        values = [c for c in self.frame.columns if id(c.key) not in keys]
        if unpivot.HasField("values"):
            values = [c for e in unpivot.values.values for c in self._items(e)[0]]
        flows = changed(self.frame.with_columns(values).all_flows(), frozenset({"Combine"}))
        named_so = Column(unpivot.variable_column_name, NOTHING)
        valued = Column(unpivot.value_column_name, flows)
        return self.frame.through(self.kinds()).with_columns([*ids, named_so, valued])

    # Rows

    def _filter(self, condition: Any) -> Frame:
        value = self.value(condition.condition)
        return self._after([value]).through(self.kinds()).influenced(value.flows)

    def _some(self, _: Any) -> Frame:
        return self.frame.through(self.kinds())

    _limit = _some
    _offset = _some
    _tail = _some

    def _sample(self, sample: Any) -> Frame:
        # randomSplit sorts by all columns first, so that its parts are disjoint.
        decided = self.frame.all_flows() if sample.deterministic_order else NOTHING
        return self.frame.through(self.kinds()).influenced(decided)

    def _sample_by(self, sample: Any) -> Frame:
        return self.frame.through(self.kinds()).influenced(self.flows([sample.col]))

    def _deduplicate(self, deduplicate: Any) -> Frame:
        keys = self.pick(deduplicate.column_names)
        return self.frame.through(self.kinds()).influenced(*(c.flows for c in keys))

    def _drop_na(self, drop: Any) -> Frame:
        keys = self.pick(drop.cols)
        return self.frame.through(self.kinds()).influenced(*(c.flows for c in keys))

    def _aggregate(self, aggregate: Any) -> Frame:
        keys = [self._items(e) for e in aggregate.grouping_expressions]
        grouped = [c for items, _ in keys for c in items]
        deciding = union_of(c.flows for c in grouped)
        pairs = [self._aggregated(e, deciding) for e in aggregate.aggregate_expressions]
        values = [v for _, computed in pairs for v in computed]
        columns = [c for items, _ in pairs for c in items]
        frame = self._after(values).influenced(*(c.flows for c in grouped))
        frame = frame.through(aggregate_kinds(values))
        if aggregate.HasField("pivot"):
            return self._pivoted(frame, aggregate.pivot, grouped, columns)
        return frame.with_columns(self._with_names([*grouped, *columns]))

    def _pivoted(
        self, frame: Frame, pivot: Any, grouped: Sequence[Column], columns: Sequence[Column]
    ) -> Frame:
        deciding = self.flows([pivot.col])
        flows = deciding.union(*(c.flows for c in columns))
        made = Column("", changed(flows, frozenset({"Aggregate"}), approximate=True))
        names = self.spark_names()
        spared = spread([*grouped, made], names) if names is not None else None
        return frame.influenced(deciding).with_columns(spared or [*grouped, made])

    # Two tables

    def _join(self, message: Any) -> Frame:
        return self._joined(message, list(message.using_columns))

    def _lateral_join(self, message: Any) -> Frame:
        return self._joined(message, ())

    def _joined(self, message: Any, using: Sequence[str]) -> Frame:
        how = pb2.Join.JoinType.Name(message.join_type).removeprefix("JOIN_TYPE_").lower()
        frame = join(self.inputs[0], self.inputs[1], how, using)
        if message.HasField("join_condition"):
            return frame.influenced(self.flows([message.join_condition]))
        return frame

    def _as_of_join(self, message: Any) -> Frame:
        left, right = self.inputs
        frame = join(left, right, "left_outer", list(message.using_columns))
        return frame.influenced(left.all_flows(), right.all_flows())

    def _nearest_by_join(self, message: Any) -> Frame:
        left, right = self.inputs
        frame = join(left.by_order(), right.by_order(), "inner", ())
        return frame.influenced(left.all_flows(), right.all_flows())

    def _zip(self, _: Any) -> Frame:
        left, right = self.inputs
        return join(left.by_order(), right.by_order(), "inner", ())

    def _set_op(self, operation: Any) -> Frame:
        left, right = self.inputs
        if operation.set_op_type != pb2.SetOperation.SET_OP_TYPE_UNION:
            return matched(left, right)
        frame = union(left, right, operation.by_name, operation.allow_missing_columns)
        return frame if operation.is_all else frame.influenced(frame.all_flows())
