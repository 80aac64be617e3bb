"""What arrives in requests: JSON read strictly, with the place of a fault, and packed bodies.

Sources: RFC 8259 (JSON), RFC 7493 (I-JSON: no duplicate keys, no lone surrogates, integers that
every program reads the same), RFC 6901 (JSON Pointer), RFC 1952 (gzip).
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from starlette.exceptions import HTTPException

from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import LARGEST_INTEGER

LARGEST: Final = 1 << 20
"""Bytes of a body, packed or unpacked."""
DEEPEST: Final = 64
"""Objects and arrays inside one another."""

_LONGEST_INTEGER: Final = 20
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},]', re.DOTALL)
_KEY_ENDS: Final = re.compile(r"[ \t\r\n]*:")
_GZIP: Final = 16 + zlib.MAX_WBITS


class _Twice(dict[str, Any]):
    """An object with a key that stands in it twice."""

    key: str


def read_json(body: bytes) -> Any:
    """Return what a JSON document says.

    Args:
        body: UTF-8, without a byte order mark.

    Raises:
        InvalidRecord: It is no JSON that every program would read alike; says where.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"The body is not UTF-8 from byte {error.start} on.") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise _too_deep(text) from None
    except json.JSONDecodeError as error:
        where = _pointer(_open_at(text, error.pos))
        raise InvalidRecord(
            f"The body is no JSON at {where} (line {error.lineno}, column {error.colno}): "
            f"{error.msg}."
        ) from None
    try:
        _check(value, DEEPEST, "\\" in text)
    except _Fault as fault:
        where = _pointer(reversed(fault.path))
        raise InvalidRecord(f"The body at {where} {fault}.") from None
    return value


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """Return a body as it was before it was packed.

    Args:
        body: As it arrived.
        encoding: The header ``Content-Encoding``; None where there is none.

    Raises:
        HTTPException: 413 when it would be too large, 415 for another packing than gzip.
        InvalidRecord: It is not packed so.
    """
    match (encoding or "identity").strip().lower():
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzipped(body)
    raise HTTPException(
        415, "Send the body as it is, or packed with gzip.", {"Accept-Encoding": "gzip"}
    )


def _gunzipped(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(body, LARGEST + 1)
    except zlib.error:
        raise InvalidRecord("The body is not packed with gzip, as its header says.") from None
    if len(data) > LARGEST:
        raise HTTPException(413, f"The body is larger than {LARGEST} bytes once it is unpacked.")
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidRecord("The body is not one whole gzip member: it ends early, or goes on.")
    return data


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

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.path: list[str | int] = []


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
            raise _Fault("is an integer beyond 2^53, which programs read differently; send text")
    elif kind is float:
        if not float("-inf") < value < float("inf"):
            raise _Fault("is no number that JSON has")
    elif kind is list:
        _check_items(enumerate(value), depth, escaped)
    elif kind is dict or kind is _Twice:
        if kind is _Twice:
            raise _Fault(f"has the key {_shown(value.key)} twice")
        if escaped:
            for key in value:
                _check_text(key)
        _check_items(value.items(), depth, escaped)


def _check_items(items: Iterable[tuple[str | int, Any]], depth: int, escaped: bool) -> None:
    if depth == 0:
        raise _Fault(f"is nested deeper than {DEEPEST} levels")
    for key, value in items:
        try:
            _check(value, depth - 1, escaped)
        except _Fault as fault:
            fault.path.append(key)
            raise


def _check_text(text: str) -> None:
    if text.isascii():
        if "\0" in text:
            raise _Fault("holds the character NUL")
        return
    if "\0" in text:
        raise _Fault("holds the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Fault("holds half of a surrogate pair, which no encoding has") from None


def _too_deep(text: str) -> InvalidRecord:
    for path in _ways(text):
        if len(path) > DEEPEST:
            where = _pointer(path[:DEEPEST])
            return InvalidRecord(f"The body at {where} is nested deeper than {DEEPEST} levels.")
    return InvalidRecord(f"The body is nested deeper than {DEEPEST} levels.")


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


def _pointer(path: Iterable[str | int]) -> str:
    """Return a JSON Pointer; a quotation mark keeps the one to the whole document visible."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return _shown("".join(f"/{step}" for step in steps))


def _shown(text: str) -> str:
    short = text if len(text) <= 200 else f"{text[:200]}..."
    return json.dumps(short)
