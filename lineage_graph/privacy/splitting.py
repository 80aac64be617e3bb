"""Fields that are split over several columns: their parts are believed together.

``birthYear``, ``birthMonth`` and ``birthDay`` are each a number that may mean anything;
side by side they are a date of birth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_graph.privacy.columns import Column
from lineage_graph.privacy.header import Lexicon
from lineage_graph.privacy.rules import Part


@dataclass(frozen=True)
class Joined:
    """That a column is a part of a split field.

    Attributes:
        type: IRI of the semantic type.
        header: The names of all parts, which say so together.
    """

    type: str
    header: str


def together(
    columns: Sequence[Column], parts: Sequence[Part], lexicon: Lexicon
) -> dict[str, Joined]:
    """Return the columns that are parts of a split field of which another part is there.

    Args:
        columns: Of one table.
        parts: The declared parts.
        lexicon: Reads names.
    """
    found: defaultdict[str, list[tuple[Part, Column]]] = defaultdict(list)
    for column in columns:
        text = lexicon.text(column.name)
        for part in parts:
            if column.counts and part.pattern.fullmatch(text) and _within(column, part):
                found[part.field].append((part, column))
    joined: dict[str, Joined] = {}
    for members in found.values():
        if len({part.name for part, _ in members}) < 2:
            continue
        header = " + ".join(dict.fromkeys(column.name for _, column in members))
        for part, column in members:
            joined.setdefault(column.name, Joined(part.type, header))
    return joined


def _within(column: Column, part: Part) -> bool:
    if part.least is None or part.greatest is None:
        return "text" in column.families and not column.numeric
    low, high = part.least, part.greatest
    passed = [number is not None and low <= number <= high for number in column.numbers]
    return column.share(passed) >= 0.95
