"""The record for other tools: RDF as it is, and PROV-JSON.

Source: PROV-JSON, W3C Member Submission 24 April 2013; written by the ``prov`` package.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lineage_graph.errors import InvalidRecord, MissingExtra
from lineage_graph.identity import NAMESPACE
from lineage_graph.query import Queries

RDF_FORMATS = {"trig": "trig", "turtle": "turtle", "json-ld": "jsonld", "nquads": "nquads"}
FORMATS = (*RDF_FORMATS, "prov-json")


def export(queries: Queries, nodes: Collection[str] | None, format: str) -> bytes:
    """Return everything, or the bundles that say something about some nodes.

    Args:
        queries: Over the graph.
        nodes: IRIs; None for everything.
        format: One of ``FORMATS``.

    Raises:
        InvalidRecord: The format is not known.
        MissingExtra: PROV-JSON needs the ``prov`` package.
    """
    if format not in FORMATS:
        raise InvalidRecord(f"There is no format {format!r}. Use one of: {', '.join(FORMATS)}.")
    if format == "prov-json":
        return _prov_json(queries, nodes)
    from lineage_graph.stores.rdf import convert

    return convert(_quads(queries, nodes), "nquads", RDF_FORMATS[format])  # type: ignore[arg-type]


def _quads(queries: Queries, nodes: Collection[str] | None) -> bytes:
    if nodes is None:
        return queries.dump()
    bundles = {str(row["bundle"]) for row in queries.run("records/bundles", node=sorted(nodes))}
    return b"".join(queries.dump(bundle) for bundle in sorted(bundles))


def _prov_json(queries: Queries, nodes: Collection[str] | None) -> bytes:
    try:
        from prov.model import ProvDocument
    except ImportError as error:
        raise MissingExtra('Type: pip install "lineage-graph[notebook]"') from error
    document = ProvDocument()
    document.set_default_namespace(NAMESPACE)
    wanted = None if nodes is None else set(nodes)
    for row in queries.run("records/prov"):
        if wanted is None or row["subject"] in wanted or row["object"] in wanted:
            _state(document, row)
    return str(document.serialize(format="json")).encode()


def _state(document: Any, row: Any) -> None:
    """Say one PROV relation; elements are declared as they are met."""
    subject, other = _name(row["subject"]), _name(row["object"])
    match row["relation"]:
        case "generation":
            document.entity(subject)
            document.activity(other, row["started"], row["ended"])
            document.wasGeneratedBy(subject, other)
        case "usage":
            document.activity(subject, row["started"], row["ended"])
            document.entity(other)
            document.used(subject, other)
        case "derivation":
            document.wasDerivedFrom(document.entity(subject), document.entity(other))
        case "specialization":
            document.specializationOf(document.entity(subject), document.entity(other))
        case "association":
            document.activity(subject, row["started"], row["ended"])
            document.wasAssociatedWith(subject, document.agent(other))
        case "communication":
            document.wasInformedBy(subject, other)


def _name(iri: str) -> str:
    return iri.removeprefix(NAMESPACE)
