"""How the text of a literal may stand inside another literal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_CONTROL: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


def spellings(literal: bytes) -> Iterator[bytes]:
    """Yield a text as N-Quads write it: by itself, within JSON, and within a URL.

    Args:
        literal: The text as N-Quads write it, without the quotes.
    """
    yield literal
    text = read(literal)
    for ascii_only in (False, True):
        yield _written(json.dumps(text, ensure_ascii=ascii_only)[1:-1])
    for safe in ("/", "-._~"):
        yield _written(quote(text, safe=safe))


def read(literal: bytes) -> str:
    """Return the text that a literal of N-Quads is.

    Args:
        literal: As it is written there, without the quotes.
    """
    return _ESCAPE.sub(_meant, literal.decode())


def _meant(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _CONTROL.get(found[3], found[3])


def _written(text: str) -> bytes:
    for mark, code in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(mark, code)
    return text.encode()
