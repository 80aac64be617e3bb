"""Fields that are split over several columns: their parts are believed together.

``birthYear``, ``birthMonth`` and ``birthDay`` are each a number that may mean anything;
side by side they are a date of birth. Where names say nothing, two neighbours may still
look like a coordinate, which is then suggested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lineage_graph.privacy.checks import column_check
from lineage_graph.privacy.columns import Column
from lineage_graph.privacy.header import Lexicon
from lineage_graph.privacy.rules import Part
from lineage_graph.privacy.values import LabelStatus

_NEARLY_ALL: Final = 0.95
_MOST: Final = 0.7

Member = tuple[Part, Column]


@dataclass(frozen=True)
class Joined:
    """That a column is a part of a split field.

    Attributes:
        type: IRI of the semantic type.
        header: The names of all parts, which say so together.
        status: Accepted by names, suggested without.
    """

    type: str
    header: str
    status: LabelStatus


def together(
    columns: Sequence[Column], parts: Sequence[Part], lexicon: Lexicon
) -> dict[str, Joined]:
    """Return the columns that are parts of a split field of which another part is there.

    Args:
        columns: Of one table, in its order.
        parts: The declared parts.
        lexicon: Reads names.
    """
    found: defaultdict[str, list[Member]] = defaultdict(list)
    for column in columns:
        text, nameless = lexicon.text(column.name), lexicon.nameless(column.name)
        for part in parts:
            named = part.pattern.fullmatch(text) is not None if part.pattern else nameless
            if named and column.counts and _fits(column, part):
                found[part.field].append((part, column))
    place = {column.name: at for at, column in enumerate(columns)}
    joined: dict[str, Joined] = {}
    for members in found.values():
        for group in _groups(members, place):
            _join(group, joined)
    return joined


def _groups(members: list[Member], place: dict[str, int]) -> list[list[Member]]:
    """Return what may belong together: all by their names, else neighbours in pairs."""
    if all(part.pattern for part, _ in members):
        return [members]
    return [
        [one, other]
        for one in members
        for other in members
        if abs(place[one[1].name] - place[other[1].name]) == 1
    ]


def _join(members: list[Member], joined: dict[str, Joined]) -> None:
    if len({part.name for part, _ in members}) < 2:
        return
    header = " + ".join(dict.fromkeys(column.name for _, column in members))
    for part, column in members:
        status: LabelStatus = "accepted" if part.pattern else "suggested"
        joined.setdefault(column.name, Joined(part.type, header, status))


def _fits(column: Column, part: Part) -> bool:
    if part.check and column.share(column_check(part.check)(column)) < _MOST:
        return False
    if part.least is None or part.greatest is None:
        return "text" in column.families and not column.numeric
    low, high = part.least, part.greatest
    passed = [number is not None and low <= number <= high for number in column.numbers]
    return column.share(passed) >= _NEARLY_ALL
