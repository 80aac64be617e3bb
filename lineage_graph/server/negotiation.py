"""What a client prefers: of media types, and of languages.

Sources: RFC 9110, 12.5.1 (Accept), 12.5.4 (Accept-Language) and 12.4.2 (weights); RFC 4647,
3.4 (lookup).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

_REFUSED: Final = (0.0, math.inf)


def media_type(accept: str | None, offered: Sequence[str], exact: Sequence[str] = ()) -> str | None:
    """Return the media type to answer with; None when nothing that is offered is accepted.

    Of what is wanted alike, the header's first goes before ours.

    Args:
        accept: The header; None accepts everything.
        offered: What there is, the preferred one first.
        exact: Other names for it, taken only where the header has them as they are.
    """
    ranges = list(_weighted(accept or "*/*"))
    ranks = {one: _rank(one, ranges, f"{one.partition('/')[0]}/*", "*/*") for one in offered}
    ranks |= {one: _rank(one, ranges) for one in exact if one not in ranks}
    best = max(ranks, key=ranks.__getitem__, default=None)
    return best if best is not None and ranks[best] > _REFUSED else None


def language(accept: str | None, offered: Sequence[str]) -> str:
    """Return the language to answer in; the first one when none that is offered is accepted.

    Args:
        accept: The header; None accepts everything.
        offered: Language tags, the preferred one first.
    """
    for wanted, weight in sorted(_weighted(accept or "*"), key=lambda pair: -pair[1]):
        if weight > 0:
            found = _near(wanted, offered)
            if found is not None:
                return found
    return offered[0]


def _near(wanted: str, offered: Sequence[str]) -> str | None:
    if wanted == "*":
        return offered[0]
    lower = {one.lower(): one for one in offered}
    parts = wanted.split("-")
    for end in range(len(parts), 0, -1):
        if (tag := "-".join(parts[:end])) in lower:
            return lower[tag]
    # Who reads Portuguese reads that of Brazil before English.
    return next((one for tag, one in lower.items() if tag.split("-")[0] == parts[0]), None)


def _rank(kind: str, ranges: Sequence[tuple[str, float]], *wider: str) -> tuple[float, float]:
    """Return how much a media type is wanted: by its weight, then by its place in the header.

    Args:
        kind: The media type.
        ranges: Media ranges and weights of the header.
        *wider: Ranges that it is in, the most specific first.
    """
    for range_ in (kind, *wider):
        found = [(weight, -at) for at, (wanted, weight) in enumerate(ranges) if wanted == range_]
        if found:
            return max(found)
    return _REFUSED


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name:
            yield name, next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)


def _number(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    # Also false for what is no number at all, such as nan.
    return weight if 0 <= weight <= 1 else 0.0
