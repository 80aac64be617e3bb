"""The formats of answers, and what clients call them.

Source: SPARQL 1.1 Protocol, section 2.1.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lineage_graph.server import negotiation

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


def media_type(format: str) -> str:
    """Return the media type a format is sent as."""
    return (TABLES | GRAPHS)[format][0]


def accepted(accept: str, offered: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the offered format that an Accept header likes best; None when it likes none.

    Args:
        accept: The header; empty for anything.
        offered: Formats with their media types, the preferred one first.
    """
    formats = {type_: format for format, types in offered.items() for type_ in types[1:]}
    # A format is sent as its first type, so a range such as text/* has to cover that one.
    formats |= {types[0]: format for format, types in offered.items()}
    exact = [type_ for types in offered.values() for type_ in types[1:]]
    found = negotiation.media_type(accept, [types[0] for types in offered.values()], exact)
    return formats[found] if found is not None else None


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
