"""What a client prefers: of media types, and of languages.

Sources: RFC 9110, 12.5.1 (Accept), 12.5.4 (Accept-Language) and 12.4.2 (weights); RFC 4647,
3.4 (lookup).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def media_type(accept: str | None, offered: Sequence[str], exact: Sequence[str] = ()) -> str | None:
    """Return the media type to answer with; None when nothing that is offered is accepted.

    Args:
        accept: The header; None accepts everything.
        offered: What there is, the preferred one first.
        exact: Other names for it, taken only where the header has them as they are.
    """
    ranges = list(_weighted(accept or "*/*"))
    named = dict(ranges)
    weights = {one: _weight(one, ranges) for one in offered}
    weights |= {one: named.get(one, 0.0) for one in exact if one not in weights}
    best = max(weights, key=weights.__getitem__, default=None)
    return best if best is not None and weights[best] > 0 else None


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


def _weight(offered: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that a media type is in."""
    kind = offered.partition("/")[0]
    for range_ in (offered, f"{kind}/*", "*/*"):
        found = [weight for wanted, weight in ranges if wanted == range_]
        if found:
            return max(found)
    return 0.0


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
