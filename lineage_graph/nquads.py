"""From records to RDF: canonical N-Quads of one bundle, by the terms of our context.

A record with its context is JSON-LD. What an expansion of it would say is written at once:
parsing it took most of the time that a bundle costs. A float is the shortest text that is
exact, a time is UTC with microseconds.

Source: RDF 1.1 N-Quads, section 2; JSON-LD 1.1, sections 4.2 and 4.9.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final, cast

from lineage_graph.declarations import bundled, is_absolute_iri, utc_text
from lineage_graph.errors import InvalidRecord
from lineage_graph.records import Derivation, Record

_NOT_PROPERTIES: Final = frozenset({"id", "kinds"})
_TO_ESCAPE: Final = re.compile(r'["\\\x00-\x1f\x7f]')
_ESCAPES: Final = {
    **{'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"},
    **{"\t": "\\t", "\b": "\\b", "\f": "\\f"},
}


@dataclass(frozen=True)
class _Property:
    """How values of a field are said.

    Attributes:
        field: Its name.
        predicate: As N-Quads write it; None when the field is no term.
        coercion: What its values are: ``@id``, the IRI of a datatype, or None.
    """

    field: str
    predicate: str | None
    coercion: str | None


def nquads(bundle: str, records: Iterable[Record]) -> bytes:
    """Return records as canonical N-Quads: sorted, each statement once, no blank nodes.

    Args:
        bundle: IRI of the named graph.
        records: What to say. None and empty fields are not said; two records of the
            same id say what both say.

    Raises:
        InvalidRecord: For an id or a link that is not an absolute IRI, a kind or field
            that is no term, a time without a zone, or text that is no Unicode.
    """
    end = f" {_reference(bundle, 'the bundle')} .\n"
    said = {line for record in records for line in _statements(record, end)}
    try:
        return "".join(sorted(said)).encode()
    except UnicodeEncodeError as problem:
        raise InvalidRecord(
            f"{problem.object[problem.start : problem.end]!r} in a record is a lone surrogate,"
            f" which is no Unicode text: {problem}"
        ) from problem


def _statements(record: Record, end: str) -> Iterator[str]:
    where = f"{type(record).__name__} {record.id!r}"
    subject, kind = _reference(record.id, where), cast(type, type(record))
    kinds = record.kinds if isinstance(record, Derivation) else ()
    for term in (*record.types, *kinds):
        yield f"{subject} {_type(term, where)}{end}"
    for known in _properties(kind):
        value = getattr(record, known.field)
        if value is None or value == ():
            continue
        if known.predicate is None:
            raise InvalidRecord(
                f"{where}: {known.field!r} is no term of the context; declare it there"
            )
        for one in value if isinstance(value, tuple) else (value,):
            yield f"{subject} {known.predicate} {_object(one, known, where)}{end}"


@cache
def _properties(kind: type) -> tuple[_Property, ...]:
    terms = bundled().terms
    names = [field.name for field in fields(kind) if field.name not in _NOT_PROPERTIES]
    return tuple(
        _Property(name, f"<{terms[name]}>" if name in terms else None, bundled().coercion(name))
        for name in names
    )


def _type(term: str, where: str) -> str:
    if term not in bundled().terms:
        raise InvalidRecord(f"{where}: {term!r} is no term of the context; use one that is")
    return _typing(term)


@cache
def _typing(term: str) -> str:
    return f"<{bundled().iri('rdf:type')}> <{bundled().iri(term)}>"


def _object(value: Any, known: _Property, where: str) -> str:
    coercion = known.coercion
    match value:
        case str() if coercion == "@id":
            return _reference(value, f"{where}, {known.field}")
        case str():
            text = _TO_ESCAPE.sub(_escaped, value)
            return f'"{text}"^^<{coercion}>' if coercion else f'"{text}"'
        case bool():
            return f'"{str(value).lower()}"^^<{coercion or bundled().iri("xsd:boolean")}>'
        case int() if coercion != bundled().iri("xsd:double"):
            return f'"{value}"^^<{coercion or bundled().iri("xsd:integer")}>'
        case int() | float():
            return f'"{_double(float(value))}"^^<{bundled().iri("xsd:double")}>'
        case datetime():
            text = _time(value, f"{where}, {known.field}")
            return f'"{text}"^^<{coercion or bundled().iri("xsd:dateTime")}>'
    raise InvalidRecord(
        f"{where}, {known.field}: a {type(value).__name__} cannot be said in the graph"
    )


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


def _double(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return repr(value)


def _time(value: datetime, where: str) -> str:
    try:
        return utc_text(value)
    except ValueError as problem:
        raise InvalidRecord(f"{where}: {problem}") from problem


def _reference(iri: str, where: str) -> str:
    try:
        return _checked(iri)
    except ValueError as problem:
        raise InvalidRecord(f"{where}: {problem}") from problem


@lru_cache(maxsize=65_536)
def _checked(iri: str) -> str:
    from lineage_graph.stores.rdf import require_iri

    if not is_absolute_iri(iri) or iri.startswith("_:"):
        raise ValueError(f"{iri!r} is not an absolute IRI; make one with lineage_graph.identity")
    if iri.partition(":")[0] in bundled().prefixes:
        raise ValueError(f"{iri!r} is a compact name, not an IRI; write {bundled().iri(iri)!r}")
    try:
        require_iri(iri)
    except ValueError as problem:
        raise ValueError(f"{iri!r} is no IRI: {problem}") from problem
    return f"<{iri}>"
