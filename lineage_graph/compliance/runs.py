"""Which runs belong to which processing, and what they touched.

A run belongs to the processing that declares what it made; where none declares that, to the
processing that declares what it used. Runs that made nothing are not counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Touched:
    """What the runs of one process touched.

    Attributes:
        runs: Numbers of its activities, ascending: in the order in which they were recorded.
        versions: Numbers of versions that these used or made.
    """

    runs: Array
    versions: Array


class Runs:
    """The derivations of all runs as arrays.

    Args:
        derived: What came out of a step.
        source: What went in.
        activity: Which run did it.
        thing_of: For each number of a version the number of its dataset or model, else -1.
    """

    def __init__(self, derived: Array, source: Array, activity: Array, thing_of: Array) -> None:
        self._derived, self._source, self._activity = derived, source, activity
        self._made = _Places(thing_of[derived])
        self._used = _Places(thing_of[source])
        self._by_run = _Places(activity)

    def of(self, declared: Mapping[str, Collection[int]]) -> dict[str, Touched]:
        """Return what each process touched.

        Args:
            declared: Process to the numbers of the datasets and models that it declares.
        """
        claimed = self._runs_at(self._made, {one for all_ in declared.values() for one in all_})
        found: dict[str, Touched] = {}
        for process, things in declared.items():
            made = self._runs_at(self._made, things)
            used = np.setdiff1d(self._runs_at(self._used, things), claimed)
            runs = np.union1d(made, used)
            at = self._by_run.of(runs)
            versions = np.union1d(self._derived[at], self._source[at])
            found[process] = Touched(runs, versions)
        return found

    def _runs_at(self, places: _Places, things: Collection[int]) -> Array:
        at = places.of(np.array(sorted(things), np.int64))
        return np.unique(self._activity[at])


class _Places:
    """Where each key stands in an array."""

    def __init__(self, keys: Array) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def of(self, wanted: Array) -> Array:
        """Return the places of some keys, key after key."""
        begin = np.searchsorted(self._keys, wanted, "left")
        counts = np.searchsorted(self._keys, wanted, "right") - begin
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        found: Array = self._order[np.repeat(begin, counts) + within]
        return found
