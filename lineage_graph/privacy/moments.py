"""What was recorded as of one entry of the ledger, told statement by statement.

Questions are asked of the graph as it is now. What they answer counts as of an entry only if
a bundle said it by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from lineage_graph.identity import NAMESPACE
from lineage_graph.ledger import Ledger


class Moment:
    """The ledger as it was after an entry.

    Args:
        ledger: Tells who described what, and when.
        as_of: Seq of the last entry to consider.
    """

    def __init__(self, ledger: Ledger, as_of: int) -> None:
        self._ledger = ledger
        self._as_of = as_of
        self.described = ledger.described_between(NAMESPACE, 0, as_of)

    @cached_property
    def _described_later(self) -> set[str]:
        return self._ledger.described_between(NAMESPACE, self._as_of, self._ledger.head)

    @cached_property
    def _bundles(self) -> set[str]:
        return {entry.bundle for entry in self._ledger.entries(0, self._as_of)}

    def said(self, rows: Iterable[Mapping[str, Any]], subject: str) -> list[Mapping[str, Any]]:
        """Return the rows that a bundle said by then.

        Bundles are only looked for where the subject was described before and after.

        Args:
            rows: Each with the bundle that says it under ``bundle``.
            subject: Under which name they have what it is said of.
        """
        kept = []
        for row in rows:
            about = str(row[subject])
            if about in self.described:
                sure = about not in self._described_later
                if sure or str(row["bundle"]) in self._bundles:
                    kept.append(row)
        return kept
