"""What in a plan may not give the same again, and why.

The class of an operator is declared; whether it matters depends on what lies
below: ``rand(7)`` over a scan gives the same on any number of machines, after a
shuffle only where rows arrive in the same order.

Measured with ``spark.sql.leafNodeDefaultParallelism`` and
``spark.sql.shuffle.partitions`` fixed, on local[1], [2], [4] and on clusters of
two and three workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyspark.sql.connect.proto as pb2

from lineage_graph.executors import Determinism
from lineage_graph.executors.spark.expressions import render
from lineage_graph.executors.spark.parameters import parameters
from lineage_graph.executors.spark.plans import children, is_relation, relation_type
from lineage_graph.executors.spark.sql_text import Call, calls, moves_rows, words
from lineage_graph.executors.spark.topology import Node

if TYPE_CHECKING:
    from lineage_graph.executors.spark.operators import Operators

RowOrder = Literal["fixed", "sorted", "arrival"]

_BY_POSITION = {
    "rand", "randn", "random", "randstr", "uniform", "shuffle", "uuid",
    "monotonically_increasing_id", "spark_partition_id",
    "sample", "sample_by", "map_partitions", "zip",
}  # fmt: skip
_BY_SORT = {"limit", "offset", "tail", "show_string", "html_string"}
_SHUFFLES = {
    "aggregate", "join", "deduplicate", "repartition", "repartition_by_expression", "as_of_join",
    "nearest_by_join", "group_map", "co_group_map", "apply_in_pandas_with_state", "transpose",
    "summary", "describe", "crosstab", "freq_items", "approx_quantile", "unknown", "extension",
}  # fmt: skip
_RANK: dict[Determinism, int] = {"always": 0, "by-order": 1, "never": 2}


@dataclass(frozen=True)
class Assessment:
    """What one relation of a plan adds.

    Attributes:
        deterministic: The worst class among the relation and its functions.
        cautions: A sentence for each that is not ``always``, or needs something.
    """

    deterministic: Determinism
    cautions: tuple[str, ...]


def assess(nodes: Sequence[Node], operators: Operators) -> list[Assessment]:
    """Return an assessment of each relation of a plan, given those below it."""
    orders: list[RowOrder] = []
    assessments = []
    for node in nodes:
        below = _merge(orders[i] for i in (*node.inputs, *node.references))
        assessments.append(_Relation(node.relation, below, operators).assess())
        orders.append(_order_after(node.relation, below))
    return assessments


def _merge(orders: Iterable[RowOrder]) -> RowOrder:
    found = list(orders)
    if "arrival" in found:
        return "arrival"
    return "sorted" if found == ["sorted"] else "fixed"


def _order_after(relation: Any, below: RowOrder) -> RowOrder:
    kind = relation_type(relation)
    if kind == "sort" and relation.sort.is_global:
        return "sorted"
    if kind == "sql":
        return "arrival" if moves_rows(relation.sql.query) else below
    if kind == "set_op":
        union = relation.set_op.set_op_type == pb2.SetOperation.SET_OP_TYPE_UNION
        return below if union and relation.set_op.is_all and below != "sorted" else "arrival"
    if kind in _SHUFFLES or any(_is(e, "window") for e in expressions_of(relation)):
        return "arrival"
    strings = [e.expression_string.expression for e in expressions_of(relation)]
    return "arrival" if any(moves_rows(s) for s in strings if s) else below


def expressions_of(relation: Any) -> Iterator[Any]:
    """Yield every expression of a relation, nested ones too, none of the relations below."""
    stack = [relation]
    while stack:
        message = stack.pop()
        if message.DESCRIPTOR is pb2.Expression.DESCRIPTOR:
            yield message
        below = [m for m in children(message) if not is_relation(m)]
        stack.extend(reversed(below))


def _is(expression: Any, kind: str) -> bool:
    return bool(expression.WhichOneof("expr_type") == kind)


class _Relation:
    """Assesses one relation."""

    def __init__(self, relation: Any, below: RowOrder, operators: Operators) -> None:
        self._relation = relation
        self._kind = relation_type(relation)
        self._below = below
        self._operators = operators
        self._worst: Determinism = "always"
        self._cautions: list[str] = []

    def assess(self) -> Assessment:
        """Return what the relation, its expressions and its code add."""
        self._own()
        for call in self._calls():
            self._function(call)
        for function in self._functions():
            self._code(function)
        if self._kind == "sql":
            self._statement(self._relation.sql.query)
        return Assessment(self._worst, tuple(dict.fromkeys(self._cautions)))

    def _note(self, what: str, deterministic: Determinism, why: str) -> None:
        if _RANK[deterministic] > _RANK[self._worst]:
            self._worst = deterministic
        self._cautions.append(f"{what}: {why or _WHY[deterministic]}")

    def _own(self) -> None:
        operator = self._operators.relation(self._kind)
        if operator.deterministic == "always" or self._harmless():
            return
        text = f"{self._kind} {parameters(self._relation)}".strip()
        self._note(text, operator.deterministic, operator.comment)

    def _harmless(self) -> bool:
        if self._kind == "deduplicate":
            return not self._relation.deduplicate.column_names
        if self._kind == "sample":
            sample = self._relation.sample
            if not sample.HasField("seed"):
                self._note("sample", "never", "it has no seed")
            if sample.deterministic_order:
                return True
        if self._kind in _BY_POSITION:
            return self._below != "arrival"
        return self._kind in _BY_SORT and self._below == "sorted"

    def _calls(self) -> Iterator[Call]:
        if self._kind == "sql":
            yield from calls(self._relation.sql.query)
        if self._kind == "unresolved_table_valued_function":
            function = self._relation.unresolved_table_valued_function
            yield Call(function.function_name, len(function.arguments), function.function_name)
        # A message's id holds while the message is held, so it is kept beside its window.
        windows: dict[int, tuple[Any, Any]] = {}
        for expression in expressions_of(self._relation):
            kind = expression.WhichOneof("expr_type")
            if kind == "window":
                function = expression.window.window_function
                windows[id(function)] = (function, expression)
            elif kind in ("unresolved_function", "call_function"):
                function = getattr(expression, kind)
                _, whole = windows.get(id(expression), (None, expression))
                yield Call(function.function_name, len(function.arguments), render(whole))
            elif kind == "expression_string":
                yield from calls(expression.expression_string.expression)

    def _function(self, call: Call) -> None:
        operator = self._operators.function(call.name, call.arity)
        if operator is None or operator.deterministic == "always":
            return
        by_position = operator.deterministic == "by-order" and call.name.lower() in _BY_POSITION
        in_place = self._kind != "sql" or not moves_rows(self._relation.sql.query)
        if by_position and self._below != "arrival" and in_place:
            return
        self._note(call.text, operator.deterministic, operator.comment)

    def _functions(self) -> Iterator[Any]:
        for expression in expressions_of(self._relation):
            if _is(expression, "common_inline_user_defined_function"):
                yield expression.common_inline_user_defined_function
        message = getattr(self._relation, self._kind, None)
        if message is not None and "func" in message.DESCRIPTOR.fields_by_name:
            yield message.func
        if self._kind == "common_inline_user_defined_table_function":
            yield message

    def _code(self, function: Any) -> None:
        name = f"{function.function_name}()"
        if not function.deterministic:
            self._note(name, "never", "it was declared nondeterministic")
        elif self._kind == "aggregate":
            self._note(name, "by-order", "its code gets rows in the order they arrive")
        table = function.DESCRIPTOR is pb2.CommonInlineUserDefinedTableFunction.DESCRIPTOR
        python = function.python_udtf if table else function.python_udf
        if python.python_ver:
            self._cautions.append(f"{name}: it is Python code and needs Python {python.python_ver}")

    def _statement(self, text: str) -> None:
        said = set(words(text))
        if "tablesample" in said and "repeatable" not in said:
            self._note("TABLESAMPLE", "never", "it has no seed; add REPEATABLE (seed)")
        if "limit" in said and not said & {"order", "order by"}:
            limit = self._operators.relation("limit")
            self._note("LIMIT", limit.deterministic, limit.comment)


_WHY: dict[Determinism, str] = {
    "always": "",
    "by-order": "depends on the order of rows, which is fixed in local mode and not on a cluster",
    "never": "gives other values every time",
}
