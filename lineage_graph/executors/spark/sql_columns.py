"""Which columns of the tables it names an SQL text's output comes from.

The syntax tree is sqlglot's; what its names mean is decided here, with the
columns Spark knows the tables to have. What cannot be read is said to be so, and
the caller takes everything to come from everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from lineage_graph.executors.spark.column_expressions import (
    GENERATORS,
    TRANSFORM,
    Value,
    aggregate_kinds,
)
from lineage_graph.executors.spark.flows import (
    COPY,
    NOTHING,
    Column,
    Flows,
    Frame,
    Kinds,
    aliased,
    changed,
    counted,
    find,
    join,
    matched,
    sources_of,
    union,
    union_of,
)
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.resolution import parse_sql
from lineage_graph.executors.spark.sql_frames import SqlFrames, Unreadable
from lineage_graph.executors.spark.sql_values import SqlValues, spark_name

_PROJECTION = frozenset({"Projection"})
_FILTER = frozenset({"Filter"})
_STRANGE = ("pivots", "match", "connect", "into")


class SqlColumns:
    """Evaluates SQL text.

    Args:
        operators: What functions do.
        tables: The tables a query can name, by lower-case name.
        named: Returns the flows of a name that the text itself does not define.
        columns_of: Returns the columns of a star over what is around the text.
    """

    def __init__(
        self,
        operators: Operators,
        tables: Mapping[str, Frame],
        named: Callable[[Sequence[str]], Flows],
        columns_of: Callable[[Sequence[str]], list[Column]],
    ) -> None:
        self._operators = operators
        self._root = SqlFrames(dict(tables), outside=named, around=columns_of)

    def items(self, text: str) -> list[tuple[Column, Value | None]]:
        """Return the columns of ``selectExpr`` text, and what is computed for each."""
        tree = parse_sql(f"SELECT {text}")
        if not isinstance(tree, exp.Select) or tree.args.get("from_"):
            return self._opaque()
        try:
            return list(_Query(self._operators, self._root).items(tree))
        except (Unreadable, RecursionError):
            return self._opaque()

    def _opaque(self) -> list[tuple[Column, Value | None]]:
        flows = union_of(c.flows for c in self._root.columns_of(()))
        value = Value(changed(flows, TRANSFORM, approximate=True), TRANSFORM)
        return [(Column("", value.flows), value)]

    def query(self, text: str) -> Frame | None:
        """Return what a query makes of its tables; None when it cannot be read."""
        tree = parse_sql(text)
        try:
            return None if tree is None else _Query(self._operators, self._root).evaluate(tree)
        except (Unreadable, RecursionError):
            return None


class _Query:
    """Evaluates one query in its scope."""

    def __init__(self, operators: Operators, outer: SqlFrames) -> None:
        self._operators = operators
        self._scope = SqlFrames(dict(outer.tables), parent=outer)
        self._values = SqlValues(self, operators)
        self._asked: list[Frame] = []

    # What expressions ask

    def named(self, parts: Sequence[str]) -> Flows:
        """Return the flows of a name."""
        return self._scope.named(parts)

    def columns_of(self, target: Sequence[str]) -> list[Column]:
        """Return the columns of a star."""
        return self._scope.columns_of(target)

    def subquery(self, query: Any) -> Frame:
        """Return what a subquery makes."""
        return _Query(self._operators, self._scope).evaluate(query)

    def window(self, name: str) -> Any:
        """Return a window of the WINDOW clause."""
        return self._scope.windows.get(name.lower())

    # Queries

    def evaluate(self, node: Any) -> Frame:
        """Return what a query makes of its tables.

        Raises:
            Unreadable: It has a part whose columns are not known here.
        """
        if any(node.args.get(key) for key in _STRANGE):
            raise Unreadable(type(node).__name__)
        self._with(node.args.get("with_"))
        if isinstance(node, exp.Select):
            frame = self._select(node)
        elif isinstance(node, exp.SetOperation):
            frame = self._set_operation(node)
        elif isinstance(node, exp.Subquery):
            frame = self._inside(node)
        elif isinstance(node, exp.Values):
            frame = self._constants(node)
        else:
            raise Unreadable(type(node).__name__)
        return self._finish(node, frame).beside(*self._asked)

    def _with(self, clause: Any) -> None:
        if clause is None:
            return
        if clause.args.get("recursive"):
            raise Unreadable("WITH RECURSIVE")
        for cte in clause.expressions:
            frame = self.subquery(cte.this)
            self._scope.tables[cte.alias.lower()] = aliased(frame, cte.alias, _names(cte))

    def _inside(self, node: Any) -> Frame:
        if isinstance(node.this, exp.Table):
            return self._source(node.this)
        return self.subquery(node.this)

    def _set_operation(self, node: Any) -> Frame:
        left, right = self.subquery(node.this), self.subquery(node.expression)
        if isinstance(node, exp.Union):
            frame = union(left, right, bool(node.args.get("by_name")))
            distinct = node.args.get("distinct")
            return frame.influenced(frame.all_flows()) if distinct else frame
        return matched(left, right)

    def _constants(self, node: Any) -> Frame:
        width = max((len(row.expressions) or 1 for row in node.expressions), default=0)
        columns = tuple(Column(f"col{i + 1}", NOTHING) for i in range(width))
        return aliased(Frame(columns), node.alias, _names(node))

    def _finish(self, node: Any, frame: Frame) -> Frame:
        """Apply ORDER BY and LIMIT; the order of rows only matters to what follows."""
        for clause in ("order", "sort", "cluster", "distribute"):
            ordering = node.args.get(clause)
            if ordering is not None:
                keys = self._keys(ordering.expressions, frame.columns)
                frame = replace(frame, order=frame.order | sources_of(keys))
        if node.args.get("limit") or node.args.get("offset"):
            frame = frame.by_order().through(_FILTER)
        return frame

    def _keys(self, expressions: Sequence[Any], columns: Sequence[Column]) -> Flows:
        """Return the flows of grouping or sorting keys, which may be positions or aliases."""
        flows = NOTHING
        made = Frame(tuple(columns))
        for expression in expressions:
            key = expression.this if isinstance(expression, exp.Ordered) else expression
            found = find(made, [key.name]) if isinstance(key, exp.Column) else None
            if isinstance(key, exp.Literal) and key.is_int and int(key.this) <= len(columns):
                flows |= columns[int(key.this) - 1].flows
            elif found is not None and self._scope.frame is None:
                flows |= found
            else:
                flows |= self._value(key).flows | (found or NOTHING)
        return flows

    def _value(self, node: Any) -> Value:
        value = self._values.of(node)
        self._asked.extend(value.subqueries)
        return value

    # SELECT

    def _select(self, node: Any) -> Frame:
        self._from(node)
        self._scope.windows = {w.name.lower(): w for w in node.args.get("windows") or ()}
        where = node.args.get("where")
        if where is not None:
            self._narrow(self._value(where.this).flows)
        items = list(self.items(node))
        kinds, deciding = self._grouping(node, items)
        columns = [
            counted(c, deciding, v.counts_rows, v.is_count) if v is not None else c
            for c, v in items
        ]
        for clause in ("having", "qualify"):
            condition = node.args.get(clause)
            if condition is not None:
                self._narrow(self._value(condition.this).flows)
        frame = self._frame()
        if any(v is not None and v.by_order for _, v in items):
            frame = frame.by_order()
        frame = frame.influenced(*(v.flows for _, v in items if v is not None and v.generates))
        frame = frame.through(kinds).with_columns(columns)
        if node.args.get("distinct"):
            return frame.influenced(frame.all_flows()).through(_FILTER)
        return frame

    def _frame(self) -> Frame:
        return self._scope.frame if self._scope.frame is not None else Frame()

    def _narrow(self, flows: Flows) -> None:
        self._scope.frame = self._frame().influenced(flows).through(_FILTER)

    def items(self, node: Any) -> Iterator[tuple[Column, Value | None]]:
        """Yield the columns of a selection; those passed on have no value of their own."""
        for expression in node.expressions:
            for column, value in self._item(expression):
                if column.name:
                    self._scope.aliases.append(column)
                yield column, value

    def _item(self, expression: Any) -> list[tuple[Column, Value | None]]:
        starred = expression.this if isinstance(expression, exp.Column) else expression
        if isinstance(starred, exp.Star):
            target = [p.name for p in expression.parts[:-1]] if starred is not expression else []
            if starred.args.get("replace") or starred.args.get("rename"):
                raise Unreadable("star")
            left_out = {c.name.lower() for c in starred.args.get("except_") or ()}
            columns = self.columns_of(target)
            return [(c, None) for c in columns if c.name.lower() not in left_out]
        value = self._value(expression)
        if isinstance(expression, exp.Aliases):
            return [(Column(a.name, value.flows), value) for a in expression.expressions]
        if isinstance(expression, exp.Column):
            passed = [c for c in self.columns_of(()) if c.flows == value.flows]
            alike = [c for c in passed if c.name.lower() == expression.name.lower()]
            if alike:
                return [(replace(alike[0], name=expression.name), None)]
        return [(Column(expression.alias_or_name, value.flows), value)]

    def _grouping(
        self, node: Any, items: Sequence[tuple[Column, Value | None]]
    ) -> tuple[Kinds, Flows]:
        """Take in what GROUP BY decides; return the kinds of what is computed, and the keys."""
        values = [v for _, v in items if v is not None]
        own = COPY.union(*(v.kinds if v.kinds or v.flows else TRANSFORM for v in values))
        group = node.args.get("group")
        if group is None:
            whole = "Aggregate" in own
            return (aggregate_kinds(values) if whole else own | self._selection(items)), NOTHING
        every = list(group.expressions)
        for clause in ("grouping_sets", "cube", "rollup"):
            every += [e for part in group.args.get(clause) or () for e in part.expressions]
        keyed = [v for _, v in items if v is not None and "Aggregate" not in v.kinds]
        if group.args.get("all"):
            deciding = union_of(c.flows for c, v in items if v is None or v in keyed)
        else:
            deciding = self._keys(every, [c for c, _ in items])
        self._scope.frame = self._frame().influenced(deciding)
        texts = {e.sql().lower() for e in every}
        computed = [
            v
            for (_, v), e in zip(items, node.expressions, strict=False)
            if v is not None and not _is_key(e, texts, items, every)
        ]
        return aggregate_kinds(computed), deciding

    def _selection(self, items: Sequence[tuple[Column, Value | None]]) -> frozenset[str]:
        kept = {id(c.key) for c, _ in items}
        passed = all(id(c.key) in kept for c in self._frame().columns)
        return COPY if passed else _PROJECTION

    # FROM

    def _from(self, node: Any) -> None:
        clause = node.args.get("from_")
        if clause is not None:
            self._take(self._source(clause.this))
        self._joins(node)

    def _joins(self, node: Any) -> None:
        for joined in node.args.get("joins") or ():
            self._join(joined)
        for lateral in node.args.get("laterals") or ():
            self._widen(self._source(lateral))

    def _widen(self, made: Frame) -> None:
        """Add what a LATERAL VIEW makes of each row."""
        frame = self._frame().through(TRANSFORM)
        frame = replace(frame, influences=frame.influences | made.influences)
        self._take(frame.with_columns((*frame.columns, *made.columns)))

    def _take(self, frame: Frame) -> None:
        self._scope.frame = frame

    def _join(self, node: Any) -> None:
        left, right = self._frame(), self._source(node.this)
        self._scope.parts += [left, right]
        using = [u.name for u in node.args.get("using") or ()]
        if node.method == "NATURAL":
            ours = {c.name.lower() for c in left.columns}
            using = [c.name for c in right.columns if c.name.lower() in ours]
        kind = {"SEMI": "left_semi", "ANTI": "left_anti"}.get(node.kind)
        side = {"LEFT": "left_outer", "RIGHT": "right_outer", "FULL": "full_outer"}.get(node.side)
        how = kind or side or "inner"
        condition = node.args.get("on")
        flows = NOTHING
        if condition is not None:
            self._take(join(left, right, "inner", ()))
            flows = self._value(condition).flows
        self._take(join(left, right, how, using).influenced(flows))

    def _source(self, node: Any) -> Frame:
        if any(node.args.get(key) for key in _STRANGE):
            raise Unreadable(type(node).__name__)
        frame = self._table(node)
        if node.alias or isinstance(node, exp.Table):
            frame = aliased(frame, node.alias_or_name, _names(node))
        if node.args.get("sample"):
            frame = frame.by_order().through(_FILTER)
        if isinstance(node, exp.Table) and (node.args.get("joins") or node.args.get("laterals")):
            inner = _Query(self._operators, self._scope)
            inner._take(frame)
            inner._joins(node)
            frame = inner._frame().beside(*inner._asked)
        return frame

    def _table(self, node: Any) -> Frame:
        if isinstance(node, exp.Lateral):
            inside = node.this
            return self.subquery(inside) if isinstance(inside, exp.Query) else self._made(inside)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Func):
            return self._made(node.this)
        if isinstance(node, exp.Table) and len(node.parts) == 1:
            found = self._scope.tables.get(node.name.lower())
            if found is not None:
                return found
        if isinstance(node, (exp.Query, exp.Values)):
            return self.subquery(node)
        raise Unreadable(type(node).__name__)

    def _made(self, function: Any) -> Frame:
        """Return the table that a table-valued function makes of its arguments."""
        value = self._value(function)
        flows = changed(value.flows, TRANSFORM)
        name = spark_name(function)
        names = GENERATORS.get(name) or (("id",) if name == "range" else ("",) * 3)
        return Frame(tuple(Column(n, flows) for n in names)).influenced(flows)


def _names(node: Any) -> list[str]:
    alias = node.args.get("alias")
    return [c.name for c in alias.args.get("columns") or ()] if alias is not None else []


def _is_key(expression: Any, texts: set[str], items: Sequence[Any], keys: Sequence[Any]) -> bool:
    """Whether a selected expression is one of the grouping keys."""
    bare = expression.unalias()
    if bare.sql().lower() in texts or expression.alias_or_name.lower() in texts:
        return True
    positions = {int(k.this) for k in keys if isinstance(k, exp.Literal) and k.is_int}
    return any(items[p - 1][0].name == expression.alias_or_name for p in positions if p)
