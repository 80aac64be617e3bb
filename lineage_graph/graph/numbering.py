"""Which versions things have, in which order, and by which further IRIs they are known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from lineage_graph.declarations import is_absolute_iri
from lineage_graph.identity import kind_of
from lineage_graph.ledger import Ledger
from lineage_graph.stores import Row

if TYPE_CHECKING:
    from lineage_graph.compliance.gathering import Asked

MANY = 5_000
"""To look up each of so many costs more than to read all there are."""


class Numbering:
    """The versions of datasets and models, numbered.

    Args:
        queries: Over the graph.
        ledger: Knows in which order things were recorded.
    """

    def __init__(self, queries: Asked, ledger: Ledger) -> None:
        self._queries = queries
        self._ledger = ledger
        self._every: tuple[int, list[Row]] | None = None
        self._all: tuple[int, dict[str, list[str]]] | None = None

    def ordered(self, things: Collection[str]) -> dict[str, list[str]]:
        """Return the versions of things in the order they were first recorded.

        The ledger never changes that order, so a version keeps its number, also when it has
        another IRI because its dataset has another name.
        """
        of = self.version_of("of", things)
        renamed = {
            thing
            for thing, before in self._before(things).items()
            if any(kind_of(iri) == kind_of(thing) for iri in before)
        }
        before = self._before([r["version"] for r in of if r["of"] in renamed] if renamed else ())
        were = {
            version: (version, *before.get(version, ())) for version in (r["version"] for r in of)
        }
        first = self._ledger.described_first({iri for some in were.values() for iri in some})
        begun = {v: min(first[iri] for iri in some if iri in first) for v, some in were.items()}
        versions: dict[str, list[str]] = {}
        for row in sorted(of, key=lambda row: (begun[row["version"]], row["version"])):
            versions.setdefault(str(row["of"]), []).append(str(row["version"]))
        return versions

    def version_of(self, key: str, wanted: Collection[str]) -> list[Row]:
        """Return what is a version of what, for some versions or some things."""
        if not wanted:
            return []
        if len(wanted) < MANY:
            return self._queries.run("records/version_of", **{key: sorted(wanted)})
        chosen = frozenset(wanted)
        return [row for row in self._every_version() if str(row[key]) in chosen]

    def _every_version(self) -> list[Row]:
        """Return what is a version of what, for all; read once for each state of the ledger."""
        head = self._ledger.head
        if self._every is None or self._every[0] != head:
            self._every = head, self._queries.run("records/version_of")
        return self._every[1]

    def everything(self) -> Mapping[str, list[str]]:
        """Return the versions of every dataset and model, the first one first."""
        head = self._ledger.head
        if self._all is None or self._all[0] != head:
            self._all = head, self.ordered({str(row["of"]) for row in self._every_version()})
        return self._all[1]

    def now(self, iris: Collection[str]) -> Mapping[str, str]:
        """Return what is called otherwise now, by the IRI it had under another name.

        What something is recorded under by itself is that.
        """
        rows = self._alternates("alternate", [iri for iri in iris if is_absolute_iri(iri)])
        return {str(row["alternate"]): str(row["of"]) for row in rows if not row["own"]}

    def _before(self, iris: Collection[str]) -> Mapping[str, list[str]]:
        """Return the further IRIs that datasets or versions have by other names."""
        found: dict[str, list[str]] = {}
        for row in self._alternates("of", iris):
            found.setdefault(str(row["of"]), []).append(str(row["alternate"]))
        return found

    def _alternates(self, key: str, iris: Collection[str]) -> list[Row]:
        if not iris:
            return []
        if len(iris) < MANY:
            return self._queries.run("records/alternates", **{key: sorted(iris)})
        chosen = frozenset(iris)
        return [r for r in self._queries.run("records/alternates") if str(r[key]) in chosen]
