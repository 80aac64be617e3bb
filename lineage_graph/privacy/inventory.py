"""Which versions there are, and which columns they have, by the ledger's numbers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from lineage_graph.identity import NAMESPACE, kind_of
from lineage_graph.ledger import Ledger

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_PREFIXES: Final = tuple(f"{NAMESPACE}{kind}:" for kind in ("version", "model-version"))


class Inventory:
    """Versions and columns, kept up to date at the cost of what is new.

    Attributes:
        iri: Number to IRI.
        number: IRI to number.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._last = 0
        self.iri: dict[int, str] = {}
        self.number: dict[str, int] = {}

    def refresh(self) -> None:
        """Take in what was named since the last time."""
        rows = self._ledger.things_after(self._last, _PREFIXES)
        if not rows:
            return
        self._last = rows[-1][0]
        self.iri.update(rows)
        self.number.update((iri, number) for number, iri in rows)
        for name in ("version_of", "columns", "versions", "models", "_by_version"):
            vars(self).pop(name, None)

    @property
    def size(self) -> int:
        """One more than the highest number."""
        return self._last + 1

    @cached_property
    def version_of(self) -> Array:
        """For each number the version it is, or is a column of; -1 for others."""
        import numpy as np

        found = np.full(self.size, -1, np.int64)
        for number, iri in self.iri.items():
            found[number] = self.number.get(iri.partition("#")[0], -1)
        return found

    @cached_property
    def columns(self) -> Array:
        """Numbers of columns, ascending."""
        import numpy as np

        every = np.arange(self.size)
        found: Array = every[(self.version_of >= 0) & (self.version_of != every)]
        return found

    @cached_property
    def versions(self) -> Array:
        """Numbers of versions of datasets and models, ascending."""
        import numpy as np

        return np.flatnonzero(self.version_of == np.arange(self.size))

    @cached_property
    def models(self) -> Array:
        """For each number whether it is a version of a model."""
        import numpy as np

        found = np.zeros(self.size, bool)
        found[[n for n in self.versions.tolist() if kind_of(self.iri[n]) != "version"]] = True
        return found

    @cached_property
    def _by_version(self) -> tuple[Array, Array]:
        import numpy as np

        order = self.columns[np.argsort(self.version_of[self.columns], kind="stable")]
        return self.version_of[order], order

    def columns_of(self, versions: Array) -> tuple[Array, Array]:
        """Return the columns of versions, and the position of each one's version."""
        import numpy as np

        of, columns = self._by_version
        begin, end = (np.searchsorted(of, versions, side) for side in ("left", "right"))
        counts = end - begin
        origin = np.repeat(np.arange(versions.size), counts)
        at = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return columns[begin[origin] + at], origin

    def column_name(self, number: int) -> str | None:
        """Return the name of a column; None for a version."""
        _, found, name = self.iri[number].partition("#")
        return unquote(name) if found else None
