"""What a value of the graph is called in a language: labels, dates, durations, numbers.

Sources: RFC 5646 (language tags), Unicode CLDR through Babel (formats), XML Schema 1.1 part 2,
3.3.6 (duration) and 3.3.9 (date).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from lineage_graph.compliance.definitions import canonical
from lineage_graph.compliance.rendering.extra import needed
from lineage_graph.identity import kind_of, name_of
from lineage_graph.stores import Iri

_NOTATION: Final = 5
_ALONE = (r"(?<![\w:/.#-])", r"(?![\w:/#-])")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?".join(_ALONE))
_DURATION = re.compile(
    (
        r"P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
        r"(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
    ).join(_ALONE)
)
_UNITS: Final = ("year", "month", "week", "day", "hour", "minute", "second")


class Wording:
    """Says values in one language.

    Args:
        lang: The language.
        words: Its words by name.
        labels: Rows of the query ``reports/labels``.
    """

    def __init__(
        self, lang: str, words: Mapping[str, str], labels: Iterable[Mapping[str, Any]]
    ) -> None:
        self.lang = lang
        self.words = words
        order = {lang: 0, "": 1, "en": 2}
        best: dict[str, tuple[int, int, str]] = {}
        self._notations: dict[str, str] = {}
        for row in labels:
            node, role, text = str(row["node"]), row["role"], row["text"]
            if role == _NOTATION:
                self._notations[node] = min(text, self._notations.get(node, text))
                continue
            rank = order.get(canonical(row["lang"]))
            if rank is not None:
                best[node] = min((rank, role, str(text)), best.get(node, (9, 9, "")))
        self._labels = {node: text for node, (_, _, text) in best.items()}

    @cached_property
    def _locale(self) -> Any:
        with needed():
            from babel import Locale
        return Locale.parse(self.lang, sep="-")

    def name(self, iri: str) -> str:
        """Return what a person reads for an IRI: its label, a pseudonym, else its local name."""
        if kind_of(iri) == "agent" and iri not in self._labels:
            return self.words["person"].format(name=name_of(iri))
        label = self._labels.get(iri) or local_name(iri)
        notation = self._notations.get(iri)
        return f"{label} ({notation})" if notation and notation != label else label

    def say(self, value: Any) -> str:
        """Return any value of an answer as text."""
        match value:
            case None:
                return ""
            case Iri():
                return self.name(value)
            case bool():
                return self.words["yes" if value else "no"]
            case int() | float() | Decimal():
                return self.number(value)
            case datetime():
                return self.moment(value)
        return self._text(str(value))

    def number(self, value: int | float | Decimal) -> str:
        """Return a number with the language's separators."""
        with needed():
            from babel.numbers import format_decimal
        return str(format_decimal(value, locale=self._locale))

    def day(self, value: date) -> str:
        """Return a date."""
        with needed():
            from babel.dates import format_date
        return str(format_date(value, "long", locale=self._locale))

    def moment(self, value: datetime) -> str:
        """Return a time, in UTC."""
        with needed():
            from babel.dates import format_datetime
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"{format_datetime(at, 'medium', tzinfo=UTC, locale=self._locale)} UTC"

    def _text(self, text: str) -> str:
        """Return a text in which dates and durations read as the language writes them."""
        return _DURATION.sub(self._duration, _DATE.sub(self._day, text))

    def _day(self, found: re.Match[str]) -> str:
        try:
            return self.day(date.fromisoformat(found[1]))
        except ValueError:
            return found[0]

    def _duration(self, found: re.Match[str]) -> str:
        with needed():
            from babel.lists import format_list
            from babel.units import format_unit
        parts = [
            format_unit(int(amount), f"duration-{unit}", "long", locale=self._locale)
            for amount, unit in zip(found.groups(), _UNITS, strict=True)
            if amount is not None
        ]
        return str(format_list(parts, style="unit", locale=self._locale))

    def several(self, names: list[str], shown: int) -> str:
        """Return names as one text, the last ones only as how many they are."""
        told = ", ".join(names[:shown])
        if len(names) <= shown:
            return told
        more = self.words["more"].format(count=self.number(len(names) - shown))
        return f"{told}, {more}"


def local_name(iri: str) -> str:
    """Return the last part of an IRI, as a person reads it."""
    if kind_of(iri) is not None:
        return name_of(iri)
    return re.split(r"[#/:]", iri.rstrip("#/:"))[-1] or iri
