"""A relation's own arguments as text a person reads, such as ``inner join on origin``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyspark.sql.connect.proto as pb2

from lineage_graph.executors.spark.expressions import (
    render,
    render_all,
    render_literal,
    render_order,
)
from lineage_graph.executors.spark.plans import relation_type

LONGEST_TEXT = 2000


def parameters(relation: Any) -> str:
    """Return a relation's own arguments as text, at most 2000 characters."""
    kind = relation_type(relation)
    message = getattr(relation, kind, None)
    if message is None:
        return ""
    text: str = _TEXTS.get(kind, _fields)(message)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 4] + " ..."


def _fields(message: Any) -> str:
    parts = []
    for field, value in message.ListFields():
        shown = _value(field, value)
        if shown:
            parts.append(f"{field.name} = {shown}")
    return ", ".join(parts)


def _value(field: Any, value: Any) -> str:
    if field.message_type is None:
        if field.enum_type is not None:
            return str(field.enum_type.values_by_number[value].name).lower()
        values = list(value) if field.is_repeated else [value]
        return "" if field.type == field.TYPE_BYTES else ", ".join(str(v) for v in values)
    if field.message_type.GetOptions().map_entry:
        return ""
    return ", ".join(filter(None, map(_message, value if field.is_repeated else [value])))


def _message(message: Any) -> str:
    descriptor = message.DESCRIPTOR
    if descriptor is pb2.Expression.DESCRIPTOR:
        return render(message)
    if descriptor is pb2.Expression.Literal.DESCRIPTOR:
        return render_literal(message)
    if descriptor is pb2.CommonInlineUserDefinedFunction.DESCRIPTOR:
        return f"{message.function_name}({render_all(message.arguments)})"
    if descriptor in (pb2.Relation.DESCRIPTOR, pb2.DataType.DESCRIPTOR):
        return ""
    return _fields(message)


def _read(read: Any) -> str:
    if read.HasField("named_table"):
        return str(read.named_table.unparsed_identifier)
    return " ".join([read.data_source.format, *read.data_source.paths]).strip()


def _join(join: Any) -> str:
    name = pb2.Join.JoinType.Name(join.join_type)
    kind = name.removeprefix("JOIN_TYPE_").lower().replace("_", " ")
    if join.using_columns:
        return f"{kind} join on {', '.join(join.using_columns)}"
    condition = f" on {render(join.join_condition)}" if join.HasField("join_condition") else ""
    return f"{kind} join{condition}"


def _set_op(operation: Any) -> str:
    name = pb2.SetOperation.SetOpType.Name(operation.set_op_type)
    words = [name.removeprefix("SET_OP_TYPE_").lower()]
    if operation.is_all:
        words.append("all")
    if operation.by_name:
        words.append("by name")
    if operation.allow_missing_columns:
        words.append("with missing columns")
    return " ".join(words)


def _aggregate(aggregate: Any) -> str:
    names = pb2.Aggregate
    grouping = render_all(aggregate.grouping_expressions)
    if aggregate.group_type == names.GROUP_TYPE_ROLLUP:
        grouping = f"ROLLUP({grouping})"
    elif aggregate.group_type == names.GROUP_TYPE_CUBE:
        grouping = f"CUBE({grouping})"
    elif aggregate.group_type == names.GROUP_TYPE_GROUPING_SETS:
        sets = ", ".join(f"({render_all(s.grouping_set)})" for s in aggregate.grouping_sets)
        grouping = f"GROUPING SETS({sets})"
    parts = [render_all(aggregate.aggregate_expressions)]
    if grouping:
        parts.append(f"GROUP BY {grouping}")
    if aggregate.HasField("pivot"):
        values = ", ".join(render_literal(v) for v in aggregate.pivot.values)
        parts.append(f"PIVOT {render(aggregate.pivot.col)}" + (f" IN ({values})" if values else ""))
    return " ".join(filter(None, parts))


def _sql(sql: Any) -> str:
    text = " ".join(sql.query.split())
    given = [f"{k} = {render(v)}" for k, v in sorted(sql.named_arguments.items())]
    given += [f"{k} = {render_literal(v)}" for k, v in sorted(sql.args.items())]
    given += [render(v) for v in sql.pos_arguments] + [render_literal(v) for v in sql.pos_args]
    return f"{text} -- {', '.join(given)}" if given else text


def _sample(sample: Any) -> str:
    text = f"rows {sample.lower_bound:g} to {sample.upper_bound:g}"
    seed = f", seed {sample.seed}" if sample.HasField("seed") else ""
    return text + seed + (", with replacement" if sample.with_replacement else "")


def _renames(renamed: Any) -> str:
    pairs = [(r.col_name, r.new_col_name) for r in renamed.renames]
    pairs += sorted(renamed.rename_columns_map.items())
    return ", ".join(f"{old} AS {new}" for old, new in pairs)


def _repartition(repartition: Any) -> str:
    return f"into {repartition.num_partitions}"


_TEXTS: dict[str, Callable[[Any], str]] = {
    "read": _read,
    "project": lambda m: render_all(m.expressions),
    "filter": lambda m: render(m.condition),
    "join": _join,
    "set_op": _set_op,
    "sort": lambda m: render_order(m.order),
    "limit": lambda m: str(m.limit),
    "offset": lambda m: str(m.offset),
    "tail": lambda m: str(m.limit),
    "aggregate": _aggregate,
    "sql": _sql,
    "sample": _sample,
    "deduplicate": lambda m: ", ".join(m.column_names) or "all columns",
    "range": lambda m: f"{m.start} to {m.end} step {m.step}",
    "subquery_alias": lambda m: m.alias,
    "to_df": lambda m: ", ".join(m.column_names),
    "with_columns_renamed": _renames,
    "with_columns": lambda m: ", ".join(_alias(a) for a in m.aliases),
    "drop": lambda m: ", ".join([*map(render, m.columns), *m.column_names]),
    "repartition": _repartition,
    "repartition_by_expression": lambda m: render_all(m.partition_exprs),
    "local_relation": lambda _: "",
    "catalog": lambda m: m.WhichOneof("cat_type") or "",
    "cached_local_relation": lambda m: m.hash,
    "chunked_cached_local_relation": lambda m: ", ".join(m.dataHashes),
}


def _alias(alias: Any) -> str:
    return f"{render(alias.expr)} AS {', '.join(alias.name)}"
