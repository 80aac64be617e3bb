"""Where the value of a Spark Connect expression comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pyspark.sql.connect.proto as pb2
from pyspark.sql.connect.expressions import LiteralExpression

from lineage_graph.executors.spark.effects import Constant, Quotient
from lineage_graph.executors.spark.flows import (
    COPY,
    NOTHING,
    Column,
    Flows,
    Frame,
    Kinds,
    changed,
)
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import children

TRANSFORM: Kinds = frozenset({"Transform"})
PROJECTION: Kinds = frozenset({"Projection"})
# What makes several rows of one, and the names Spark gives its columns, if fixed.
GENERATORS: dict[str, tuple[str, ...]] = {
    "explode": ("col",), "explode_outer": ("col",),
    "posexplode": ("pos", "col"), "posexplode_outer": ("pos", "col"),
    "variant_explode": ("pos", "key", "value"), "variant_explode_outer": ("pos", "key", "value"),
    "inline": (), "inline_outer": (), "stack": (),
}  # fmt: skip
_TRANSPARENT = {
    "alias", "sort_order", "lambda_function", "named_argument_expression",
    "unresolved_named_lambda_variable", "literal",
}  # fmt: skip
_CALLS = {"unresolved_function", "call_function"}


class Scope(Protocol):
    """What an expression can name."""

    frame: Frame

    def attribute(self, attribute: Any) -> Flows:
        """Return the flows of an ``UnresolvedAttribute``."""
        ...

    def star(self, star: Any) -> list[Column]:
        """Return the columns of an ``UnresolvedStar``."""
        ...

    def text(self, expression: str) -> Value:
        """Return the value of SQL text."""
        ...

    def subquery(self, plan_id: int) -> Frame | None:
        """Return the table behind a subquery."""
        ...


@dataclass
class Value:
    """What an expression is made of.

    Attributes:
        flows: Where it comes from.
        kinds: What is done on the way, outside of windows.
        subqueries: Tables that were asked for it, after what was done with them.
        by_order: Whether the order of rows matters to it.
        generates: Whether it makes rows, such as ``explode``.
        counts_rows: Whether rows are counted somewhere in it, which are of no column.
        is_count: Whether it is nothing but a count, so that its values are sizes of groups.
    """

    flows: Flows = NOTHING
    kinds: Kinds = COPY
    subqueries: list[Frame] = field(default_factory=list)
    by_order: bool = False
    generates: bool = False
    counts_rows: bool = False
    is_count: bool = False

    def add(self, other: Value, kinds: Kinds, in_window: bool = False) -> None:
        """Take in a part of the expression that lies below some kinds."""
        self.flows |= changed(other.flows, kinds)
        self.kinds |= TRANSFORM if in_window else other.kinds
        self.subqueries.extend(other.subqueries)
        self.by_order |= other.by_order
        self.generates |= other.generates
        self.counts_rows |= other.counts_rows and not in_window
        self.is_count |= other.is_count and not kinds and not in_window


@dataclass(frozen=True)
class _Part:
    expression: Any
    kinds: Kinds
    in_window: bool = False


class Values:
    """Evaluates expressions in a scope.

    Args:
        scope: What they can name.
        operators: What functions do.
    """

    def __init__(self, scope: Scope, operators: Operators) -> None:
        self._scope = scope
        self._operators = operators

    def of(self, expression: Any) -> Value:
        """Return what an expression is made of; an explicit stack, so it may be deep."""
        value = Value()
        stack = [_Part(expression, COPY)]
        while stack:
            part = stack.pop()
            kind = part.expression.WhichOneof("expr_type") or ""
            handler: Callable[[Any, _Part, Value], Iterable[_Part]] = getattr(
                self, f"_{kind}", self._other
            )
            message = getattr(part.expression, kind) if kind else part.expression
            stack.extend(handler(message, part, value))
        return value

    def _done(self, value: Value, part: _Part, kinds: Kinds) -> Kinds:
        value.kinds |= TRANSFORM if part.in_window and kinds else kinds
        return part.kinds | kinds

    def _other(self, message: Any, part: _Part, value: Value) -> Iterator[_Part]:
        kind = part.expression.WhichOneof("expr_type")
        kinds = self._done(value, part, COPY if kind in _TRANSPARENT else TRANSFORM)
        for below in expressions_below(message):
            yield _Part(below, kinds, part.in_window)

    def _call(self, message: Any, part: _Part, value: Value) -> Iterator[_Part]:
        arity = len(message.arguments)
        declared = self._operators.function(message.function_name, arity)
        value.by_order |= declared is not None and declared.deterministic != "always"
        value.generates |= message.function_name.lower() in GENERATORS
        kind = self._operators.kind_of_function(message.function_name, arity)
        kinds = self._done(value, part, frozenset({kind}))
        constants = [constant_of(a) for a in message.arguments]
        kinds |= self._operators.effects(message.function_name, constants)
        counts = message.function_name.lower() == "count"
        if counts and not part.in_window:
            value.is_count |= not part.kinds
            value.counts_rows |= all(
                _any_row(a) or isinstance(c, Constant)
                for a, c in zip(message.arguments, constants, strict=True)
            )
        for argument in message.arguments:
            if not (counts and _any_row(argument)):
                yield _Part(argument, kinds, part.in_window)

    _unresolved_function = _call
    _call_function = _call

    def _common_inline_user_defined_function(
        self, message: Any, part: _Part, value: Value
    ) -> Iterator[_Part]:
        value.by_order |= not message.deterministic
        kinds = self._done(value, part, TRANSFORM)
        for argument in message.arguments:
            yield _Part(argument, kinds, part.in_window)

    def _unresolved_extract_value(self, message: Any, part: _Part, value: Value) -> Iterator[_Part]:
        yield _Part(message.child, self._done(value, part, PROJECTION), part.in_window)
        yield _Part(message.extraction, part.kinds | TRANSFORM, part.in_window)

    def _window(self, message: Any, part: _Part, value: Value) -> Iterator[_Part]:
        self._done(value, part, TRANSFORM)
        yield _Part(message.window_function, part.kinds, True)
        for expression in message.partition_spec:
            yield _Part(expression, part.kinds | TRANSFORM, True)
        for order in message.order_spec:
            yield _Part(order.child, part.kinds | TRANSFORM, True)

    def _unresolved_attribute(self, message: Any, part: _Part, value: Value) -> Iterable[_Part]:
        value.flows |= changed(self._scope.attribute(message), part.kinds)
        return ()

    def _unresolved_star(self, message: Any, part: _Part, value: Value) -> Iterable[_Part]:
        for column in self._scope.star(message):
            value.flows |= changed(column.flows, part.kinds)
        return ()

    def _unresolved_regex(self, message: Any, part: _Part, value: Value) -> Iterable[_Part]:
        for column in matching(self._scope.frame, message.col_name):
            value.flows |= changed(column.flows, part.kinds)
        return ()

    def _expression_string(self, message: Any, part: _Part, value: Value) -> Iterable[_Part]:
        value.add(self._scope.text(message.expression), part.kinds, part.in_window)
        return ()

    def _subquery_expression(self, message: Any, part: _Part, value: Value) -> Iterator[_Part]:
        kinds = self._done(value, part, TRANSFORM)
        for expression in message.in_subquery_values:
            yield _Part(expression, kinds, part.in_window)
        frame = self._scope.subquery(message.plan_id)
        if frame is None:
            value.flows |= self._scope.frame.everything()
            return
        names = pb2.SubqueryExpression
        if message.subquery_type == names.SUBQUERY_TYPE_SCALAR:
            value.add(scalar(frame), part.kinds, part.in_window)
        elif message.subquery_type == names.SUBQUERY_TYPE_TABLE_ARG:
            value.flows |= changed(frame.everything(), kinds)
            value.subqueries.append(frame.through(kinds, approximate=True))
        else:
            exists = message.subquery_type == names.SUBQUERY_TYPE_EXISTS
            value.add(membership(frame, exists), part.kinds, part.in_window)


def _any_row(argument: Any) -> bool:
    """Whether it is the star of ``count(*)``."""
    star = argument.WhichOneof("expr_type") == "unresolved_star"
    return star and not argument.unresolved_star.unparsed_target


def constant_of(argument: Any) -> Constant | Quotient | None:
    """Return what is constant in an argument."""
    kind = argument.WhichOneof("expr_type")
    if kind == "literal":
        return Constant(LiteralExpression._to_value(argument.literal))
    if kind == "unresolved_function" and argument.unresolved_function.function_name in ("/", "div"):
        divisor = constant_of(argument.unresolved_function.arguments[-1])
        if isinstance(divisor, Constant) and isinstance(divisor.value, int | float):
            return Quotient(divisor.value)
    return None


def aggregate_kinds(values: Sequence[Value]) -> Kinds:
    """Return what a grouping does to a table whole.

    It is an aggregate only if all it computes is one. ``first``, ``collect_list``
    and grouping alone hand values on as they were, which no statistic does.

    Args:
        values: What is computed per group, the grouping keys left out.
    """
    if values and all("Aggregate" in v.kinds for v in values):
        return frozenset({"Aggregate"})
    handed_on = [v.kinds for v in values if "Aggregate" not in v.kinds]
    return COPY.union(*handed_on) or frozenset({"Filter"})


def spread(columns: Sequence[Column], names: Sequence[str]) -> list[Column] | None:
    """Give columns the names that Spark gives; None if it cannot be told which is which.

    One column without a name, a generator's or a struct's star, may be several.
    """
    surplus = len(names) - len(columns)
    unnamed = [i for i, c in enumerate(columns) if not c.name]
    if surplus and len(unnamed) != 1:
        return None
    if surplus:
        at = unnamed[0]
        columns = [*columns[:at], *[columns[at]] * (surplus + 1), *columns[at + 1 :]]
    if len(columns) != len(names):
        return None
    return [replace(c, name=n) for c, n in zip(columns, names, strict=True)]


def scalar(frame: Frame) -> Value:
    """Return the value of a scalar subquery: it becomes part of the row."""
    combined = frozenset({"Combine"})
    return Value(changed(frame.all_flows(), combined), TRANSFORM, [frame.through(combined)])


def membership(frame: Frame, exists: bool) -> Value:
    """Return the value of IN or EXISTS: nothing of the table stays but yes or no."""
    lookup = frozenset({"Lookup"})
    flows = NOTHING if exists else changed(frame.all_flows(), lookup)
    return Value(flows, TRANSFORM, [frame.through(lookup)])


def expressions_below(message: Any) -> Iterator[Any]:
    """Yield the expressions directly below a message, in order."""
    stack = list(reversed(list(children(message))))
    while stack:
        below = stack.pop()
        if below.DESCRIPTOR is pb2.Expression.DESCRIPTOR:
            yield below
        elif below.DESCRIPTOR is not pb2.Relation.DESCRIPTOR:
            stack.extend(reversed(list(children(below))))


def matching(frame: Frame, pattern: str) -> list[Column]:
    """Return the columns of ``df.colRegex``; all of them when the pattern cannot be read."""
    try:
        expression = re.compile(pattern.strip("`"), re.IGNORECASE)
    except re.error:
        return list(frame.columns)
    return [c for c in frame.columns if expression.fullmatch(c.name)]


def name_parts(identifier: str) -> list[str]:
    """Split ``a.`b.c`.d`` at its dots; a doubled backtick is one."""
    quoted = re.findall(r"`((?:[^`]|``)*)`|([^.`]+)", identifier)
    return [a.replace("``", "`") or b for a, b in quoted] or [identifier]
