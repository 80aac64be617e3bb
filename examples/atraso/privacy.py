"""The passengers of the story: what was found, what follows, what a regulator and a person ask."""

from __future__ import annotations

from pathlib import Path

from examples.atraso import showing
from lineage_graph.graph import Graph

PROCESSING = Path(__file__).with_name("processing.yaml")
REPORTS = (
    ("ropa", "gdpr", "en", "html"),
    ("ropa", "lgpd", "pt-BR", "html"),
    ("ropa", "lgpd", "pt-BR", "xlsx"),
    ("dpia", "gdpr", "en", "html"),
    ("ripd", "lgpd", "pt-BR", "html"),
)


def ask(graph: Graph, folder: Path, cpf: str) -> bool:
    """Tell what became of the passengers; return whether it is as it should be."""
    showing.types(graph.semantic_types("passengers"))
    statuses = graph.statuses()
    showing.statuses(statuses)
    graph.apply(PROCESSING)
    for name, law, lang, ending in REPORTS:
        report = graph.report(name, law=law, lang=lang)
        report.save(folder / f"{name}-{law}.{lang}.{ending}")
        showing.report(report)
    impact = graph.subject_impact({"cpf": cpf})
    showing.subject(impact)
    said = {status.name: status.status for status in statuses}
    held = {row.name: row.verdict for row in impact.rows()}
    return (
        said["passengers@1"] == "Identified"
        and said["passenger-features@1"] == "Pseudonymised"
        and said["similar-trips@1"] == "ContainsPersonalData"
        and held["passengers@1"] == "contains"
    )
