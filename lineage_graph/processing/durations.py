"""Periods of time as people write them, and as ISO 8601 does.

Source: ISO 8601 durations as XML Schema Part 2 (1.1), section 3.3.6, reads them, and weeks.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_ISO: Final = re.compile(
    r"P(?=\d|T\d)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?"
)
_WORDS: Final = re.compile(r"(\d{1,6})\s*([^\W\d_]+)")
_UNITS: Final = {
    **dict.fromkeys(("year", "years", "ano", "anos"), (12, 0)),
    **dict.fromkeys(("month", "months", "mês", "mes", "meses"), (1, 0)),
    **dict.fromkeys(("week", "weeks", "semana", "semanas"), (0, 7 * 86_400)),
    **dict.fromkeys(("day", "days", "dia", "dias"), (0, 86_400)),
    **dict.fromkeys(("hour", "hours", "hora", "horas"), (0, 3_600)),
}
_JOINED: Final = re.compile(r"[\s,]+(?:and|e)\s+|[\s,]+", re.IGNORECASE)


def duration(text: str) -> str:
    """Return a period as its canonical ISO 8601 duration: ``24 months`` is ``P2Y``.

    Months and days are never converted into each other: how many days a month has is not
    known.

    Raises:
        ValueError: It is no period, or one of no length.
    """
    iso = _ISO.fullmatch(text.upper())
    months, seconds = _of_iso(iso) if iso else _of_words(text)
    if not months and not seconds:
        raise ValueError("a period of no length")
    return _canonical(months, seconds)


def _of_iso(found: re.Match[str]) -> tuple[int, int]:
    years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
    return (
        years * 12 + months,
        (weeks * 7 + days) * 86_400 + hours * 3_600 + minutes * 60 + seconds,
    )


def _of_words(text: str) -> tuple[int, int]:
    """Read ``2 years and 6 months``."""
    months = seconds = 0
    rest = _JOINED.sub(" ", text.casefold().strip())
    for number, unit in _WORDS.findall(rest):
        if unit not in _UNITS:
            raise ValueError(f"{unit!r} is no unit of time")
        months += int(number) * _UNITS[unit][0]
        seconds += int(number) * _UNITS[unit][1]
    if _WORDS.sub("", rest).strip():
        raise ValueError("it is no number with a unit of time")
    return months, seconds


def _canonical(months: int, seconds: int) -> str:
    years, months = divmod(months, 12)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    day = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (months, "M"), (days, "D")) if n)
    clock = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    time = "".join(f"{n}{unit}" for n, unit in clock if n)
    return f"P{day}T{time}" if time else f"P{day}"


def day(text: str) -> str:
    """Return a day as ISO 8601 writes it.

    Raises:
        ValueError: It is none.
    """
    return date.fromisoformat(text).isoformat()
