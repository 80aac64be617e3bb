"""Graphs that a scenario gives as Turtle, put into a ledger as one bundle."""

from __future__ import annotations

from pathlib import Path

import rdflib

from lineage_graph.declarations import bundled
from lineage_graph.identity import fresh, uuid7
from lineage_graph.ledger import Edge, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.stores import rdf


def edges(given: Path) -> list[Edge]:
    """Return the derivations a graph states, between versions and between columns."""
    graph = rdflib.Graph().parse(given)
    stated = (
        "SELECT ?derived ?how ?source ?activity WHERE {{ ?derived <{}> ?how . "
        "?how <{}> ?source ; <{}> ?activity }}".format(
            *map(bundled().iri, ("qualified_derivation", "entity", "had_activity"))
        )
    )
    result = []
    for derived, how, source, activity in graph.query(stated):  # type: ignore[misc]
        types = {bundled().term(str(kind)) for kind in graph.objects(how, rdflib.RDF.type)}
        kinds = tuple(sorted(types - {"Derivation"}))
        level = "column" if "#" in source else "entity"
        result.append(Edge(str(derived), str(source), kinds, str(activity), level))  # type: ignore[arg-type]
    return result


def record(folder: Path, given: Path) -> None:
    """Put a graph into a ledger as one bundle."""
    bundle = fresh("bundle")
    body = rdf.convert(given.read_bytes(), "turtle", "ntriples")
    lines = sorted({line[:-1] + f"<{bundle}> ." for line in body.decode().splitlines() if line})
    subjects = sorted({line[1:].partition(">")[0] for line in lines})
    with LedgerFile(folder / "ledger.db") as ledger:
        ledger.append(
            NewEntry(
                txid=uuid7(),
                author="urn:lineage-graph:agent:tester",
                bundle=bundle,
                body="".join(f"{line}\n" for line in lines).encode(),
                subjects=subjects,
                edges=edges(given),
            )
        )
