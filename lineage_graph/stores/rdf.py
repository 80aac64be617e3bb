"""The door to RDF text: parsing, canonical N-Quads, other formats, plain Python values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

import pyoxigraph as ox

from lineage_graph.declarations import bundled
from lineage_graph.errors import DeclarationError
from lineage_graph.stores import Iri, Rows, Value

RdfFormat = Literal["nquads", "ntriples", "turtle", "trig", "jsonld", "rdfxml"]
FORMATS: Final[dict[RdfFormat, ox.RdfFormat]] = {
    "nquads": ox.RdfFormat.N_QUADS,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "turtle": ox.RdfFormat.TURTLE,
    "trig": ox.RdfFormat.TRIG,
    "jsonld": ox.RdfFormat.JSON_LD,
    "rdfxml": ox.RdfFormat.RDF_XML,
}
_XSD = bundled().iri("xsd:string").removesuffix("string")
_INTEGERS = frozenset(
    _XSD + name
    for name in (
        *("integer", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger"),
        *("negativeInteger", "long", "int", "short", "byte"),
        *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
)
_FLOATS = frozenset({_XSD + "double", _XSD + "float"})


def require_iri(text: str) -> None:
    """Refuse text that no RDF parser takes for an absolute IRI.

    Raises:
        ValueError: With what is wrong with it.
    """
    ox.NamedNode(text)


def parse(
    data: bytes, format: RdfFormat, *, source: str = "the text", base: str | None = None
) -> list[ox.Quad]:
    """Parse RDF text.

    Args:
        data: The text.
        format: Its format.
        source: What to call it in a message, such as a file's name.
        base: IRI that relative IRIs are relative to.

    Raises:
        DeclarationError: With line and column, when it does not parse.
    """
    try:
        return list(ox.parse(data, format=FORMATS[format], base_iri=base))
    except SyntaxError as problem:
        raise DeclarationError(f"{source} does not parse: {problem}") from problem


def convert(data: bytes, source: RdfFormat, target: RdfFormat, *, base: str | None = None) -> bytes:
    """Return RDF text in another format, with our prefixes where the format has any.

    Args:
        data: The text.
        source: Its format.
        target: The format wanted; ``turtle``, ``ntriples`` and ``rdfxml`` leave graph
            names out.
        base: IRI that relative IRIs are relative to.

    Raises:
        DeclarationError: When the text does not parse.
    """
    quads = parse(data, source, base=base)
    said: Iterable[ox.Quad] | Iterable[ox.Triple] = quads
    if target in ("turtle", "ntriples", "rdfxml"):
        # dict.fromkeys keeps the order while it drops what two graphs both say.
        said = dict.fromkeys(quad.triple for quad in quads)
    prefixes = bundled().prefixes if target in ("turtle", "trig", "rdfxml") else None
    result = ox.serialize(said, format=FORMATS[target], prefixes=prefixes)
    assert result is not None
    return result


def same_graph(one: bytes, other: bytes) -> bool:
    """Tell whether two N-Triples texts say the same, literals compared by value."""
    return by_value(one) == by_value(other)


def by_value(nquads: bytes) -> set[ox.Quad]:
    """Return statements as a store gives them back: numbers and times by value."""
    graph = ox.Store()
    graph.load(nquads, format=ox.RdfFormat.N_QUADS)
    return set(graph)


def rows(answer: ox.QuerySolutions) -> Rows:
    """Return an answer as plain Python, read to its end."""
    columns = tuple(variable.value for variable in answer.variables)
    return Rows(columns, [tuple(value_of(term) for term in row) for row in answer])


def value_of(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple | None) -> Value:
    """Return an RDF term as plain Python; a literal Python cannot hold stays text."""
    if term is None:
        return None
    if isinstance(term, ox.NamedNode):
        return Iri(term.value)
    if isinstance(term, ox.Literal):
        return _literal(term.value, term.datatype.value)
    return Iri(str(term))


def _literal(text: str, datatype: str) -> Value:
    name = datatype.removeprefix(_XSD)
    try:
        if datatype in _INTEGERS:
            return int(text)
        if datatype in _FLOATS:
            return float(text)
        if name == "boolean":
            return text in ("true", "1")
        if name == "decimal":
            return Decimal(text)
        if name == "dateTime":
            return datetime.fromisoformat(text)
    except (ValueError, ArithmeticError):
        return text
    return text
