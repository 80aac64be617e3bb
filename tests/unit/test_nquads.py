"""Records become exactly the statements they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord
from lineage_graph.nquads import nquads
from lineage_graph.records import (
    Content,
    Dataset,
    Derivation,
    ModelEvaluation,
    Plan,
    Record,
    Usage,
    Version,
)
from lineage_graph.stores.rdf import RdfFormat, convert

BUNDLE = "urn:lineage-graph:bundle:1"


def objects(record: Record, term: str) -> list[str]:
    property_ = f"<{bundled().iri(term)}> "
    lines = nquads(BUNDLE, [record]).decode().splitlines()
    return [
        line.partition(property_)[2].removesuffix(f" <{BUNDLE}> .")
        for line in lines
        if property_ in line
    ]


def test_n_quads_are_sorted_and_of_one_named_graph() -> None:
    text = nquads(BUNDLE, [Dataset(id="urn:x:2", title="b"), Dataset(id="urn:x:1", title="a")])
    lines = text.splitlines(keepends=True)
    assert lines == sorted(set(lines))
    assert len(lines) == 6
    assert all(line.endswith(f" <{BUNDLE}> .\n".encode()) for line in lines)


def test_what_two_records_of_one_node_say_is_said_once() -> None:
    record = Dataset(id="urn:x:1", title="a")
    assert nquads(BUNDLE, [record, record]) == nquads(BUNDLE, [record])


def test_what_is_none_or_empty_is_not_said() -> None:
    assert len(nquads(BUNDLE, [Dataset(id="urn:x:1", title="a")]).splitlines()) == 3


def test_derivation_kinds_are_types() -> None:
    derivation = Derivation(
        id="urn:x:1", entity="urn:x:2", had_activity="urn:x:3", kinds=("Filter", "Combine")
    )
    types = objects(derivation, "rdf:type")
    assert types == sorted(f"<{bundled().iri(t)}>" for t in ("Derivation", "Filter", "Combine"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e22, "1e+22"),
        (-0.0, "-0.0"),
        (float("inf"), "INF"),
        (float("-inf"), "-INF"),
        (float("nan"), "NaN"),
    ],
)
def test_a_float_is_its_shortest_exact_double(value: float, text: str) -> None:
    measure = ModelEvaluation(
        id="urn:x:1", name="m", has_value=value, evaluates="urn:x:2", measured_on="urn:x:3"
    )
    assert objects(measure, "has_value") == [f'"{text}"^^<{bundled().iri("xsd:double")}>']


@pytest.mark.parametrize("count", [0, 2**53, 2**53 + 1, 2**63 - 1, 10**30])
def test_integers_of_any_size_survive(count: int) -> None:
    content = Content(id="urn:x:1", fingerprint="0", fingerprint_version="v", row_count=count)
    datatype = bundled().iri("xsd:nonNegativeInteger")
    assert objects(content, "row_count") == [f'"{count}"^^<{datatype}>']


def test_a_time_is_utc_with_microseconds() -> None:
    version = Version(id="urn:x:1", generated_at=datetime(2024, 1, 1, tzinfo=UTC))
    datatype = bundled().iri("xsd:dateTime")
    assert objects(version, "generated_at") == [f'"2024-01-01T00:00:00.000000Z"^^<{datatype}>']


def test_false_is_said() -> None:
    plan = Plan(id="urn:x:1", sha256="0", artifact="urn:x:2", executor="spark", replayable=False)
    assert objects(plan, "replayable") == [f'"false"^^<{bundled().iri("xsd:boolean")}>']


@pytest.mark.parametrize(
    "iri",
    [
        *("", "name", "urn:a b", "_:b", "Entity", "urn:<x>", "prov:used"),
        # What no RDF parser takes: expansion of JSON-LD would leave the statement out.
        *("urn:x:%zz", "urn:x:a%", "http://[::/", "urn:x:\ufdd0"),
    ],
)
def test_a_link_or_id_that_is_no_absolute_iri_is_refused(iri: str) -> None:
    with pytest.raises(InvalidRecord, match="IRI"):
        nquads(BUNDLE, [Usage(id="urn:x:1", entity=iri, slot="input:0")])
    with pytest.raises(InvalidRecord, match="IRI"):
        nquads(BUNDLE, [Dataset(id=iri, title="a")])


def test_an_unknown_kind_is_refused() -> None:
    derivation = Derivation(id="urn:x:1", entity="urn:x", had_activity="urn:y", kinds=("Nope",))
    with pytest.raises(InvalidRecord, match="Nope"):
        nquads(BUNDLE, [derivation])


def test_a_field_that_is_no_term_is_refused_and_never_dropped() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Odd(Record):
        undeclared_field: str = "x"

    with pytest.raises(InvalidRecord, match="undeclared_field"):
        nquads(BUNDLE, [Odd(id="urn:x:1")])


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="time zone"):
        nquads(BUNDLE, [Version(id="urn:x:1", generated_at=datetime(2024, 1, 1))])


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="surrogate"):
        nquads(BUNDLE, [Dataset(id="urn:x:1", title="\ud800")])


def test_a_bundle_reads_the_same_after_any_export() -> None:
    text = nquads(BUNDLE, [Dataset(id="urn:x:1", title='é "q"\n\\u0022', keyword=("a", "b"))])
    formats: tuple[RdfFormat, ...] = ("nquads", "trig", "jsonld")
    for there in formats:
        back = convert(convert(text, "nquads", there), there, "nquads")
        assert sorted(back.splitlines()) == text.splitlines()
    assert b"dcterms:title" in convert(text, "nquads", "turtle")
    assert len(convert(text, "nquads", "ntriples").splitlines()) == 5
