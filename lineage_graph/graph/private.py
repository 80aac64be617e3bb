"""Questions about personal data, as verbs on a graph."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lineage_graph.graph.declared import Declared
from lineage_graph.graph.licensed import Licensed
from lineage_graph.identity import kind_of

if TYPE_CHECKING:
    from lineage_graph.privacy import Privacy, Status


class Private(Licensed):
    """A store that knows what personal data is, and who is in which rows."""

    @cached_property
    def _privacy(self) -> Privacy:
        from lineage_graph.privacy import Privacy

        return Privacy(
            self._ledger,
            self._queries,
            self._index,
            self._declarations,
            Declared(self._declarations),
            self._catalogue,
        )

    def privacy(self, name: str, as_of: int | None = None) -> Status:
        """Return what a dataset or model is under data protection law, and why.

        It is computed from what is recorded; it is not legal advice.

        Args:
            name: Name, ``name@2`` or IRI.
            as_of: Seq of the last ledger entry to consider.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: Nothing can have been recorded as of then.
        """
        return self._privacy.status(self._catalogue.version(name, None), as_of)

    def statuses(self, as_of: int | None = None) -> list[Status]:
        """Return what the newest version of every dataset and model is, sorted by name.

        Args:
            as_of: Seq of the last ledger entry to consider.

        Raises:
            InvalidRecord: Nothing can have been recorded as of then.
        """
        newest: dict[str, tuple[int, Status]] = {}
        for status in self._privacy.statuses(None, as_of).values():
            name, _, number = status.name.rpartition("@")
            known = int(number) if name and number.isdigit() else 0
            key = f"{kind_of(status.version)} {name if known else status.name}"
            if key not in newest or newest[key][0] < known:
                newest[key] = known, status
        return sorted((one for _, one in newest.values()), key=lambda one: one.name)
