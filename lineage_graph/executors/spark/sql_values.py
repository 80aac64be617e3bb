"""Where the value of an SQL expression comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlglot import exp

from lineage_graph.executors.spark.column_expressions import (
    GENERATORS,
    PROJECTION,
    TRANSFORM,
    Value,
    membership,
    scalar,
)
from lineage_graph.executors.spark.effects import Constant, Quotient
from lineage_graph.executors.spark.flows import COPY, Column, Flows, Frame, Kinds, changed, union_of
from lineage_graph.executors.spark.operators import Operators

_TRANSPARENT = (
    exp.Alias, exp.Aliases, exp.Paren, exp.Ordered, exp.Tuple, exp.PropertyEQ, exp.Distinct,
    exp.IgnoreNulls, exp.RespectNulls, exp.Order, exp.Lambda, exp.Kwarg, exp.WithinGroup,
    exp.Group, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Where, exp.Star,
)  # fmt: skip


class SqlScope(Protocol):
    """What an SQL expression can name."""

    def named(self, parts: Sequence[str]) -> Flows:
        """Return the flows of a column."""
        ...

    def columns_of(self, target: Sequence[str]) -> list[Column]:
        """Return the columns of a star."""
        ...

    def subquery(self, query: Any) -> Frame:
        """Return what a subquery makes."""
        ...

    def window(self, name: str) -> Any:
        """Return a window of the WINDOW clause, or None."""
        ...


@dataclass(frozen=True)
class _Part:
    node: Any
    kinds: Kinds = COPY
    in_window: bool = False

    def below(self, nodes: Iterable[Any], kinds: Kinds) -> Iterator[_Part]:
        for node in nodes:
            yield _Part(node, self.kinds | kinds, self.in_window)


class SqlValues:
    """Evaluates SQL expressions in a scope.

    Args:
        scope: What they can name.
        operators: What functions do.
    """

    def __init__(self, scope: SqlScope, operators: Operators) -> None:
        self._scope = scope
        self._operators = operators
        self._handlers: list[tuple[Any, Callable[[_Part, Value], Iterable[_Part]]]] = [
            (exp.Column, self._column),
            ((exp.Literal, exp.Identifier, exp.DataType, exp.Boolean, exp.Null), self._nothing),
            (exp.Query, self._query),
            (exp.Exists, self._exists),
            (exp.In, self._in),
            (exp.Window, self._window),
            (exp.Dot, self._dot),
            (_TRANSPARENT, self._transparent),
            (exp.Func, self._function),
        ]

    def of(self, node: Any) -> Value:
        """Return what an expression is made of."""
        value = Value()
        stack = [_Part(node)]
        while stack:
            part = stack.pop()
            stack.extend(self._handler(part.node)(part, value))
        return value

    def _handler(self, node: Any) -> Callable[[_Part, Value], Iterable[_Part]]:
        for types, handler in self._handlers:
            if isinstance(node, types):
                return handler
        return self._other

    def _note(self, part: _Part, value: Value, kinds: Kinds) -> None:
        value.kinds |= TRANSFORM if part.in_window and kinds else kinds

    def _nothing(self, _: _Part, __: Value) -> Iterable[_Part]:
        return ()

    def _transparent(self, part: _Part, value: Value) -> Iterable[_Part]:
        if isinstance(part.node, exp.Star):
            flows = union_of(c.flows for c in self._scope.columns_of(()))
            value.flows |= changed(flows, part.kinds)
            return ()
        return part.below(part.node.iter_expressions(), COPY)

    def _other(self, part: _Part, value: Value) -> Iterable[_Part]:
        self._note(part, value, TRANSFORM)
        return part.below(part.node.iter_expressions(), TRANSFORM)

    def _column(self, part: _Part, value: Value) -> Iterable[_Part]:
        parts = [p.name for p in part.node.parts]
        if isinstance(part.node.this, exp.Star):
            flows = union_of(c.flows for c in self._scope.columns_of(parts[:-1]))
        else:
            flows = self._scope.named(parts)
        value.flows |= changed(flows, part.kinds)
        return ()

    def _dot(self, part: _Part, value: Value) -> Iterable[_Part]:
        self._note(part, value, PROJECTION)
        return part.below(part.node.iter_expressions(), PROJECTION)

    def _query(self, part: _Part, value: Value) -> Iterable[_Part]:
        value.add(scalar(self._scope.subquery(part.node)), part.kinds, part.in_window)
        return ()

    def _exists(self, part: _Part, value: Value) -> Iterable[_Part]:
        if not isinstance(part.node.this, exp.Query):
            return self._function(part, value)
        frame = self._scope.subquery(part.node.this)
        value.add(membership(frame, exists=True), part.kinds, part.in_window)
        return ()

    def _in(self, part: _Part, value: Value) -> Iterable[_Part]:
        query = part.node.args.get("query")
        if query is not None:
            frame = self._scope.subquery(query)
            value.add(membership(frame, exists=False), part.kinds, part.in_window)
        self._note(part, value, TRANSFORM)
        return part.below((n for n in part.node.iter_expressions() if n is not query), TRANSFORM)

    def _window(self, part: _Part, value: Value) -> Iterable[_Part]:
        self._note(part, value, TRANSFORM)
        yield _Part(part.node.this, part.kinds, True)
        specifications = [part.node]
        if part.node.alias:
            specifications.append(self._scope.window(part.node.alias))
        for specification in filter(None, specifications):
            yield from part.below(specification.args.get("partition_by") or (), TRANSFORM)
            order = specification.args.get("order")
            yield from part.below([order] if order else (), TRANSFORM)

    def _function(self, part: _Part, value: Value) -> Iterable[_Part]:
        name = spark_name(part.node)
        given = list(part.node.iter_expressions())
        counts = name == "count" and not part.in_window
        value.counts_rows |= counts and all(_counts_rows(a) for a in given)
        value.is_count |= counts and not part.kinds
        declared = self._operators.function(name, 0)
        value.by_order |= declared is not None and declared.deterministic != "always"
        value.generates |= name in GENERATORS
        kinds = frozenset({self._operators.kind_of_function(name, 0)})
        self._note(part, value, kinds)
        kinds |= self._operators.effects(effect_name(part.node, name), constants_of(part.node))
        return part.below([a for a in given if not _counted(name, a)], kinds)


def _counted(name: str, argument: Any) -> bool:
    return name == "count" and isinstance(argument, exp.Star)


def _counts_rows(argument: Any) -> bool:
    return isinstance(argument, exp.Star) or isinstance(constant_of(argument), Constant)


def effect_name(function: Any, name: str) -> str:
    """Return under which name a function's effect is declared."""
    return "when" if isinstance(function, exp.Case) else name


def constants_of(function: Any) -> list[Constant | Quotient | None]:
    """Return what is constant in the arguments of a function, in Spark's order."""
    if isinstance(function, exp.Case):
        branches = [
            a for branch in function.args["ifs"] for a in (branch.this, branch.args["true"])
        ]
        default = function.args.get("default")
        return [constant_of(a) for a in (*branches, *([default] if default else ()))]
    return [constant_of(a) for a in function.iter_expressions()]


def constant_of(argument: Any) -> Constant | Quotient | None:
    """Return what is constant in an argument."""
    negative = isinstance(argument, exp.Neg)
    bare = argument.this if negative else argument
    if isinstance(bare, exp.Null):
        return Constant(None)
    if isinstance(bare, exp.Boolean):
        return Constant(bool(bare.this))
    if isinstance(bare, exp.Var):
        return Constant(bare.name)
    if isinstance(bare, exp.Literal):
        number = None if bare.is_string else float(bare.name)
        value = bare.name if number is None else int(number) if number.is_integer() else number
        return Constant(-value if negative and not isinstance(value, str) else value)
    if isinstance(bare, (exp.Div, exp.IntDiv)):
        divisor = constant_of(bare.expression)
        if isinstance(divisor, Constant) and isinstance(divisor.value, int | float):
            return Quotient(divisor.value)
    return None


def spark_name(function: Any) -> str:
    """Return what Spark calls a function; a connective such as AND has no such name."""
    if isinstance(function, exp.Anonymous):
        return str(function.name).lower()
    if isinstance(function, (exp.Connector, exp.Binary, exp.Case, exp.Cast)):
        return ""
    bare = function.copy()
    for key, argument in bare.args.items():
        if isinstance(argument, list):
            bare.set(key, argument[:1])
    return str(bare.sql(dialect="spark")).partition("(")[0].strip().lower()
