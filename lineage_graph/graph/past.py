"""The record as it was: everything up to one entry, in a graph of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord
from lineage_graph.ledger import Entry, Ledger
from lineage_graph.stores import Row, Store


class Past:
    """Answers questions about what had been recorded by an entry.

    It holds a graph of its own in memory, so it costs what reading the ledger costs.

    Args:
        ledger: The truth.
        seq: The last entry to consider.
        declarations: Where the queries are.
    """

    def __init__(self, ledger: Ledger, seq: int, declarations: Declarations) -> None:
        from lineage_graph.stores.oxigraph import MemoryStore

        self._declarations = declarations
        self._store: Store = MemoryStore()

        def entries(after: int) -> Iterator[Entry]:
            return ledger.entries(after, seq)

        while self._store.applied.seq < seq:
            self._store.apply(entries)

    def run(self, name: str, **values: Any) -> list[Row]:
        """Return the rows of a declared SELECT."""
        return list(self._store.select(self._declarations.query(name).bind(**values)))


def moment(ledger: Ledger, as_of: int | str | date | None, today: date) -> tuple[int, date]:
    """Return the last entry to consider, and the day of it.

    Args:
        ledger: The truth.
        as_of: Seq of an entry, or a day (in UTC) at whose end it was the last one; None for now.
        today: The day it is.

    Raises:
        InvalidRecord: There is no such entry, or it is no day that has come.
    """
    head = ledger.head
    if as_of is None:
        return head, today
    said = _read(as_of)
    if isinstance(said, int):
        if not 1 <= said <= head:
            entries = f"entries 1 to {head}" if head else "no entry"
            raise InvalidRecord(f"as_of={said}: the ledger has {entries}. Give one, or a date.")
        return said, next(ledger.entries(said - 1, said)).at.date()
    if said > today:
        raise InvalidRecord(f"as_of={said} is in the future; nothing is recorded of it yet.")
    return _last_before(ledger, datetime.combine(said + timedelta(days=1), time(), UTC), head), said


def _read(as_of: int | str | date) -> int | date:
    if isinstance(as_of, datetime):
        return as_of.astimezone(UTC).date() if as_of.tzinfo else as_of.date()
    if isinstance(as_of, int | date):
        return as_of
    try:
        return int(as_of) if as_of.isdigit() else date.fromisoformat(as_of)
    except ValueError as problem:
        raise InvalidRecord(
            f"as_of={as_of!r} is neither the number of a ledger entry nor a date such as 2026-05-01"
        ) from problem


def _last_before(ledger: Ledger, end: datetime, head: int) -> int:
    """Return the last entry before a time, by halves: entries are in the order of time."""
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        if next(ledger.entries(middle - 1, middle)).at < end:
            low = middle
        else:
            high = middle - 1
    return low
