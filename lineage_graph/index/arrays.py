"""Adjacency arrays: the edges of a ledger as numbers, sorted by where they begin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_graph.ledger import LEVELS, Level

Array = npt.NDArray[Any]
Way = tuple[Level, bool]
"""A level, and whether to go downstream."""

WAYS: tuple[Way, ...] = tuple((level, down) for level in LEVELS for down in (False, True))


def narrow(highest: int) -> type[np.integer[Any]]:
    """Return the smallest type an index uses for numbers up to the highest."""
    return np.int32 if highest < 2**31 else np.int64


def code_type(kind_sets: int) -> type[np.integer[Any]]:
    """Return the smallest type that numbers so many kind sets."""
    return np.uint8 if kind_sets <= 2**8 else np.uint16 if kind_sets <= 2**16 else np.int32


def _none() -> Array:
    return np.zeros(0, np.int32)


@dataclass(frozen=True)
class Side:
    """The edges of one level, by one of their ends.

    Attributes:
        offsets: Where the edges of a node begin, and at the next place end; nodes beyond
            have none.
        ends: The other end of each edge.
        kinds: The code of each edge's kind set.
        runs: The row of each edge in the table of runs; ascending for each node.
    """

    offsets: Array = field(default_factory=lambda: np.zeros(1, np.int32))
    ends: Array = field(default_factory=_none)
    kinds: Array = field(default_factory=lambda: np.zeros(0, np.uint8))
    runs: Array = field(default_factory=_none)

    def positions(self, nodes: Array) -> tuple[Array, Array]:
        """Return where the edges of nodes are, node after node, and how many each has."""
        beyond = self.offsets.size - 1
        if nodes.size and int(nodes.max()) >= beyond:
            within = np.flatnonzero(nodes < beyond)
            counts = np.zeros(nodes.size, np.int64)
            at, counts[within] = self.positions(nodes[within])
            return at, counts
        begin = self.offsets[nodes].astype(np.int64)
        counts = self.offsets[nodes + 1] - begin
        after = np.cumsum(counts)
        at = np.arange(int(after[-1]) if after.size else 0)
        at += np.repeat(begin - (after - counts), counts)
        return at, counts


@dataclass(frozen=True)
class Added:
    """Edges of one level in the order of their runs.

    Attributes:
        derived: What came out.
        source: What went in.
        kinds: Codes of kind sets.
        runs: Rows in the table of runs.
    """

    derived: Array = field(default_factory=_none)
    source: Array = field(default_factory=_none)
    kinds: Array = field(default_factory=_none)
    runs: Array = field(default_factory=_none)

    def ends(self, down: bool) -> tuple[Array, Array]:
        """Return the near and the far end of each edge."""
        return (self.source, self.derived) if down else (self.derived, self.source)


@dataclass(frozen=True)
class Base:
    """All edges up to an entry.

    Attributes:
        applied_seq: The entry.
        chain: Its chain, which names the ledger.
        sides: The edges, by level and direction.
        run_seqs: Of each run, the entry that states it; ascending.
        run_activities: Of each run, the activity.
        gone: Rows of seq, node and entry as in :class:`~lineage_graph.ledger.Invalidation`.
    """

    applied_seq: int
    chain: str
    sides: Mapping[Way, Side] = field(default_factory=lambda: {way: Side() for way in WAYS})
    run_seqs: Array = field(default_factory=_none)
    run_activities: Array = field(default_factory=_none)
    gone: Array = field(default_factory=lambda: np.zeros((0, 3), np.int64))

    @property
    def edges(self) -> int:
        """How many edges there are, on both levels."""
        return sum(self.sides[level, False].ends.size for level in LEVELS)

    @property
    def size(self) -> int:
        """One more than the highest number of a node with an edge."""
        return max(side.offsets.size - 1 for side in self.sides.values())

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield the arrays with their names, always in the same order."""
        for (level, down), side in self.sides.items():
            for name in ("offsets", "ends", "kinds", "runs"):
                yield f"{level} {'down' if down else 'up'} {name}", getattr(side, name)
        yield "run seqs", self.run_seqs
        yield "run activities", self.run_activities
        yield "gone", self.gone.reshape(-1)

    @classmethod
    def of(cls, applied_seq: int, chain: str, arrays: Sequence[Array]) -> Base:
        """Return a base from what :meth:`arrays` yielded."""
        sides = {way: Side(*arrays[4 * n : 4 * n + 4]) for n, way in enumerate(WAYS)}
        seqs, activities, gone = arrays[4 * len(WAYS) :]
        return cls(applied_seq, chain, sides, seqs, activities, gone.reshape(-1, 3))


def merged(side: Side, added: Added, down: bool, kind_sets: int) -> Side:
    """Return a side with further edges, which are all of later runs, in one pass.

    Args:
        side: What there was.
        added: The further edges.
        down: Whether the side is sorted by the source.
        kind_sets: How many kind sets are numbered.
    """
    near, far = added.ends(down)
    if not near.size:
        return side
    near, order = _sorted(near)
    size = max(side.offsets.size - 1, int(near[-1]) + 1)
    total = side.ends.size + near.size
    offsets = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(near, minlength=size), out=offsets[1:])
    old = side.offsets
    offsets[: old.size] += old
    offsets[old.size :] += int(old[-1])
    places = np.arange(near.size) + old[np.minimum(near + 1, old.size - 1)]

    def put(before: Array, new: Array, kind: type[np.integer[Any]]) -> Array:
        if not before.size:
            return new[order].astype(kind, copy=False)
        whole = np.empty(total, kind)
        kept = np.ones(total, bool)
        kept[places] = False
        whole[kept] = before
        whole[places] = new[order]
        return whole

    return Side(
        offsets.astype(narrow(total), copy=False),
        put(side.ends, far, narrow(max(int(far.max()), _highest(side.ends)))),
        put(side.kinds, added.kinds, code_type(kind_sets)),
        put(side.runs, added.runs, narrow(int(added.runs[-1]))),
    )


def _sorted(near: Array) -> tuple[Array, Array]:
    """Return the nodes sorted, and their order; of equal ones the first comes first."""
    if near.size > 2**31 or int(near.max()) >= 2**31:
        order = np.argsort(near, kind="stable")
        return near[order], order
    # One sort of both in one number is several times as fast as a stable argsort.
    both = near.astype(np.int64) << 32
    both |= np.arange(near.size)
    both.sort()
    return both >> 32, both & 0xFFFFFFFF


def _highest(ends: Array) -> int:
    return 2**31 if ends.dtype == np.int64 else 0
