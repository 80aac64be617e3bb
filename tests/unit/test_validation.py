"""Shapes accept what is recorded, refuse what is broken, and agree with pySHACL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyshacl
import pytest
import rdflib

from lineage_graph import records
from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import DeclarationError, InvalidRecord
from lineage_graph.nquads import nquads
from lineage_graph.records import Record
from lineage_graph.stores.rdf import convert
from lineage_graph.validation import Validator

BUNDLE = "urn:lineage-graph:bundle:1"
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
HAPPENED: dict[str, Any] = {
    "label": "join",
    "started_at": START,
    "ended_at": END,
    "status": "completed",
    "used": ("urn:x:in",),
    "qualified_usage": ("urn:x:usage",),
    "associated_with": "urn:x:agent",
    "qualified_association": "urn:x:association",
    "environment": "urn:x:environment",
}
EVERYTHING = Path(__file__).parents[1] / "conformance" / "records" / "everything.nq"
DIGEST = "0123456789abcdef" * 4

CONFORMING: list[Record] = [
    records.Agent(id="urn:x:agent", label="somebody"),
    records.Person(id="urn:x:person"),
    records.SoftwareAgent(id="urn:x:software", label="spark"),
    records.Artifact(id="urn:x:artifact", sha256=DIGEST, byte_size=2**60, media_type="text/csv"),
    records.Dataset(
        id="urn:x:dataset",
        title="Flights",
        description="d",
        location="flights.csv",
        attributed_to="urn:x:agent",
        keyword=("a", "b"),
    ),
    records.Distribution(
        id="urn:x:distribution",
        location="/data/*.csv",
        format="csv",
        reader_options="{}",
        manifest="urn:x:artifact",
        snapshot="copy",
        byte_size=0,
    ),
    records.Content(
        id="urn:x:content", fingerprint=DIGEST, fingerprint_version="lgfp1", row_count=0, schema="s"
    ),
    records.Column(id="urn:x:column", name="á", datatype="bigint", order=0, column_digest="0f"),
    records.DatasetVersion(
        id="urn:x:in",
        version_of="urn:x:dataset",
        label="Flights",
        specialization_of="urn:x:content",
        generated_by="urn:x:activity",
        generated_at=END,
        derived_from=("urn:x:other",),
        qualified_derivation=("urn:x:derivation", "urn:x:inference"),
        distribution="urn:x:distribution",
        column=("urn:x:column",),
    ),
    records.Model(id="urn:x:model", title="Late"),
    records.ModelVersion(
        id="urn:x:model-version",
        version_of="urn:x:model",
        generated_by="urn:x:training",
        distribution="urn:x:distribution",
        feature=("urn:x:column",),
        label_column="urn:x:column",
    ),
    records.Implementation(id="urn:x:implementation", name="sklearn.X", version="1.9.0"),
    records.HyperParameterSetting(id="urn:x:setting", name="C", has_value="1.0"),
    records.FittedStep(
        id="urn:x:fitted",
        name="scale",
        order=0,
        executes="urn:x:implementation",
        step_of="urn:x:model-version",
        fingerprint=DIGEST,
        parameters="{}",
    ),
    records.ModelEvaluation(
        id="urn:x:evaluation",
        name="auc",
        has_value=0.5,
        evaluates="urn:x:model-version",
        measured_on="urn:x:in",
    ),
    records.Environment(id="urn:x:environment", facts="{}"),
    records.Plan(
        id="urn:x:plan",
        sha256=DIGEST,
        artifact="urn:x:artifact",
        executor="spark",
        replayable=False,
        caution=("why",),
    ),
    records.Step(
        id="urn:x:step",
        step_of="urn:x:plan",
        operator="urn:x:operator",
        order=1,
        preceded_by=("urn:x:step0",),
        parameters="a > 1",
        deterministic="by-order",
    ),
    records.Association(id="urn:x:association", agent="urn:x:agent", had_plan="urn:x:plan"),
    records.Usage(id="urn:x:usage", entity="urn:x:in", slot="input:0"),
    records.Derivation(
        id="urn:x:inference",
        entity="urn:x:model-version",
        had_activity="urn:x:training",
        kinds=("Inference",),
    ),
    records.Derivation(
        id="urn:x:derivation",
        entity="urn:x:in",
        had_activity="urn:x:activity",
        kinds=("BundleTogether", "Filter"),
        approximate=True,
    ),
    records.Activity(id="urn:x:activity", **HAPPENED),
    records.Training(
        id="urn:x:training",
        executes="urn:x:implementation",
        has_input=("urn:x:setting",),
        has_output=("urn:x:model-version",),
        seed=("7",),
        **HAPPENED,
    ),
    records.Replay(
        id="urn:x:replay",
        informed_by=("urn:x:activity",),
        verdict="different",
        evaluates="urn:x:in",
        **HAPPENED,
    ),
    records.Comparison(
        id="urn:x:comparison",
        generated_by="urn:x:replay",
        recorded="urn:x:in",
        verdict="identical",
    ),
    records.LicenseStatement(
        id="urn:x:statement",
        about="urn:x:in",
        license=("http://spdx.org/licenses/CC0-1.0",),
        license_expression="CC0-1.0",
        generated_at=END,
        attributed_to="urn:x:agent",
        said_by="LICENSE.txt",
        evidence="urn:x:artifact",
        evidence_location="LICENSE.txt",
        attribution_name="Ana",
        attribution_url="https://example.org/flights",
    ),
    records.Invalidated(
        id="urn:x:withdrawn", invalidated_by="urn:x:activity", because="it was withdrawn"
    ),
]
EXAMPLE: dict[type[Record], Any] = {type(record): record for record in CONFORMING}

BROKEN: list[tuple[type[Record], dict[str, Any], str]] = [
    (records.Agent, {"label": "ana@example.org"}, "label"),
    (records.Artifact, {"sha256": DIGEST.upper()}, "sha256"),
    (records.Artifact, {"byte_size": -1}, "byte_size"),
    (records.Artifact, {"media_type": "csv"}, "media_type"),
    (records.Dataset, {"title": ""}, "title"),
    (records.Distribution, {"snapshot": "both"}, "snapshot"),
    (records.LicenseStatement, {"license_expression": ""}, "license_expression"),
    (records.LicenseStatement, {"said_by": ""}, "said_by"),
    (records.LicenseStatement, {"attribution_name": ""}, "attribution_name"),
    (records.Distribution, {"location": ""}, "location"),
    (records.Distribution, {"reader_options": "header"}, "reader_options"),
    (records.Content, {"fingerprint": DIGEST + "0"}, "fingerprint"),
    (records.Column, {"order": -1}, "order"),
    (records.Column, {"datatype": ""}, "datatype"),
    (records.ModelEvaluation, {"has_value": 1}, "has_value"),
    (records.Plan, {"executor": "hive"}, "executor"),
    (records.Plan, {"sha256": "0"}, "sha256"),
    (records.Step, {"deterministic": "maybe"}, "deterministic"),
    (records.Usage, {"slot": ""}, "slot"),
    (records.Derivation, {"kinds": ()}, "rdf:type"),
    (records.Derivation, {"kinds": ("Entity",)}, "rdf:type"),
    (records.Activity, {"status": "asleep"}, "status"),
    (records.Activity, {"error": "cannot read 'Ana'"}, "error"),
    (records.Activity, {"started_at": END, "ended_at": START}, "started_at"),
    (records.Replay, {"verdict": "fine"}, "verdict"),
    (records.Replay, {"informed_by": ()}, "informed_by"),
    (records.Environment, {"facts": "x"}, "facts"),
]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(bundled())


def shapes_graph(*, store: bool) -> rdflib.Graph:
    graph = rdflib.Graph()
    for path in bundled().shapes_files():
        if (path.name == "store.ttl") == store:
            graph.parse(path)
    return graph


BUNDLE_SHAPES = shapes_graph(store=False)


def oracle(body: bytes) -> bool:
    data = rdflib.Graph().parse(data=convert(body, "nquads", "ntriples"), format="nt")
    conforms, _, _ = pyshacl.validate(data, shacl_graph=BUNDLE_SHAPES)
    assert isinstance(conforms, bool)
    return conforms


def test_there_is_an_example_of_every_noun() -> None:
    nouns = {
        value
        for value in vars(records).values()
        if isinstance(value, type) and issubclass(value, Record)
    }
    assert nouns - EXAMPLE.keys() == {Record, records.Version}


@pytest.mark.parametrize("record", CONFORMING, ids=lambda r: type(r).__name__)
def test_a_conforming_record_is_accepted_alone(validator: Validator, record: Record) -> None:
    body = nquads(BUNDLE, [record])
    assert validator.violations(body) == []
    assert oracle(body)


@pytest.mark.parametrize(
    ("noun", "change", "path"), BROKEN, ids=[f"{n.__name__}-{next(iter(c))}" for n, c, _ in BROKEN]
)
def test_a_broken_record_is_refused_with_its_property(
    validator: Validator, noun: type[Record], change: dict[str, Any], path: str
) -> None:
    body = nquads(BUNDLE, [replace(EXAMPLE[noun], **change)])
    assert path in {violation.path for violation in validator.violations(body)}
    assert not oracle(body)


def required() -> Iterator[Any]:
    for record in CONFORMING:
        for field in fields(record):
            optional = field.default is None or field.default == () or field.name == "id"
            if not optional:
                yield pytest.param(record, field.name, id=f"{type(record).__name__}-{field.name}")


@pytest.mark.parametrize(("record", "field"), list(required()))
def test_what_a_noun_requires_its_shape_requires(
    validator: Validator, record: Any, field: str
) -> None:
    empty = () if isinstance(getattr(record, field), tuple) else None
    body = nquads(BUNDLE, [replace(record, **{field: empty})])
    assert validator.violations(body)
    assert not oracle(body)


def test_a_bundle_of_everything_is_accepted_and_written_as_ever(validator: Validator) -> None:
    body = nquads(BUNDLE, CONFORMING)
    validator.check(body)
    assert body == EVERYTHING.read_bytes()


def test_a_refusal_says_what_where_and_how_to_mend_it(validator: Validator) -> None:
    broken = replace(EXAMPLE[records.Plan], executor="hive", id="urn:x:the-plan")
    with pytest.raises(InvalidRecord) as problem:
        validator.check(nquads(BUNDLE, [broken]))
    for part in ("urn:x:the-plan", "executor", "sklearn", "'hive'", "shape/Plan-executor"):
        assert part in str(problem.value)


def test_many_violations_are_counted_and_not_all_shown(validator: Validator) -> None:
    bad = [replace(EXAMPLE[records.Usage], id=f"urn:x:{n}", slot="") for n in range(9)]
    with pytest.raises(InvalidRecord, match="and 4 more"):
        validator.check(nquads(BUNDLE, bad))


def test_a_second_value_is_refused(validator: Validator) -> None:
    usage = EXAMPLE[records.Usage]
    body = nquads(BUNDLE, [usage, replace(usage, slot="input:1")])
    assert [v.path for v in validator.violations(body)] == ["slot"]
    assert not oracle(body)


def test_a_store_in_which_everything_is_described_conforms(validator: Validator) -> None:
    described = [
        *CONFORMING,
        records.DatasetVersion(id="urn:x:other"),
        replace(EXAMPLE[records.Step], id="urn:x:step0", preceded_by=()),
    ]
    assert validator.validate_store(nquads(BUNDLE, described)) == []


def test_what_is_referred_to_and_not_described_is_found(validator: Validator) -> None:
    (found,) = validator.validate_store(nquads(BUNDLE, [EXAMPLE[records.Usage]]))
    assert (found.node, found.path, found.value) == ("urn:x:usage", "entity", "urn:x:in")


def test_whole_store_shapes_agree_with_the_oracle(validator: Validator) -> None:
    shapes = shapes_graph(store=True)
    for record in CONFORMING:
        body = nquads(BUNDLE, [record])
        data = rdflib.Graph().parse(data=convert(body, "nquads", "ntriples"), format="nt")
        conforms, _, _ = pyshacl.validate(data, shacl_graph=shapes)
        assert conforms == (not validator.validate_store(body)), record


def test_every_shape_has_a_name_and_says_what_to_do() -> None:
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    graph = shapes_graph(store=False) + shapes_graph(store=True)
    for node in set(graph.subjects(sh.path)):
        assert isinstance(node, rdflib.URIRef)
        assert (node, sh.message, None) in graph, node
    for node in graph.subjects(rdflib.RDF.type, sh.NodeShape):
        assert isinstance(node, rdflib.URIRef)


def test_every_property_shape_is_used() -> None:
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    graph = shapes_graph(store=False) + shapes_graph(store=True)
    assert set(graph.subjects(sh.path)) == set(graph.objects(None, sh.property))


def test_an_organisations_shape_is_checked_too(tmp_path: Path) -> None:
    folder = tmp_path / "ontology" / "shapes"
    folder.mkdir(parents=True)
    text = (Path(bundled().shapes_files()[0]).parent / "agent.ttl").read_text(encoding="utf-8")
    ours = text.replace("shape:Agent", "shape:OurAgent").replace("sh:maxCount 1", "sh:minCount 1")
    (folder / "our-agent.ttl").write_text(ours, encoding="utf-8")
    strict = Validator(Declarations(tmp_path))
    with pytest.raises(InvalidRecord, match="OurAgent"):
        strict.check(nquads(BUNDLE, [records.Person(id="urn:x:1")]))


@pytest.mark.parametrize(("text", "said"), [("<urn:x", "parse"), ("", "no shape")])
def test_a_broken_file_of_shapes_is_named(tmp_path: Path, text: str, said: str) -> None:
    folder = tmp_path / "ontology" / "shapes"
    folder.mkdir(parents=True)
    (folder / "broken.ttl").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError, match=rf"broken\.ttl.*{said}"):
        Validator(Declarations(tmp_path))
