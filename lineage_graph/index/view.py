"""The index as of one entry: which edges hold, and how to walk them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lineage_graph.index.arrays import Array, Base, Side, Way
from lineage_graph.index.overlay import Link, Overlay
from lineage_graph.ledger import Invalidation


class State(NamedTuple):
    """What was applied at one moment; a later refresh makes another one.

    Attributes:
        base: Edges that processes share.
        overlay: Edges since; it may meanwhile have grown.
        applied_seq: Last entry that is applied.
        runs: One more than the last row of the runs.
        size: One more than the highest number of a node with an edge.
        dead: Rows of runs whose bundle was invalidated, and by which entry.
        hidden: Nodes that were invalidated, and by which entry.
        kind_sets: Sets of derivation kinds by code.
    """

    base: Base
    overlay: Overlay
    applied_seq: int
    runs: int
    size: int
    dead: Mapping[int, int]
    hidden: Mapping[int, int]
    kind_sets: tuple[tuple[str, ...], ...]

    def rows_of(self, seq: int) -> range:
        """Return the rows of the runs that an entry states."""
        return range(self.runs_as_of(seq - 1), self.runs_as_of(seq))

    def runs_as_of(self, seq: int) -> int:
        """Return how many runs there were as of an entry."""
        base = self.base.run_seqs
        if base.size and seq < int(base[-1]):
            return bisect_right(base.data, seq)
        return min(self.runs, base.size + bisect_right(self.overlay.run_seqs, seq))

    def invalidated(self, gone: Collection[Invalidation]) -> State:
        """Return the state with further invalidations; the first one of a thing counts."""
        dead, hidden = dict(self.dead), dict(self.hidden)
        for seq, node, entry in gone:
            hidden[node] = min(seq, hidden.get(node, seq))
            for row in self.rows_of(entry) if entry else ():
                dead[row] = min(seq, dead.get(row, seq))
        return self._replace(dead=dead, hidden=hidden)


class View:
    """A state as of an entry; it does not change.

    Args:
        state: What was applied.
        as_of: The last entry to consider; None for all that was applied.
        invalidated: Whether answers show invalidated nodes too.
    """

    def __init__(self, state: State, as_of: int | None, invalidated: bool = False) -> None:
        self.state = state
        self.limit = state.runs if as_of is None else state.runs_as_of(as_of)
        self.dead: Collection[int] = state.dead
        self.hidden: Collection[int] = () if invalidated else state.hidden
        if as_of is not None:
            self.dead = {row for row, seq in state.dead.items() if seq <= as_of}
            self.hidden = {node for node in self.hidden if state.hidden[node] <= as_of}

    def activities(self, runs: Array) -> Array:
        """Return the activities of rows of the runs."""
        base, first = self.state.base.run_activities, self.state.overlay.first
        if not self.state.overlay.run_activities:
            return base[runs]
        found = np.empty(runs.size, np.int64)
        old = runs < first
        found[old] = base[runs[old]]
        found[~old] = np.array(self.state.overlay.run_activities)[runs[~old] - first]
        return found

    def activity(self, run: int) -> int:
        """Return the activity of one row of the runs."""
        first = self.state.overlay.first
        if run < first:
            return int(self.state.base.run_activities[run])
        return self.state.overlay.run_activities[run - first]

    def shown(self, nodes: Array, kept: Collection[int]) -> Array:
        """Return which nodes an answer shows: not invalidated ones, unless they are kept."""
        if nodes.size < len(self.hidden):
            shown = [node not in self.hidden or node in kept for node in nodes.tolist()]
            return np.array(shown, bool)
        gone = [node for node in self.hidden if node not in kept]
        return ~np.isin(nodes, gone) if gone else np.ones(nodes.size, bool)


class Edges(NamedTuple):
    """Edges that leave some nodes.

    Attributes:
        origin: Position of the near end among the nodes.
        ends: The far end.
        kinds: Code of the kind set.
        runs: Row of the run.
    """

    origin: Array
    ends: Array
    kinds: Array
    runs: Array


class Neighbours:
    """Edges of one level in one direction that hold and pass the filters.

    Args:
        view: As of when.
        way: The level and the direction.
        codes: Codes of kind sets that pass; None for all.
        activities: Activities that pass; None for all.
    """

    def __init__(
        self,
        view: View,
        way: Way,
        codes: Collection[int] | None = None,
        activities: Collection[int] | None = None,
    ) -> None:
        self.view = view
        self._side = side = view.state.base.sides[way]
        self._way = way
        self._codes = codes
        self._activities = activities
        self._limit = view.limit
        self._added = view.state.overlay.links(way)
        self._count = side.offsets.size - 1
        self._offsets, self._ends = side.offsets.data, side.ends.data
        self._kinds, self._runs = side.kinds.data, side.runs.data
        self._past = view.limit < view.state.base.run_seqs.size
        self._all = not (self._past or view.dead) and codes is None and activities is None

    def reversed(self) -> Neighbours:
        """Return the same edges the other way."""
        level, downstream = self._way
        return Neighbours(self.view, (level, not downstream), self._codes, self._activities)

    def ends(self, node: int) -> list[int]:
        """Return the far ends of the edges of one node; one may be there several times."""
        if self._all and node not in self._added:
            if node >= self._count:
                return []
            return self._ends[self._offsets[node] : self._offsets[node + 1]].tolist()
        return [end for end, _, _ in self.links(node)]

    def links(self, node: int) -> list[Link]:
        """Return the edges of one node, in the order they were recorded."""
        found: list[Link] = []
        if node < self._count:
            here = slice(self._offsets[node], self._offsets[node + 1])
            found = list(zip(self._ends[here], self._kinds[here], self._runs[here], strict=True))
        added = self._added.get(node)
        if added:
            found += [link for link in added if link[2] < self._limit]
        return found if self._all else [link for link in found if self._holds(*link)]

    def _holds(self, _: int, kind: int, run: int) -> bool:
        return (
            run < self._limit
            and run not in self.view.dead
            and (self._codes is None or kind in self._codes)
            and (self._activities is None or self.view.activity(run) in self._activities)
        )

    def far(self, nodes: Array) -> Array:
        """Return the far ends of the edges of many nodes; one may be there several times."""
        if self._all and not self._added:
            return self._side.ends[self._side.positions(nodes)[0]]
        return self.edges(nodes).ends

    def edges(self, nodes: Array) -> Edges:
        """Return the edges of many nodes, in no order."""
        found = self._of(self._side, nodes, not self._all)
        if not self._added:
            return found
        sparse = self.view.state.overlay.sparse(self._way)
        at = np.flatnonzero(nodes < sparse.has.size)
        at = at[sparse.has[nodes[at]]]
        if not at.size:
            return found
        more = self._of(sparse.side, np.searchsorted(sparse.nodes, nodes[at]), True)
        more = more._replace(origin=at[more.origin])
        return Edges(*(np.concatenate(pair) for pair in zip(found, more, strict=True)))

    def _of(self, side: Side, nodes: Array, filtered: bool) -> Edges:
        at, counts = side.positions(nodes)
        origin = np.repeat(np.arange(nodes.size), counts)
        kinds, runs = side.kinds[at], side.runs[at]
        if filtered:
            kept = np.flatnonzero(self._kept(kinds, runs))
            at, origin, kinds, runs = at[kept], origin[kept], kinds[kept], runs[kept]
        return Edges(origin, side.ends[at], kinds, runs)

    def _kept(self, kinds: Array, runs: Array) -> Array:
        kept: Array = runs < self._limit
        if self._codes is not None:
            kept &= self._passing_codes[kinds]
        if self.view.dead or self._activities is not None:
            kept &= self._passing_runs[np.minimum(runs, self._limit)]
        return kept

    @cached_property
    def _passing_codes(self) -> Array:
        passing = np.zeros(max(len(self.view.state.kind_sets), 1), bool)
        passing[list(self._codes or ())] = True
        return passing

    @cached_property
    def _passing_runs(self) -> Array:
        if self._activities is None:
            passing = np.ones(self._limit + 1, bool)
        else:
            of = self.view.activities(np.arange(self._limit))
            passing = np.append(np.isin(of, list(self._activities)), False)
        passing[[row for row in self.view.dead if row < self._limit]] = False
        return passing


def codes_with(
    kind_sets: tuple[tuple[str, ...], ...], kinds: Collection[str] | None
) -> frozenset[int] | None:
    """Return the codes of kind sets that have at least one of some kinds; None for no filter."""
    if kinds is None:
        return None
    wanted = frozenset(kinds)
    return frozenset(c for c, terms in enumerate(kind_sets) if not wanted.isdisjoint(terms))
