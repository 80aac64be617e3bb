"""Spark Connect expressions as text a person reads.

The text is close to SQL but is not parsed again: it labels the steps of a plan.
Everything is rendered children first with an explicit stack, because a chain of
a few hundred conditions is deeper than Python's own.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

import pyspark.sql.connect.proto as pb2

from lineage_graph.executors.spark.plans import walk

_ATOM = 9
_NOT = 3
_INFIX = {
    "or": ("OR", 1), "and": ("AND", 2),
    "==": ("=", 4), "=": ("=", 4), "!=": ("!=", 4), "<>": ("!=", 4), "<=>": ("<=>", 4),
    "<": ("<", 4), "<=": ("<=", 4), ">": (">", 4), ">=": (">=", 4),
    "like": ("LIKE", 4), "ilike": ("ILIKE", 4), "rlike": ("RLIKE", 4),
    "|": ("|", 5), "^": ("^", 5), "&": ("&", 5), "||": ("||", 5),
    "+": ("+", 6), "-": ("-", 6),
    "*": ("*", 7), "/": ("/", 7), "%": ("%", 7), "div": ("DIV", 7),
}  # fmt: skip
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_Text = tuple[str, int]


def render(expression: Any) -> str:
    """Return an expression as text, such as ``dep_delay > 15 AND dest = 'JFK'``.

    Args:
        expression: A ``spark.connect.Expression``. A kind this module does not
            know is shown by its name.
    """
    return _Renderer(expression).text(expression)


def render_all(expressions: Iterable[Any]) -> str:
    """Return expressions as text, with commas between them."""
    return ", ".join(render(e) for e in expressions)


def render_order(orders: Iterable[Any]) -> str:
    """Return ``Expression.SortOrder`` messages as text, with commas between them."""
    return ", ".join(_Renderer(order).order(order) for order in orders)


def render_literal(literal: Any) -> str:
    """Return an ``Expression.Literal`` as text."""
    kind = literal.WhichOneof("literal_type")
    if kind is None or kind == "null":
        return "NULL"
    value = getattr(literal, kind)
    return _LITERALS.get(kind, lambda v: str(v).strip())(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _moment(microseconds: int) -> str:
    return (_EPOCH + datetime.timedelta(microseconds=microseconds)).strftime("%Y-%m-%d %H:%M:%S.%f")


def _date(days: int) -> str:
    return f"DATE '{(_EPOCH + datetime.timedelta(days=days)).date()}'"


def _map(value: Any) -> str:
    pairs = zip(value.keys, value.values, strict=False)
    return f"map({', '.join(f'{render_literal(k)}, {render_literal(v)}' for k, v in pairs)})"


def _elements(name: str) -> Callable[[Any], str]:
    return lambda value: f"{name}({', '.join(render_literal(e) for e in value.elements)})"


def _specialized(value: Any) -> str:
    kind = value.WhichOneof("value_type")
    values = getattr(value, kind).values if kind else ()
    return f"array({', '.join(_quoted(v) if isinstance(v, str) else str(v) for v in values)})"


_LITERALS: dict[str, Callable[[Any], str]] = {
    "binary": lambda v: f"X'{v.hex()}'",
    "boolean": lambda v: str(v).lower(),
    "string": _quoted,
    "date": _date,
    "timestamp": lambda v: f"TIMESTAMP '{_moment(v)} UTC'",
    "timestamp_ntz": lambda v: f"TIMESTAMP_NTZ '{_moment(v)}'",
    "decimal": lambda v: v.value,
    "calendar_interval": lambda v: f"INTERVAL {v.months} months {v.days} days {v.microseconds} us",
    "year_month_interval": lambda v: f"INTERVAL {v} months",
    "day_time_interval": lambda v: f"INTERVAL {v} us",
    "array": _elements("array"),
    "struct": _elements("struct"),
    "map": _map,
    "specialized_array": _specialized,
}


class _Renderer:
    """Renders what lies below one message, each expression once."""

    def __init__(self, message: Any) -> None:
        # The list keeps the messages alive, so that their ids stay theirs.
        self._nodes = [m for m in walk(message) if m.DESCRIPTOR is pb2.Expression.DESCRIPTOR]
        self._done: dict[int, _Text] = {}
        for node in reversed(self._nodes):
            self._done[id(node)] = self._render(node)

    def text(self, expression: Any) -> str:
        return self._done[id(expression)][0]

    def order(self, order: Any) -> str:
        names = pb2.Expression.SortOrder
        text = self.text(order.child)
        text += " DESC" if order.direction == names.SORT_DIRECTION_DESCENDING else " ASC"
        if order.null_ordering == names.SORT_NULLS_FIRST and text.endswith(" DESC"):
            text += " NULLS FIRST"
        if order.null_ordering == names.SORT_NULLS_LAST and text.endswith(" ASC"):
            text += " NULLS LAST"
        return text

    def _within(self, expression: Any, level: int) -> str:
        text, own = self._done[id(expression)]
        return f"({text})" if own < level else text

    def _list(self, expressions: Iterable[Any]) -> str:
        return ", ".join(self.text(e) for e in expressions)

    def _render(self, node: Any) -> _Text:
        kind = node.WhichOneof("expr_type")
        if kind is None:
            return "?", _ATOM
        method = getattr(self, f"_{kind}", None)
        if method is None:
            return f"<{kind}>", _ATOM
        result: _Text | str = method(getattr(node, kind))
        return (result, _ATOM) if isinstance(result, str) else result

    def _literal(self, literal: Any) -> str:
        return render_literal(literal)

    def _unresolved_attribute(self, attribute: Any) -> str:
        return str(attribute.unparsed_identifier)

    def _unresolved_star(self, star: Any) -> str:
        return f"{star.unparsed_target.removesuffix('.*')}.*" if star.unparsed_target else "*"

    def _unresolved_regex(self, regex: Any) -> str:
        return str(regex.col_name)

    def _expression_string(self, string: Any) -> _Text:
        return " ".join(string.expression.split()), 0

    def _alias(self, alias: Any) -> _Text:
        name = alias.name[0] if len(alias.name) == 1 else f"({', '.join(alias.name)})"
        return f"{self.text(alias.expr)} AS {name}", 0

    def _cast(self, cast: Any) -> str:
        target = cast.type_str or cast.type.WhichOneof("kind") or "?"
        attempt = cast.eval_mode == pb2.Expression.Cast.EVAL_MODE_TRY
        return f"{'TRY_CAST' if attempt else 'CAST'}({self.text(cast.expr)} AS {target})"

    def _sort_order(self, order: Any) -> _Text:
        return self.order(order), 0

    def _unresolved_function(self, function: Any) -> _Text | str:
        name, arguments = function.function_name, list(function.arguments)
        lower = name.lower()
        if lower in _INFIX and len(arguments) == 2:
            return self._infix(*_INFIX[lower], *arguments)
        if lower == "not" and len(arguments) == 1:
            return f"NOT {self._within(arguments[0], _NOT)}", _NOT
        if lower in ("isnull", "isnotnull") and len(arguments) == 1:
            negation = "" if lower == "isnull" else "NOT "
            return f"{self._within(arguments[0], 5)} IS {negation}NULL", 4
        if lower == "negative" and len(arguments) == 1:
            return f"-{self._within(arguments[0], 8)}", 8
        if lower == "in" and arguments:
            return f"{self._within(arguments[0], 5)} IN ({self._list(arguments[1:])})", 4
        if lower == "when":
            return self._case(arguments)
        distinct = "DISTINCT " if function.is_distinct else ""
        return f"{name}({distinct}{self._list(arguments)})"

    def _infix(self, symbol: str, level: int, left: Any, right: Any) -> _Text:
        # The right operand of the same level keeps its parentheses: a - (b - c).
        after = level if symbol in ("AND", "OR") else level + 1
        before = level + 1 if level == 4 else level
        return f"{self._within(left, before)} {symbol} {self._within(right, after)}", level

    def _case(self, arguments: list[Any]) -> str:
        branches = [
            f"WHEN {self.text(condition)} THEN {self.text(value)}"
            for condition, value in zip(arguments[::2], arguments[1::2], strict=False)
        ]
        if len(arguments) % 2:
            branches.append(f"ELSE {self.text(arguments[-1])}")
        return f"CASE {' '.join(branches)} END"

    def _call_function(self, call: Any) -> str:
        return f"{call.function_name}({self._list(call.arguments)})"

    def _common_inline_user_defined_function(self, udf: Any) -> str:
        return f"{udf.function_name}({self._list(udf.arguments)})"

    def _typed_aggregate_expression(self, _: Any) -> str:
        return "typed_aggregate()"

    def _named_argument_expression(self, argument: Any) -> str:
        return f"{argument.key} => {self.text(argument.value)}"

    def _lambda_function(self, function: Any) -> _Text:
        names = [".".join(variable.name_parts) for variable in function.arguments]
        variables = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return f"{variables} -> {self.text(function.function)}", 0

    def _unresolved_named_lambda_variable(self, variable: Any) -> str:
        return ".".join(variable.name_parts)

    def _unresolved_extract_value(self, value: Any) -> str:
        return f"{self._within(value.child, _ATOM)}[{self.text(value.extraction)}]"

    def _update_fields(self, update: Any) -> str:
        struct = self.text(update.struct_expression)
        if update.HasField("value_expression"):
            value = self.text(update.value_expression)
            return f"with_field({struct}, {update.field_name}, {value})"
        return f"drop_field({struct}, {update.field_name})"

    def _subquery_expression(self, subquery: Any) -> _Text | str:
        kinds = pb2.SubqueryExpression
        if subquery.subquery_type == kinds.SUBQUERY_TYPE_EXISTS:
            return "EXISTS (subquery)"
        if subquery.subquery_type == kinds.SUBQUERY_TYPE_IN:
            return f"({self._list(subquery.in_subquery_values)}) IN (subquery)", 4
        return "(subquery)"

    def _direct_shuffle_partition_id(self, partition: Any) -> str:
        return f"partition({self.text(partition.child)})"

    def _window(self, window: Any) -> str:
        parts = []
        if window.partition_spec:
            parts.append(f"PARTITION BY {self._list(window.partition_spec)}")
        if window.order_spec:
            parts.append(f"ORDER BY {', '.join(self.order(o) for o in window.order_spec)}")
        if window.HasField("frame_spec"):
            parts.append(self._frame(window.frame_spec))
        return f"{self.text(window.window_function)} OVER ({' '.join(parts)})"

    def _frame(self, frame: Any) -> str:
        rows = frame.frame_type == pb2.Expression.Window.WindowFrame.FRAME_TYPE_ROW
        lower = self._boundary(frame.lower, "PRECEDING")
        upper = self._boundary(frame.upper, "FOLLOWING")
        return f"{'ROWS' if rows else 'RANGE'} BETWEEN {lower} AND {upper}"

    def _boundary(self, boundary: Any, side: str) -> str:
        kind = boundary.WhichOneof("boundary")
        if kind == "value":
            # Spark counts backwards with negative numbers.
            value = self.text(boundary.value)
            return f"{value[1:]} PRECEDING" if value.startswith("-") else f"{value} FOLLOWING"
        return "CURRENT ROW" if kind == "current_row" else f"UNBOUNDED {side}"
