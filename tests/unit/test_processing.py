"""Processing that is declared: read with every fault at once, applied once, told as it was."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rdflib

from lineage_graph import cli
from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import DeclarationError
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.processing.durations import duration
from lineage_graph.processing.forms import FORMS, PARTS
from lineage_graph.processing.written import LARGEST_BYTES
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset, DatasetVersion, Model, ModelVersion

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "atraso" / "processing.yaml"
IRI = bundled().iri

SMALL = """
organisations:
  - {name: Ana Ltda, contact: dpo@ana.example}
processes:
  - name: billing
    controller: Ana Ltda
    purpose: payment
    legal_basis: GDPR 6(1)(b)
    datasets: customers
"""


@pytest.fixture
def graph(store: Path) -> Iterator[Graph]:
    """A store with customers (twice) and a model, recorded without an engine."""
    graph = Graph(opened(store, "memory:"))
    with LedgerFile(store / "ledger.db") as ledger:
        bundles = Bundles(ledger, Declarations(), named("agent", "tester"))
        for number in (1, 2):
            dataset = Dataset(id=named("dataset", "customers"), title="customers")
            model = Model(id=named("model", "churn"), title="churn")
            at = datetime(2026, 1, number, tzinfo=UTC)
            versions = (
                DatasetVersion(id=fresh("version"), version_of=dataset.id, generated_at=at),
                ModelVersion(id=fresh("model-version"), version_of=model.id, generated_at=at),
            )
            bundles.append([dataset, model, *versions] if number == 1 else versions)
    yield graph
    graph.close()


def head(graph: Graph) -> int:
    return graph._ledger.head


def write(folder: Path, text: str | bytes, name: str = "processing.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def current(graph: Graph) -> rdflib.Graph:
    found = graph._queries.construct(bundled().query("processing/current").bind())
    assert found == graph._processing.triples()
    return rdflib.Graph().parse(data=found, format="nt")


def process(**more: str) -> str:
    lines = "".join(f"    {key}: {value}\n" for key, value in more.items())
    return f"processes:\n  - name: p\n{lines}"


def test_the_example_says_what_it_says_in_the_terms_of_dpv(graph: Graph) -> None:
    differs = graph.apply(EXAMPLE)
    assert differs
    assert differs.seq == head(graph)
    assert any("no dataset 'passengers' is recorded yet" in note for note in differs.notes)
    found = current(graph)
    bookings = rdflib.URIRef("urn:lineage-graph:process:bookings")

    def values(subject: object, term: str) -> set[str]:
        assert isinstance(subject, rdflib.URIRef)
        return {str(value) for value in found.objects(subject, rdflib.URIRef(IRI(term)))}

    assert IRI("dpv:Process") in values(bookings, "rdf:type")
    assert values(bookings, "dpv:hasLegalBasis") == {IRI("eu-gdpr:A6-1-b"), IRI("lgpd:A7-V")}
    assert values(bookings, "dpv:hasPurpose") == {
        IRI("dpv:RequestedServiceProvision"),
        IRI("dpv:CustomerManagement"),
    }
    assert values(bookings, "lg:actsAs") == {IRI("dpv:DataController")}
    assert values(bookings, "lg:usesDataset") == {
        "urn:lineage-graph:dataset:passengers",
        "urn:lineage-graph:dataset:bookings",
    }
    assert len(values(bookings, "prov:generatedAtTime")) == 1
    (kept,) = found.objects(bookings, rdflib.URIRef(IRI("dpv:hasStorageCondition")))
    assert values(kept, "dpv:hasDuration") == {"P5Y"}
    assert values(kept, "lg:conservationBasis") == {IRI("lgpd:A16-I")}
    (sent,) = found.objects(bookings, rdflib.URIRef(IRI("lg:transfer")))
    assert values(sent, "lg:toCountry") == {IRI("loc:US")}
    assert values(sent, "dpv:hasLegalBasis") == {IRI("eu-gdpr:A46-2-c"), IRI("lgpd:A33-II-b")}
    assert values(sent, "lg:validFrom") == {"2026-01-01"}
    passengers = rdflib.URIRef("urn:lineage-graph:dataset:passengers")
    assert values(passengers, "lg:locatedIn") == {IRI("loc:BR")}
    assert not values(passengers, "prov:wasAttributedTo")
    assert graph.validate() == []


def test_what_is_applied_twice_is_recorded_once_also_as_turtle(
    graph: Graph, tmp_path: Path
) -> None:
    graph.apply(EXAMPLE)
    before = head(graph)
    again = graph.apply(EXAMPLE)
    assert not again
    assert again.seq is None
    assert "Nothing differs" in str(again)
    turtle = current(graph).serialize(format="turtle", encoding="utf-8")
    assert not graph.apply(write(tmp_path, turtle, "same.ttl"))
    assert head(graph) == before


def test_a_change_takes_the_place_of_what_was_declared_and_the_past_stays(
    graph: Graph, tmp_path: Path
) -> None:
    first = graph.apply(write(tmp_path, SMALL))
    dry = graph.apply(
        later := write(tmp_path, SMALL.replace("6(1)(b)", "6(1)(f)"), "later.yaml"), dry_run=True
    )
    (change,) = dry.changes
    assert (change.change, change.name, change.field) == ("changed", "billing", "legal_basis")
    assert (change.old, change.new) == ("eu-gdpr:A6-1-b", "eu-gdpr:A6-1-f")
    assert head(graph) == first.seq
    graph.apply(later)
    assert graph.processes()[0]["legal_basis"] == ["eu-gdpr:A6-1-f"]
    assert graph.processes(as_of=first.seq)[0]["legal_basis"] == ["eu-gdpr:A6-1-b"]
    assert graph.processes(as_of=0) == []
    assert IRI("eu-gdpr:A6-1-f").encode() not in graph._processing.triples(first.seq)
    assert IRI("eu-gdpr:A6-1-b").encode() not in graph._processing.triples()
    said = graph._queries.run("processing/declarations", thing=named("process", "billing"))
    assert [row["because"] for row in said] == ["a newer declaration", None]
    assert all(row["author"].startswith("urn:lineage-graph:agent:") for row in said)


def test_what_a_file_leaves_out_stays_until_it_is_pruned_and_can_come_back(
    graph: Graph, tmp_path: Path
) -> None:
    graph.apply(EXAMPLE)
    small = write(tmp_path, SMALL)
    kept = graph.apply(small)
    assert "process bookings" in kept.kept
    assert {one["name"] for one in graph.processes()} > {"billing", "bookings"}
    gone = graph.apply(small, prune=True)
    assert {change.change for change in gone.changes} == {"removed"}
    assert [one["name"] for one in graph.processes()] == ["billing"]
    assert not graph.apply(small, prune=True)
    graph.apply(EXAMPLE)
    assert len(graph.processes()) == 4
    current(graph)


def test_two_who_applied_at_the_same_time_leave_one_that_counts(
    graph: Graph, tmp_path: Path
) -> None:
    from lineage_graph.processing.applying import apply

    ours, theirs = (
        graph._processing.read(write(tmp_path, text))
        for text in (SMALL, SMALL.replace("payment", "marketing"))
    )
    with Graph(opened(tmp_path / "store", "memory:")) as other:
        apply(other._processing, other._writer.recorder, ours, "one")
        one = head(graph)
        rival = graph._processing
        rival.in_force = lambda as_of=None: []  # type: ignore[method-assign]
        apply(rival, graph._writer.recorder, theirs, "other")
        assert other.processes()[0]["purpose"] == ["Marketing"]
        current(other)
        assert len(other._processing.in_force()) == 4
        apply(other._processing, other._writer.recorder, ours, "one")
        assert len(other._processing.in_force()) == 2
        assert other.processes(as_of=one)[0]["purpose"] == ["PaymentManagement"]


WORDS = [
    ("purpose", "DirectMarketing", "dpv:DirectMarketing"),
    ("purpose", "direct marketing", "dpv:DirectMarketing"),
    ("purpose", "pesquisa científica", "dpv:ScientificResearch"),
    ("purpose", "PESQUISA CIENTIFICA", "dpv:ScientificResearch"),
    ("purpose", "dpv:Advertising", "dpv:Advertising"),
    ("legal_basis", "GDPR 6(1)(f)", "eu-gdpr:A6-1-f"),
    ("legal_basis", "GDPR Art. 6 (1) f", "eu-gdpr:A6-1-f"),
    ("legal_basis", "RGPD artigo 9(2)(a)", "eu-gdpr:A9-2-a"),
    ("legal_basis", "Art. 6(1)(a) GDPR", "eu-gdpr:A6-1-a"),
    ("legal_basis", "LGPD 7 IX", "lgpd:A7-IX"),
    ("legal_basis", "LGPD art. 7º, IX", "lgpd:A7-IX"),
    ("legal_basis", "art. 7º, inciso IX, LGPD", "lgpd:A7-IX"),
    ("legal_basis", "LGPD art. 11, II, d", "lgpd:A11-II-d"),
    ("legal_basis", "LGPD 14 §1º", "lgpd:A14-1"),
    ("legal_basis", "lgpd:A7-IX", "lgpd:A7-IX"),
    ("legal_basis", IRI("eu-gdpr:A6-1-c"), "eu-gdpr:A6-1-c"),
    ("data_subjects", "titular", "dpv:DataSubject"),
    ("data_subjects", "Child", "dpv:Child"),
    ("measures", "criptografia", "dpv:CryptographicMethods"),
    ("personal_data", "e-mail address", "pd:EmailAddress"),
    ("personal_data", "MedicalHealth", "pd:MedicalHealth"),
    ("locations", "NO", "loc:NO"),
    ("locations", "Alemanha", "loc:DE"),
    ("locations", "germany", "loc:DE"),
    ("locations", "IND", "loc:IN"),
    ("locations", "EUA", "loc:US"),
    ("scale", "large number of data subjects", "dpv:LargeScaleOfDataSubjects"),
    ("human_involvement", "a human can intervene", "dpv:HumanInvolvementForIntervention"),
    ("acts_as", "operador", "dpv:DataProcessor"),
]


def test_words_of_either_language_and_articles_as_people_cite_them_are_understood(
    graph: Graph, tmp_path: Path
) -> None:
    for key, word, term in WORDS:
        read = graph._processing.read(write(tmp_path, process(**{key: json.dumps(word)})))
        (thing,) = read.things
        field = thing.form.key(key)
        assert field is not None
        assert thing.facts[field.term] == (IRI(term),), word


def test_own_words_are_kept_and_said_to_be_no_terms(graph: Graph, tmp_path: Path) -> None:
    told = graph.apply(write(tmp_path, process(purpose="direct marketting", measures="a big lock")))
    assert any("did you mean 'DirectMarketing'" in note for note in told.notes)
    found = current(graph)
    (purpose,) = found.objects(None, rdflib.URIRef(IRI("dpv:hasPurpose")))
    assert str(found.value(purpose, rdflib.RDFS.label)) == "direct marketting"
    assert graph.processes()[0]["measures"] == ["a big lock"]


@pytest.mark.parametrize(
    ("written", "read"),
    [("P5Y", "P5Y"), ("5 years", "P5Y"), ("5 anos", "P5Y"), ("24 months", "P2Y"), ("P24M", "P2Y"),
     ("18 meses", "P1Y6M"), ("2 weeks", "P14D"), ("p2w", "P14D"), ("30 dias", "P30D"),
     ("72 hours", "P3D"), ("PT36H", "P1DT12H"), ("1 ano e 6 meses", "P1Y6M"),
     ("2 years and 10 days", "P2Y10D")],
)  # fmt: skip
def test_periods_have_one_canonical_form(written: str, read: str) -> None:
    assert duration(written) == read


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P0Y", "5", "years", "5 jears", "P5", "until then", "-P5Y", "P5Y3"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        duration(text)


BAD: list[tuple[str | bytes, list[str]]] = [
    ("", ["is empty"]),
    ("# only a remark\n", ["is empty"]),
    ("- a\n", ["must begin with sections"]),
    ("processes: []\n", ["declares nothing"]),
    ("processes:\n", ["line 1, column 1: processes", "takes a list"]),
    ("proceses: []\n", ["unknown section 'proceses'; did you mean 'processes'"]),
    ("processes: [a]\n", ["processes[0]", "takes keys"]),
    ("processes:\n  - purpose: payment\n", ["line 2", "processes[0]", "has no 'name'"]),
    (process(purpos="payment"), ["line 3, column 5: processes[0].purpos", "mean 'purpose'"]),
    (process(legal_basis="[GDPR 6(1)(a), GDPR 6(1)(x)]"),
     ["line 3, column 33: processes[0].legal_basis[1]", "no legal basis of GDPR", "Art. 6(1)("]),
    (process(legal_basis="GDPR 7 IX"), ["LGPD has one", "LGPD art. 7º, IX"]),
    (process(legal_basis="LGPD 6(1)(f)"), ["no legal basis of LGPD", "GDPR Art. 6(1)(f)"]),
    (process(legal_basis="7 IX"), ["say the law", "GDPR, LGPD"]),
    (process(legal_basis="CCPA 1"), ["say the law"]),
    (process(legal_basis="GDPR 46(2)(c)"), ["cannot stand here", "basis of a transfer"]),
    (process(legal_basis="LGPD 16 I"), ["basis of a retention"]),
    (process(legal_basis="eu-gdpr:A6-1-z"), ["say the law"]),
    (process(retention="forever"), ["processes[0].retention", "no period", "5 years"]),
    (process(retention="{for: customers}"), ["neither 'period' nor 'event'"]),
    (process(retention="{period: P5Y, basis: GDPR 6(1)(a)}"), ["retention.basis", "cannot stand"]),
    (process(locations="Atlantis"), ["is no country"]),
    (process(locations="[BR, Brasill]"), ["locations[1]", "did you mean BR"]),
    (process(transfers="{from: BR}"), ["processes[0].transfers", "has no 'to'"]),
    (process(transfers="{to: US, valid_from: 2026-13-01}"), ["is no day"]),
    (process(transfers="{to: US, valid_from: 2026-02-01, valid_until: 2026-01-01}"),
     ["ends on 2026-01-01, before"]),
    (process(transfers="{to: US, basis: GDPR 6(1)(a)}"), ["is a legal_basis"]),
    (process(transfers="US"), ["takes keys: to, from"]),
    (process(controller="Nobody"), ["is no organisation of this file"]),
    (process(data_subjects="passenger"), ["is no subject"]),
    (process(data_subjects="custommer"), ["did you mean 'Customer'"]),
    (process(personal_data="E-Mail Adress"), ["did you mean 'EmailAddress'"]),
    (process(purpose="dpv:Marketting"), ["no purpose that is declared", "'Marketing'"]),
    (process(automated_decision="maybe"), ["neither true nor false"]),
    (process(automated_decision="1"), ["neither true nor false"]),
    (process(description="[a, b]"), ["takes one value"]),
    (process(description="{a: b}"), ["takes plain text"]),
    (process(description=""), ["has no value; leave the key out"]),
    (process(purpose="[]"), ["the list is empty"]),
    (process(purpose="[[a]]"), ["takes plain text"]),
    (process(not_applicable="{field: 30-1-d}"), ["has no 'because'"]),
    (process(datasets="customers@2"), ["name the dataset: 'customers'"]),
    (process(acts_as="boss"), ["is no role"]),
    (process(remarks="!!python/object/apply:os.system [ls]"), ["plain text, lists and keys"]),
    (process() + "  - name: p\n", ["the same name is there twice, first at line 2"]),
    (process(remarks="a") + "    remarks: b\n", ["the key is there twice, first on line 3"]),
    ("processes: [\n", ["does not parse as YAML", "line 2"]),
    ("a: b: c\n", ["does not parse as YAML", "line 1, column 5"]),
    ("--- {}\n--- {}\n", ["does not parse", "document"]),
    ("processes:\n\t- name: p\n", ["line 2", "does not parse"]),
    (b"processes:\n  - name: caf\xe9\n", ["is not UTF-8", "byte 24"]),
    ("x: \x01\n", ["does not parse"]),
    ("[" * 5_000, ["levels deep"]),
    ("processes: &a\n  - *a\n", ["references repeat"]),
    ("processes: [" + "x," * 60_000 + "]", ["more than 50,000 values"]),
    ("processes:\n  - name: " + "x" * 5_000, ["longer than 300 characters"]),
    ("x: " + "a" * LARGEST_BYTES, ["is larger than"]),
    ("assessments:\n  - {method: m, outcome: anonymous, date: 2026-01-01, reviewer: r}\n",
     ["has no 'dataset' or 'model'"]),
    ("assessments:\n  - {dataset: customers, method: m, outcome: maybe, date: x, reviewer: r}\n",
     ["no recorded version of a dataset; write it as 'name@2'", "is no outcome", "no day"]),
    ("withdrawals:\n  - {request: R-1, process: nothing, date: 2026-01-01}\n",
     ["withdrawals[0].process: is no process of this file"]),
]  # fmt: skip


@pytest.mark.parametrize(
    "who",
    ["529.982.247-25", "52998224725", "CPF-52998224725", "ana@ana.example", "ana", "Ana-Souza",
     "ANA.SOUZA", "ana.souza", "ana-1", "SOUZA-1985", "12.345.678-9", "11-98765-4321",
     "536-90-4399", "12/03/1985", "+5511987654321", "20260017", "R-", "7bc1"],
)  # fmt: skip
def test_a_request_is_named_by_an_opaque_id_and_by_nobody(
    who: str, graph: Graph, tmp_path: Path
) -> None:
    line = f'withdrawals:\n  - {{request: "{who}", process: p, date: 2026-01-01}}\n'
    with pytest.raises(DeclarationError, match="nothing that tells who asked") as refused:
        graph.apply(write(tmp_path, process() + line))
    assert "withdrawals[0].request" in str(refused.value)
    assert who not in str(refused.value).replace("such as R-2026-17", "")


@pytest.mark.parametrize(
    "opaque",
    ["R-2026-17", "R-1", "17", "2026/0017", "DSR.2026.1234567",
     "0c898791-6efc-4410-983d-c1346e1cb390", "0C898791-6EFC-4410-983D-C1346E1CB390"],
)  # fmt: skip
def test_a_number_of_a_register_and_a_uuid_are_opaque(
    opaque: str, graph: Graph, tmp_path: Path
) -> None:
    line = f'withdrawals:\n  - {{request: "{opaque}", process: p, date: 2026-01-01}}\n'
    assert graph.apply(write(tmp_path, process() + line)).changes


def test_no_fault_repeats_a_value_that_could_be_of_a_person(graph: Graph, tmp_path: Path) -> None:
    ana = "Ana Plantada"
    twice = f"organisations:\n  - {{name: {ana}}}\n  - {{name: {ana}}}\n"
    found = f"method: m, outcome: {ana}, date: {ana}, reviewer: r"
    keys = ("controller", "legal_basis", "locations", "data_subjects", "personal_data", "retention",
            "scale", "acts_as", "automated_decision", "human_involvement")  # fmt: skip
    for text in (
        twice,
        f"assessments:\n  - {{dataset: {ana}, {found}}}\n",
        f"withdrawals:\n  - {{request: {ana}, process: {ana}, date: {ana}}}\n",
        process(purpose="dpv:Plantada"),
        process(transfers=f"{{to: {ana}, valid_from: {ana}}}"),
        process(retention=f"5 {ana}"),
        *(process(**{key: ana}) for key in keys),
    ):
        with pytest.raises(DeclarationError) as refused:
            graph.apply(write(tmp_path, text))
        said = "".join(traceback.format_exception(refused.value))
        assert "Plantada" not in said.replace(text, "") and "line" in said, text


def test_a_file_at_fault_is_refused_with_the_place_and_what_to_write(
    graph: Graph, tmp_path: Path
) -> None:
    before = head(graph)
    for text, wanted in BAD:
        path = write(tmp_path, text)
        with pytest.raises(DeclarationError) as refused:
            graph.apply(path)
        said = str(refused.value)
        assert str(path) in said
        assert [part for part in wanted if part not in said] == [], f"{text[:80]!r}\n{said}"
    with pytest.raises(DeclarationError, match="cannot be read"):
        graph.apply(tmp_path / "nothing.yaml")
    assert head(graph) == before
    assert graph.processes() == []


def test_references_that_multiply_are_refused_before_they_fill_the_memory(
    graph: Graph, tmp_path: Path
) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    for n in range(1, 9):
        lines.append(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]")
    with pytest.raises(DeclarationError, match="references repeat"):
        graph.apply(write(tmp_path, "\n".join(lines)))


def test_every_fault_of_a_file_is_told_at_once(graph: Graph, tmp_path: Path) -> None:
    text = process(purpos="a", retention="soon", locations="Atlantis", legal_basis="GDPR 99")
    with pytest.raises(DeclarationError) as refused:
        graph.apply(write(tmp_path, text))
    assert [line for line in str(refused.value).splitlines() if "line" in line][3:]


TURTLE = """
@prefix dpv: <https://w3id.org/dpv#> .
@prefix lg: <https://w3id.org/lineage-graph#> .
@prefix eu-gdpr: <https://w3id.org/dpv/legal/eu/gdpr#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
<urn:lineage-graph:process:billing> a dpv:Process ; dcterms:title "billing" ;
"""


def test_turtle_is_read_in_the_shape_of_the_graph_and_unknown_terms_are_refused(
    graph: Graph, tmp_path: Path
) -> None:
    good = TURTLE + (
        ' dpv:hasLegalBasis eu-gdpr:A6-1-b ; dpv:hasStorageCondition [ dpv:hasDuration "P24M" ] ;'
        " lg:automatedDecision false ."
    )
    assert graph.apply(write(tmp_path, good, "good.ttl"))
    (billing,) = graph.processes()
    assert billing["retention"] == [{"period": "P2Y"}]
    assert billing["automated_decision"] == "false"
    for wrong, part in (
        (" dpv:hasPurpos dpv:Marketing .", "unknown key 'dpv:hasPurpos'"),
        (" dpv:hasLegalBasis eu-gdpr:A6-1-z .", "legal basis"),
        (' dpv:hasStorageCondition [ dpv:hasDuration "soon" ] .', "is no period"),
        (" a dpv:Process . <urn:x> a dpv:Thing .", "<urn:x>: is none of"),
        (" dpv:hasPurpose", "does not parse"),
    ):
        with pytest.raises(DeclarationError) as refused:
            graph.apply(write(tmp_path, TURTLE + wrong, "wrong.ttl"))
        assert part in str(refused.value)
    with pytest.raises(DeclarationError, match="is empty"):
        graph.apply(write(tmp_path, "", "empty.ttl"))


def test_assessments_and_withdrawals_are_about_what_is_recorded_and_nobody_is_named(
    graph: Graph, tmp_path: Path
) -> None:
    text = SMALL + (
        "assessments:\n"
        "  - {dataset: customers@2, method: k >= 12, outcome: anonymous, date: 2026-05-01,"
        " reviewer: privacy team, singling_out: no}\n"
        "  - {model: churn@1, method: attack, outcome: not anonymous, date: 2026-05-02,"
        " reviewer: privacy team}\n"
        "withdrawals:\n"
        "  - {request: R-2026-17, process: billing, purpose: marketing, date: 2026-05-01}\n"
    )
    path = write(tmp_path, text)
    assert graph.apply(path)
    assert not graph.apply(path)
    found = current(graph)
    of = rdflib.Namespace(IRI("lg:about").removesuffix("about"))
    (assessed,) = found.subjects(rdflib.RDF.type, of.AnonymisationAssessment)
    version = graph._catalogue.version("customers@2", None)
    assert str(found.value(assessed, of.about)) == version
    assert str(found.value(assessed, of.outcome)) == "anonymous"
    assert list(found.subjects(rdflib.RDF.type, of.ModelAnonymityAssessment))
    (withdrawal,) = found.objects(rdflib.URIRef(named("process", "billing")), of.consentWithdrawal)
    assert str(withdrawal) == "urn:lineage-graph:consent-withdrawal:R-2026-17"
    assert graph.validate() == []


def test_every_key_fills_a_field_of_its_record_and_a_term_of_the_context() -> None:
    for form in (*FORMS.values(), *PARTS.values()):
        for key in form.keys:
            assert key.term in bundled().terms
            annotation = form.record.__dataclass_fields__[key.term].type
            assert (annotation == "Many") == key.many, key


def test_the_commands_apply_show_and_list(
    graph: Graph, tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main(["--store", str(store), *map(str, arguments)])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    path = write(tmp_path, SMALL)
    before = head(graph)
    assert run("processes")[2].startswith("No process is declared")
    status, out, err = run("apply", path, "--dry-run")
    assert (status, head(graph)) == (0, before)
    assert "legal_basis" in out
    assert "Nothing was written" in err
    status, out, err = run("apply", path)
    assert status == 0
    assert f"entry {before + 1} of the ledger" in err
    status, out, _ = run("apply", path, "--json")
    assert (status, json.loads(out)["changes"], json.loads(out)["unchanged"]) == (0, [], 2)
    status, out, _ = run("processes", "--json")
    assert json.loads(out)[0]["purpose"] == ["PaymentManagement"]
    assert "Ana Ltda" in run("processes")[1]
    status, out, err = run("apply", write(tmp_path, process(purpos="x"), "bad.yaml"))
    assert status == 1
    assert "line 3, column 5" in err


def test_the_example_of_the_manual_can_be_applied_and_its_keys_are_all_there_are(
    graph: Graph, tmp_path: Path
) -> None:
    manual = (ROOT / "docs" / "processing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    assert graph.apply(write(tmp_path, example)).seq
    assert graph.processes()[0]["legal_basis"] == ["eu-gdpr:A6-1-b", "lgpd:A7-V"]
    table = "\n".join(line for line in manual.splitlines() if line.startswith("| `"))
    for form in (*FORMS.values(), *PARTS.values()):
        assert [key.name for key in form.keys if f"`{key.name}`" not in table] == []
