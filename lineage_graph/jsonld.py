"""From records to RDF: JSON-LD with our context, and canonical N-Quads of one bundle.

Numbers and times are written so that they survive every JSON-LD reader: an integer beyond
2**53 and every float are text with a datatype, a time is UTC with microseconds.

Source: JSON-LD 1.1, sections 4.2 and 4.9, and its data round tripping (API, 8.6).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from lineage_graph.declarations import bundled, is_absolute_iri, utc_text
from lineage_graph.errors import InvalidRecord
from lineage_graph.records import Derivation, Record

_LARGEST_JSON_INTEGER: Final = 2**53
_NOT_PROPERTIES: Final = frozenset({"id", "kinds"})


def document(bundle: str, records: Iterable[Record]) -> bytes:
    """Return records as JSON-LD: one named graph, with our context.

    Args:
        bundle: IRI of the named graph.
        records: What to say. None and empty fields are not said; two records of the
            same id say what both say.

    Raises:
        InvalidRecord: For an id or a link that is not an absolute IRI, a kind or field
            that is no term, a time without a zone, or text that is no Unicode.
    """
    graph = [_node(record) for record in records]
    body = {"@context": bundled().context, "id": _iri(bundle, "the bundle"), "@graph": graph}
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def nquads(bundle: str, records: Iterable[Record]) -> bytes:
    """Return records as canonical N-Quads: sorted, each statement once, no blank nodes.

    Args:
        bundle: IRI of the named graph.
        records: What to say.

    Raises:
        InvalidRecord: As :func:`document` does.
    """
    from lineage_graph.stores.rdf import to_nquads

    return to_nquads(document(bundle, records))


def _node(record: Record) -> dict[str, Any]:
    where = f"{type(record).__name__} {record.id!r}"
    node: dict[str, Any] = {"id": _iri(record.id, where), "type": _types(record, where)}
    for field in fields(record):
        if field.name in _NOT_PROPERTIES:
            continue
        said = _values(getattr(record, field.name), field.name, where)
        if said:
            node[field.name] = said[0] if len(said) == 1 else said
    return node


def _types(record: Record, where: str) -> list[str]:
    kinds = record.kinds if isinstance(record, Derivation) else ()
    types = [*record.types, *kinds]
    for term in types:
        if term not in bundled().terms:
            raise InvalidRecord(f"{where}: {term!r} is no term of the context; use one that is")
    return types


def _values(value: Any, field: str, where: str) -> list[Any]:
    if value is None:
        return []
    if field not in bundled().terms:
        raise InvalidRecord(f"{where}: {field!r} is no term of the context; declare it there")
    several = value if isinstance(value, tuple) else (value,)
    return [_value(one, field, f"{where}, {field}") for one in several]


def _value(value: Any, field: str, where: str) -> Any:
    coercion = bundled().coercion(field)
    match value:
        case str() if coercion == "@id":
            return _iri(value, where)
        case bool():
            return value
        case int() if abs(value) <= _LARGEST_JSON_INTEGER:
            return value
        case int():
            return _typed(str(value), coercion or bundled().iri("xsd:integer"))
        case float():
            return _typed(_double(value), bundled().iri("xsd:double"))
        case datetime():
            return _typed(_time(value, where), coercion or bundled().iri("xsd:dateTime"))
        case str():
            return _text(value, where)
    raise InvalidRecord(f"{where}: a {type(value).__name__} cannot be said in the graph")


def _typed(text: str, datatype: str) -> dict[str, str]:
    return {"@value": text, "@type": datatype}


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


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as problem:
        raise InvalidRecord(f"{where}: {value!r} holds a lone surrogate: {problem}") from problem
    return value


def _iri(value: str, where: str) -> str:
    if not is_absolute_iri(value) or value.startswith("_:"):
        raise InvalidRecord(
            f"{where}: {value!r} is not an absolute IRI; make one with lineage_graph.identity"
        )
    prefix = value.partition(":")[0]
    if prefix in bundled().prefixes:
        raise InvalidRecord(
            f"{where}: {value!r} is a compact name, not an IRI; write {bundled().iri(value)!r}"
        )
    return value
