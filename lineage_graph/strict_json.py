"""JSON that every program reads alike, read strictly, with the place of a fault.

Sources: RFC 8259 (JSON), RFC 7493 (I-JSON: no duplicate keys, no lone surrogates, integers that
every program reads the same), RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from lineage_graph.errors import InvalidRecord

LARGEST_INTEGER: Final = 2**53 - 1
"""Largest integer that every reader of JSON reads alike (RFC 7493, section 2.2)."""
DEEPEST: Final = 64
"""Objects and arrays inside one another."""

_LONGEST_INTEGER: Final = 20
_LONGEST_SHOWN: Final = 200
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},]', re.DOTALL)
_DEEP: Final = f"it is nested deeper than {DEEPEST} levels. Flatten it."
_KEY_ENDS: Final = re.compile(r"[ \t\r\n]*:")


class _Twice(dict[str, Any]):
    """An object with a key that stands in it twice."""

    key: str


def read_json(body: bytes) -> Any:
    """Return what a JSON document says.

    Args:
        body: UTF-8, without a byte order mark.

    Raises:
        InvalidRecord: It is no JSON, or JSON that programs read differently: a key twice, NaN,
            an integer beyond 2^53, half of a surrogate pair, NUL, more than 64 levels. It
            begins with the JSON Pointer of the fault; ``/`` is the whole document.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"/: it is not UTF-8 from byte {error.start} on. Send UTF-8.") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise _too_deep(text) from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        where = _shown(_open_at(text, error.pos))
        raise InvalidRecord(f"{where}: it is no JSON at {at}: {error.msg}.") from None
    _require(value, "\\" in text)
    return value


def require_interoperable(value: Any) -> None:
    """Check values that came otherwise than as JSON, as :func:`read_json` does.

    Raises:
        InvalidRecord: As there.
    """
    _require(value, escaped=True)


def pointer(path: Iterable[str | int]) -> str:
    """Return a path as a JSON Pointer; empty for the whole document."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _shown(path: Iterable[str | int]) -> str:
    """Return a JSON Pointer for a message, in one line and not too long."""
    text = pointer(path) or "/"
    short = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return json.dumps(short)[1:-1]


def _require(value: Any, escaped: bool) -> None:
    try:
        _check(value, DEEPEST, escaped)
    except _Fault as fault:
        where = _shown(reversed(fault.path))
        raise InvalidRecord(f"{where}: {fault}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            twice.key = key
        seen.add(key)
    return twice


def _integer(digits: str) -> int:
    # Digits beyond any integer that is let through are not worth converting.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else LARGEST_INTEGER + 1


class _Fault(Exception):
    """A value that is refused, with the way to it, innermost first."""

    def __init__(self, what: str, *path: str) -> None:
        super().__init__(what)
        self.path: list[str | int] = [*path]


def _check(value: Any, depth: int, escaped: bool) -> None:
    """Refuse what JSON's grammar lets through.

    Args:
        value: What was read.
        depth: How many levels it may still have.
        escaped: Whether there is a backslash, without which no text can be amiss.
    """
    kind = type(value)
    if kind is str:
        if escaped:
            _check_text(value)
    elif kind is int:
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise _Fault("an integer beyond 2^53 is read differently by programs. Send it as text.")
    elif kind is float:
        if not float("-inf") < value < float("inf"):
            raise _Fault("it is no number that JSON has. Send null for what is not known.")
    elif kind is list:
        _check_items(enumerate(value), depth, escaped)
    elif kind is dict or kind is _Twice:
        if kind is _Twice:
            raise _Fault("the key is there twice. Send it once.", value.key)
        if escaped:
            for key in value:
                _check_text(key, key)
        _check_items(value.items(), depth, escaped)


def _check_items(items: Iterable[tuple[str | int, Any]], depth: int, escaped: bool) -> None:
    if depth == 0:
        raise _Fault(_DEEP)
    for key, value in items:
        try:
            _check(value, depth - 1, escaped)
        except _Fault as fault:
            fault.path.append(key)
            raise


def _check_text(text: str, *path: str) -> None:
    """Refuse a text, which is the last step of a path when it is a key."""
    if "\0" in text:
        raise _Fault("it holds the character NUL. Leave that out.", *path)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            why = "it holds half of a surrogate pair, which no encoding has. Send whole characters."
            raise _Fault(why, *path) from None


def _too_deep(text: str) -> InvalidRecord:
    found = (path[:DEEPEST] for path in _ways(text) if len(path) > DEEPEST)
    return InvalidRecord(f"{_shown(next(found, []))}: {_DEEP}")


def _open_at(text: str, position: int) -> list[str | int]:
    path: list[str | int] = []
    for path in _ways(text[:position]):
        if len(path) > DEEPEST:
            break
    return path[:DEEPEST]


def _ways(text: str) -> Iterator[list[str | int]]:
    """Yield the way to each place of a text that may be no JSON, for as long as it looks so."""
    path: list[str | int] = []
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in "[{":
            path.append(0 if token == "[" else "")
        elif token in "]}":
            if not path:
                return
            path.pop()
        elif token == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
        elif path and isinstance(path[-1], str) and _KEY_ENDS.match(text, found.end()):
            path[-1] = token[1:-1]
        yield path
