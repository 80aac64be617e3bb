"""Where a table's values come from, and how tables are put together.

A *flow* says that a source column's values reach a value, and by what kinds of
derivation; an *influence* that they decide which rows there are. A *path* is the
same for whole tables. All of it is sound: what is not known exactly is taken to
come from everywhere, and marked approximate.

Kinds are terms of the context; a flow without kinds is an unchanged copy. Among a flow's
kinds are the effects that functions have on privacy; among a path's there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

Kinds = frozenset[str]
COPY: Kinds = frozenset()


@dataclass(frozen=True)
class Source:
    """A column of an input.

    Attributes:
        slot: The input, such as ``input:0``.
        column: The column's name there.
    """

    slot: str
    column: str


@dataclass(frozen=True)
class Flow:
    """One way a source's values reach a value."""

    source: Source
    kinds: Kinds = COPY
    approximate: bool = False


@dataclass(frozen=True)
class Path:
    """One way an input's rows reach a table."""

    slot: str
    kinds: Kinds = COPY
    approximate: bool = False


Flows = frozenset[Flow]
Sources = frozenset[Source]
NOTHING: Flows = frozenset()


@dataclass(frozen=True)
class Column:
    """A column on its way through a plan.

    Attributes:
        name: What it is called now.
        flows: Where its values come from.
        qualifier: Alias of the table it belongs to.
        key: What it keeps when it is merely passed on: Spark tells two columns of
            one name apart by the table they were first seen in.
        group_size: Whether each value counts rows of a group of an aggregation.
    """

    name: str
    flows: Flows
    qualifier: str = ""
    key: object = field(default_factory=object)
    group_size: bool = False


@dataclass(frozen=True)
class Frame:
    """A table on its way through a plan.

    Attributes:
        columns: Its columns; names may repeat.
        paths: How each input reaches it.
        influences: Sources that decide which rows it has.
        order: Sources that decide only the order of its rows.
        sources: Every column of every input below it.
    """

    columns: tuple[Column, ...] = ()
    paths: frozenset[Path] = frozenset()
    influences: Sources = frozenset()
    order: Sources = frozenset()
    sources: Sources = frozenset()

    def everything(self) -> Flows:
        """Return a flow from every source below: what is true of any value here."""
        return frozenset(Flow(s, frozenset({"Transform"}), True) for s in self.sources)

    def through(self, kinds: Kinds, approximate: bool = False) -> Frame:
        """Return the frame after an operator of some kinds."""
        if not kinds and not approximate:
            return self
        paths = (Path(p.slot, p.kinds | kinds, p.approximate or approximate) for p in self.paths)
        return replace(self, paths=frozenset(paths))

    def influenced(self, *by: Flows) -> Frame:
        """Return the frame with more sources that decide its rows."""
        return replace(self, influences=self.influences.union(*map(sources_of, by)))

    def by_order(self) -> Frame:
        """Return the frame after an operator to which the order of rows matters."""
        return replace(self, influences=self.influences | self.order)

    def with_columns(self, columns: Iterable[Column]) -> Frame:
        """Return the frame with other columns."""
        return replace(self, columns=tuple(columns))

    def beside(self, *others: Frame) -> Frame:
        """Return the frame with what else was read to make it: paths, rows, order, sources."""
        every = (self, *others)
        return Frame(
            self.columns,
            frozenset().union(*(f.paths for f in every)),
            frozenset().union(*(f.influences for f in every)),
            frozenset().union(*(f.order for f in every)),
            frozenset().union(*(f.sources for f in every)),
        )

    def all_flows(self) -> Flows:
        """Return the flows of all columns."""
        return union_of(c.flows for c in self.columns)


def union_of(flows: Iterable[Flows]) -> Flows:
    """Return flows together."""
    return NOTHING.union(*flows)


def sources_of(flows: Flows) -> Sources:
    """Return the sources that flows begin at."""
    return frozenset(f.source for f in flows)


def changed(flows: Flows, kinds: Kinds, approximate: bool = False) -> Flows:
    """Return flows after a derivation of some kinds."""
    if not kinds and not approximate:
        return flows
    return frozenset(Flow(f.source, f.kinds | kinds, f.approximate or approximate) for f in flows)


def counted(column: Column, keys: Flows, rows: bool, alone: bool) -> Column:
    """Return a column of an aggregation in which something is counted.

    Args:
        column: The column.
        keys: Flows of what rows are grouped by: how many there are says something of it.
        rows: Whether rows are counted, which are of no column.
        alone: Whether it is nothing but the count.
    """
    flows = changed(keys, frozenset({"Aggregate", "Count"})) if rows else NOTHING
    return replace(column, flows=column.flows | flows, group_size=alone)


def unknown(inputs: Sequence[Frame], names: Sequence[str] | None, kinds: Kinds) -> Frame:
    """Return what is true of any table made of others: every value may come from everywhere."""
    whole = reduce(lambda a, b: a.beside(b), inputs, Frame())
    flows = changed(whole.everything(), kinds, approximate=True)
    below = whole.through(kinds, approximate=True)
    columns = tuple(Column(name, flows) for name in names or ())
    return replace(below, columns=columns, influences=whole.influences | whole.sources)


def named(frame: Frame, names: Sequence[str] | None) -> Frame:
    """Return the frame under the names Spark gives it; unknown when their number differs."""
    if names is None:
        return frame
    if len(names) != len(frame.columns):
        return unknown([frame], names, frozenset({"Transform"}))
    pairs = zip(frame.columns, names, strict=True)
    return frame.with_columns(replace(c, name=n) if c.name != n else c for c, n in pairs)


def find(frame: Frame, parts: Sequence[str]) -> Flows | None:
    """Return the flows of a possibly qualified, possibly nested name; None without a match."""
    found = find_columns(frame, parts)
    if found is None:
        return None
    columns, nested = found
    flows = union_of(c.flows for c in columns)
    return field_of(flows) if nested else flows


def field_of(flows: Flows) -> Flows:
    """Return the flows of a field of a value; of which source, if it has several, is not known."""
    several = len(sources_of(flows)) > 1
    return changed(flows, frozenset({"Projection"}), approximate=several)


def find_columns(frame: Frame, parts: Sequence[str]) -> tuple[list[Column], bool] | None:
    """Return the columns a name may mean, and whether it goes on into a field of theirs.

    A qualified name comes before a field of a struct, as in Spark.
    """
    for at in (*range(len(parts) - 1, 0, -1), 0):
        named_so = same(frame.columns, parts[at])
        if at:
            owner = parts[at - 1].lower()
            named_so = [c for c in named_so if c.qualifier.lower() == owner]
        if named_so:
            return named_so, at < len(parts) - 1
    return None


def same(columns: Iterable[Column], name: str) -> list[Column]:
    """Return the columns of a name: of exactly this case, else of any."""
    lower = name.lower()
    found = [c for c in columns if c.name.lower() == lower]
    return [c for c in found if c.name == name] or found


def join(left: Frame, right: Frame, how: str, using: Sequence[str]) -> Frame:
    """Return two tables joined, without what a condition adds.

    Args:
        left: One side.
        right: The other; in a semi or anti join it is only looked up.
        how: ``inner``, ``left_outer``, ``right_outer``, ``full_outer``, ``cross``,
            ``left_semi`` or ``left_anti``.
        using: Columns of both sides that must be equal; the result has each once.
    """
    keys = [(_one(left, name), _one(right, name)) for name in using]
    decided = [c.flows for pair in keys for c in pair if c is not None]
    if how in ("left_semi", "left_anti"):
        kept = left.through(frozenset({"Filter"})).beside(right.through(frozenset({"Lookup"})))
        columns = _unused(left, [a for a, _ in keys], [a for a, _ in keys])
    else:
        combined = frozenset({"Combine"})
        kept = left.through(combined).beside(right.through(combined))
        shared = [_shared(a, b, how) for a, b in keys]
        columns = _unused(left, shared, [a for a, _ in keys])
        columns += _unused(right, [], [b for _, b in keys])
    return kept.with_columns(columns).influenced(*decided)


def _one(frame: Frame, name: str) -> Column | None:
    found = same(frame.columns, name)
    return found[0] if found else None


def _unused(
    frame: Frame, first: Sequence[Column | None], used: Sequence[Column | None]
) -> list[Column]:
    keys = {id(c.key) for c in used if c is not None}
    rest = [c for c in frame.columns if id(c.key) not in keys]
    return [c for c in first if c is not None] + rest


def _shared(left: Column | None, right: Column | None, how: str) -> Column | None:
    if left is None or right is None:
        return left or right
    if how == "right_outer":
        return right
    if how == "full_outer":
        return Column(left.name, changed(left.flows | right.flows, frozenset({"Combine"})))
    return left


def union(left: Frame, right: Frame, by_name: bool = False, missing: bool = False) -> Frame:
    """Return the rows of two tables.

    Args:
        left: Gives the names.
        right: Matched by position, or by name.
        by_name: Match by name.
        missing: With ``by_name``: a column that one side lacks is null there.
    """
    combined = frozenset({"Combine"})
    both = left.through(combined).beside(right.through(combined))
    columns = []
    for index, column in enumerate(left.columns):
        other = _one(right, column.name) if by_name else _at(right, index)
        flows = column.flows | (other.flows if other else NOTHING)
        both_count = column.group_size and other is not None and other.group_size
        columns.append(replace(column, flows=changed(flows, combined), group_size=both_count))
    if missing:
        added = [c for c in right.columns if _one(left, c.name) is None]
        columns += [replace(c, flows=changed(c.flows, combined), group_size=False) for c in added]
    return both.with_columns(columns)


def _at(frame: Frame, index: int) -> Column | None:
    return frame.columns[index] if index < len(frame.columns) else None


def matched(left: Frame, right: Frame) -> Frame:
    """Return an intersection or difference: rows of the left, the right is looked up."""
    kept = left.through(frozenset({"Filter"})).beside(right.through(frozenset({"Lookup"})))
    return kept.influenced(left.all_flows(), right.all_flows())


def aliased(frame: Frame, alias: str, names: Sequence[str] = ()) -> Frame:
    """Return a frame under an alias, its columns possibly renamed by position."""
    columns = [replace(c, qualifier=alias) for c in frame.columns]
    for index, name in enumerate(names[: len(columns)]):
        columns[index] = replace(columns[index], name=name)
    return frame.with_columns(columns)
