"""A report for programs: all of it as JSON, and what it is about as JSON-LD in DPV's terms.

Sources: JSON-LD 1.1, sections 4.1.5 (compact IRIs) and 9; DPV 2.3.
"""

from __future__ import annotations

import json
from typing import Any, Final

from lineage_graph.compliance.report import Report
from lineage_graph.declarations import bundled

_KIND: Final = "@type"


def json_text(report: Report) -> str:
    """Return all of a report as JSON."""
    return json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n"


def jsonld_text(report: Report) -> str:
    """Return what is recorded of the subjects of a report as JSON-LD, with our prefixes."""
    from lineage_graph.stores.rdf import convert

    expanded = json.loads(convert(report.described(), "ntriples", "jsonld"))
    graph = [
        {key: _value(key, said) for key, said in map(_entry, node.items())} for node in expanded
    ]
    graph.sort(key=lambda node: str(node.get("@id")))
    text = json.dumps(graph, ensure_ascii=False)
    prefixes = {
        prefix: namespace
        for prefix, namespace in bundled().prefixes.items()
        if f'"{prefix}:' in text
    }
    document = {"@context": prefixes, "@graph": graph}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _entry(entry: tuple[str, Any]) -> tuple[str, Any]:
    key, said = entry
    if key == bundled().iri("rdf:type"):
        return _KIND, [value["@id"] for value in said]
    return key if key.startswith("@") else _compact(key), said


def _value(key: str, said: Any) -> Any:
    if key == "@id":
        return said
    values = [_compact(one) if isinstance(one, str) else _object(one) for one in said]
    return values[0] if len(values) == 1 else values


def _object(value: dict[str, Any]) -> Any:
    if set(value) == {"@value"}:
        return value["@value"]
    return {k: _compact(v) if k in ("@id", "@type") else v for k, v in value.items()}


def _compact(iri: str) -> str:
    for prefix, namespace in bundled().prefixes.items():
        if iri.startswith(namespace) and len(iri) > len(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri
