"""What columns mean: cases as files, and what holds for every table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import rdflib

from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import DeclarationError, NotFound
from lineage_graph.executors import Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.privacy.checks import column_check
from lineage_graph.privacy.columns import Column
from lineage_graph.privacy.recognition import Recogniser
from lineage_graph.privacy.rules import Rules
from lineage_graph.privacy.types import SemanticTypes
from lineage_graph.privacy.validators import LIBRARIES, releases, validator
from lineage_graph.privacy.values import Label

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "conformance" / "privacy"
DECLARED = Declared(bundled())
TYPES = SemanticTypes(DECLARED, bundled())
RECOGNISER = Recogniser(TYPES, DECLARED)


def table(path: Path, encoding: str = "utf-8") -> dict[str, list[str]]:
    with path.open(encoding=encoding, newline="") as lines:
        header, *rows = csv.reader(lines)
    return {name: [row[at] for row in rows if row[at]] for at, name in enumerate(header)}


def labels(columns: dict[str, list[str]], **datatypes: str) -> dict[str, Label]:
    rows = max(map(len, columns.values()), default=0)
    return {label.column: label for label in RECOGNISER.labels(Sample(7, rows, columns), datatypes)}


def short(label: Label) -> str | None:
    return TYPES.get(label.semantic_type).name if label.semantic_type else None


def named(found: dict[str, Label], test: Any) -> list[str]:
    holding = {name: one for name, one in found.items() if one.holds and one.semantic_type}
    return [name for name, one in holding.items() if test(TYPES.get(one.semantic_type or ""))]


@pytest.mark.parametrize(
    "case",
    [case for case in sorted(CASES.iterdir()) if (case / "table.csv").exists()],
    ids=lambda case: str(case.name),
)
def test_the_columns_of_a_case_get_the_labels_that_it_expects(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    columns = table(case / "table.csv", expected.get("encoding", "utf-8"))
    found = labels(columns, **expected.get("datatypes", {}))
    assert {name: [short(one), one.status] for name, one in found.items()} == expected["labels"]
    tests = {
        "personal": lambda one: bool(one.categories),
        "gdpr_article_9": lambda one: one.gdpr == "GDPR Art. 9(1)",
        "lgpd_sensitive": lambda one: one.lgpd == "LGPD art. 5º, II",
        "possible_proxy": lambda one: one.possible_proxy,
        "direct": lambda one: one.role == "DirectIdentifier",
    }
    for question, test in tests.items():
        if question in expected:
            assert named(found, test) == expected[question], question


def test_a_label_says_why() -> None:
    cpf = labels({"cpf": ["529.982.247-25", "111.444.777-35", "111.444.777-36"]})["cpf"]
    assert (cpf.header, cpf.validators, cpf.sample_size, cpf.seed) == ("cpf", ("cpf",), 3, 7)
    assert cpf.value_share is not None and cpf.value_share > 0.6
    assert cpf.recogniser == RECOGNISER.digest and len(RECOGNISER.digest) == 64


@pytest.mark.parametrize(
    "header",
    ["", "🙂", "observaÃ§Ã£o", "RaÃ§a/Cor", "a" * 5000, "\x00", "\ud800", "123", "ação", "_", "%"],
)
@pytest.mark.parametrize(
    "datatype", ["string", "int", "array<struct<a:int>>", "binary", "void", ""]
)
def test_a_strange_header_or_datatype_still_gets_a_label(header: str, datatype: str) -> None:
    found = labels({header: ["x", "\ud800", "1", ""]}, **{header: datatype})
    assert list(found) == [header]


def test_a_header_in_a_wrong_encoding_is_read_as_it_was_meant() -> None:
    found = labels({"RaÃ§a/Cor": ["1", "2"], "Raça/Cor": ["1", "2"], "RACA_COR": ["1", "2"]})
    assert {short(label) for label in found.values()} == {"race"}


def test_a_boolean_is_no_email_and_a_float_no_cpf() -> None:
    columns = {"email": ["true", "false"], "cpf": ["52998224725.0", "11144477735.0"]}
    found = labels(columns, email="boolean", cpf="double")
    assert [short(label) for label in found.values()] == ["boolean", "continuous"]


def test_a_cpf_that_lost_its_leading_zero_as_a_number_is_the_same_person() -> None:
    cpf = TYPES.named("CPF")
    assert cpf.canonical("012.345.678-90") == cpf.canonical(" 1234567890 ") == "01234567890"
    assert cpf.valid("1234567890") and not cpf.valid("012.345.678-91")
    assert not cpf.valid("111.111.111-11") and not cpf.valid("")


def test_both_forms_of_a_company_number_are_valid() -> None:
    cnpj = TYPES.named("cnpj")
    assert cnpj.valid("11.222.333/0001-81") and cnpj.valid("12.ABC.345/01DE-35")
    assert not cnpj.valid("12.ABC.345/01DE-36")


def test_a_name_that_no_type_has_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="'cpf'"):
        TYPES.named("cfp")
    with pytest.raises(NotFound):
        TYPES.get("urn:none")
    assert TYPES.named(" EMAIL ").iri == TYPES.named("email").iri


def test_bare_digits_are_a_telephone_number_only_by_their_name() -> None:
    numbers = ["11987654321", "21912345678", "31999998888"]
    assert short(labels({"telefone": numbers})["telefone"]) == "phone"
    assert short(labels({"codigo_x": numbers})["codigo_x"]) == "continuous"


def test_spellings_of_one_identifier_are_the_same_and_what_has_others_is_not_looked_up() -> None:
    for name, one, other in (
        ("iban", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("passport", "FZ123456", "fz 123456"),
        ("rg", "12.345.678-X", "12345678x"),
        ("vehicle_plate", "ABC-1D23", "abc1d23"),
        ("uuid", "{0C898791-6EFC-4410-983D-C1346E1CB390}", "0c8987916efc4410983dc1346e1cb390"),
        (
            "uuid",
            "urn:uuid:0c898791-6efc-4410-983d-c1346e1cb390",
            "0c8987916efc4410983dc1346e1cb390",
        ),
        ("mac_address", "AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22"),
    ):
        type_ = TYPES.named(name)
        assert type_.canonical(one) == type_.canonical(other), name
        assert type_.valid(one) and type_.valid(other), name
    assert not any(TYPES.named(name).indexable for name in ("phone", "pix_key", "ip_address"))


def test_what_stands_for_no_value_names_nobody() -> None:
    nothing = ("", "-", "--", "?", "N/A", "n/a", "NA", "null", "None", "0", "000", "NaN",
               "unknown", "Não informado", "nao informado", "sem cadastro", "not given",
               "desconhecido")  # fmt: skip
    some = {"username": "ana_souza", "email": "Ana@example.org", "uuid": "c" * 31 + "1",
            "mac_address": "aa:bb:cc:dd:ee:ff", "iban": "GB33BUKB20201555555555",
            "cpf": "52998224725", "ssn": "536-90-4399"}  # fmt: skip
    for type_ in TYPES.all():
        if type_.indexable:
            said = [text for text in nothing if type_.names(text)]
            assert said == [], type_.name
            digits = "1234567890123456789"[: type_.width or 16]
            assert type_.names(some.get(type_.name, digits)), type_.name
    cpf = TYPES.named("cpf")
    assert not any(map(cpf.names, ("111.111.111-11", "NAOINFORMAD", "123456789012")))


def test_every_type_has_labels_in_both_languages_a_role_and_a_name_of_its_own() -> None:
    types = TYPES.all()
    assert len(types) == 83 and len({one.name for one in types}) == 83
    assert all(set(one.labels) == {"en", "pt-BR"} for one in types)
    personal = {one.name for one in types if one.categories}
    assert personal == {one.name for one in types if one.role != "NotPersonalByItself"}
    assert all(one.role == "DirectIdentifier" for one in types if one.indexable)
    assert {one.name for one in types if one.gdpr == "GDPR Art. 9(1)"} == {
        one.name for one in types if one.lgpd == "LGPD art. 5º, II"
    }


def test_every_declared_check_exists_and_refuses_nonsense_without_raising() -> None:
    for rules in Rules(DECLARED).types:
        for one in rules.evidence:
            if one.validator:
                assert not validator(one.validator)("\ud800☃ nonsense")
            if one.check:
                assert column_check(one.check)(Column("x", ["☃"])) == [False]
    with pytest.raises(DeclarationError, match="python-stdnum"):
        validator("stdnum:br.nothing")
    with pytest.raises(DeclarationError, match="birth-dates"):
        column_check("nothing")


@pytest.mark.parametrize("prefix", ["dpv", "pd"])
def test_terms_of_data_privacy_exist_in_the_published_vocabulary(prefix: str) -> None:
    published = ROOT.parent / "shared" / "vocab" / f"{prefix}.ttl"
    if not published.is_file():
        pytest.skip(f"not compared: {published} is absent")
    known = {str(term) for term in rdflib.Graph().parse(published).subjects()}
    used = rdflib.Graph().parse(ROOT / "ontology" / "semantic-types.ttl")
    namespace = bundled().prefixes[prefix]
    terms = {str(t) for triple in used for t in triple if str(t).startswith(namespace)}
    assert terms and terms <= known


OWN_TYPE = """
@prefix lg: <https://w3id.org/lineage-graph#> .
@prefix csvw: <http://www.w3.org/ns/csvw#> .
@prefix dpv: <https://w3id.org/dpv#> .
@prefix pd: <https://w3id.org/dpv/pd#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix own: <https://bank.example/types/> .

own:Pesel a lg:SemanticType ;
  csvw:name "pesel" ;
  rdfs:label "Polish personal number"@en , "número pessoal polonês"@pt-BR ;
  dpv:hasPersonalData pd:OfficialID ;
  lg:identifierRole lg:DirectIdentifier ;
  lg:indexable true ; lg:removes "[ -]" ; lg:validator "stdnum:pl.pesel" ;
  lg:datatypeFamily "text" , "integer" ;
  lg:headerName "ewidencja" ; lg:leastSupport 0.15 ; lg:acceptedFrom 0.9 ;
  lg:valueEvidence
    [ lg:valuePattern "\\\\d{11}" ; lg:validator "stdnum:pl.pesel" ; lg:weight 0.96 ] .
"""


def test_an_organisation_adds_a_type_in_turtle_alone(tmp_path: Path) -> None:
    (tmp_path / "ontology").mkdir()
    (tmp_path / "ontology" / "own-types.ttl").write_text(OWN_TYPE, encoding="utf-8")
    declarations = Declarations(tmp_path)
    declared = Declared(declarations)
    types = SemanticTypes(declared, declarations)
    recogniser = Recogniser(types, declared)
    sample = Sample(1, 3, {"_c9": ["44051401359", "02070803628", "44051401359"]})
    label = recogniser.labels(sample, {})[0]
    assert (label.semantic_type, label.status) == (types.named("pesel").iri, "accepted")
    assert types.named("pesel").valid("440514-01359")
    assert recogniser.digest != RECOGNISER.digest
    assert Recogniser(types, declared).digest == recogniser.digest


def test_a_rule_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "ontology").mkdir()
    own = tmp_path / "ontology" / "own.ttl"
    for wrong, said in (
        (OWN_TYPE.replace('"\\\\d{11}"', '"(["'), "no regular expression"),
        (OWN_TYPE.replace('"stdnum:pl.pesel" ; lg:weight', '"polish" ; lg:weight'), "no check"),
        (OWN_TYPE.replace("lg:weight", "lg:valueList own:none ; lg:weight"), "lg:ValueList"),
    ):
        own.write_text(wrong, encoding="utf-8")
        declarations = Declarations(tmp_path)
        declared = Declared(declarations)
        recogniser = Recogniser(SemanticTypes(declared, declarations), declared)
        with pytest.raises(DeclarationError, match=said):
            recogniser.labels(Sample(1, 1, {"_c9": ["44051401359"]}), {})


def test_the_digest_follows_the_releases_of_what_checks_values() -> None:
    rules = Rules(DECLARED)
    assert set(releases()) == set(LIBRARIES) and "absent" not in releases().values()
    assert rules.digest("phonenumbers 9.0.1") != rules.digest("phonenumbers 9.0.2")
    assert rules.digest("x") == Rules(Declared(bundled())).digest("x")
