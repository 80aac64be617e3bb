"""What was added since the base was made, in a form that is cheap to add to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from lineage_graph.index.arrays import WAYS, Added, Array, Base, Side, Way, merged, narrow
from lineage_graph.ledger import LEVELS, Invalidation, Ledger

Link = tuple[int, int, int]
"""The far end of an edge, the code of its kind set, and its run."""


class Sparse(NamedTuple):
    """Added edges as arrays: a side of the few nodes that have some."""

    nodes: Array
    side: Side
    has: Array


class Read(NamedTuple):
    """What some entries of the ledger add.

    Attributes:
        levels: Edges of each level.
        run_seqs: Of each new run, its entry.
        run_activities: Of each new run, its activity.
        gone: What they invalidate.
        upto: Seq of the last of them.
    """

    levels: tuple[Added, ...]
    run_seqs: Array
    run_activities: Array
    gone: tuple[Invalidation, ...]
    upto: int

    @property
    def edges(self) -> int:
        """How many edges they add."""
        return sum(added.runs.size for added in self.levels)


class Overlay:
    """Edges that were added to a base; it only grows.

    Args:
        first: Row of the first run it adds.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.edges = 0
        self.size = 0
        self.run_seqs: list[int] = []
        self.run_activities: list[int] = []
        self.parts: list[Read] = []
        self._links: Mapping[Way, dict[int, list[Link]]] = {w: defaultdict(list) for w in WAYS}
        self._sparse: dict[Way, tuple[int, Sparse]] = {}

    @property
    def runs(self) -> int:
        """One more than the last row of the runs."""
        return self.first + len(self.run_seqs)

    def links(self, way: Way) -> Mapping[int, list[Link]]:
        """Return the added edges by where they begin."""
        return self._links[way]

    def add(self, new: Read) -> None:
        """Add what the next entries state."""
        for level, added in zip(LEVELS, new.levels, strict=True):
            up, down = self._links[level, False], self._links[level, True]
            columns = (added.derived, added.source, added.kinds, added.runs)
            for derived, source, kind, run in zip(*(c.tolist() for c in columns), strict=True):
                up[derived].append((source, kind, run))
                down[source].append((derived, kind, run))
                self.size = max(self.size, derived + 1, source + 1)
        self.edges += new.edges
        self.run_seqs += new.run_seqs.tolist()
        self.run_activities += new.run_activities.tolist()
        self.parts.append(new)

    def sparse(self, way: Way) -> Sparse:
        """Return the added edges as arrays; they are made when many are asked for at once."""
        known = self._sparse.get(way)
        if known is None or known[0] != len(self.parts):
            parts = len(self.parts)
            known = self._sparse[way] = (parts, self._as_arrays(way, parts))
        return known[1]

    def _as_arrays(self, way: Way, parts: int) -> Sparse:
        level, down = way
        added = joined([part.levels[LEVELS.index(level)] for part in self.parts[:parts]])
        near, far = added.ends(down)
        nodes, places = np.unique(near, return_inverse=True)
        few = Added(places, far, added.kinds, added.runs)
        has = np.zeros(self.size, bool)
        has[nodes] = True
        return Sparse(nodes, merged(Side(), few, False, 2**31), has)


def joined(parts: list[Added]) -> Added:
    """Return edges of several parts as one."""
    if not parts:
        return Added()
    columns = zip(*((p.derived, p.source, p.kinds, p.runs) for p in parts), strict=True)
    return Added(*(np.concatenate(column) for column in columns))


def read(ledger: Ledger, after: int, upto: int, first_run: int, codes: Mapping[int, int]) -> Read:
    """Read what some entries state.

    Args:
        ledger: Where they are.
        after: Seq of the last entry not wanted.
        upto: Seq of the last entry wanted.
        first_run: Row that the first new run gets.
        codes: Code of each kind set of the ledger.
    """
    code_of = np.zeros(max(codes, default=0) + 1, np.int32)
    code_of[list(codes)] = list(codes.values())
    parts: list[list[Added]] = [[] for _ in LEVELS]
    seqs, activities = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for page in ledger.index_rows(after, upto):
        count = len(page) * 6
        rows = np.fromiter(chain.from_iterable(page), np.int64, count).reshape(-1, 6)
        seq, derived, source, kinds, activity, level = rows.T
        pairs, run = _runs(seq, activity)
        highest = int(max(derived.max(), source.max()))
        seqs.append(pairs[0].astype(narrow(upto)))
        activities.append(pairs[1].astype(narrow(int(activity.max()))))
        run = (run + first_run).astype(narrow(first_run + run.size))
        first_run += pairs[0].size
        for number, found in enumerate(parts):
            here = np.flatnonzero(level == number)
            # Rows come in the order of seq, runs within one in the order of activities.
            here = here[np.argsort(run[here], kind="stable")]
            out, into = (column[here].astype(narrow(highest)) for column in (derived, source))
            found.append(Added(out, into, code_of[kinds[here]], run[here]))
    gone = tuple(ledger.invalidations(after, upto))
    return Read(
        tuple(joined(found) for found in parts),
        np.concatenate(seqs),
        np.concatenate(activities),
        gone,
        upto,
    )


def _runs(seq: Array, activity: Array) -> tuple[tuple[Array, Array], Array]:
    """Return the distinct pairs of entry and activity in order, and which one each row has."""
    order = np.lexsort((activity, seq))
    seqs, activities = seq[order], activity[order]
    new = np.ones(order.size, bool)
    new[1:] = (seqs[1:] != seqs[:-1]) | (activities[1:] != activities[:-1])
    which = np.empty(order.size, np.int64)
    which[order] = np.cumsum(new) - 1
    return (seqs[new], activities[new]), which


def folded(base: Base, parts: list[Read], chain_: str, kind_sets: int) -> Base:
    """Return a new base from a base and what was added to it.

    Args:
        base: What there was.
        parts: What was added, in order.
        chain_: Chain of the last entry that is in them.
        kind_sets: How many kind sets are numbered.
    """
    sides = {}
    for number, level in enumerate(LEVELS):
        added = joined([part.levels[number] for part in parts])
        for down in (False, True):
            sides[level, down] = merged(base.sides[level, down], added, down, kind_sets)
    gone = [row for part in parts for row in part.gone]
    rows = np.array([(seq, node, entry or 0) for seq, node, entry in gone], np.int64)
    return Base(
        parts[-1].upto,
        chain_,
        sides,
        np.concatenate([base.run_seqs, *(part.run_seqs for part in parts)]),
        np.concatenate([base.run_activities, *(part.run_activities for part in parts)]),
        np.concatenate([base.gone, rows.reshape(-1, 3)]),
    )
