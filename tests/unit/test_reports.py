"""Reports: declared in Turtle and SPARQL, each value with its origin, nothing filled in."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib import RDF
from typer.testing import CliRunner

from lineage_graph.cli.program import Session, app
from lineage_graph.compliance import reading
from lineage_graph.compliance.answering import Answering
from lineage_graph.compliance.assessment import Assessment
from lineage_graph.compliance.definitions import Definitions
from lineage_graph.compliance.rendering.words import NEEDED
from lineage_graph.compliance.report import Answer, Report, Sources
from lineage_graph.compliance.writing import FORMATS, write
from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import DeclarationError, InvalidRecord, NotFound, StoreUnavailable
from lineage_graph.graph import Graph
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import (
    Activity,
    Agent,
    Association,
    Column,
    Dataset,
    DatasetVersion,
    Derivation,
    Record,
)
from lineage_graph.records.privacy import SemanticLabel
from lineage_graph.stores import rdf

CASES = Path(__file__).parents[1] / "conformance" / "reports"
OURS = CASES / "organisation"
AUTHOR = "urn:lineage-graph:agent:tester"
DAY = datetime(2026, 5, 1, 10, tzinfo=UTC)
SOURCES = Sources(3, "c" * 64, {"own.ttl": "d"}, {"least": "10"}, "2026-05-01 10:00 UTC", "x 1")
PROCESSING = """
processes:
  - name: billing
    purpose: send invoices
    legal_basis: GDPR 6(1)(b)
    datasets: customers
"""


def definitions(organisation: Path = OURS) -> Definitions:
    declarations = Declarations(organisation)
    return reading.read(Declared(declarations), declarations)


def answered(given: str | bytes, lang: str = "en", organisation: Path = OURS) -> Report:
    """Return the organisation's report on a graph that is given as Turtle."""
    known = definitions(organisation)
    triples = rdf.convert(
        given if isinstance(given, bytes) else given.encode(), "turtle", "ntriples"
    )
    assessment = Assessment(Declarations(organisation), triples)
    answering = Answering(
        known.get("register", "house"), assessment, assessment.wording(known, lang), {}
    )
    return answering.report(SOURCES, {"dataset": "customers"})


@pytest.fixture(scope="module")
def made() -> Report:
    return answered((CASES / "given.ttl").read_bytes())


def answer(report: Report, title: str, label: str) -> Answer:
    entries = [e for section in report.sections for e in section.entries if e.title == title]
    return next(a for entry in entries for a in entry.answers if a.label == label)


def cells(report: Report, title: str, label: str) -> list[tuple[str, str, str]]:
    return [(c.value, c.origin, c.because) for c in answer(report, title, label).cells]


def test_every_cell_says_where_it_comes_from_and_what_is_missing_stays_missing(
    made: Report,
) -> None:
    by = "declared by person 0198 on May 1, 2026"
    assert cells(made, "Billing", "Purpose") == [("send invoices", "declared", by)]
    assert cells(made, "Billing", "Kept for") == [("5 years, 6 months", "declared", "tax law")]
    assert cells(made, "Billing", "Decided by a machine") == [("no", "declared", by)]
    assert cells(made, "Advertising", "Decided by a machine") == [
        ("not applicable", "not-applicable", "nothing is decided")
    ]
    missing = [("Not recorded (House rules 1(a)).", "not-recorded", "")]
    assert cells(made, "Advertising", "Purpose") == missing
    assert cells(made, "customers@1", "Status") == [("identified", "inferred", "")]
    assert cells(made, made.title, "Rows of the largest dataset") == [("12,345", "derived", "")]
    assert (made.satisfied, made.applicable) == (7, 10)
    # One declaration answers two fields, so it comes first.
    assert [(g.label, g.about, g.unlocks) for g in made.gaps] == [
        ("Kept for", "Advertising", 2),
        ("Purpose", "Advertising", 1),
    ]
    assert made.gaps[0].legal_ref == "House rules 1(b); House rules 1(d)"
    assert [(f.severity, f.about, f.text) for f in made.findings] == [
        ("error", "Advertising", "Advertising has no legal basis: customers@1"),
        ("error", "Billing", "Billing has no legal basis: "),
    ]


def test_the_other_language_says_the_same_and_leaves_citations_alone() -> None:
    found = answered((CASES / "given.ttl").read_bytes(), "pt-BR")
    assert cells(found, "Billing", "Prazo")[0][0] == "5 anos e 6 meses"
    assert cells(found, "Billing", "Finalidade")[0][2].endswith("em 1 de maio de 2026")
    assert cells(found, found.title, "Linhas do maior conjunto")[0][0] == "12.345"
    assert answer(found, "Billing", "Prazo").legal_ref == "House rules 1(b)"
    assert found.words["gaps"] == "Lacunas"


def test_an_empty_graph_is_a_report_of_gaps_and_never_complete() -> None:
    found = answered("")
    assert found.satisfied == 0
    assert found.completeness == 0
    assert "No processing is declared (House rules 1)." in [gap.text for gap in found.gaps]
    assert found.findings == ()
    assert found.described() == b""


def test_every_format_holds_every_value(made: Report, tmp_path: Path) -> None:
    data = json.loads(write(made, "json"))
    assert data["completeness"] == 0.7
    assert data["sections"][1]["entries"][0]["answers"][0]["cells"][0]["origin"] == "not-recorded"
    rows = list(csv.reader(io.StringIO(str(write(made, "csv")))))
    assert len(rows) == 1 + made.applicable
    for text in (str(write(made, "md")), str(made), made.to_html()):
        for part_ in ("5 years, 6 months", "tax law", "nothing is decided", made.disclaimer[:30]):
            assert part_ in text
    for format in FORMATS:
        path = made.save(tmp_path / f"register.{format}", format)
        assert path.stat().st_size > 100
    assert sorted(p.suffix for p in tmp_path.iterdir()) == sorted(f".{f}" for f in FORMATS)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_json_ld_speaks_dpv(made: Report) -> None:
    graph = rdflib.Graph().parse(data=str(write(made, "jsonld")), format="json-ld")
    dpv = rdflib.Namespace(bundled().prefixes["dpv"])
    assert len(list(graph.subjects(RDF.type, dpv.Process))) == 2
    storage = next(graph.objects(None, dpv.hasStorageCondition))
    assert str(graph.value(storage, dpv.hasDuration)) == "P5Y6M"


def test_text_that_looks_like_a_formula_or_a_table_is_only_text() -> None:
    evil = '=cmd|"/c calc"!A1'
    given = (
        f"<urn:lineage-graph:process:x> a <{bundled().iri('dpv:Process')}> ;"
        f" <{bundled().iri('title')}> '''{evil}''' ."
    )
    found = answered(given)
    rows = list(csv.reader(io.StringIO(str(write(found, "csv")))))
    assert f"'{evil}" in [row[1] for row in rows]
    assert "cmd\\|" in str(write(found, "md"))


def test_a_file_is_written_whole_or_not_at_all(made: Report, tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="is a folder"):
        made.save(tmp_path)
    with pytest.raises(InvalidRecord, match=r"Did you mean \.html\?"):
        made.save(tmp_path / "register.hmtl")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        made.save(tmp_path / "nowhere" / "register.md")
    assert list(tmp_path.iterdir()) == []


FAULTS = {
    "a language": ('"Não registrado (House rules 1(a))."@pt-BR', '"x"@fr', "whenMissing in @pt-BR"),
    "a label": ('rdfs:label "Purpose"@en , "Finalidade"@pt-BR ;', "", "lacks rdfs:label"),
    "a query": ('"own/purpose"', '"own/purpos"', "own/purpos"),
    "columns": ('"own/purpose"', '"own/processes"', "lack value, origin, because"),
    "a provision": ('lg:legalRef "House rules 1(a)" ;', "", "lacks lg:legalRef"),
    "a strength": (
        '"mandatory" ; lg:query "own/purpose"',
        '"must" ; lg:query "own/purpose"',
        "must",
    ),
    "a place": ("{about} has no legal basis", "{who} has no legal basis", "who"),
    "a severity": ('lg:severity "error"', 'lg:severity "bad"', "bad"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_report_that_lacks_something_is_refused_by_file_and_field(
    fault: str, tmp_path: Path
) -> None:
    before, after, said = FAULTS[fault]
    shutil.copytree(OURS, tmp_path / "own")
    file = tmp_path / "own" / "ontology" / "reports" / "own.ttl"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        definitions(tmp_path / "own")
    assert str(file) in str(refused.value)
    assert said in str(refused.value)


def test_names_that_are_not_there_are_met_with_near_ones() -> None:
    known = definitions()
    with pytest.raises(NotFound, match="Did you mean register"):
        known.get("registr", "house")
    with pytest.raises(NotFound, match=r"Did you mean .*gdpr"):
        known.get("ropa", "gpdr")
    with pytest.raises(NotFound, match="There is one for house"):
        known.get("register", "gdpr")
    with pytest.raises(InvalidRecord, match="pt-BR"):
        known.language("pt")
    assert known.language("PT_br") == "pt-BR"
    assert known.languages == ["en", "pt-BR"]
    for lang in known.languages:
        assert set(NEEDED) <= known.words(lang).keys()


def test_a_language_is_added_by_turtle_alone(tmp_path: Path) -> None:
    shutil.copytree(OURS, tmp_path / "own")
    reports = tmp_path / "own" / "ontology" / "reports"
    word = "<https://w3id.org/lineage-graph/report/word/{}>"
    label = f"<{bundled().iri('label')}>"
    said = [f'{word.format(n)} {label} "{n} (de)"@de .' for n in definitions().words("en")]
    (reports / "de.ttl").write_text("\n".join(said), encoding="utf-8")
    file = reports / "own.ttl"
    text = file.read_text(encoding="utf-8").replace("@pt-BR", "@de")
    (reports / "own-de.ttl").write_text(_texts_only(text), encoding="utf-8")
    found = answered((CASES / "given.ttl").read_bytes(), "de", tmp_path / "own")
    assert found.words["gaps"] == "gaps (de)"
    assert found.title == "Registro de tratamentos"


def _texts_only(turtle: str) -> str:
    """Return what a file says in German, and nothing else of it."""
    lines = []
    for node, how, text in rdflib.Graph().parse(data=turtle):
        if isinstance(text, rdflib.Literal) and text.language == "de":
            lines.append(f"{node.n3()} {how.n3()} {text.n3()} .")
    return "\n".join(lines)


class Shop:
    """A store with customers about persons, made into features by a run each day."""

    def __init__(self, folder: Path) -> None:
        self.graph = Graph(opened(folder, "memory:"), OURS)
        self.ledger = LedgerFile(folder / "ledger.db")
        self._bundles = Bundles(self.ledger, Declarations(OURS), AUTHOR)
        self.source("customers")

    def close(self) -> None:
        self.graph.close()
        self.ledger.close()

    def source(self, name: str) -> None:
        version = fresh("version")
        column = part(version, "cpf")
        self._bundles.append(
            [
                Agent(id=AUTHOR),
                Dataset(id=named("dataset", name), title=name),
                DatasetVersion(
                    id=version,
                    version_of=named("dataset", name),
                    generated_at=DAY,
                    column=(column,),
                ),
                Column(id=column, name="cpf", datatype="string", order=0),
                SemanticLabel(
                    id=part(version, "cpf", "type", "tests"),
                    about=column,
                    semantic_type=bundled().iri("semantic-type:CPF"),
                    label_status="accepted",
                    generated_at=DAY,
                    attributed_to=AUTHOR,
                ),
            ]
        )

    def made(self, name: str, source: str, day: int) -> None:
        version, activity = fresh("version"), fresh("activity")
        way = Derivation(
            id=part(version, "derivation"),
            entity=self.graph.resolve(source),
            had_activity=activity,
            kinds=("Filter",),
        )
        at = DAY + timedelta(days=day)
        records: list[Record] = [
            Agent(id=AUTHOR),
            Association(id=part(activity, "association"), agent=AUTHOR),
            Activity(
                id=activity,
                label=f"make {name}",
                started_at=at,
                ended_at=at,
                status="completed",
                associated_with=AUTHOR,
                qualified_association=part(activity, "association"),
                used=(way.entity,),
            ),
            Dataset(id=named("dataset", name), title=name),
            DatasetVersion(
                id=version,
                version_of=named("dataset", name),
                generated_at=at,
                generated_by=activity,
                derived_from=(way.entity,),
                qualified_derivation=(way.id,),
            ),
            way,
        ]
        self._bundles.append(records)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    found = Shop(folder)
    found.made("features", "customers", 1)
    (folder / "processing.yaml").write_text(PROCESSING, encoding="utf-8")
    found.graph.apply(folder / "processing.yaml")
    found.made("features", "customers", 2)
    yield found
    found.close()


def facts(report: Report) -> rdflib.Graph:
    return rdflib.Graph().parse(data=report.described(), format="nt")


def test_a_report_follows_from_what_was_recorded_and_declared(shop: Shop) -> None:
    found = shop.graph.report("register", "house")
    assert [entry.title for entry in found.sections[1].entries] == ["billing"]
    assert cells(found, "billing", "Purpose")[0][0] == "send invoices"
    titles = [entry.title for entry in found.sections[2].entries]
    assert titles == ["customers@1", "features@2"]
    assert cells(found, "customers@1", "Status")[0][:2] == ("identified", "inferred")
    assert found.sources.seq == shop.ledger.head
    assert found.sources.chain == shop.ledger.chain_head
    assert "semantic-types.ttl" in " ".join(found.sources.ontology)
    graph, lg = facts(found), rdflib.Namespace(bundled().prefixes["lg"])
    billing = rdflib.URIRef(named("process", "billing"))
    assert {str(graph.value(v, rdflib.RDFS.label)) for v in graph.objects(billing, lg.touches)} == {
        "customers@1",
        "features@2",
    }
    assert {str(word) for word in graph.objects(billing, lg.touchedBy)} == {"declared", "run"}
    assert [str(n) for n in graph.objects(billing, lg.runCount)] == ["2"]
    first, last = graph.value(billing, lg.firstRun), graph.value(billing, lg.lastRun)
    assert str(first).startswith("2026-05-02") and str(last).startswith("2026-05-03")


def test_a_report_as_of_an_entry_knows_nothing_of_later_ones(shop: Shop) -> None:
    found = shop.graph.report("register", "house", as_of=2)
    assert found.sources.seq == 2
    assert found.sources.chain == shop.ledger.chain_at(2)
    assert found.sections[1].entries == ()
    assert [entry.title for entry in found.sections[2].entries] == ["customers@1", "features@1"]
    today = shop.graph.report("register", "house", as_of=datetime.now(UTC).date())
    assert today.sources.seq == shop.ledger.head
    before: list[Any] = ["2020-01-01", date(2020, 1, 1)]
    for day in before:
        assert shop.graph.report("register", "house", as_of=day).sections[2].entries == ()
    for wrong in (0, 99, "yesterday", "2999-01-01"):
        with pytest.raises(InvalidRecord, match="as_of="):
            shop.graph.report("register", "house", as_of=wrong)


def test_parameters_are_names_that_people_use(shop: Shop) -> None:
    found = shop.graph.report("register", "house", process="billing")
    assert found.parameters == {"process": "billing"}
    assert len(found.sections[1].entries) == 1
    with pytest.raises(NotFound, match="Did you mean billing"):
        shop.graph.report("register", "house", process="biling")
    with pytest.raises(InvalidRecord, match="it takes: process"):
        shop.graph.report("register", "house", dataset="customers")
    with pytest.raises(NotFound, match="customers"):
        shop.graph.report("breach", dataset="custmers")
    with pytest.raises(InvalidRecord, match="is no time"):
        shop.graph.report("breach", dataset="customers", at="soon")
    with pytest.raises(NotFound, match="There is no place"):
        shop.graph.report("breach", node="Atlantis")


def test_all_reports_of_ours_can_be_made_in_both_languages(shop: Shop) -> None:
    for known in shop.graph.reports():
        for lang in ("en", "pt-BR"):
            found = shop.graph.report(known["name"], known["law"], lang)
            assert found.applicable
            assert found.legal_basis == known["legal_basis"]


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    session = Session(store=str(folder), declarations=OURS)
    found = CliRunner().invoke(app, words, obj=session)
    return found.exit_code, found.stdout, repr(found.exception)


def test_the_command_lists_reports_and_writes_one_in_any_form(shop: Shop, tmp_path: Path) -> None:
    folder = shop.graph.folders.root
    status, listed, _ = run(folder, "report")
    assert status == 0
    assert "GDPR Art. 30(1)" in listed and "House rules 1" in listed
    status, shown, _ = run(folder, "report", "register", "--law", "house")
    assert status == 0
    assert "Not recorded (House rules 1(b))." in shown
    status, data, _ = run(folder, "report", "register", "--law", "house", "--json")
    assert json.loads(data)["name"] == "register"
    out = tmp_path / "register.md"
    status, said, _ = run(
        folder, "report", "register", "--law", "house", "--lang", "pt-BR", "--out", str(out)
    )
    assert (status, said) == (0, "")
    assert out.read_text(encoding="utf-8").startswith("# Registro de tratamentos")
    for words, name in (
        (("ropas",), "NotFound"),
        (("ropa", "--law", "ccpa"), "NotFound"),
        (("ropa", "--lang", "fr"), "InvalidRecord"),
        (("ropa", "--format", "docx"), "InvalidRecord"),
        (("ropa", "--with", "dataset"), "InvalidRecord"),
        (("subject-request", "--with", "subject=12345678909"), "InvalidRecord"),
        (("subject-request", "--id-file", str(tmp_path / "nobody")), "InvalidRecord"),
    ):
        assert name in run(folder, "report", *words)[2]
    plain = run(folder, "report", "ropa", "--with", "at=2026-05-01", "--with", "52998224725")[2]
    assert "--with, number 2: write it as KEY=VALUE" in plain and "529982" not in plain
    who = tmp_path / "who.txt"
    who.write_text("52998224725", encoding="utf-8")
    said = run(folder, "report", "subject-request", "--id-file", str(who))[2]
    assert "is not TYPE=VALUE" in said and "529982" not in said
