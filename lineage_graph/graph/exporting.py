"""The record for other tools: RDF as it is, and PROV in its own notations."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord
from lineage_graph.graph import provenance
from lineage_graph.query import Queries
from lineage_graph.stores.rdf import RdfFormat

RDF_FORMATS: Final[dict[str, RdfFormat]] = {
    "trig": "trig",
    "turtle": "turtle",
    "json-ld": "jsonld",
    "nquads": "nquads",
}
PICTURES: Final = ("dot", "svg")
FORMATS: Final = (*RDF_FORMATS, *provenance.FORMATS, *PICTURES)


def require_format(format: str) -> None:
    """Refuse a format that is not known.

    Raises:
        InvalidRecord: With those that are.
    """
    if format not in FORMATS:
        raise InvalidRecord(f"There is no format {format!r}. Use one of: {', '.join(FORMATS)}.")


def export(
    queries: Queries, declarations: Declarations, nodes: Collection[str] | None, format: str
) -> bytes:
    """Return everything, or the bundles that say something about some nodes.

    Args:
        queries: Over the graph.
        declarations: Where queries are.
        nodes: IRIs; None for everything.
        format: One of ``RDF_FORMATS``, ``prov-json`` or ``prov-n``.

    Raises:
        InvalidRecord: The format is not known, or is a picture.
        MissingExtra: PROV's notations need the ``prov`` package.
    """
    from lineage_graph.stores.compaction import compacted
    from lineage_graph.stores.rdf import convert

    require_format(format)
    if format in PICTURES:
        raise InvalidRecord(f"Only the lineage of one thing is drawn as {format}. Name one.")
    said = _quads(queries, nodes)
    if format in provenance.FORMATS:
        triples = convert(said, "nquads", "ntriples")
        return provenance.prov_document(triples, declarations, format)
    if format == "json-ld":
        return compacted(said)
    return convert(said, "nquads", RDF_FORMATS[format])


def _quads(queries: Queries, nodes: Collection[str] | None) -> bytes:
    if nodes is None:
        return queries.dump()
    bundles = {str(row["bundle"]) for row in queries.run("records/bundles", node=sorted(nodes))}
    return b"".join(queries.dump(bundle) for bundle in sorted(bundles))
