"""The values of one column, looked at once: distinct values, their kind, their numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from lineage_graph.privacy.validators import fold

LONGEST_VALUE: Final = 300
"""Characters of a value that are looked at; the rest of a long text says nothing new."""

_INTEGER = re.compile(r"[+-]?\d{1,30}")
_INTEGRAL = re.compile(r"[+-]?\d{1,18}(\.0*)?")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.I)
_NOTHING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", "."})
_BOOLEANS: Final = frozenset({"true", "false"})
_FAMILIES: Final = {
    "boolean": "boolean",
    "tinyint": "integer",
    "smallint": "integer",
    "int": "integer",
    "integer": "integer",
    "bigint": "integer",
    "long": "integer",
    "byte": "integer",
    "short": "integer",
    "float": "decimal",
    "double": "decimal",
    "real": "decimal",
    "decimal": "decimal",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ntz": "timestamp",
    "timestamp_ltz": "timestamp",
    "string": "text",
    "varchar": "text",
    "char": "text",
}


class Column:
    """What was sampled of one column.

    Args:
        name: Its name.
        values: Its values that are not null, as text, in any order.
        datatype: Spark's text of its type; None when it is not known.
    """

    def __init__(self, name: str, values: Sequence[str], datatype: str | None = None) -> None:
        self.name = name
        kept = (value.strip()[:LONGEST_VALUE] for value in map(str, values))
        self.counts = sorted(Counter(v for v in kept if v.lower() not in _NOTHING).items())
        self.size = sum(count for _, count in self.counts)
        self.datatype = datatype

    @property
    def distinct(self) -> int:
        """How many distinct values there are."""
        return len(self.counts)

    @property
    def distinct_share(self) -> float:
        """How many of the values differ, 0 to 1."""
        return self.distinct / self.size if self.size else 0.0

    @cached_property
    def family(self) -> str:
        """Family of the declared datatype; text when it is not known."""
        if self.datatype is None:
            return "text"
        kind = re.split(r"[(<\s]", self.datatype.strip().lower(), maxsplit=1)[0]
        return _FAMILIES.get(kind, "other")

    @cached_property
    def families(self) -> frozenset[str]:
        """Every family that the values may be taken for: text can hold numbers."""
        if self.family != "text" or not self.counts:
            return frozenset({self.family})
        values = [value for value, _ in self.counts]
        if all(map(_INTEGER.fullmatch, values)):
            return frozenset({"text", "integer"})
        if all(map(_DECIMAL.fullmatch, values)):
            return frozenset({"decimal"})
        if all(value.lower() in _BOOLEANS for value in values):
            return frozenset({"boolean"})
        return frozenset({"text"})

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """Each distinct value without case and accents, in the order of ``counts``."""
        return tuple(fold(value).rstrip(".") for value, _ in self.counts)

    @cached_property
    def words(self) -> tuple[tuple[str, str], ...]:
        """First and last word of each distinct value, without signs around them."""
        split = (text.replace(",", " ").split() or [""] for text in self.folded)
        return tuple((parts[0].strip(".'\"-"), parts[-1].strip(".'\"-")) for parts in split)

    @cached_property
    def numbers(self) -> tuple[float | None, ...]:
        """Each distinct value as a number; None where it is none."""
        return tuple(_as_number(value) for value, _ in self.counts)

    @cached_property
    def integral(self) -> bool:
        """Whether every value is a whole number, ``34.0`` too."""
        return bool(self.counts) and all(_INTEGRAL.fullmatch(value) for value, _ in self.counts)

    @cached_property
    def numeric(self) -> bool:
        """Whether every value is a number."""
        return bool(self.counts) and all(number is not None for number in self.numbers)

    def share(self, passed: Sequence[bool]) -> float:
        """Return which part of the values passed, given which distinct values did."""
        hits = sum(count for (_, count), ok in zip(self.counts, passed, strict=True) if ok)
        return hits / self.size if self.size else 0.0


def _as_number(value: str) -> float | None:
    if not _DECIMAL.fullmatch(value):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
