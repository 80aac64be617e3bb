"""SQL that may leave the house: without the values in it, which can be personal data."""

from __future__ import annotations

import re
from typing import Final

_PARTS: Final = re.compile(
    r"""(?P<kept>`[^`]*`)
    |(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<value>[A-Za-z]?'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?<![\w.])\d[\w.]*)
    |(?P<open>['"`]|/\*)""",
    re.VERBOSE | re.DOTALL,
)


def without_values(sql: str) -> str | None:
    """Return a statement with ``?`` for each value, and without comments.

    Args:
        sql: The statement; double quotes hold values too, as in Spark.

    Returns:
        None when a quote is left open, so that nobody can tell what is a value.
    """
    if any(found["open"] for found in _PARTS.finditer(sql)):
        return None
    return _PARTS.sub(_stand_in, sql).strip()


def _stand_in(found: re.Match[str]) -> str:
    if found["kept"] is not None:
        return found["kept"]
    return " " if found["comment"] is not None else "?"
