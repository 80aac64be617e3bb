"""Whatever a record holds comes out of the graph as it went in."""

from __future__ import annotations

import json
import struct
from dataclasses import fields
from datetime import UTC, datetime

import rdflib
from hypothesis import given
from hypothesis import strategies as st

from lineage_graph.declarations import bundled
from lineage_graph.identity import named
from lineage_graph.ledger import Entry
from lineage_graph.nquads import nquads
from lineage_graph.records import Content, Dataset, ModelEvaluation, Record, Version
from lineage_graph.stores.oxigraph import MemoryStore
from lineage_graph.stores.rdf import convert

BUNDLE = "urn:lineage-graph:bundle:1"
TEXT = st.text(st.characters(codec="utf-8"))


def kept(record: Record, term: str) -> list[object]:
    body = nquads(BUNDLE, [record])
    store = MemoryStore()
    at = datetime(2024, 1, 1, tzinfo=UTC)
    entry = Entry(1, "t", at, "urn:a", BUNDLE, body, "", "")
    store.apply(lambda after: iter([entry]))
    assert store.bundle_matches(entry)
    rows = store.select(f"SELECT ?v {{ ?s <{bundled().iri(term)}> ?v }}")
    return [row["v"] for row in rows]


@given(TEXT)
def test_text_survives(text: str) -> None:
    assert kept(Dataset(id="urn:x:1", title=text), "title") == [text]


@given(TEXT)
def test_a_name_of_any_text_makes_an_iri_that_survives(name: str) -> None:
    link = named("agent", name)
    assert kept(Dataset(id="urn:x:1", title="t", attributed_to=link), "attributed_to") == [link]


@given(st.floats())
def test_floats_survive_to_the_bit(value: float) -> None:
    measure = ModelEvaluation(
        id="urn:x:1", name="m", has_value=value, evaluates="urn:x:2", measured_on="urn:x:3"
    )
    (back,) = kept(measure, "has_value")
    assert isinstance(back, float)
    if value == value:
        assert struct.pack("<d", back) == struct.pack("<d", value)
    else:
        assert back != back


@given(st.integers(0, 2**63 - 1))
def test_integers_survive(value: int) -> None:
    content = Content(id="urn:x:1", fingerprint="0", fingerprint_version="v", row_count=value)
    assert kept(content, "row_count") == [value]


@given(st.datetimes(timezones=st.timezones()))
def test_times_survive(value: datetime) -> None:
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        return
    assert kept(Version(id="urn:x:1", generated_at=value), "generated_at") == [utc]


@given(st.lists(TEXT, max_size=5), TEXT)
def test_an_independent_reader_finds_the_same_statements(keywords: list[str], title: str) -> None:
    record = Dataset(id="urn:x:1", title=title, keyword=tuple(keywords))
    graph = rdflib.Graph()
    graph.parse(data=convert(nquads(BUNDLE, [record]), "nquads", "ntriples"), format="nt")
    said = {str(o) for o in graph.objects(None, rdflib.URIRef(bundled().iri("keyword")))}
    assert said == set(keywords)


def as_json_ld(record: Record) -> bytes:
    """Return a record as JSON-LD with our context: its fields are the terms."""
    said = {field.name: getattr(record, field.name) for field in fields(record)}
    node = {name: list(v) if isinstance(v, tuple) else v for name, v in said.items() if v}
    document = {"@context": bundled().context, "id": BUNDLE}
    return json.dumps({**document, "@graph": [{**node, "type": list(record.types)}]}).encode()


RECORDS = st.one_of(
    st.builds(
        Dataset,
        id=TEXT.map(lambda name: named("dataset", name)),
        title=TEXT.filter(bool),
        attributed_to=st.none() | TEXT.map(lambda name: named("agent", name)),
        keyword=st.lists(TEXT, max_size=3).map(tuple),
    ),
    st.builds(
        Content,
        id=st.just("urn:x:1"),
        fingerprint=TEXT.filter(bool),
        fingerprint_version=TEXT.filter(bool),
        row_count=st.none() | st.integers(1, 2**53),
    ),
)


@given(RECORDS)
def test_they_say_what_a_record_says_as_json_ld_with_our_context(record: Record) -> None:
    expanded = convert(as_json_ld(record), "jsonld", "nquads")
    assert nquads(BUNDLE, [record]).splitlines() == sorted(set(expanded.splitlines()))
