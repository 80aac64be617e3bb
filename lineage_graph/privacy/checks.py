"""Checks of all values of a column together, by name: dates, plausible ages, free text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from lineage_graph.errors import DeclarationError
from lineage_graph.privacy.columns import Column

Passed = list[bool]
ColumnCheck = Callable[[Column], Passed]

_MONTH = r"[^\W\d_]{3,9}\.?"
_DATE: Final = (
    r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})",
    r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})",
    r"(?P<y>(?:1[89]|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])",
    rf"\d{{1,2}}[-\s](?:de\s)?{_MONTH}[-,\s]+(?:de\s)?(?P<y>\d{{4}}|\d{{2}})",
    rf"{_MONTH}\s+\d{{1,2}},?\s+(?P<y>\d{{4}})",
    rf"(?P<mname>{_MONTH})[-\s](?P<y>\d{{4}})",
)
_DATES = tuple(re.compile(text) for text in _DATE)
_TIME = re.compile(
    r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([AaPp]\.?[Mm]\.?)?\s?(Z|[A-Z]{3}|[+-]\d\d:?\d\d)?"
)
_MONTHS: Final = re.compile(
    "jan|feb|fev|mar|apr|abr|may|mai|jun|jul|aug|ago|sep|set|oct|out|nov|dec|dez"
)
_SENTENCE_WORDS: Final = 4
_SENTENCE_LENGTH: Final = 22
_EPOCH: Final = ((6e8, 2.2e9), (6e11, 2.2e12))
_ENOUGH: Final = 20
_OLD: Final = 85
_FEW_OLD: Final = 0.06
_BORN: Final = 1975
_WIDE: Final = 50_000
_FINE: Final = 4
_FAR: Final = 20


def column_check(name: str) -> ColumnCheck:
    """Return a check by its name.

    Raises:
        DeclarationError: There is none of that name.
    """
    try:
        return _CHECKS[name]
    except KeyError:
        raise DeclarationError(
            f"there is no column check {name!r}; use one of {', '.join(sorted(_CHECKS))}"
        ) from None


def year_of(value: str) -> int | None:
    """Return the year of a date; None when it is no date."""
    for one in _DATES:
        found = one.fullmatch(value)
        if found is not None and _exists(found.groupdict()):
            year = int(found["y"])
            return year if year > 99 else year + (1900 if year > 30 else 2000)
    return None


def _exists(parts: dict[str, str | None]) -> bool:
    name = parts.get("mname")
    if name is not None:
        return _MONTHS.match(name.lower()) is not None
    if parts.get("a"):
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31
    if parts.get("m"):
        try:
            date(int(parts["y"] or 0), int(parts["m"] or 0), int(parts["d"] or 0))
        except ValueError:
            return False
    return True


def _date_part(value: str) -> str:
    return value.replace("T", " ", 1).partition(" ")[0]


def _dates(column: Column) -> Passed:
    if column.family == "date":
        return [True] * column.distinct
    return [year_of(value) is not None or _midnight(value) for value, _ in column.counts]


def _midnight(value: str) -> bool:
    day, _, time = value.replace("T", " ", 1).partition(" ")
    return bool(time) and not time.strip("0:.Z+") and year_of(day) is not None


def _datetimes(column: Column) -> Passed:
    if column.family == "timestamp":
        return [True] * column.distinct
    return [_is_datetime(value) for value, _ in column.counts]


def _is_datetime(value: str) -> bool:
    day, _, time = value.replace("T", " ", 1).partition(" ")
    return bool(_TIME.fullmatch(time)) and year_of(day) is not None


def _times(column: Column) -> Passed:
    return [_TIME.fullmatch(value) is not None for value, _ in column.counts]


def _epochs(column: Column) -> Passed:
    return [
        number is not None and any(low <= number <= high for low, high in _EPOCH)
        for number in column.numbers
    ]


def _between(low: float, high: float) -> ColumnCheck:
    def check(column: Column) -> Passed:
        return [n is not None and n == int(n) and low <= n <= high for n in column.numbers]

    return check


def _month_names(column: Column) -> Passed:
    return [_MONTHS.match(text) is not None and len(text) < 10 for text in column.folded]


def _ages(column: Column) -> Passed:
    """Whole numbers that look like ages of a population: not a proof, a reason to ask."""
    numbers = sorted(number for number in column.numbers if number is not None)
    if not column.integral or len(numbers) < _ENOUGH:
        return [False] * column.distinct
    low, high, middle = numbers[0], numbers[-1], numbers[len(numbers) // 2]
    dense = len(numbers) >= 0.4 * (high - low + 1)
    old = column.share([number is not None and number > _OLD for number in column.numbers])
    peopled = 20 <= middle <= 65 and dense and old <= _FEW_OLD
    plausible = low >= 0 and 50 <= high <= 110 and peopled
    return [plausible] * column.distinct


def _birth_dates(column: Column) -> Passed:
    """Dates over as many years as people are born in, and not all of them recent."""
    years = sorted(
        year
        for value, _ in column.counts
        if (year := year_of(_date_part(value)) or year_of(value)) is not None
    )
    if len(years) < _ENOUGH or len(years) < 0.9 * column.distinct:
        return [False] * column.distinct
    early, late = years[int(0.1 * (len(years) - 1))], years[int(0.9 * (len(years) - 1))]
    plausible = late - early >= 18 and years[0] >= 1900 and early <= _BORN
    return [plausible] * column.distinct


def _wide_codes(column: Column) -> Passed:
    """Codes over the whole range of their width: postal codes of a country, not a measure."""
    numbers = [number for number in column.numbers if number is not None]
    wide = bool(numbers) and max(numbers) - min(numbers) >= _WIDE
    return [wide] * column.distinct


def _fine_decimals(column: Column) -> Passed:
    """Numbers with so many decimals that they may be degrees on the globe."""
    return [len(value.partition(".")[2]) >= _FINE for value, _ in column.counts]


def _far_decimals(column: Column) -> Passed:
    """The same, and far from zero as standardised measures are not."""
    numbers = sorted(abs(number) for number in column.numbers if number is not None)
    far = bool(numbers) and numbers[len(numbers) // 2] >= _FAR
    return [far and ok for ok in _fine_decimals(column)]


def _free_text(column: Column) -> Passed:
    texts = [value for value, _ in column.counts]
    if not texts or column.distinct_share < 0.3:
        return [False] * column.distinct
    long = [
        len(text) >= _SENTENCE_LENGTH and len(text.split()) >= _SENTENCE_WORDS for text in texts
    ]
    return long


_CHECKS: Final[dict[str, ColumnCheck]] = {
    "ages": _ages,
    "birth-dates": _birth_dates,
    "calendar-years": _between(1900, 2035),
    "dates": _dates,
    "datetimes": _datetimes,
    "epochs": _epochs,
    "far-decimals": _far_decimals,
    "fine-decimals": _fine_decimals,
    "free-text": _free_text,
    "month-names": _month_names,
    "months-or-days": _between(1, 31),
    "times": _times,
    "wide-codes": _wide_codes,
    "years": _between(1500, 2100),
}
