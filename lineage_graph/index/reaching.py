"""How much of something arrives: the level of a node, over paths of steps of some strength.

Along a path the weakest step counts, over all paths the best one. Levels are few, so what
arrives at the highest level is walked first, and what only a weaker step leads to waits
until its level has its turn: every node is left once, at its final level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from lineage_graph.index.arrays import Array, Way
from lineage_graph.index.closures import SMALL, THIN, distinct
from lineage_graph.index.paths import Step, connect
from lineage_graph.index.view import Neighbours, View

LEVELS = (3, 2, 1)
CELLS = 2**26
"""Pairs of a source and a node that are kept in mind at once, a byte each."""


class Reach:
    """What arrives at which level.

    Attributes:
        nodes: Nodes that something arrives at, ascending, with the starts.
        levels: The level of each, 1 to 3.
    """

    def __init__(
        self, view: View, way: Way, starts: Mapping[int, int], strength: Sequence[int]
    ) -> None:
        self._view, self._way = view, way
        self._starts, self._strength = starts, strength
        nodes, levels = _spread(Neighbours(view, way), starts, strength)
        order = np.argsort(nodes, kind="stable")
        order = order[view.shown(nodes[order], starts)]
        self.nodes, self.levels = nodes[order], levels[order]

    def level(self, node: int) -> int:
        """Return the level of a node; 0 where nothing arrives."""
        return int(self.levels_of(np.array([node]))[0])

    def levels_of(self, nodes: Array) -> Array:
        """Return the levels of many nodes; 0 where nothing arrives."""
        if not self.nodes.size:
            return np.zeros(nodes.size, np.uint8)
        at = np.minimum(np.searchsorted(self.nodes, nodes), self.nodes.size - 1)
        return np.where(self.nodes[at] == nodes, self.levels[at], 0).astype(np.uint8)

    def path(self, node: int) -> tuple[Step, ...]:
        """Return the shortest of the paths on which the most arrives, from a start on.

        Returns:
            Nothing for a start that keeps its own level, and where nothing arrives.
        """
        level = self.level(node)
        if not level or self._starts.get(node, 0) >= level:
            return ()
        begun = [start for start, given in self._starts.items() if given >= level]
        level_name, down = self._way
        away = Neighbours(self._view, self._way, self._strong[level])
        back = Neighbours(self._view, (level_name, not down), self._strong[level])
        return connect(away, back, begun, node, down) or ()

    def bottleneck(self, node: int) -> Step | None:
        """Return the step of the path at which the level falls to what it is in the end.

        Returns:
            None when no step lowers it.
        """
        path = self.path(node)
        if not path:
            return None
        final = self.level(node)
        down = self._way[1]
        given = self._starts[path[0].source if down else path[0].derived]
        if given == final:
            return None
        return next(step for step in path if self._strength[step.code] == final)

    @cached_property
    def _strong(self) -> Mapping[int, frozenset[int]]:
        return {
            level: frozenset(c for c, s in enumerate(self._strength) if s >= level)
            for level in LEVELS
        }


def reach_pairs(
    view: View, way: Way, sources: Sequence[int], strength: Sequence[int]
) -> tuple[Array, Array, Array]:
    """Return what arrives where from each of many sources that have the highest level.

    Returns:
        Positions among the sources, nodes and levels, a row for each pair of a source
        and a node that something of it arrives at, the source itself included.
    """
    neighbours = Neighbours(view, way)
    begun = np.array(sources, np.int64)
    size = max(view.state.size, int(begun.max(initial=-1)) + 1, 1)
    at_once = max(CELLS // size, 1)
    cells = np.zeros(min(at_once, max(begun.size, 1)) * size, np.uint8)
    keys, levels = [np.zeros(0, np.int64)], [np.zeros(0, np.uint8)]
    for first in range(0, begun.size, at_once):
        some = begun[first : first + at_once]
        queues: list[list[Array]] = [[], [], [], [np.arange(some.size) * size + some]]
        found = np.concatenate([*_flood(neighbours, strength, size, cells, queues)])
        keys.append(found + first * size)
        levels.append(cells[found])
        cells[found] = 0
    pairs, arrived = np.concatenate(keys), np.concatenate(levels)
    source, node = np.divmod(pairs, size)
    shown = view.shown(node, ()) | (node == begun[source])
    return source[shown], node[shown], arrived[shown]


def _spread(
    neighbours: Neighbours, starts: Mapping[int, int], strength: Sequence[int]
) -> tuple[Array, Array]:
    """Return the nodes that something arrives at from some starts, and the level of each."""
    queues: list[list[int]] = [[] for _ in range(4)]
    for node, level in starts.items():
        queues[level].append(node)
    levels: dict[int, int] = {}
    for level in LEVELS:
        frontier = [node for node in dict.fromkeys(queues[level]) if node not in levels]
        levels.update(dict.fromkeys(frontier, level))
        while frontier:
            if len(levels) > SMALL and len(frontier) > THIN:
                return _spread_wide(neighbours, strength, levels, frontier, queues, level)
            further: list[int] = []
            for node in frontier:
                for end, kind, _ in neighbours.links(node):
                    step = strength[kind]
                    if not step or end in levels:
                        continue
                    if step >= level:
                        levels[end] = level
                        further.append(end)
                    else:
                        queues[step].append(end)
            frontier = further
    count = len(levels)
    return np.fromiter(levels, np.int64, count), np.fromiter(levels.values(), np.uint8, count)


def _spread_wide(
    neighbours: Neighbours,
    strength: Sequence[int],
    levels: dict[int, int],
    frontier: list[int],
    queues: list[list[int]],
    level: int,
) -> tuple[Array, Array]:
    """Go on over arrays from what was walked node by node."""
    count = len(levels)
    nodes = np.fromiter(levels, np.int64, count)
    highest = max(int(nodes.max()), *(max(queue, default=0) for queue in queues))
    size = max(neighbours.view.state.size, highest + 1)
    cells = np.zeros(size, np.uint8)
    cells[nodes] = np.fromiter(levels.values(), np.uint8, count)
    # The frontier waits once more, as if it had not been met.
    cells[frontier] = 0
    waiting = [[np.array(queue, np.int64)] for queue in queues]
    waiting[level] = [np.array(frontier, np.int64)]
    for done in range(level + 1, 4):
        waiting[done] = []
    for _ in _flood(neighbours, strength, size, cells, waiting):
        pass
    found = np.flatnonzero(cells)
    return found, cells[found]


def _flood(
    neighbours: Neighbours,
    strength: Sequence[int],
    size: int,
    cells: Array,
    queues: list[list[Array]],
) -> Iterator[Array]:
    """Go over pairs of a source and a node, many at a time.

    A pair is one number, ``source * size + node``. Where it was met, ``cells`` has its level.

    Args:
        neighbours: The edges.
        strength: The level that each kind set lets pass.
        size: One more than the highest number of a node.
        cells: Levels of pairs, 0 where they were not met.
        queues: Pairs that wait, by level.

    Yields:
        New pairs, each once.
    """
    passing = np.array(strength, np.uint8)
    for level in LEVELS:
        waiting = np.concatenate([np.zeros(0, np.int64), *queues[level]])
        frontier = distinct(waiting[cells[waiting] == 0])
        while frontier.size:
            cells[frontier] = level
            yield frontier
            if frontier.size <= THIN:
                frontier = _thin_hop(neighbours, strength, size, cells, queues, level, frontier)
                continue
            nodes = frontier % size
            found = neighbours.edges(nodes)
            pairs, step = (frontier - nodes)[found.origin] + found.ends, passing[found.kinds]
            new = np.flatnonzero((step > 0) & (cells[pairs] == 0))
            pairs, step = pairs[new], step[new]
            for lower in range(1, level):
                queues[lower].append(pairs[step == lower])
            frontier = distinct(pairs[step >= level])


def _thin_hop(
    neighbours: Neighbours,
    strength: Sequence[int],
    size: int,
    cells: Array,
    queues: list[list[Array]],
    level: int,
    frontier: Array,
) -> Array:
    """Go on by one hop from a few pairs, one by one."""
    met = cells.data
    found: list[list[int]] = [[] for _ in range(level + 1)]
    for pair in frontier.tolist():
        node = pair % size
        for end, kind, _ in neighbours.links(node):
            step = strength[kind]
            if step and not met[pair - node + end]:
                found[min(step, level)].append(pair - node + end)
    for lower in range(1, level):
        if found[lower]:
            queues[lower].append(np.array(found[lower], np.int64))
    return distinct(np.array(found[level], np.int64))
