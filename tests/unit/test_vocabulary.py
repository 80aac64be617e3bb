"""Every name has a meaning: ours are declared below a standard's, a standard's exist."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyoxigraph
import pytest
import rdflib
from rdflib import RDF, RDFS

from lineage_graph.declarations import bundled

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "vocab"
FILES = {
    "prov": "prov.nq",
    "dcat": "dcat3.ttl",
    "mls": "MLSchema.ttl",
    "odrl": "ODRL22.ttl",
}
PRIVACY = {
    "dpv": "dpv.ttl",
    "pd": "pd.ttl",
    "eu-gdpr": "eu-gdpr.ttl",
    "ai": "ai.ttl",
    "loc": "loc.ttl",
    "risk": "risk.ttl",
}
FILES |= PRIVACY
STANDARDS = ("prov", "dcat", "dcterms", "mls", "odrl", "csvw", "pplan", "skos", "dpv")
LINKS = tuple(map(str, (RDFS.subClassOf, RDFS.subPropertyOf, rdflib.SKOS.broader)))


def declared() -> rdflib.Graph:
    graph = rdflib.Graph()
    for path in sorted((ROOT / "ontology").glob("*.ttl")):
        graph.parse(path)
    return graph


LINEAGE = declared()


def ours(graph: rdflib.Graph) -> set[str]:
    namespace = bundled().prefixes["lg"]
    terms = {str(term) for triple in graph for term in triple if isinstance(term, rdflib.URIRef)}
    return {term for term in terms if term.startswith(namespace) and term != namespace}


def above(term: rdflib.URIRef) -> set[str]:
    return {
        str(parent)
        for link in (RDFS.subClassOf, RDFS.subPropertyOf)
        for parent in LINEAGE.transitive_objects(term, link)
    }


@pytest.mark.parametrize(
    "term", sorted(i for i in bundled().terms.values() if i.startswith(bundled().prefixes["lg"]))
)
def test_a_term_of_ours_is_declared_below_a_standard_term(term: str) -> None:
    node = rdflib.URIRef(term)
    standards = tuple(bundled().prefixes[name] for name in STANDARDS)
    assert any(parent.startswith(standards) for parent in above(node))


@pytest.mark.parametrize(
    "term",
    sorted(
        str(term)
        for kind in (RDFS.Class, RDF.Property)
        for term in LINEAGE.subjects(RDF.type, kind)
        if str(term) in ours(LINEAGE)
    ),
)
def test_a_class_or_property_of_ours_is_below_a_standard_term(term: str) -> None:
    standards = tuple(bundled().prefixes[name] for name in STANDARDS)
    names = (*standards, str(RDFS.Class))
    assert any(parent.startswith(names) for parent in above(rdflib.URIRef(term)) - {term})


def test_what_is_of_a_kind_of_ours_is_of_a_declared_one() -> None:
    classes = set(LINEAGE.subjects(RDF.type, RDFS.Class))
    kinds = {
        kind
        for kind in LINEAGE.objects(None, RDF.type)
        if str(kind).startswith(bundled().prefixes["lg"])
    }
    assert kinds <= classes


def test_an_action_of_ours_is_part_of_a_standard_one() -> None:
    odrl = rdflib.Namespace(bundled().prefixes["odrl"])
    for action in LINEAGE.subjects(RDF.type, odrl.Action):
        if str(action) in ours(LINEAGE):
            above_it = LINEAGE.transitive_objects(action, odrl.includedIn)
            assert any(str(one).startswith(odrl) for one in above_it), action


@pytest.mark.parametrize("term", sorted(ours(LINEAGE)))
def test_a_term_of_ours_is_labelled_in_both_languages_and_explained(term: str) -> None:
    node = rdflib.URIRef(term)
    labels = list(LINEAGE.objects(node, RDFS.label))
    languages = {label.language for label in labels if isinstance(label, rdflib.Literal)}
    assert languages == {"en", "pt-BR"}
    assert LINEAGE.value(node, RDFS.comment)
    assert LINEAGE.value(node, RDF.type)


@pytest.mark.parametrize(
    "path",
    [*bundled().ontology_files(), *bundled().shapes_files()],
    ids=lambda path: str(path.relative_to(ROOT / "ontology")),
)
def test_every_file_uses_only_declared_terms_of_ours(path: Path) -> None:
    used = ours(rdflib.Graph().parse(path))
    assert used <= ours(LINEAGE)


def test_every_query_uses_only_declared_terms_of_ours() -> None:
    known = {term.rpartition("#")[2] for term in ours(LINEAGE)}
    for query in bundled().queries():
        used = set(re.findall(r"(?<![\w-])lg:([A-Za-z][\w-]*)", query.text))
        assert used <= known, query.name


@cache
def published(name: str) -> frozenset[pyoxigraph.Quad]:
    return frozenset(pyoxigraph.parse(path=str(PUBLISHED / FILES[name]), lenient=True))


@cache
def said() -> frozenset[pyoxigraph.Quad]:
    files = (*bundled().ontology_files(), *bundled().shapes_files())
    return frozenset(quad for path in files for quad in pyoxigraph.parse(path=str(path)))


def require_published() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip(f"not compared: {PUBLISHED} is absent")


@pytest.mark.parametrize("name", sorted(FILES))
def test_standard_terms_exist_in_the_published_vocabulary(name: str) -> None:
    require_published()
    namespace = bundled().prefixes[name]
    used = {term for term in bundled().terms.values() if term.startswith(namespace)}
    used |= {
        term.value
        for quad in said()
        for term in (quad.subject, quad.predicate, quad.object)
        if isinstance(term, pyoxigraph.NamedNode) and term.value.startswith(namespace)
    }
    known = {
        q.subject.value for q in published(name) if isinstance(q.subject, pyoxigraph.NamedNode)
    }
    assert used - {namespace} <= known


@pytest.mark.parametrize("name", sorted(PRIVACY))
def test_what_stands_below_what_in_dpv_stands_there_in_the_published_vocabulary(name: str) -> None:
    require_published()
    namespace = bundled().prefixes[name]
    special = bundled().iri("dpv:SpecialCategoryPersonalData")

    def links(quads: Iterable[pyoxigraph.Quad]) -> set[tuple[str, str, str]]:
        return {
            (q.subject.value, q.predicate.value, q.object.value)
            for q in quads
            if isinstance(q.subject, pyoxigraph.NamedNode)
            and isinstance(q.object, pyoxigraph.NamedNode)
            and q.subject.value.startswith(namespace)
            and (q.predicate.value in LINKS or q.object.value == special)
        }

    assert links(said()) <= links(published(name))
