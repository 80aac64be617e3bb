"""What other tools read: PROV in its own notations, and compact JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from prov.model import (
    ProvActivity,
    ProvAssociation,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvRecord,
    ProvUsage,
)

from lineage_graph.declarations import Declarations, bundled
from lineage_graph.graph.provenance import FORMATS, prov_document
from lineage_graph.stores.compaction import compacted
from lineage_graph.stores.rdf import convert, parse

EVERYTHING = Path("tests/conformance/records/everything.nq")
PROV = bundled().prefixes["prov"]
XSD = bundled().prefixes["xsd"]


def triples(*statements: str) -> bytes:
    text = "\n".join((f"@prefix prov: <{PROV}> .", "@prefix : <urn:lineage-graph:> .", *statements))
    return convert(text.encode(), "turtle", "ntriples")


def read(statements: bytes, format: str = "prov-json") -> ProvDocument:
    text = prov_document(statements, Declarations(), format).decode()
    return ProvDocument.deserialize(content=text, format=FORMATS[format])


def uris(record: ProvRecord) -> list[str | None]:
    return [getattr(value, "uri", value) for _, value in record.formal_attributes]


def only(document: ProvDocument, kind: type[ProvRecord]) -> Any:
    (record,) = document.get_records(kind)
    return record


def test_both_notations_say_the_same_of_everything_that_is_recorded() -> None:
    statements = convert(EVERYTHING.read_bytes(), "nquads", "ntriples")
    document = read(statements)
    assert document == read(statements, "prov-n")
    named = {str(r.identifier.uri) for r in document.get_records() if r.identifier is not None}
    described = {str(quad.subject)[1:-1] for quad in parse(statements, "ntriples")}
    shared = {"urn:x:association", "urn:x:usage"}
    assert described - named == shared


def test_no_relation_of_prov_is_left_out() -> None:
    statements = convert(EVERYTHING.read_bytes(), "nquads", "ntriples")
    relations = {
        (str(quad.subject)[1:-1], str(quad.object)[1:-1])
        for quad in parse(statements, "ntriples")
        if quad.predicate.value.startswith(f"{PROV}was") or quad.predicate.value == f"{PROV}used"
    }
    stated = set()
    for record in read(statements).get_records():
        first, second, *_ = [*uris(record), None, None]
        stated.add((first, second))
    assert relations <= stated


def test_usage_association_and_derivation_keep_what_qualifies_them() -> None:
    document = read(
        triples(
            ":run:1 a prov:Activity ; prov:used :version:a ; prov:qualifiedUsage :usage:1 ;",
            "  prov:wasAssociatedWith :agent:1 ; prov:qualifiedAssociation :association:1 .",
            ":usage:1 prov:entity :version:a ; <https://w3id.org/lineage-graph#slot> 'input:0' .",
            ":association:1 prov:agent :agent:1 ; prov:hadPlan :plan:1 .",
            ":version:b prov:wasDerivedFrom :version:a ; prov:qualifiedDerivation :derivation:1 .",
            ":derivation:1 a <https://w3id.org/lineage-graph#Filter> , prov:Derivation ;",
            "  prov:entity :version:a ; prov:hadActivity :run:1 .",
        )
    )
    own = "urn:lineage-graph:"
    usage = only(document, ProvUsage)
    assert uris(usage)[:2] == [f"{own}run:1", f"{own}version:a"]
    assert [(str(name), value) for name, value in usage.extra_attributes] == [
        ("lg:slot", "input:0")
    ]
    assert uris(only(document, ProvAssociation)) == [
        f"{own}{name}" for name in ("run:1", "agent:1", "plan:1")
    ]
    derivation = only(document, ProvDerivation)
    assert uris(derivation)[:3] == [f"{own}{name}" for name in ("version:b", "version:a", "run:1")]
    assert [str(kind) for kind in derivation.get_asserted_types()] == ["lg:Filter"]


def test_times_are_those_of_activities_and_generations() -> None:
    day = f'"2026-01-02T03:04:05Z"^^<{XSD}dateTime>'
    document = read(
        triples(
            f":run:1 a prov:Activity ; prov:startedAtTime {day} ; prov:endedAtTime {day} .",
            f":version:a a prov:Entity ; prov:generatedAtTime {day} .",
        )
    )
    run = only(document, ProvActivity)
    assert run.get_startTime() == run.get_endTime() is not None
    assert uris(only(document, ProvGeneration))[1:] == [None, run.get_endTime()]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "iri",
    [
        "urn:lineage-graph:dataset:a%20b%2Fc",
        "urn:lineage-graph:version:0#col%C3%A9",
        "urn:lineage-graph:x",
        "https://example.org/",
        "https://example.org/a/b/",
        "https://example.org/q?x=1&y=(2),'3';*4",
        "file:///data/flights.csv",
        "urn:isbn:1",
        "http://spdx.org/licenses/MIT",
    ],
)
def test_every_name_is_read_as_the_same_iri(iri: str, format: str) -> None:
    document = read(triples(f"<{iri}> a prov:Entity ."), format)
    assert only(document, ProvEntity).identifier.uri == iri


@pytest.mark.parametrize("format", FORMATS)
def test_values_keep_their_types(format: str) -> None:
    said = ['"é \\"q\\"\\n\\\\u0022"', "9223372036854775807", "1.5", "1.5e3", "true"]
    statement = " , ".join(said)
    document = read(triples(f":dataset:a a prov:Entity ; <urn:x:value> {statement} ."), format)
    values = {str(value) for _, value in only(document, ProvEntity).extra_attributes}
    assert 'é "q"\n\\u0022' in values
    assert any("9223372036854775807" in value and "integer" in value for value in values)
    assert len(values) == len(said)


def statements(nquads: bytes) -> set[str]:
    return {str(quad) for quad in parse(nquads, "nquads")}


def test_compact_json_ld_says_the_same_in_the_contexts_names() -> None:
    body = compacted(EVERYTHING.read_bytes())
    assert {str(quad) for quad in parse(body, "jsonld")} == statements(EVERYTHING.read_bytes())
    (bundle,) = json.loads(body)["@graph"]
    nodes = {node["id"]: node for node in bundle["@graph"]}
    assert nodes["urn:x:in"]["version_of"] == "urn:x:dataset"
    assert nodes["urn:x:model"]["type"] == ["Model", "Entity"]


IRIS = some.sampled_from(
    [
        *("urn:a:b", "https://example.org/x#y", "urn:lineage-graph:dataset:x"),
        *map(bundled().iri, ("used", "label", "order", "slot", "Entity", "rdf:type", "row_count")),
        *map(bundled().iri, ("prov:unknown", "generated_at", "replayable", "license-iri:MIT")),
    ]
)
TYPES = some.sampled_from(["string", "integer", "boolean", "double", "dateTime", "decimal", "date"])
TEXTS = some.one_of(
    some.text(some.characters(exclude_categories=["Cs"]), max_size=8),
    some.sampled_from(["1", "01", "-0", "true", "1.0", "2026-01-01", "9" * 20, "@id", "_:b"]),
)


@some.composite
def objects(draw: some.DrawFn) -> str:
    if draw(some.booleans()):
        return f"<{draw(IRIS)}>"
    literal = "".join(
        f"\\u{ord(c):04X}" if ord(c) < 0x10000 else f"\\U{ord(c):08X}" for c in draw(TEXTS)
    )
    kind = draw(some.one_of(some.none(), TYPES))
    return f'"{literal}"@pt' if kind is None else f'"{literal}"^^<{XSD}{kind}>'


@given(some.lists(some.tuples(IRIS, IRIS, objects(), some.one_of(some.none(), IRIS)), max_size=8))
def test_any_statement_survives_compaction(
    quads: Iterable[tuple[str, str, str, str | None]],
) -> None:
    text = "".join(f"<{s}> <{p}> {o}{f' <{g}>' if g else ''} .\n" for s, p, o, g in quads).encode()
    assert {str(quad) for quad in parse(compacted(text), "jsonld")} == statements(text)
