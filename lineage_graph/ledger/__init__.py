"""The ledger: what was recorded, in the order it was recorded. Everything else is a projection.

Each entry is chained to its predecessor by sha256, and its subjects and edges lie beside
the body as plain columns, so reachability never parses RDF. It lives in a file
(:class:`~lineage_graph.ledger.file.LedgerFile`), or elsewhere behind the same seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from lineage_graph.ledger.database import Row
from lineage_graph.ledger.entries import LEVELS, Edge, Entry, Level, NewEntry
from lineage_graph.ledger.reading import Invalidation

__all__ = ["LEVELS", "Edge", "Entry", "Invalidation", "Ledger", "Level", "NewEntry"]


class Ledger(Protocol):
    """An append-only, hash-chained ledger, wherever it lives.

    It may be shared by threads, not by a forked child. Every method may raise
    StoreUnavailable.
    """

    def close(self) -> None:
        """Close the file; a second call does nothing."""

    def append(self, new: NewEntry) -> int:
        """Append one bundle; it is on the disk when this returns.

        Threads that append at the same time share one transaction and one fsync.

        Returns:
            The entry's seq.

        Raises:
            RecordConflict: The transaction id or the bundle was used with other content.
            InvalidRecord: A text cannot be written as UTF-8.
            StoreLocked: Other processes held the ledger longer than the timeout.
            StoreUnavailable: It could not be written. After an I/O error the handle
                refuses everything: what a failed fsync left behind is known only
                after the file is opened again.
        """

    @property
    def head(self) -> int:
        """Seq of the last entry, 0 when there is none."""

    @property
    def chain_head(self) -> str:
        """Chain of the last entry: it names the content of the whole ledger."""

    def entries(self, after: int = 0, upto: int | None = None) -> Iterator[Entry]:
        """Yield entries in order, each checked against its digest and the chain.

        Args:
            after: Seq of the last entry not wanted.
            upto: Seq of the last entry wanted; None for all there are.

        Raises:
            LedgerBroken: At the first entry that does not hold.
        """

    def described(self, iris: Iterable[str]) -> set[str]:
        """Return which of the IRIs some entry describes."""

    def described_first(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the seq of the first entry that describes an IRI, for those that are."""

    def described_between(self, prefix: str, after: int, upto: int) -> set[str]:
        """Return the IRIs with a prefix that some entries describe.

        Args:
            prefix: What the IRIs begin with.
            after: Seq of the last entry not wanted.
            upto: Seq of the last entry wanted.
        """

    def iris_with(self, prefix: str) -> list[str]:
        """Return the IRIs with a prefix, without those of parts of things, sorted."""

    def things_after(self, node: int, prefixes: Sequence[str]) -> list[Row]:
        """Return number and IRI of things, and of their columns, in the order of their numbers.

        Parts of parts, and parts that are numbered, are left out.

        Args:
            node: Number of the last thing not wanted.
            prefixes: What the IRIs begin with.
        """

    def is_bundle(self, iri: str) -> bool:
        """Tell whether an entry's bundle has this IRI."""

    def index_rows(self, after: int, upto: int) -> Iterator[list[Row]]:
        """Yield the edges that some entries state, as numbers, a page at a time.

        Args:
            after: Seq of the last entry not wanted.
            upto: Seq of the last entry wanted.

        Yields:
            Rows of seq, derived, source, kinds, activity and level, in the order of seq.
        """

    def invalidations(self, after: int, upto: int) -> list[Invalidation]:
        """Return what no longer holds as far as some entries make it known.

        Args:
            after: Seq of the last entry not wanted.
            upto: Seq of the last entry wanted.

        Returns:
            What these entries invalidate, and again what was invalidated before its
            bundle was appended by one of them.
        """

    def kind_sets(self) -> dict[int, tuple[str, ...]]:
        """Return the sets of derivation kinds by number, the first one met first."""

    def node_ids(self, iris: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those IRIs that occur in the ledger."""

    def iris_of(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the IRIs of those numbers that are in the ledger."""

    def chain_at(self, seq: int) -> str | None:
        """Return the chain of an entry, of the beginning for 0; None when there is none."""

    def partial(self, version: str) -> bool:
        """Tell whether part of what a version came from is not to be seen in this ledger."""

    def verify(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Check every entry: sequence, digest, chain, and the columns beside the body.

        It works on one snapshot, so others may append meanwhile.

        Args:
            progress: Called with the entries checked so far and their total.

        Returns:
            How many entries there are; all of them hold.

        Raises:
            LedgerBroken: Names the first entry that cannot be trusted.
        """
