"""The lineage index: who derives from whom, as numbers in adjacency arrays.

A projection of the ledger that answers reachability only: what is upstream or downstream,
by which path, and how much of something arrives. Its base is a file that processes share
by mapping it; what was recorded since lies over it in this process. It holds nothing that
the ledger does not hold: a base that is absent, damaged or another ledger's is made again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from lineage_graph.errors import InvalidRecord
from lineage_graph.index import files, overlay, reaching
from lineage_graph.index.arrays import Array, Base
from lineage_graph.index.closures import Closure, NumberedEdge
from lineage_graph.index.overlay import Overlay, Read
from lineage_graph.index.paths import Step, connect
from lineage_graph.index.reaching import Reach
from lineage_graph.index.view import Edges, Neighbours, State, View, codes_with
from lineage_graph.ledger import Invalidation, Ledger, Level

__all__ = ["Closure", "Edges", "LineageIndex", "NumberedEdge", "Reach", "Step"]

FEW, MANY, SHARE = 4096, 65_536, 32
PATIENCE = 4


class LineageIndex:
    """Reachability over what a ledger states.

    Numbers of nodes are the ledger's. A number without an edge is no error: nothing is
    reached from it. What was recorded after the last :meth:`refresh` is not in an answer.

    A bundle that was invalidated states nothing from the entry on that says so. A version
    that was invalidated is left out of answers, except where one starts from it or asks for
    the ``invalidated`` too, but it is walked through: what was made from it was still made
    from it. Answers as of an earlier entry have both.

    A filter by ``kinds`` lets an edge pass that has at least one of them; one by no kind at
    all lets none pass.

    Args:
        folder: Where the base lies; it need not exist, nor be writable.
        ledger: The truth.
        fold_at: How many edges may lie over the base before it is made again; by default
            it depends on the size of the base.
    """

    def __init__(self, folder: Path, ledger: Ledger, *, fold_at: int | None = None) -> None:
        self._folder = folder
        self._ledger = ledger
        self._fold_at = fold_at
        self._lock = threading.Lock()
        self._seen: files.Mark | None = None
        self._codes: dict[int, int] = {}
        self._begin(Base(0, ""), ())
        self.refresh()

    def close(self) -> None:
        """Let the base go; the index may not be asked any more."""
        with self._lock:
            self._begin(Base(0, ""), ())
            self._state = self._next

    @property
    def kind_sets(self) -> tuple[tuple[str, ...], ...]:
        """The sets of derivation kinds by code; a refresh may add some at the end."""
        return self._state.kind_sets

    @property
    def edges(self) -> int:
        """How many edges were recorded, on both levels."""
        state = self._state
        return state.base.edges + state.overlay.edges

    def refresh(self) -> int:
        """Apply what was recorded since; it costs what that states.

        Returns:
            Seq of the last entry that is applied.
        """
        with self._lock:
            self._catch_up()
            return self._state.applied_seq

    def fold(self) -> None:
        """Make a new base of the base and what lies over it, unless somebody else is at it."""
        with self._lock:
            self._catch_up()
            with files.locked(self._folder) as mine:
                if mine and self._next.overlay.edges and not self._adopt():
                    self._fold([], publish=True)
            self._catch_up()

    def ids(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those IRIs that occur in the ledger."""
        return self._ledger.node_ids(iris)

    def iris(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the IRIs of numbers."""
        return self._ledger.iris_of(map(int, ids))

    def closure(
        self,
        start_ids: Collection[int],
        *,
        downstream: bool,
        level: Level = "entity",
        depth: int | None = None,
        kinds: Collection[str] | None = None,
        runs: Collection[int] | None = None,
        as_of: int | None = None,
        invalidated: bool = False,
    ) -> Closure:
        """Return everything that can be reached.

        Args:
            start_ids: Where to start; they are in the answer, at depth 0.
            downstream: True for what was derived from them, False for their sources.
            level: Between entities or between columns.
            depth: Most edges to go, 0 for the starts alone; None for all.
            kinds: Terms of derivation kinds to follow; None for all.
            runs: Numbers of activities whose edges to follow; None for all.
            as_of: Seq of the last entry to consider; None for all that are applied.
            invalidated: Whether invalidated versions are in the answer too.
        """
        neighbours = self._neighbours(level, downstream, kinds, runs, as_of, invalidated)
        return Closure(neighbours, [int(n) for n in start_ids], depth, downstream)

    def shortest_path(
        self,
        source: int,
        target: int,
        *,
        downstream: bool = True,
        level: Level = "entity",
        kinds: Collection[str] | None = None,
        runs: Collection[int] | None = None,
        as_of: int | None = None,
    ) -> tuple[Step, ...]:
        """Return the steps of one shortest path, in order.

        Args:
            source: Where it begins.
            target: Where it ends.
            downstream: True when the target was derived from the source, False when the
                source was derived from the target.
            level: Between entities or between columns.
            kinds: Terms of derivation kinds to follow; None for all.
            runs: Numbers of activities whose edges to follow; None for all.
            as_of: Seq of the last entry to consider; None for all that are applied.

        Returns:
            Nothing when there is no path, and when both are the same.
        """
        away = self._neighbours(level, downstream, kinds, runs, as_of)
        return connect(away, away.reversed(), [source], target, downstream) or ()

    def reach(
        self,
        starts: Mapping[int, int],
        strength: Sequence[int],
        *,
        downstream: bool,
        as_of: int | None = None,
        invalidated: bool = False,
    ) -> Reach:
        """Return how much of what starts somewhere arrives at every entity.

        The level of a node is the highest over all paths of the lowest along the path: of
        the level of its start and of the strengths of its steps.

        Args:
            starts: Level of each node it starts from, 1 to 3.
            strength: For each code of :attr:`kind_sets` the highest level that a step of
                these kinds lets pass, 0 to 3; nothing passes where it is 0.
            downstream: True for what was derived, False for the sources.
            as_of: Seq of the last entry to consider; None for all that are applied.
            invalidated: Whether invalidated versions are in the answer too.

        Raises:
            InvalidRecord: A strength or a level is missing or out of range.
        """
        view = View(self._state, as_of, invalidated)
        _require_levels(strength, len(view.state.kind_sets), starts.values())
        given = {int(node): level for node, level in starts.items()}
        return Reach(view, ("entity", downstream), given, tuple(strength))

    def reach_pairs(
        self,
        sources: Sequence[int],
        strength: Sequence[int],
        *,
        downstream: bool = True,
        as_of: int | None = None,
        invalidated: bool = False,
    ) -> tuple[Array, Array, Array]:
        """Return :meth:`reach` from each of many nodes, each with the highest level.

        Args:
            sources: Numbers of nodes.
            strength: As for :meth:`reach`.
            downstream: True for what was derived, False for the sources.
            as_of: Seq of the last entry to consider; None for all that are applied.
            invalidated: Whether invalidated versions are in the answer too.

        Returns:
            Three arrays with a row for each source and node at which something of it
            arrives, the source included: position among the sources, node and level.

        Raises:
            InvalidRecord: A strength is missing or out of range.
        """
        view = View(self._state, as_of, invalidated)
        _require_levels(strength, len(view.state.kind_sets), ())
        return reaching.reach_pairs(view, ("entity", downstream), sources, tuple(strength))

    def edges_of(
        self,
        nodes: Sequence[int] | Array,
        *,
        downstream: bool,
        level: Level = "entity",
        as_of: int | None = None,
    ) -> Edges:
        """Return the edges that leave many nodes: one step of a walk that somebody else takes.

        Args:
            nodes: Numbers of nodes.
            downstream: True for what was derived, False for the sources.
            level: Between entities or between columns.
            as_of: Seq of the last entry to consider; None for all that are applied.

        Returns:
            Arrays in no order; ``origin`` is a position among the nodes.
        """
        wanted = np.asarray(nodes, np.int64)
        return self._neighbours(level, downstream, None, None, as_of).edges(wanted)

    def roots(
        self, ids: Sequence[int] | Array, *, level: Level = "entity", as_of: int | None = None
    ) -> Array:
        """Return for each number whether it has no source that is known."""
        nodes = np.asarray(ids, np.int64)
        mask = np.ones(nodes.size, bool)
        mask[self._neighbours(level, False, None, None, as_of).edges(nodes).origin] = False
        return mask

    def in_cycle(self, node: int, *, level: Level = "entity", as_of: int | None = None) -> bool:
        """Tell whether something was derived from itself, over whatever other things."""
        up = self._neighbours(level, False, None, None, as_of)
        return connect(up, up.reversed(), up.ends(node), node, False) is not None

    def _neighbours(
        self,
        level: Level,
        downstream: bool,
        kinds: Collection[str] | None,
        runs: Collection[int] | None,
        as_of: int | None,
        invalidated: bool = False,
    ) -> Neighbours:
        view = View(self._state, as_of, invalidated)
        codes = codes_with(view.state.kind_sets, kinds)
        activities = None if runs is None else frozenset(int(run) for run in runs)
        return Neighbours(view, (level, downstream), codes, activities)

    def _begin(self, base: Base, kind_sets: tuple[tuple[str, ...], ...]) -> None:
        """Put a base with nothing over it in place of what there was."""
        runs = base.run_seqs.size
        state = State(base, Overlay(runs), base.applied_seq, runs, base.size, {}, {}, kind_sets)
        gone = (Invalidation(seq, node, entry or None) for seq, node, entry in base.gone.tolist())
        self._next = state.invalidated(list(gone))

    def _catch_up(self) -> None:
        """Apply what was recorded since; who asks meanwhile is answered from the state before."""
        self._adopt()
        if self._next.applied_seq < self._ledger.head:
            self._apply(self._read())
        self._state = self._next

    def _adopt(self) -> bool:
        """Take the base in the folder if it is this ledger's and knows more than ours."""
        seen = files.mark(self._folder)
        if seen is None or seen == self._seen:
            return False
        self._seen = seen
        base = files.read(self._folder)
        if base is None or base.applied_seq <= self._next.base.applied_seq:
            return False
        if self._ledger.chain_at(base.applied_seq) != base.chain:
            return False
        self._begin(base, self._known_kinds())
        return True

    def _known_kinds(self) -> tuple[tuple[str, ...], ...]:
        sets = self._ledger.kind_sets()
        self._codes = {number: code for code, number in enumerate(sets)}
        return tuple(sets.values())

    def _read(self) -> Read:
        """Read what is not applied yet."""
        # Asked here and not before: a base that was taken meanwhile may know of later entries.
        head = self._ledger.head
        self._next = self._next._replace(kind_sets=self._known_kinds())
        state = self._next
        return overlay.read(self._ledger, state.applied_seq, head, state.runs, self._codes)

    def _apply(self, new: Read) -> None:
        if self._fits(new, self._limit):
            self._add(new)
            return
        with files.locked(self._folder) as mine:
            if mine and self._adopt():
                new = self._read()
            if self._fits(new, self._limit * (1 if mine else PATIENCE)):
                self._add(new)
            else:
                self._fold([new], mine)

    def _fits(self, new: Read, limit: int) -> bool:
        return self._next.overlay.edges + new.edges <= limit

    @property
    def _limit(self) -> int:
        if self._fold_at is not None:
            return self._fold_at
        return min(max(FEW, self._next.base.edges // SHARE), MANY)

    def _add(self, new: Read) -> None:
        state = self._next
        try:
            state.overlay.add(new)
            size = max(state.size, state.overlay.size)
            grown = state._replace(applied_seq=new.upto, runs=state.overlay.runs, size=size)
            self._next = grown.invalidated(new.gone) if new.gone else grown
        except BaseException:
            # After Ctrl-C half of it may lie there: all that lies over the base is read again.
            self._begin(state.base, state.kind_sets)
            raise

    def _fold(self, further: list[Read], publish: bool) -> None:
        """Make a new base; it stays in memory where nobody lets us write it."""
        state = self._next
        parts = [*state.overlay.parts, *further]
        chain = self._ledger.chain_at(parts[-1].upto) or ""
        base = overlay.folded(state.base, parts, chain, len(state.kind_sets))
        if publish:
            with suppress(OSError):
                files.write(self._folder, base)
                self._seen = files.mark(self._folder)
                base = files.read(self._folder) or base
        self._begin(base, state.kind_sets)


def _require_levels(strength: Sequence[int], sets: int, starts: Collection[int]) -> None:
    """Refuse strengths and levels that a walk cannot work with.

    Raises:
        InvalidRecord: Which they are.
    """
    if len(strength) < sets:
        raise InvalidRecord(
            f"There are {sets} sets of derivation kinds and {len(strength)} strengths. "
            "Read kind_sets again and give each a strength."
        )
    if not {*strength} <= {0, 1, 2, 3}:
        raise InvalidRecord("A strength is not one of 0, 1, 2, 3. Give each kind set one of them.")
    if not {*starts} <= {1, 2, 3}:
        raise InvalidRecord("A start has a level that is not 1, 2 or 3. Leave out what has none.")
