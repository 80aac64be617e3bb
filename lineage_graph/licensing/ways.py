"""At which levels something arrives: one for each weakest step that a path can have.

The highest of them says how much is left at most. The others count as well: what goes
along with an adaptation does not undo it, so a further path can never make anything freer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from lineage_graph.index import Closure, LineageIndex, Reach, Step
from lineage_graph.licensing.algebra import ADAPTED, COPY, RESULTS

if TYPE_CHECKING:
    import numpy as np

_LEVELS: Final = (RESULTS, ADAPTED, COPY)


@dataclass(frozen=True)
class _AtLevel:
    """Paths without a step below a level, and with one of exactly that level.

    Attributes:
        before: What is reached by steps that are strong enough.
        crossings: The step of exactly that level by which each node was reached from
            there; None where a start has that level by itself.
        beyond: What is reached from those nodes, by steps that are strong enough.
    """

    before: Reach
    crossings: Mapping[int, Step | None]
    beyond: Reach

    def path(self, node: int, downstream: bool) -> tuple[Step, ...]:
        """Return one of the paths to a node, from a start on."""
        after = self.beyond.path(node)
        first = (after[0].source if downstream else after[0].derived) if after else node
        crossing = self.crossings[first]
        if crossing is None:
            return after
        near = crossing.source if downstream else crossing.derived
        return (*self.before.path(near), crossing, *after)


class Ways:
    """All the ways by which something arrives from some starts.

    Args:
        index: Reachability.
        closure: Holds every edge that can be on a way.
        starts: The levels each start has by itself; 0 is none.
        strengths: For each set of kinds the highest level that a step lets pass.
        downstream: Towards what was derived, or towards the sources.
        as_of: Seq of the last ledger entry to consider; None for all.
    """

    def __init__(
        self,
        index: LineageIndex,
        closure: Closure,
        starts: Mapping[int, set[int]],
        strengths: Sequence[int],
        *,
        downstream: bool,
        as_of: int | None,
    ) -> None:
        self._index = index
        self._closure = closure
        self._starts = starts
        self._strengths = strengths
        self._downstream = downstream
        self._as_of = as_of
        self._known: dict[int, _AtLevel] = {}

    def levels(self, node: int) -> tuple[int, ...]:
        """Return the levels at which something arrives at a node, the least first."""
        return tuple(level for level in _LEVELS if self._at(level).beyond.level(node))

    def path(self, node: int, level: int) -> tuple[Step, ...]:
        """Return a path by which a level arrives at a node, from a start on.

        For the highest level it is a shortest one.
        """
        if level == self.levels(node)[-1]:
            return self._at(level).before.path(node)
        return self._at(level).path(node, self._downstream)

    def arriving(self, nodes: np.ndarray[Any, Any], level: int) -> np.ndarray[Any, Any]:
        """Tell for each of many nodes whether a level arrives there."""
        return self._at(level).beyond.levels_of(nodes) > 0

    def _at(self, level: int) -> _AtLevel:
        if level not in self._known:
            before = self._reach(
                [node for node, own in self._starts.items() if max(own) >= level], level
            )
            crossings = self._crossings(before, level)
            self._known[level] = _AtLevel(before, crossings, self._reach(crossings, level))
        return self._known[level]

    def _reach(self, nodes: Sequence[int] | Mapping[int, object], level: int) -> Reach:
        passing = [COPY if strength >= level else 0 for strength in self._strengths]
        return self._index.reach(
            dict.fromkeys(nodes, COPY),
            passing,
            downstream=self._downstream,
            as_of=self._as_of,
            invalidated=True,
        )

    def _crossings(self, before: Reach, level: int) -> dict[int, Step | None]:
        import numpy as np

        derived, source, codes, activity = self._edges
        near, far = (source, derived) if self._downstream else (derived, source)
        exact = np.asarray(self._strengths, np.int64)[codes] == level
        chosen = np.flatnonzero(exact & (before.levels_of(near) > 0))
        found: dict[int, Step | None] = {
            int(far[at]): Step(
                int(derived[at]),
                int(source[at]),
                self._index.kind_sets[int(codes[at])],
                int(activity[at]),
                int(codes[at]),
            )
            for at in chosen.tolist()
        }
        # A start that has the level by itself needs no step that lowers it.
        return found | dict.fromkeys(n for n, own in self._starts.items() if level in own)

    @cached_property
    def _edges(self) -> tuple[np.ndarray[Any, Any], ...]:
        return self._closure.edge_arrays()
