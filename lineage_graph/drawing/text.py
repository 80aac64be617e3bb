"""Names made safe and short enough to show."""

from __future__ import annotations

import unicodedata

# Marks that change the direction of the text after them can make a name read as another one.
_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_BREAKS = frozenset("\u2028\u2029")
_ELLIPSIS = "..."
# After a narrow sign it asks for the emoji of it, which is a column wider.
_EMOJI_STYLE = "\ufe0f"


def printable(text: str) -> str:
    r"""Return the text with what a terminal or XML must not receive written as escapes.

    Control characters (a name may hold a terminal's escape sequence), lone
    surrogates, noncharacters and direction overrides become ``\x1b`` or
    ``\u202e``; accents, emoji and right-to-left letters stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if _unsafe(c) else c for c in text)


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes, about."""
    return sum(_cells(c) for c in text)


def elided(text: str, columns: int) -> str:
    """Return the text with its middle left out so that it takes at most ``columns``.

    The end is kept because that is where a version stands.
    """
    if width(text) <= columns:
        return text
    room = columns - len(_ELLIPSIS)
    tail = _prefix(text[::-1], room // 3)[::-1]
    while tail and _joins(tail[0]):
        tail = tail[1:]
    return _prefix(text, room - width(tail)) + _ELLIPSIS + tail


def _prefix(text: str, columns: int) -> str:
    taken = 0
    for index, character in enumerate(text):
        taken += _cells(character)
        if taken > columns:
            return text[:index].rstrip("\u200d")
    return text


def _cells(character: str) -> int:
    if character == _EMOJI_STYLE:
        return 1
    if _joins(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _joins(character: str) -> bool:
    return unicodedata.combining(character) > 0 or unicodedata.category(character) in ("Cf", "Mn")


def _unsafe(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cc", "Cs")
        or character in _DIRECTION_OVERRIDES
        or character in _LINE_BREAKS
        or ord(character) & 0xFFFE == 0xFFFE
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
