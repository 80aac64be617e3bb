"""Everything that can be reached, and how far away it is.

A small answer is walked node by node, so its cost follows the answer and not the graph.
A wide one goes hop by hop over whole arrays, with a bitmap of what was seen; where it gets
thin again, such as in a long chain, it is walked node by node on the same bitmap.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from lineage_graph.index.arrays import Array
from lineage_graph.index.view import Neighbours

SMALL = 2000
THIN = 24
DENSE = 8
"""A frontier of more than one in so many nodes is found by looking at all of them."""


class NumberedEdge(NamedTuple):
    """One derivation by numbers.

    Attributes:
        derived: What came out.
        source: What went in.
        kinds: Code of its set of kinds.
        activity: The activity that did it.
    """

    derived: int
    source: int
    kinds: int
    activity: int


class Closure:
    """What a walk reached.

    Attributes:
        nodes: The nodes, the nearest first, with the starts.
        depths: Fewest edges from a start to each node.
    """

    def __init__(
        self, neighbours: Neighbours, starts: Collection[int], depth: int | None, downstream: bool
    ) -> None:
        self._neighbours = neighbours
        self._starts = frozenset(starts)
        self._downstream = downstream
        walked, depths = _walk(neighbours, starts, depth)
        self._expanded = walked if depth is None else walked[depths < depth]
        shown = neighbours.view.shown(walked, self._starts)
        self.nodes, self.depths = walked[shown], depths[shown]

    @property
    def count(self) -> int:
        """How many nodes were reached, with the starts."""
        return int(self.nodes.size)

    def edge_arrays(self) -> tuple[Array, Array, Array, Array]:
        """Return the edges that were walked, each once: derived, source, kind code, activity.

        Those of nodes as far away as the limit of the depth are not among them, nor those
        that begin or end at an invalidated version.
        """
        near = self._expanded
        near = near[self._neighbours.view.shown(near, self._starts)]
        found = self._neighbours.edges(near)
        kept = np.flatnonzero(self._neighbours.view.shown(found.ends, self._starts))
        ends = near[found.origin[kept]], found.ends[kept]
        source, derived = ends if self._downstream else ends[::-1]
        activities = self._neighbours.view.activities(found.runs[kept])
        return _distinct_rows(derived, source, found.kinds[kept], activities)

    def edges(self) -> list[NumberedEdge]:
        """Return the edges of :meth:`edge_arrays` one by one."""
        columns = (column.tolist() for column in self.edge_arrays())
        return [NumberedEdge(*row) for row in zip(*columns, strict=True)]


def _distinct_rows(*columns: Array) -> tuple[Array, Array, Array, Array]:
    order = np.lexsort(columns[::-1])
    rows = [column[order] for column in columns]
    new = np.ones(order.size, bool)
    if order.size:
        new[1:] = np.logical_or.reduce([row[1:] != row[:-1] for row in rows])
    derived, source, kinds, activities = (row[new] for row in rows)
    return derived, source, kinds, activities


def _walk(
    neighbours: Neighbours, starts: Collection[int], limit: int | None
) -> tuple[Array, Array]:
    """Return the nodes that can be reached in so many hops, and the fewest hops to each."""
    depths = dict.fromkeys(starts, 0)
    frontier = list(depths)
    hop = 0
    ends = neighbours.ends
    while frontier and hop != limit:
        if len(depths) > SMALL and len(frontier) > THIN:
            return _walk_wide(neighbours, depths, frontier, hop, limit)
        hop += 1
        further: list[int] = []
        for node in frontier:
            for end in ends(node):
                if end not in depths:
                    depths[end] = hop
                    further.append(end)
        frontier = further
    return _array(list(depths)), _array(list(depths.values()))


def _walk_wide(
    neighbours: Neighbours,
    depths: dict[int, int],
    begun: list[int],
    hop: int,
    limit: int | None,
) -> tuple[Array, Array]:
    nodes = [_array(list(depths))]
    hops = [_array(list(depths.values()))]
    seen = np.zeros(max(neighbours.view.state.size, int(nodes[0].max()) + 1), np.uint8)
    seen[nodes[0]] = 1
    frontier = _array(begun)
    while frontier.size and hop != limit:
        hop += 1
        frontier = _hop(neighbours, frontier, seen)
        nodes.append(frontier)
        hops.append(np.full(frontier.size, hop, np.int32))
    return np.concatenate(nodes), np.concatenate(hops)


def _hop(neighbours: Neighbours, frontier: Array, seen: Array) -> Array:
    if frontier.size <= THIN:
        cells = seen.data
        further: list[int] = []
        for node in frontier.tolist():
            for end in neighbours.ends(node):
                if not cells[end]:
                    cells[end] = 1
                    further.append(end)
        return _array(further)
    ends = neighbours.far(frontier)
    ends = ends[seen[ends] == 0]
    if ends.size * DENSE > seen.size:
        seen[ends] = 2
        ends = np.flatnonzero(seen == 2)
    else:
        ends = distinct(ends)
    seen[ends] = 1
    return ends


def distinct(values: Array) -> Array:
    """Return the values sorted, each once."""
    values = np.sort(values)
    new = np.ones(values.size, bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return values[new]


def _array(values: Sequence[int]) -> Array:
    return np.array(values, np.int64)
