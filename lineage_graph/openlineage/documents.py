"""Events as texts: read from files, and written so that equal ones are equal bytes."""

from __future__ import annotations

import json
from typing import Any, Final

from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import canonical_json
from lineage_graph.strict_json import read_json, require_interoperable

_QUOTED: Final = 80


def read_events(body: bytes) -> list[Any]:
    """Return the events in a file: one, an array of them, or one on each line.

    Raises:
        InvalidRecord: As :func:`read_json`; for lines, with the number of the line.
    """
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith(b"{") for line in lines[:2]):
        return [_line(number, line) for number, line in enumerate(lines, 1)]
    value = read_json(body)
    return value if isinstance(value, list) else [value]


def _line(number: int, line: bytes) -> Any:
    try:
        return read_json(line)
    except InvalidRecord as error:
        raise InvalidRecord(f"line {number}: {error}") from error


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON.

    Raises:
        InvalidRecord: A text in it cannot be written; with its JSON pointer.
    """
    try:
        return canonical_json(value)
    except (UnicodeEncodeError, ValueError) as error:
        require_interoperable(value)
        raise InvalidRecord(f"It cannot be written as JSON: {error}") from error


def quoted(value: Any) -> str:
    """Return the beginning of a value for a message, without breaking its line."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."
