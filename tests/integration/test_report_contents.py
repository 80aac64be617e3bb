"""What each declared report asks, and what its queries answer on given assessments."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib.collection import Collection

from lineage_graph.declarations import bundled
from lineage_graph.stores.oxigraph import MemoryStore

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parents[1] / "conformance" / "privacy"
REPORTS = ROOT / "ontology" / "reports"
LG = rdflib.Namespace(bundled().prefixes["lg"])
CSVW = rdflib.Namespace(bundled().prefixes["csvw"])
EMPTY = CASES / "nothing-recorded" / "assessment.ttl"

# The fields of the design's tables, by report: written here once more, to be compared.
FIELDS = {
    "ropa": """30-5 covered located unexamined
        30-1-a-controller 30-1-a-joint 30-1-a-representative 30-1-a-dpo 30-1-b legal-basis
        30-1-c-subjects 30-1-c-categories 30-1-c-special 30-1-d 30-1-e 30-1-e-safeguards 30-1-f
        30-1-g remarks evidence""",
    "ropa-processor": """30-2-a-processor 30-2-a-controllers 30-2-a-representative 30-2-a-dpo
        30-2-b 30-2-c 30-2-c-safeguards 30-2-d evidence""",
    "legal-basis": """category found-in 5-1-b 9-1 6-1 9-2
        6 other-law 6-1-f 7-1 13 8 8-interest""",
    "retention": "made 13-2-a 5-1-e state 17-3 30-1-f",
    "transfers": "located process recipient from to when 45 46-49 44 lies-in controller-in 44-now",
}


def definitions(law: str) -> dict[str, rdflib.Graph]:
    return {
        path.stem.removesuffix(f"-{law}"): rdflib.Graph().parse(path)
        for path in sorted(REPORTS.glob(f"*-{law}.ttl"))
    }


GDPR = definitions("gdpr")


def of_type(graph: rdflib.Graph, kind: str) -> list[rdflib.term.Node]:
    return sorted(graph.subjects(rdflib.RDF.type, LG[kind]), key=str)


def text(graph: rdflib.Graph, node: rdflib.term.Node, name: str) -> str:
    return str(graph.value(node, LG[name]) or "")


def fields_in_order(graph: rdflib.Graph) -> Iterator[tuple[rdflib.term.Node, rdflib.term.Node]]:
    """Yield each section with each of its fields."""
    (report,) = of_type(graph, "Report")
    sections = graph.value(report, LG.section)
    assert sections is not None
    for section in Collection(graph, sections):
        fields = graph.value(section, LG.field)
        assert fields is not None
        for field in Collection(graph, fields):
            yield section, field


@cache
def assessment(given: Path) -> MemoryStore:
    return MemoryStore([*bundled().ontology_files(), given])


def ask(given: Path, name: str, law: str = "gdpr", **values: Any) -> list[dict[str, Any]]:
    query = bundled().query(name)
    known = {parameter.name for parameter in query.parameters}
    regulation = f"{bundled().prefixes['regulation']}{law}"
    wanted = {k: v for k, v in {"law": regulation, **values}.items() if k in known}
    return [dict(row) for row in assessment(given).select(query.bind(**wanted))]


def short(value: Any) -> str:
    return bundled().term(str(value))


def answered(given: Path, report: str, law: str, **values: Any) -> dict[str, set[str]]:
    """Return the values of each field over all its subjects, by the field's name."""
    graph = definitions(law)[report]
    found: dict[str, set[str]] = defaultdict(set)
    for section, field in fields_in_order(graph):
        name = str(graph.value(field, CSVW.name))
        listed = text(graph, section, "subjects")
        subjects = {row["subject"] for row in ask(given, listed, law, **values)} if listed else None
        for row in ask(given, text(graph, field, "query"), law, **values):
            if subjects is None or row["subject"] in subjects:
                found[name].add(short(row["value"]))
    return found


def findings(given: Path, report: str, law: str, **values: Any) -> dict[str, list[dict[str, Any]]]:
    graph = definitions(law)[report]
    marker = f"{report}-{law}-"
    rows = {
        str(node).rpartition(marker)[2]: ask(given, text(graph, node, "query"), law, **values)
        for node in of_type(graph, "ReportFinding")
    }
    return {name: found for name, found in rows.items() if found}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_report_has_every_field_of_the_design(name: str) -> None:
    graph = GDPR[name]
    names = [str(graph.value(field, CSVW.name)) for _, field in fields_in_order(graph)]
    assert sorted(names) == sorted(FIELDS[name].split())


def test_no_report_of_the_law_is_left_out() -> None:
    assert set(GDPR) == set(FIELDS)


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*-*.ttl")), ids=lambda path: str(path.stem))
def test_a_report_says_everything_in_both_languages_and_asks_what_can_be_asked(path: Path) -> None:
    graph = rdflib.Graph().parse(path)
    queries = {query.name: query for query in bundled().queries("compliance")}
    spoken = (
        ("Report", (rdflib.RDFS.label, rdflib.RDFS.comment)),
        ("ReportSection", (rdflib.RDFS.label,)),
        ("ReportField", (rdflib.RDFS.label, LG.whenMissing)),
        ("ReportFinding", (rdflib.RDFS.label, LG.text)),
    )
    for kind, properties in spoken:
        for node in of_type(graph, kind):
            for said in properties:
                languages = {value.language for value in graph.objects(node, said)}  # type: ignore[attr-defined]
                assert languages == {"en", "pt-BR"}, (node, said)
    for field in of_type(graph, "ReportField"):
        query = queries[text(graph, field, "query")]
        assert query.columns[:4] == ("subject", "value", "origin", "because"), query.name
        assert text(graph, field, "strength") in ("mandatory", "where possible", "good practice")
        article = re.search(r"[Aa]rt\. \d+", text(graph, field, "legalRef"))
        assert article
        for missing in graph.objects(field, LG.whenMissing):
            assert article[0].lower() in str(missing).lower(), (field, missing)
    for section in of_type(graph, "ReportSection"):
        if listed := text(graph, section, "subjects"):
            assert queries[listed].columns[:2] == ("subject", "title"), listed
            assert len(list(graph.objects(section, LG.whenEmpty))) == 2, section
    for finding in of_type(graph, "ReportFinding"):
        assert queries[text(graph, finding, "query")].columns == ("about", "title", "why")
        assert text(graph, finding, "severity") in ("error", "warning", "info")


def test_every_query_names_its_provisions_and_runs_on_an_empty_graph() -> None:
    for query in bundled().queries("compliance"):
        assert query.headings.get("legal-basis"), query.name
        assert tuple(assessment(EMPTY).select(query.bind()).columns) == query.columns, query.name


def test_an_empty_graph_is_a_report_of_gaps_and_never_conforms() -> None:
    for name in GDPR:
        recorded = answered(EMPTY, name, "gdpr")
        assert not {field: values for field, values in recorded.items() if values}, name
    assert list(findings(EMPTY, "ropa", "gdpr")) == ["finding-no-processing"]


def cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*/reports.json")):
        for law, reports in json.loads(path.read_text(encoding="utf-8")).items():
            found += [
                pytest.param(path.parent, law, name, id=f"{path.parent.name}-{law}-{name}")
                for name in reports
            ]
    return found


@pytest.mark.parametrize(("case", "law", "report"), cases())
def test_what_a_report_says_of_a_given_assessment(case: Path, law: str, report: str) -> None:
    expected = json.loads((case / "reports.json").read_text(encoding="utf-8"))[law][report]
    asked = expected.get("parameters", {})
    recorded = answered(case / "assessment.ttl", report, law, **asked)
    for field, values in expected.get("recorded", {}).items():
        assert sorted(recorded[field]) == sorted(values), field
    assert not {field for field in expected.get("not_recorded", ()) if recorded[field]}
    found = findings(case / "assessment.ttl", report, law, **asked)
    assert sorted(found) == sorted(expected["findings"])
    for finding, titles in expected.get("about", {}).items():
        assert sorted(row["title"] for row in found[finding]) == sorted(titles), finding
