"""RDF as JSON-LD that people read: with the context's names, and no datatype it already says.

Source: JSON-LD 1.1, sections 4.1 (context), 4.2.3 (type coercion) and 4.9 (named graphs).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyoxigraph as ox

from lineage_graph.declarations import bundled
from lineage_graph.stores import rdf

_CANONICAL: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
_BOOLEANS: Final = {"true": True, "false": False}

Nodes = Mapping[ox.NamedNode | ox.BlankNode | ox.Triple, Mapping[str, list[Any]]]


def compacted(nquads: bytes) -> bytes:
    """Return statements as compact JSON-LD with our context; what it says is the same.

    Args:
        nquads: N-Quads; each named graph becomes an object with a ``@graph`` of its own.

    Raises:
        DeclarationError: The text does not parse.
    """
    graphs: dict[str, list[ox.Quad]] = defaultdict(list)
    for quad in rdf.parse(nquads, "nquads"):
        name = "" if isinstance(quad.graph_name, ox.DefaultGraph) else _id(quad.graph_name)
        graphs[name].append(quad)
    said = _nodes(graphs.pop("", []))
    said += [{"id": name, "@graph": _nodes(quads)} for name, quads in graphs.items()]
    document = {"@context": bundled().context, "@graph": said}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _nodes(quads: Iterable[ox.Quad]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    kind = bundled().iri("rdf:type")
    for quad in quads:
        node = found[_id(quad.subject)]
        if quad.predicate.value == kind and isinstance(quad.object, ox.NamedNode):
            node["type"].append(_name(quad.object.value))
        else:
            name = _name(quad.predicate.value)
            node[name].append(_value(name, quad.object))
    return [
        {"id": node} | {name: values[0] if len(values) == 1 else values for name, values in said}
        for node, said in ((node, said.items()) for node, said in found.items())
    ]


def _id(term: Any) -> str:
    return str(term) if isinstance(term, ox.BlankNode) else str(term.value)


def _name(iri: str) -> str:
    """Return the term or compact name of an IRI, if it is read as that IRI again."""
    name = bundled().term(iri)
    prefix, colon, local = name.partition(":")
    compact = colon and prefix in bundled().prefixes and not local.startswith("//")
    return name if name in bundled().terms or compact else iri


def _value(name: str, term: Any) -> Any:
    coercion = bundled().coercion(name) if name in bundled().terms else None
    if not isinstance(term, ox.Literal):
        return _id(term) if coercion == "@id" else {"id": _id(term)}
    datatype, text = term.datatype.value, term.value
    if term.language:
        return {"@value": text, "@language": term.language}
    native = _native(datatype, text)
    if datatype == coercion or (coercion is None and native is not None):
        return text if native is None else native
    if datatype == bundled().iri("xsd:string"):
        return text if coercion is None else {"@value": text}
    return {"@value": text, "@type": _name(datatype)}


def _native(datatype: str, text: str) -> int | bool | None:
    """Return what JSON has for a literal, if it is read as the same literal again."""
    if datatype == bundled().iri("xsd:integer") and _CANONICAL.fullmatch(text):
        return int(text)
    if datatype == bundled().iri("xsd:boolean"):
        return _BOOLEANS.get(text)
    return None
