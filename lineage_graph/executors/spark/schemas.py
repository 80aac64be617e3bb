"""What a table's columns are asked for before Spark is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from lineage_graph.errors import InvalidRecord


def require(wanted: Iterable[str], known: Sequence[str], role: str) -> None:
    """Check that a table has columns, each of them once.

    Args:
        wanted: Names that are asked for.
        known: Names of the table's columns.
        role: What they are asked for as, for the message.

    Raises:
        InvalidRecord: There is none, or more than one, of a name.
    """
    for name in wanted:
        if known.count(name) == 1:
            continue
        if name in known:
            raise InvalidRecord(f"{role}: there is more than one column {name!r}; rename them.")
        near = get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known[:30])}."
        raise InvalidRecord(f"{role}: there is no column {name!r}. {hint}")
