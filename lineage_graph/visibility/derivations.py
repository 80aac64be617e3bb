"""Which version came from which, as arrays; nothing that was once derived is forgotten.

The lineage index leaves out what was stated by a bundle that was invalidated. Here it stays:
else whoever may invalidate a bundle could let out what was made of something hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from lineage_graph.identity import NAMESPACE
from lineage_graph.ledger import Ledger
from lineage_graph.visibility.kinds import VERSIONS

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MANY_PARTS: Final = 64
_PREFIXES: Final = tuple(f"{NAMESPACE}{kind}:" for kind in VERSIONS)


class Derivations:
    """Versions and their derivations, kept up to date at the cost of what is new.

    A derivation between columns is one between their versions.

    Attributes:
        iri: Number to IRI, of versions and their columns.
        number: IRI to number.
        last: Highest number of a version or column.
        new: Numbers of sources and of what was derived, as the last refresh brought them.
    """

    def __init__(self) -> None:
        self.iri: dict[int, str] = {}
        self.number: dict[str, int] = {}
        self.new: list[tuple[int, int]] = []
        self.last = 0
        self._of: dict[int, int] = {}
        self._unplaced: list[tuple[int, str]] = []
        self._edges: list[Array] = []

    def refresh(self, ledger: Ledger, after: int, upto: int) -> None:
        """Take in the derivations that some entries state.

        Args:
            ledger: Where they are.
            after: Seq of the last entry not wanted.
            upto: Seq of the last entry wanted.
        """
        import numpy as np

        rows = ledger.things_after(self.last, _PREFIXES)
        self.last = rows[-1][0] if rows else self.last
        if rows:
            self._forget()
        self.iri.update(rows)
        self.number.update((iri, number) for number, iri in rows)
        waiting, self._unplaced = [*self._unplaced, *rows], []
        for number, iri in waiting:
            whole = self.number.get(iri.partition("#")[0])
            if whole is None:
                self._unplaced.append((number, iri))
            else:
                self._of[number] = whole
        self.new = []
        for page in ledger.index_rows(after, upto):
            self._add((row[2], row[1]) for row in page)
        if len(self._edges) > _MANY_PARTS:
            self._edges = [np.concatenate(self._edges)]

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take in derivations that a body states, as a version and its source."""
        number = self.number
        self._add((number[s], number[d]) for d, s in pairs if d in number and s in number)

    def _add(self, numbered: Iterable[tuple[int, int]]) -> None:
        import numpy as np

        of = self._of
        pairs = {(of.get(s, s), of.get(d, d)) for s, d in numbered}
        pairs = {(s, d) for s, d in pairs if s != d}
        if pairs:
            self.new += pairs
            flat = np.fromiter(chain.from_iterable(pairs), np.int64, 2 * len(pairs))
            self._edges.append(flat.reshape(-1, 2))
            self._forget()

    def _forget(self) -> None:
        """Drop what was sorted for walks."""
        for name in ("_downstream", "_upstream"):
            vars(self).pop(name, None)

    @cached_property
    def _downstream(self) -> tuple[Array, Array]:
        return self._adjacent(0)

    @cached_property
    def _upstream(self) -> tuple[Array, Array]:
        return self._adjacent(1)

    def _adjacent(self, near: int) -> tuple[Array, Array]:
        """Return where the far ends of each number begin, and all of them."""
        import numpy as np

        edges = np.concatenate([np.zeros((0, 2), np.int64), *self._edges])
        order = np.argsort(edges[:, near], kind="stable")
        size = max(self.last, int(edges.max(initial=0))) + 1
        counts = np.bincount(edges[:, near], minlength=size)
        return np.concatenate([[0], np.cumsum(counts)]), edges[order, 1 - near]

    def columns(self, versions: Iterable[str]) -> Iterator[int]:
        """Yield the numbers of versions and of their columns."""
        wanted = {self.number[v] for v in versions if v in self.number}
        return (number for number, of in self._of.items() if of in wanted)

    def spread(self, starts: Iterable[str], stops: Iterable[str] = ()) -> set[str]:
        """Return what came from some versions, over any number of steps, with them.

        Args:
            starts: IRIs of versions.
            stops: IRIs of versions that nothing passes into.
        """
        begins, ends = self._downstream
        return self._walk(begins, ends, starts, stops, ())

    def sources(self, version: str, stops: Iterable[str]) -> set[str]:
        """Return what passes into a version, over any number of steps, with the version.

        Args:
            version: IRI of the version.
            stops: IRIs of versions that nothing passes into.
        """
        begins, ends = self._upstream
        return self._walk(begins, ends, [version], (), stops)

    def _walk(
        self,
        begins: Array,
        ends: Array,
        starts: Iterable[str],
        closed: Iterable[str],
        last: Iterable[str],
    ) -> set[str]:
        """Return what is reached, without what is closed and what lies beyond the last ones."""
        import numpy as np

        met, ending = np.zeros(begins.size - 1, bool), np.zeros(begins.size - 1, bool)
        met[self._numbers(closed)] = True
        ending[self._numbers(last)] = True
        frontier = np.unique(self._numbers(starts))
        found: list[Array] = []
        while frontier.size:
            met[frontier] = True
            found.append(frontier)
            frontier = frontier[~ending[frontier]]
            counts = begins[frontier + 1] - begins[frontier]
            skipped = np.cumsum(counts) - counts
            at = np.arange(int(counts.sum())) + np.repeat(begins[frontier] - skipped, counts)
            frontier = np.unique(ends[at])
            frontier = frontier[~met[frontier]]
        numbers = chain.from_iterable(part.tolist() for part in found)
        return {self.iri[number] for number in numbers if number in self.iri}

    def _numbers(self, iris: Iterable[str]) -> Array:
        import numpy as np

        return np.array([self.number[iri] for iri in iris if iri in self.number], np.int64)
