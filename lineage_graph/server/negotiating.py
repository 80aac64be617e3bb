"""Which format an answer has: what a client accepts, and what there is.

Sources: HTTP Semantics (RFC 9110), section 12.5.1; SPARQL 1.1 Protocol, section 2.1.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

TABLES: Final = {
    "json": ("application/sparql-results+json", "application/json"),
    "xml": ("application/sparql-results+xml", "application/xml", "text/xml"),
    "csv": ("text/csv",),
    "tsv": ("text/tab-separated-values",),
}
"""Formats for rows: the media type they are sent as, and others they answer to."""

GRAPHS: Final = {
    "turtle": ("text/turtle", "application/turtle", "application/x-turtle", "text/n3"),
    "ntriples": ("application/n-triples",),
    "jsonld": ("application/ld+json", "application/json", "application/x-json+ld"),
    "rdfxml": ("application/rdf+xml", "application/xml"),
    "trig": ("application/trig",),
    "nquads": ("application/n-quads",),
}
"""Formats for statements."""

_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "json": ("json", "jsonld"),
    "xml": ("xml", "rdfxml"),
    "ttl": ("turtle",),
    "n3": ("turtle",),
    "nt": ("ntriples",),
    "n-triples": ("ntriples",),
    "json-ld": ("jsonld",),
    "rdf": ("rdfxml",),
    "rdf+xml": ("rdfxml",),
    "n-quads": ("nquads",),
}
_ANYTHING: Final = "*/*"


def media_type(format: str) -> str:
    """Return the media type a format is sent as."""
    return (TABLES | GRAPHS)[format][0]


def accepted(accept: str, offered: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the offered format that an Accept header likes best; None when it likes none.

    Args:
        accept: The header; empty for anything.
        offered: Formats with their media types, the preferred one first.
    """
    for wanted in _by_preference(accept or _ANYTHING):
        for format, types in offered.items():
            if wanted in types or _covers(wanted, types[0]):
                return format
    return None


def named(names: Iterable[str], offered: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the first offered format that is called by one of these names.

    Args:
        names: Short names such as ``csv``, or media types.
        offered: Formats with their media types.
    """
    for name in names:
        for format, types in offered.items():
            if name == format or name in types or format in _NAMED.get(name, ()):
                return format
    return None


def _by_preference(accept: str) -> Iterator[str]:
    """Yield media ranges, the best first; equal ones in the order they were written."""
    ranges = []
    for place, part in enumerate(accept.lower().split(",")):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = _quality(parameters)
        if name and quality > 0:
            ranges.append((-quality, place, name))
    for _, _, name in sorted(ranges):
        yield name


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _covers(wanted: str, sent: str) -> bool:
    return wanted == _ANYTHING or (wanted.endswith("/*") and sent.startswith(wanted[:-1]))
