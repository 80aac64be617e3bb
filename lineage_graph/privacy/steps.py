"""The steps by which personal data can travel: between columns, and where columns are not known.

Beside the recorded derivations of columns there are three that follow from them. What is
recorded between versions alone may lead from every column to every column. What a model
learnt goes on to a model made from it. What a column holds is held by its prediction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lineage_graph.index import LineageIndex
from lineage_graph.privacy.effects import INFERENCE, Effects, Fact
from lineage_graph.privacy.inventory import Inventory

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

AGGREGATE: Final = "Aggregate"
_APART: Final = frozenset((INFERENCE, "Evaluation"))
"""Kinds by which nothing of a model gets into what is derived from it."""
_FLAGS: Final = 4
_GROUPED, _UNTRACED = 1, 2
SPREADS, PREDICTS = 0, 1
"""Codes of steps that no kind of derivation stands for."""
_OWN: Final = 2


class Edges(NamedTuple):
    """Steps as arrays: from, to, and a code of what was done."""

    source: Array
    derived: Array
    code: Array


class Steps:
    """All steps of a store as of one entry.

    Attributes:
        learnt: Steps between versions that are recorded, with codes of kind sets.
        untraced: Numbers of versions of which it is not known what each column came from.
        made: Numbers of versions that were made from something.
        inferring: Numbers of columns that a model's answer was made from.
    """

    def __init__(
        self,
        index: LineageIndex,
        inventory: Inventory,
        effects: Effects,
        predicted: Iterable[tuple[int, int]],
        counted: Collection[int],
        as_of: int | None,
    ) -> None:
        self._inventory = inventory
        self._effects = effects
        self.kinds = [frozenset(terms) for terms in index.kind_sets]
        versions = inventory.versions
        nodes = np.concatenate([inventory.columns, versions])
        found = index.edges_of(versions, downstream=False, as_of=as_of)
        self.learnt = self._within(found.ends, versions[found.origin], found.kinds)
        found = index.edges_of(nodes, downstream=False, level="column", as_of=as_of)
        between = self._within(found.ends, nodes[found.origin], found.kinds)
        self.made = np.unique(self.learnt.derived)
        self.untraced = self._not_traced(between, counted)
        self.inferring = np.unique(between.source[self._doing(INFERENCE)[between.code]])
        parts = [
            self._recorded(between),
            *self._unknown_columns(),
            self._between_models(),
            self._predictions(between, predicted),
        ]
        self._sort(Edges(*(np.concatenate(column) for column in zip(*parts, strict=True))))
        self._known: dict[tuple[Fact, int], Fact | None] = {}

    def _within(self, source: Array, derived: Array, code: Array) -> Edges:
        """Return edges between what is in the inventory."""
        inside = source < self._inventory.size
        source, derived, code = source[inside].astype(np.int64), derived[inside], code[inside]
        kept = self._inventory.version_of[source] >= 0
        return Edges(source[kept], derived[kept], code[kept].astype(np.int64))

    def _doing(self, kind: str) -> Array:
        """Return for each code of a kind set whether the kind is in it."""
        return np.array([kind in kinds for kinds in self.kinds] or [False], bool)

    def _recorded(self, between: Edges) -> Edges:
        """Return the steps between columns; what made groups of rows made them of each column."""
        size, version_of = self._inventory.size, self._inventory.version_of
        keys = self.learnt.derived * size + self.learnt.source
        whole = self._doing(AGGREGATE)[self.learnt.code]
        grouped = np.setdiff1d(keys[whole], keys[~whole])
        own = version_of[between.derived] * size + version_of[between.source]
        flags = np.where(np.isin(own, grouped), _GROUPED, 0)
        return between._replace(code=_coded(between.code, flags))

    def _not_traced(self, between: Edges, counted: Collection[int]) -> Array:
        version_of = self._inventory.version_of
        unknown = np.setdiff1d(self.made, version_of[between.derived])
        columns, origin = self._inventory.columns_of(unknown)
        # What consists of counts alone holds nothing that came from a column.
        others = np.zeros(unknown.size, np.int64)
        np.add.at(others, origin, ~np.isin(columns, list(counted)))
        none = np.bincount(origin, minlength=unknown.size) == 0
        found: Array = unknown[(others > 0) | none]
        return found

    def _unknown_columns(self) -> list[Edges]:
        """Return steps from all of a source to all of what was made from it."""
        models = self._inventory.models
        source, derived, code = self.learnt
        kept = np.isin(derived, self.untraced) & ~models[source]
        kept &= np.array([bool(k - {"Evaluation"}) for k in self.kinds] or [False], bool)[code]
        source, derived, code = source[kept], derived[kept], _coded(code[kept], _UNTRACED)
        columns, origin = self._inventory.columns_of(source)
        whole = self.untraced[~models[self.untraced]]
        inside, of = self._inventory.columns_of(whole)
        return [
            Edges(source, derived, code),
            Edges(columns, derived[origin], code[origin]),
            Edges(whole[of], inside, np.full(inside.size, SPREADS)),
        ]

    def _between_models(self) -> Edges:
        source, derived, code = self.learnt
        models = self._inventory.models
        apart = np.array([k <= _APART for k in self.kinds] or [True], bool)
        kept = models[source] & models[derived] & ~apart[code]
        return Edges(source[kept], derived[kept], _coded(code[kept], 0))

    def _predictions(self, between: Edges, predicted: Iterable[tuple[int, int]]) -> Edges:
        """Return steps from the column a model learnt to predict to its predictions."""
        label = dict(predicted)
        answers = np.unique(between.derived[self._doing(INFERENCE)[between.code]])
        of = self._inventory.version_of[answers]
        pairs: list[tuple[int, int]] = []
        source, derived, code = self.learnt
        inferred = self._doing(INFERENCE)[code]
        for model, made in zip(source[inferred].tolist(), derived[inferred].tolist(), strict=True):
            if model in label:
                pairs += [(label[model], answer) for answer in answers[of == made].tolist()]
        begun, ended = np.array(pairs, np.int64).reshape(-1, 2).T
        return Edges(begun, ended, np.full(begun.size, PREDICTS))

    def _sort(self, edges: Edges) -> None:
        order = np.argsort(edges.source, kind="stable")
        source, self._derived, self._code = (column[order] for column in edges)
        self._offsets = np.searchsorted(source, np.arange(self._inventory.size + 1))

    @property
    def codes(self) -> int:
        """One more than the highest code."""
        return _OWN + _FLAGS * len(self.kinds)

    def leaving(self, nodes: Array) -> tuple[Array, Array, Array]:
        """Return where steps from nodes lead, their codes, and the positions they leave from."""
        begin = self._offsets[nodes]
        counts = self._offsets[nodes + 1] - begin
        origin = np.repeat(np.arange(nodes.size), counts)
        at = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        at += begin[origin]
        return self._derived[at], self._code[at], origin

    def after(self, fact: Fact, code: int) -> Fact | None:
        """Return what a step leaves of a fact; None when nothing is left."""
        key = fact, code
        if key not in self._known:
            self._known[key] = self._after(fact, code)
        return self._known[key]

    def _after(self, fact: Fact, code: int) -> Fact | None:
        if code == SPREADS:
            return fact
        if code == PREDICTS:
            return self._effects.predicted(fact)
        kinds, flags = divmod(code - _OWN, _FLAGS)
        done = self.kinds[kinds] | ({AGGREGATE} if flags & _GROUPED else frozenset())
        left = self._effects.after(fact, done)
        if left is None or not flags & _UNTRACED or not left.held:
            return left
        return self._effects.untraced_from(left)

    def sources_of(self, version: int) -> Sequence[tuple[int, frozenset[str]]]:
        """Return what a version was made from, and by which kinds of derivation."""
        begin, end = np.searchsorted(self._by_derived[0], (version, version + 1))
        return [
            (source, self.kinds[code])
            for source, code in zip(
                self._by_derived[1][begin:end].tolist(),
                self._by_derived[2][begin:end].tolist(),
                strict=True,
            )
        ]

    @property
    def _by_derived(self) -> tuple[Array, Array, Array]:
        if "_sorted" not in vars(self):
            order = np.argsort(self.learnt.derived, kind="stable")
            source, derived, code = self.learnt
            self._sorted = derived[order], source[order], code[order]
        return self._sorted


def _coded(code: Array, flags: Array | int) -> Array:
    return _OWN + code * _FLAGS + flags
