"""What each declared report asks, and what its queries answer on given assessments."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
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
    "gdpr": {
        "ropa": """
        30-5 covered located unexamined 30-1-a-controller 30-1-a-joint 30-1-a-representative
        30-1-a-dpo 30-1-b legal-basis 30-1-c-subjects 30-1-c-categories 30-1-c-special 30-1-d
        30-1-e 30-1-e-safeguards 30-1-f 30-1-g remarks evidence""",
        "ropa-processor": """
        30-2-a-processor 30-2-a-controllers 30-2-a-representative 30-2-a-dpo 30-2-b 30-2-c
        30-2-c-safeguards 30-2-d evidence""",
        "legal-basis": """
        category found-in 5-1-b 9-1 6-1 9-2 6 other-law 6-1-f 7-1 13 8 8-interest""",
        "retention": """
        made 13-2-a 5-1-e state 17-3 30-1-f""",
        "transfers": """
        located process recipient from to when 45 46-49 44 lies-in controller-in 44-now""",
        "automated-decisions": """
        process 22-1 22-3-human model features 22-4 15-1-h 22-2 22-3-review 13-2-f logic human
        ground notice""",
        "subject-request": """
        15-1 not-affected open 12-3 12-3-extension 12-3-until verdict 15-1-a 15-1-b 15-1-c
        15-1-d 15-1-g 15-2 6-1 17 order status 15-1-a-model 15-1-h 15-1-h-logic
        15-1-b-inferred 19 19-country 19-process 7-3 18 20 21 21-2 22 13""",
        "consent-withdrawal": """
        7-3-day 7-3-purpose 7-3-basis 7-3 19 goes-on-basis goes-on-purpose goes-on-data
        trained-on-day trained-on-data 7-3-model 4-1 made-on by-model 7-3-prediction 17-1-b
        status""",
        "breach": """
        33-1 33-3-a-who 33-3-a-persons 33-3-a-what 33-3-a-records 33-3-a-special 33-3-b 33-3-c
        33-3-d 34-1 34-3-a 4-5 status rows categories country purposes holds-rows trained-on
        controller processor recipients""",
        "model-sheet": """
        predicts purpose process made data status categories special persons decisions human
        logic used quality licence kept""",
        "dpia": """
        35-1 35-3-a 35-3-b 35-3-c wp248-1 wp248-2 wp248-3 wp248-4 wp248-5 wp248-6 wp248-7
        wp248-8 wp248-9 0-1 0-1-joint 0-2 0-3 0-4 0-5 1-1-a-category 1-1-a-subjects
        1-1-a-special 1-1-a-role 1-1-a-status 1-1-b 1-1-c 1-1-d-nature 1-1-d-scope 1-1-d-scale
        1-1-d-context 1-2-collection 1-2-use 1-2-storage 1-2-sharing 1-2-transfers
        1-2-deletion 1-3 2-basis 2-special 2-minimisation 2-retention 2-quality 2-information
        2-rights 2-automated 2-25 2-32 2-44 3-necessity 3-interest 4-what 4-process
        4-likelihood 4-severity 5-mitigation 5-measures 5-residual 6-dpo 6-advice 6-views
        6-decision 36""",
    },
    "lgpd": {
        "ropa": """
        covered located unexamined 37-controller 37-joint 37-operator 41 37-subjects
        37-categories 5-II 37-sharing 33 33-mechanism 46 15 16 37-process 6-I 7 remarks evidence""",
        "ropa-simplified": """
        2-I 4-I-a 4-I-b 4-II-a 4-II-b 4-II-c 4-II-d-sensitive 4-II-d-persons 4 1 1-officer 2 3
        3-sensitive 4-sharing 4-transfers 5 6 7-process 7-purpose 7-basis 8""",
        "ropa-processor": """
        37-operator 39-controllers 41 37-kinds 33 33-mechanism 46 evidence""",
        "legal-basis": """
        category found-in 6-I 5-II 7 11 7-all other-law 10 8 9 14 14-interest""",
        "retention": """
        made 15-II 15 state 16 15-process 16-process""",
        "transfers": """
        located process recipient from to when 33-I 33-II-IX 7-11 33 lies-in controller-in
        33-now""",
        "automated-decisions": """
        process 20 human model features sensitive 20-1 7-11 20-review 9 logic human-process
        ground notice""",
        "subject-request": """
        18-I not-affected open 19-I 19-II 19-II-until verdict 19-purpose 18-II 18-VII 15
        19-origin 33 7 18-VI order status 20-model 20-logic 18-II-inferred 18-6 33-recipient
        18-6-process 18-IV 18-V 18-VI-right 18-IX 18-2 19-3 20 18-VIII""",
        "consent-withdrawal": """
        8-5-day 8-5-purpose 8-5-basis 8-5 18-6 goes-on-basis goes-on-purpose goes-on-data
        trained-on-day trained-on-data 8-5-model 5-I made-on by-model 8-5-prediction 18-VI 16
        status""",
        "breach": """
        15-5 15-6 15-9 15-10 6-I 6-I-sensitive 6-II 6-II-who 6-II-children 6-III
        6-III-encryption 6-III-pseudonyms 6-IV 6-V 6-VI 6-VII 6-VIII 6-IX-small 6-XI 6-XII
        status rows categories country purposes holds-rows trained-on 6-IX 6-X recipients""",
        "model-sheet": """
        predicts purpose process made data status categories sensitive persons decisions human
        logic used quality licence kept""",
        "ripd": """
        38 10-3 4-I-a 4-I-b 4-II-a 4-II-b 4-II-c 4-II-d-sensitive 4-II-d-persons controller
        joint operator 41 name runs 38-types 38-subjects 5-II role status 38-collection
        38-security 6-I 6-II use volume scale storage sharing 33 15 means 7 10 6-III 6-V 9 18 20
        46-2 risk risk-process likelihood severity mitigation 38-measures necessity residual
        advice decision""",
    },
}


OF_THE_LAW = {
    "gdpr": {"12-3", "12-3-extension", "12-3-until", "33-1"},
    "lgpd": {"19-I", "19-II", "19-II-until", "15-6", "15-9", "15-10"},
}
"""Fields that the law itself answers, whatever is recorded."""


@cache
def definitions(law: str) -> dict[str, rdflib.Graph]:
    return {
        path.stem.removesuffix(f"-{law}"): rdflib.Graph().parse(path)
        for path in sorted(REPORTS.glob(f"*-{law}.ttl"))
    }


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


@pytest.mark.parametrize(("law", "name"), [(law, name) for law in FIELDS for name in FIELDS[law]])
def test_a_report_has_every_field_of_the_design(law: str, name: str) -> None:
    graph = definitions(law)[name]
    names = {str(graph.value(field, CSVW.name)) for _, field in fields_in_order(graph)}
    assert sorted(names) == sorted(FIELDS[law][name].split())


@pytest.mark.parametrize("law", sorted(FIELDS))
def test_no_report_of_the_law_is_left_out(law: str) -> None:
    assert set(definitions(law)) == set(FIELDS[law])


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


@pytest.mark.parametrize("law", sorted(FIELDS))
def test_an_empty_graph_is_a_report_of_gaps_and_never_conforms(law: str) -> None:
    for name in definitions(law):
        recorded = answered(EMPTY, name, law)
        assert {field for field, values in recorded.items() if values} <= OF_THE_LAW[law], name
    of_a_person = {"subject-request", "consent-withdrawal", "breach", "model-sheet"}
    for name in set(definitions(law)) - of_a_person:
        assert list(findings(EMPTY, name, law)) == ["finding-no-processing"], name
    asked = {"dataset": "urn:lineage-graph:dataset:unheard-of"}
    assert list(findings(EMPTY, "breach", law, **asked)) == ["finding-not-found"]


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


@pytest.mark.parametrize("prefix", ["dpv", "pd"])
def test_terms_of_dpv_exist_in_the_published_vocabulary(prefix: str) -> None:
    path = ROOT.parent / "shared" / "vocab" / f"{prefix}.ttl"
    if not path.is_file():
        pytest.skip(f"not compared: {path} is absent")
    namespace = bundled().prefixes[prefix]
    known = {str(term).removeprefix(namespace) for term in rdflib.Graph().parse(path).subjects()}
    declared = [*REPORTS.glob("*.ttl"), *(query.path for query in bundled().queries("compliance"))]
    for one in declared:
        used = set(
            re.findall(rf"(?<![\w-]){prefix}:([A-Za-z]\w*)", one.read_text(encoding="utf-8"))
        )
        assert used <= known, one.name


PASSENGERS = CASES / "scored-passengers" / "assessment.ttl"
WITHDRAWN = CASES / "S17-consent-withdrawn" / "assessment.ttl"


def test_a_breach_reaches_what_was_there_and_what_was_made_from_it() -> None:
    bookings = {"dataset": "urn:lineage-graph:dataset:bookings"}
    titles = {
        name: [row["title"] for row in ask(PASSENGERS, f"compliance/{name}", **bookings)]
        for name in ("breach_hits", "breach_downstream", "breach_models")
    }
    assert titles == {
        "breach_hits": ["bookings@1"],
        "breach_downstream": ["scores@1"],
        "breach_models": ["m@1"],
    }
    before: dict[str, Any] = {**bookings, "at": datetime(2025, 1, 1, tzinfo=UTC)}
    assert not ask(PASSENGERS, "compliance/breach_hits", **before)
    assert "finding-not-found" in findings(PASSENGERS, "breach", "gdpr", **before)
    in_brazil = {"node": f"{bundled().prefixes['loc']}BR"}
    assert [row["title"] for row in ask(PASSENGERS, "compliance/breach_hits", **in_brazil)] == [
        "bookings@1"
    ]


def test_a_withdrawal_that_is_asked_about_moves_the_line_between_before_and_after() -> None:
    marketing = {"process": "urn:lineage-graph:process:marketing-model"}
    for month, late in ((2, ["M@1", "M@2"]), (7, ["M@2"])):
        asked: dict[str, Any] = {**marketing, "at": datetime(2026, month, 1, tzinfo=UTC)}
        rows = ask(WITHDRAWN, "compliance/findings/trained_after_withdrawal", **asked)
        # The withdrawal of 2026-05-01 that is recorded counts as well.
        assert sorted({row["title"] for row in rows}) == late
    billing: dict[str, Any] = {
        "process": "urn:lineage-graph:process:billing",
        "at": datetime(2026, 5, 1, tzinfo=UTC),
    }
    assert not ask(WITHDRAWN, "compliance/withdrawals", **billing)
    assert "finding-not-consent" in findings(WITHDRAWN, "consent-withdrawal", "gdpr", **billing)


def test_a_transfer_is_judged_on_its_own_day(tmp_path: Path) -> None:
    given = PASSENGERS.read_text(encoding="utf-8")
    certified = f'{given}\no:us lg:certifiedUnder "EU-US DPF" .\n'
    early = given.replace('"2026-02-01"^^xsd:date', '"2026-01-25"^^xsd:date')
    clauses = f"{given}\n<urn:t#1> dpv:hasLegalBasis eu-gdpr:A46-2-c .\n"
    believed = f"{given}\n<urn:t#1> dpv:hasLegalBasis eu-gdpr:A45-3 .\n"
    brazilian = f"{given}\n<urn:t#1> dpv:hasLegalBasis lgpd:A33-II-b .\n"
    expected = {
        certified: [],
        early: ["Scoring -> Cloud (BR)", "Scoring -> Cloud (US)"],
        clauses: [],
        believed: ["Scoring -> Cloud (US)"],
        brazilian: ["Scoring -> Cloud (US)"],
    }
    for number, (text_, without) in enumerate(expected.items()):
        path = tmp_path / f"{number}.ttl"
        path.write_text(text_, encoding="utf-8")
        rows = ask(path, "compliance/findings/transfer_without_mechanism")
        assert sorted(row["title"] for row in rows) == without, number


def test_what_only_the_lgpd_demands_is_found(tmp_path: Path) -> None:
    given = f"""{PASSENGERS.read_text(encoding="utf-8")}
        p:score dpv:hasLegalBasis lgpd:A7-IX ; lg:smallAgent true ; lg:transfer <urn:t#3> .
        p:billing dpv:hasLegalBasis lgpd:A7-V ; dpv:hasStorageCondition <urn:b#s2> , <urn:b#s3> .
        p:host lg:transfer <urn:t#4> .
        <urn:t#3> lg:fromCountry loc:BR ; lg:toCountry loc:US ; dpv:hasLegalBasis lgpd:A33-IX .
        <urn:t#4> lg:fromCountry loc:BR ; lg:toCountry loc:US ; dpv:hasLegalBasis lgpd:A33-II-b .
        <urn:b#s2> dcterms:description "for ever" .
        <urn:b#s3> dpv:hasDuration "P9Y"^^xsd:duration ; lg:conservationBasis lgpd:A16-IV ."""
    path = tmp_path / "given.ttl"
    path.write_text(given, encoding="utf-8")
    expected = {
        "transfer_33_ix": ["Scoring (US)"],
        "transfer_without_basis": ["Hosting (US)"],
        "conservation_without_inciso": ["Billing"],
        "conservation_not_anonymous": ["bookings@1"],
        "legitimate_interest_with_sensitive": ["Scoring"],
        "general_basis_with_sensitive": [],
        "simplified_lost": ["Scoring"],
        "ripd_expected": ["Scoring"],
        "not_small": ["Billing"],
    }
    for name, titles in expected.items():
        rows = ask(path, f"compliance/lgpd/findings/{name}", "lgpd")
        assert sorted({row["title"] for row in rows}) == titles, name
    for name in ("breach_deadline", "breach_deadline_subjects"):
        # Only what lay open counts: scoring is of a small agent, and does not touch "loose".
        for dataset, days in (("bookings", [3, 6]), ("loose", [3]), (None, [3])):
            about = {"dataset": f"urn:lineage-graph:dataset:{dataset}"} if dataset else {}
            rows = ask(path, f"compliance/lgpd/{name}", "lgpd", **about)
            times = [short(row["value"]) for row in rows]
            assert times == [f"report-iri:answer/business-days-{n}" for n in days], (name, dataset)


def test_what_an_inciso_lets_be_kept_is_not_to_be_eliminated_on_a_withdrawal(
    tmp_path: Path,
) -> None:
    name = "compliance/lgpd/withdrawal_data_duties"
    before = ask(WITHDRAWN, name, "lgpd")
    (eliminated,) = {
        row["subject"] for row in before if short(row["value"]).endswith("eliminate-on-request")
    }
    for inciso, law, kept in (("A16-I", "lgpd", True), ("A6-1-c", "eu-gdpr", False)):
        path = tmp_path / f"{law}.ttl"
        path.write_text(
            f"""{WITHDRAWN.read_text(encoding="utf-8")}
            <urn:keeper> a dpv:Process ; lg:touches <{eliminated}> ;
              dpv:hasStorageCondition <urn:kept> .
            <urn:kept> lg:conservationBasis {law}:{inciso} .""",
            encoding="utf-8",
        )
        rows = [row for row in ask(path, name, "lgpd") if row["subject"] == eliminated]
        answers = {short(row["value"]).rpartition("/")[2] for row in rows}
        assert answers == ({"keep-art16"} if kept else {"eliminate-on-request"})
        assert {short(row["because"]) for row in rows} == ({"lgpd:A16-I"} if kept else {""})
