"""How personal data travels from where it was found to all that was made from there.

A fact at a column is one number, so that a hop of many facts is a few operations on arrays.
What was found once is never taken back by a further fact: only more can be added, so the
answer does not depend on the order in which things were recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_graph.privacy.effects import GROUP, Effects, Fact
from lineage_graph.privacy.inventory import Inventory
from lineage_graph.privacy.steps import Steps

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_LEARNING = frozenset(("Inference", "Evaluation"))


class Propagation:
    """What every column, version and model may hold.

    Args:
        steps: By which it travels.
        inventory: What there is.
        effects: What steps leave.
        found: Columns and what was found in them.
        rejected: Columns and the types that a person said they do not hold; None for all.
        examined: Columns that somebody looked at.
    """

    def __init__(
        self,
        steps: Steps,
        inventory: Inventory,
        effects: Effects,
        found: Iterable[tuple[int, Fact]],
        rejected: Mapping[int, Collection[str | None]],
        examined: Collection[int],
    ) -> None:
        self._steps = steps
        self._inventory = inventory
        self._effects = effects
        self._rejected = rejected
        self._examined = examined
        self._size = inventory.size
        self.facts: list[Fact] = []
        self._ids: dict[Fact, int] = {}
        self._parents: dict[int, int] = {}
        self._spread([*self._keys(found), *self._keys(self._not_looked_at())])
        while seeds := list(self._new_beside_persons()):
            self._spread(seeds)

    def _id(self, fact: Fact) -> int:
        found = self._ids.setdefault(fact, len(self.facts))
        if found == len(self.facts):
            self.facts.append(fact)
        return found

    def _keys(self, facts: Iterable[tuple[int, Fact]]) -> Iterator[tuple[int, int]]:
        for node, fact in facts:
            yield self._id(fact) * self._size + node, -1

    def _not_looked_at(self) -> Iterator[tuple[int, Fact]]:
        """Yield what came from outside and nobody looked at."""
        inventory, nothing = self._inventory, self._effects.unexamined
        outside = np.setdiff1d(inventory.versions, self._steps.made)
        outside = outside[~inventory.models[outside]]
        columns, origin = inventory.columns_of(outside)
        whole = np.delete(outside, np.unique(origin))
        for node in (*columns.tolist(), *whole.tolist()):
            if node not in self._examined:
                yield node, nothing

    def _spread(self, seeds: Iterable[tuple[int, int]]) -> None:
        """Follow all steps from some facts, each a key and the key it came from."""
        frontier = self._taken(seeds)
        while frontier:
            keys = np.array(frontier, np.int64)
            ids, nodes = np.divmod(keys, self._size)
            ends, codes, origin = self._steps.leaving(nodes)
            wide = self._steps.codes
            pairs, place = np.unique(ids[origin] * wide + codes, return_inverse=True)
            left = np.array([self._left(*divmod(p, wide)) for p in pairs.tolist()], np.int64)
            left = left[place] if left.size else left
            kept = np.flatnonzero(left >= 0)
            reached, first = np.unique(left[kept] * self._size + ends[kept], return_index=True)
            came = keys[origin[kept[first]]]
            frontier = self._taken(zip(reached.tolist(), came.tolist(), strict=True))

    def _left(self, fact: int, code: int) -> int:
        left = self._steps.after(self.facts[fact], code)
        return -1 if left is None else self._id(left)

    def _taken(self, keys: Iterable[tuple[int, int]]) -> list[int]:
        """Return the keys that are new, and that nobody rejected."""
        parents, size, new = self._parents, self._size, []
        for key, parent in keys:
            if key not in parents and not self._stopped(key % size, self.facts[key // size]):
                parents[key] = parent
                new.append(key)
        return new

    def _stopped(self, node: int, fact: Fact) -> bool:
        if fact.unexamined:
            return node in self._examined
        rejected = self._rejected.get(node)
        return rejected is not None and (None in rejected or fact.semantic_type in rejected)

    def _new_beside_persons(self) -> Iterator[tuple[int, int]]:
        """Yield what follows from rows being about persons, as far as it is not known yet."""
        persons = self.about_persons
        keys = np.fromiter(self._parents, np.int64, len(self._parents))
        ids, nodes = np.divmod(keys, self._size)
        alone = np.array([fact.alone for fact in self.facts] or [False], bool)
        here = alone[ids] & persons[self._inventory.version_of[nodes]]
        for key, node in zip(keys[here].tolist(), nodes[here].tolist(), strict=True):
            told = self._id(self._effects.in_context(self.facts[key // self._size]))
            yield from self._if_new(told * self._size + node, key)
        inferring = self._steps.inferring
        row = self._effects.in_a_row
        for node in inferring[persons[self._inventory.version_of[inferring]]].tolist():
            yield from self._if_new(self._id(row) * self._size + node, -1)
        for node in self._given_back(persons):
            yield from self._if_new(self._id(self._effects.given_back) * self._size + node, -1)

    def _if_new(self, key: int, parent: int) -> Iterator[tuple[int, int]]:
        if key not in self._parents and not self._stopped(
            key % self._size, self.facts[key // self._size]
        ):
            yield key, parent

    def _given_back(self, persons: Array) -> list[int]:
        """Return what models that learnt from persons made, other than predictions."""
        models = self._inventory.models
        source, derived, code = self._steps.learnt
        apart = np.array([k <= _LEARNING for k in self._steps.kinds] or [True], bool)[code]
        source, derived = source[~apart], derived[~apart]
        learnt = models & False
        while True:
            now = models[derived] & (persons[source] | learnt[source])
            before = int(learnt.sum())
            learnt[derived[now]] = True
            if int(learnt.sum()) == before:
                break
        found: list[int] = np.unique(derived[learnt[source] & ~models[derived]]).tolist()
        return found

    @property
    def about_persons(self) -> Array:
        """For each number of a version whether its rows are about one person each."""
        keys = np.fromiter(self._parents, np.int64, len(self._parents))
        ids, nodes = np.divmod(keys, self._size)
        signs = np.array([f.held and not f.alone and f.rank > GROUP for f in self.facts], bool)
        found = np.zeros(self._size + 1, bool)
        if keys.size:
            found[self._inventory.version_of[nodes[signs[ids]]]] = True
        found[-1] = False
        return found[:-1] & ~self._inventory.models

    @cached_property
    def _by_version(self) -> tuple[Array, Array]:
        """Keys sorted by the version they are at; those that only repeat the version's are not."""
        keys = np.fromiter(self._parents, np.int64, len(self._parents))
        parents = np.fromiter(self._parents.values(), np.int64, len(self._parents))
        versions = self._inventory.version_of[keys % self._size]
        repeated = (parents >= 0) & (keys % self._size != versions)
        repeated &= (parents % self._size == versions) & (
            parents // self._size == keys // self._size
        )
        keys, versions = keys[~repeated], versions[~repeated]
        order = np.lexsort((keys, versions))
        return versions[order], keys[order]

    def at(self, version: int) -> list[tuple[int, Fact, int]]:
        """Return what a version may hold: the column or the version, the fact, and its key."""
        versions, keys = self._by_version
        begin, end = np.searchsorted(versions, (version, version + 1))
        return [
            (key % self._size, self.facts[key // self._size], key)
            for key in keys[begin:end].tolist()
        ]

    def way(self, key: int) -> list[int]:
        """Return the numbers of the columns on the way to a fact, from where it began."""
        nodes: list[int] = []
        while key >= 0:
            node = key % self._size
            if not nodes or nodes[-1] != node:
                nodes.append(node)
            key = self._parents[key]
        return nodes[::-1]
