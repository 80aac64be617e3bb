"""JSON as it may be recorded: what has one meaning to every reader, and nothing else.

Sources: RFC 8259, sections 4, 6 and 8; RFC 7493 (I-JSON), section 2; RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from lineage_graph.errors import InvalidRecord
from lineage_graph.identity import LARGEST_INTEGER, canonical_json, is_text

DEEPEST: Final = 64
_QUOTED: Final = 80
_SUSPECT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class _Refused(ValueError):
    """The parser met something; where it is, is looked for only now."""


class _Pairs(list[tuple[str, Any]]):
    """An object with its keys as they were written."""


def read(body: bytes) -> Any:
    """Return what a JSON text says.

    Args:
        body: The text, in UTF-8.

    Raises:
        InvalidRecord: It is no JSON, or is JSON that readers understand differently: a key
            twice, NaN, an integer beyond 2**53, half of a surrogate pair, NUL, more than 64
            levels. It begins with the JSON pointer of the fault where there is one.
    """
    try:
        text = body.decode()
        value = json.loads(text, object_pairs_hook=_object, **_HOOKS)
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"The text is no UTF-8: byte {error.start}. Send UTF-8.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidRecord(f"The text is no JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise InvalidRecord(f"The JSON is nested more than {DEEPEST} deep. Flatten it.") from error
    except _Refused as error:
        _explain(text, str(error))
    if _SUSPECT.search(text) or _depth(body) > DEEPEST:
        for pointer, part in _parts(value):
            _require_sound(pointer, part)
    return value


def read_events(body: bytes) -> list[Any]:
    """Return the events in a file: one, an array of them, or one on each line.

    Raises:
        InvalidRecord: As :func:`read`; for lines, with the number of the line.
    """
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith(b"{") for line in lines[:2]):
        return [_line(number, line) for number, line in enumerate(lines, 1)]
    value = read(body)
    return value if isinstance(value, list) else [value]


def _line(number: int, line: bytes) -> Any:
    try:
        return read(line)
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
        for pointer, part in _parts(value):
            _require_sound(pointer, part)
        raise InvalidRecord(f"It cannot be written as JSON: {error}") from error


def quoted(value: Any) -> str:
    """Return the beginning of a value for a message, without breaking its line."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def pointer_of(path: list[str | int]) -> str:
    """Return a path as a JSON pointer; empty for the whole document."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("key twice")
    return found


def _constant(text: str) -> NoReturn:
    raise _Refused("number JSON cannot say")


def _integer(text: str) -> int:
    # Beyond some thousand digits Python itself refuses to read them.
    if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER:
        raise _Refused("number beyond 2**53")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused("number that is too large")
    return number


_HOOKS: Final[dict[str, Any]] = {
    "parse_constant": _constant,
    "parse_int": _integer,
    "parse_float": _float,
}
_LENIENT: Final[dict[str, Any]] = {
    "parse_constant": _Refused,
    "parse_int": lambda text: int(text) if len(text) <= 17 else _Refused(text),
    "parse_float": float,
}


def _explain(text: str, what: str) -> NoReturn:
    """Parse a refused text once more, leniently, to say where the fault is."""
    try:
        value = json.loads(text, object_pairs_hook=_Pairs, **_LENIENT)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidRecord(f"The text is no JSON, and holds a {what}: {error}.") from error
    for pointer, part in _parts(value):
        _require_sound(pointer, part)
    raise InvalidRecord(f"The JSON cannot be recorded: it holds a {what}.")


def _depth(body: bytes) -> int:
    """Return how deep a JSON text is nested, a little more than the limit when it is deeper."""
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(unescaped.split(b'"')[::2]).translate(None, _NO_BRACKETS)
    depth = 0
    while brackets and depth <= DEEPEST:
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        depth += 1
    return depth


def _require_sound(pointer: str, part: Any) -> None:
    where = pointer or "/"
    match part:
        case _Pairs():
            for key, times in Counter(key for key, _ in part).items():
                _require_text(f"{pointer}{pointer_of([key])}", key)
                if times > 1:
                    raise InvalidRecord(
                        f"{pointer}{pointer_of([key])}: the key is there twice. Send it once."
                    )
        case dict():
            for key in part:
                _require_text(f"{pointer}{pointer_of([key])}", key)
        case str():
            _require_text(where, part)
        case _Refused():
            raise InvalidRecord(
                f"{where}: {quoted(str(part))} is no number that every reader of JSON reads"
                " alike. Send large numbers as text, and what is unknown as null."
            )
        case int() if abs(part) > LARGEST_INTEGER:
            raise InvalidRecord(
                f"{where}: {part} is beyond 2**53, so not every reader of JSON reads it alike."
                " Send it as text."
            )
        case float() if part != part or abs(part) == float("inf"):
            raise InvalidRecord(f"{where}: {part} is no number JSON can say. Send null.")


def _require_text(pointer: str, text: str) -> None:
    if not is_text(text):
        shown = pointer.encode("ascii", "backslashreplace").decode()
        raise InvalidRecord(f"{shown}: it holds half of a surrogate pair, which is no text.")
    if "\x00" in text:
        shown = pointer.replace("\x00", "\\u0000")
        raise InvalidRecord(f"{shown}: it holds NUL (U+0000). Leave that out.")


def _parts(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every part of a value with its JSON pointer, from outside to inside."""
    waiting = [(pointer, value, 1)]
    while waiting:
        at, part, depth = waiting.pop()
        if depth > DEEPEST and isinstance(part, dict | list):
            raise InvalidRecord(f"The JSON is nested more than {DEEPEST} deep. Flatten it.")
        yield at, part
        pairs: list[tuple[Any, Any]] = []
        if isinstance(part, dict):
            pairs = list(part.items())
        elif isinstance(part, _Pairs):
            pairs = list(part)
        elif isinstance(part, list):
            pairs = list(enumerate(part))
        waiting += [(at + pointer_of([key]), one, depth + 1) for key, one in reversed(pairs)]
