"""Texts of strangers end a worker at most, and say which limit they hit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from lineage_graph.errors import (
    DeclarationError,
    InvalidRecord,
    LimitExceeded,
    PolicyRefused,
    StoreUnavailable,
)
from lineage_graph.graph import connect
from lineage_graph.sandbox import MEBIBYTE, Checkpoint, Limits
from lineage_graph.sandbox.pool import PARSED, Sandbox
from lineage_graph.stores import Applied, Iri, Row
from lineage_graph.stores.free import table_rows
from lineage_graph.stores.projection import STATE
from tests.integration.given import record

GIVEN = Path("tests/conformance/licensing")
FIRST, SECOND = GIVEN / "S01-copy-of-cc-by/given.ttl", GIVEN / "S02-filter-of-odbl/given.ttl"
LIMITS = Limits(seconds=2, memory=512 * MEBIBYTE, rows=2_000, size=4 * MEBIBYTE)
PRODUCT = " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(9))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    opened = Sandbox(LIMITS, workers=2)
    yield opened
    opened.close()


@pytest.fixture
def checkpoint(store: Path) -> Checkpoint:
    record(store, FIRST)
    with connect(store) as graph:
        return graph.checkpoint()


def rows(sandbox: Sandbox, checkpoint: Checkpoint, sparql: str) -> list[Row]:
    return list(table_rows(sandbox.query(lambda: checkpoint, sparql).body or b""))


def entity_bomb() -> bytes:
    letters = "abcdefghijk"
    inner = ['<!ENTITY a "aaaaaaaaaa">']
    inner += [f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(letters)]
    return (
        f"<!DOCTYPE r [{''.join(inner)}]><rdf:RDF"
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e:">'
        '<rdf:Description rdf:about="urn:a"><e:p>&k;</e:p></rdf:Description></rdf:RDF>'
    ).encode()


HOSTILE = {
    "parentheses": (f"SELECT * {{ FILTER {'(' * 10_000}1{')' * 10_000} }}", "nests brackets"),
    "braces": (f"SELECT * {'{' * 3_000}{'}' * 3_000}", "nests brackets"),
    "signs": (f"SELECT * {{ FILTER({'!' * 100_000}1) }}", "nested more deeply|2 seconds"),
    "unions": (
        f"SELECT * {{ {' UNION '.join(['{?s ?p ?o}'] * 20_000)} }}",
        "nested more deeply|2 seconds",
    ),
    "steps": (f"SELECT * {{ ?s {'/'.join(['(<urn:p>|!<urn:p>)*'] * 1_000)} ?o }}", "100 steps"),
    "joins": (
        f"SELECT * {{ {' . '.join(f'?a{i} ?b ?a{i + 1}' for i in range(900))} }}",
        "2 seconds",
    ),
    "product": (f"SELECT (COUNT(*) AS ?n) {{ {PRODUCT} }}", "2 seconds"),
    "rows": (f"SELECT * {{ {PRODUCT} }}", "more than 2000 rows|2 seconds"),
    "values": (f"SELECT * {{ VALUES ?x {{ {'1 ' * 100_000} }} }}", "more than 2000 rows|2 seconds"),
    "doubled": (
        "SELECT ?z { BIND('aaaaaaaaaaaaaaaaaaaa' AS ?a0) "
        + " ".join(f"BIND(CONCAT(?a{i}, ?a{i}) AS ?a{i + 1})" for i in range(40))
        + " }",
        "memory|2 seconds",
    ),
    "long": ("SELECT * { } #" + "x" * 4_000_000, "characters"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_question_says_what_it_hit(
    sandbox: Sandbox, checkpoint: Checkpoint, kind: str
) -> None:
    sparql, said = HOSTILE[kind]
    with pytest.raises((LimitExceeded, DeclarationError), match=said):
        sandbox.query(lambda: checkpoint, sparql)
    assert rows(sandbox, checkpoint, "SELECT ?x { BIND(1 AS ?x) }") == [{"x": 1}]


DOCUMENTS = {
    "entities": (entity_bomb(), "application/rdf+xml", "memory|2 seconds"),
    "foreign entity": (
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>',
        "application/rdf+xml",
        "does not parse",
    ),
    "nested": (
        b'{"urn:p":' * 3_000 + b"1" + b"}" * 3_000,
        "application/ld+json",
        "memory|2 seconds",
    ),
    "brackets": (b"[" * 300_000, "application/ld+json", "does not parse"),
    "remote": (
        b'{"@context":"http://127.0.0.1:9/c","urn:p":1}',
        "application/ld+json",
        "remote contexts",
    ),
    "list": (b"<urn:a> <urn:p> " + b"(" * 50_000, "text/turtle", "does not parse|says more"),
    "triples in triples": (
        b"<urn:a> <urn:p> " + b"<<( <urn:a> <urn:p> " * 9 + b"1" + b" )>>" * 9 + b" .",
        "text/turtle",
        "statement about a statement",
    ),
    "triples in triples, deep": (
        b"<urn:a> <urn:p> " + b"<<( <urn:a> <urn:p> " * 100_000,
        "text/turtle",
        "does not parse|nested more deeply",
    ),
    "unknown": (b"", "text/html", "not read here"),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_hostile_document_says_what_it_hit(sandbox: Sandbox, kind: str) -> None:
    data, media_type, said = DOCUMENTS[kind]
    with pytest.raises((LimitExceeded, InvalidRecord), match=said):
        sandbox.nquads(data, media_type)


def test_every_format_is_read(sandbox: Sandbox) -> None:
    line = b"<urn:a> <urn:p> <urn:b> .\n"
    rdf_xml = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:">'
        b'<rdf:Description rdf:about="urn:a"><u:p rdf:resource="urn:b"/>'
        b"</rdf:Description></rdf:RDF>"
    )
    texts = {
        "application/ld+json": b'{"@id":"urn:a","urn:p":{"@id":"urn:b"}}',
        "application/rdf+xml": rdf_xml,
    }
    for media_type in PARSED:
        assert sandbox.nquads(texts.get(media_type, line * 2), media_type) == line


@pytest.mark.parametrize(
    "sparql",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }",
        "LOAD <http://127.0.0.1:9/>",
        "INSERT DATA { <urn:a> <urn:b> 1 }",
    ],
)
def test_more_than_a_question_is_refused(
    sandbox: Sandbox, checkpoint: Checkpoint, sparql: str
) -> None:
    with pytest.raises(PolicyRefused, match=r"SERVICE|FROM|LOAD|INSERT"):
        sandbox.query(lambda: checkpoint, sparql)


def test_the_stores_own_notes_are_no_bundle(sandbox: Sandbox, checkpoint: Checkpoint) -> None:
    found = rows(sandbox, checkpoint, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")
    assert [row["g"].rpartition(":")[0] for row in found] == ["urn:lineage-graph:bundle"]
    ask = f"SELECT * {{ GRAPH <{STATE}> {{ ?s ?p ?o }} }}"
    assert rows(sandbox, checkpoint, ask) == []
    for sparql in (f"SELECT * FROM <{STATE}> {{ ?s ?p ?o }}", f"ASK FROM NAMED <{STATE}> {{ }}"):
        with pytest.raises(DeclarationError, match="no bundle"):
            sandbox.query(lambda: checkpoint, sparql)
    with pytest.raises(DeclarationError, match="no bundle"):
        sandbox.query(lambda: checkpoint, "ASK { }", named=[STATE])


def test_the_protocols_dataset_takes_the_place_of_from(sandbox: Sandbox, store: Path) -> None:
    record(store, FIRST)
    record(store, SECOND)
    with connect(store) as graph:
        checkpoint = graph.checkpoint()
    one, other = (
        str(row["g"])
        for row in rows(
            sandbox, checkpoint, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g"
        )
    )
    counted = f"SELECT ?s ?p ?o FROM <{one}> {{ ?s ?p ?o }} ORDER BY ?s ?p ?o"
    in_other = sandbox.query(lambda: checkpoint, counted.replace(one, other)).body
    assert sandbox.query(lambda: checkpoint, counted, default=[other]).body == in_other
    assert sandbox.query(lambda: checkpoint, counted).body != in_other
    named = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
    answer = sandbox.query(lambda: checkpoint, named, named=[other])
    assert list(table_rows(answer.body or b"")) == [{"g": Iri(other)}]


def test_a_format_that_is_not_wanted_is_not_written(
    sandbox: Sandbox, checkpoint: Checkpoint
) -> None:
    for sparql, form in (
        ("ASK { }", "ASK"),
        ("SELECT * { }", "SELECT"),
        ("DESCRIBE <urn:a>", "CONSTRUCT"),
    ):
        answer = sandbox.query(lambda: checkpoint, sparql, table=None, graph=None)
        assert (answer.form, answer.body) == (form, None)


def test_one_hostile_question_leaves_others_alone(checkpoint: Checkpoint) -> None:
    asked = Sandbox(Limits(seconds=60), workers=2)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(asked.query, lambda: checkpoint, HOSTILE["product"][0])
        while not asked.busy:
            assert not slow.done()
        for _ in range(20):
            assert rows(asked, checkpoint, "SELECT ?x { BIND(1 AS ?x) }") == [{"x": 1}]
        assert not slow.done()
        asked.close()
        with pytest.raises(LimitExceeded):
            slow.result()


def test_a_folder_that_moved_on_is_read_again(sandbox: Sandbox, store: Path) -> None:
    record(store, FIRST)
    with connect(store) as graph:
        before = graph.checkpoint()
        count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
        (first,) = rows(sandbox, before, count)
        record(store, SECOND)
        (second,) = rows(sandbox, graph.checkpoint(), count)
        assert second["n"] > first["n"]
    ahead = Checkpoint(before.folder, Applied(99, ""))
    with pytest.raises(StoreUnavailable, match="Ask again"):
        sandbox.query(lambda: ahead, count)


def test_a_closed_sandbox_ends_what_is_running(checkpoint: Checkpoint) -> None:
    closing = Sandbox(Limits(seconds=60), workers=1)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(closing.query, lambda: checkpoint, HOSTILE["product"][0])
        while not closing.busy:
            assert not slow.done()
        closing.close()
        with pytest.raises(LimitExceeded):
            slow.result()
    with pytest.raises(StoreUnavailable):
        closing.query(lambda: checkpoint, "ASK { }")


def test_a_graph_survives_what_is_typed_into_it(store: Path) -> None:
    record(store, FIRST)
    with connect(store) as graph:
        process = os.getpid()
        with pytest.raises(LimitExceeded, match="nested more deeply"):
            graph.query(HOSTILE["signs"][0])
        assert os.getpid() == process
        direct = graph.query("records/labels")
        typed = graph.query(graph._declarations.query("records/labels").bind())
        assert direct == typed != []
        with pytest.raises(DeclarationError, match="not a SELECT"):
            graph.query("ASK { ?s ?p ?o }")


def test_a_graph_in_memory_is_asked_in_a_folder(store: Path) -> None:
    record(store, FIRST)
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    with connect(store) as graph, connect(store, graph="memory:") as in_memory:
        assert in_memory.query(count) == graph.query(count)
        record(store, SECOND)
        assert in_memory.query(count) == graph.query(count)


def test_the_past_is_asked_as_it_was(sandbox: Sandbox, store: Path) -> None:
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    counted = []
    with connect(store) as graph:
        for given in (FIRST, SECOND, FIRST, SECOND, FIRST, SECOND):
            record(store, given)
            counted.append(rows(sandbox, graph.checkpoint(), count))
        for seq in range(1, 7):
            past = graph.checkpoint(seq)
            assert past == graph.checkpoint(str(seq))
            assert rows(sandbox, past, count) == counted[seq - 1]
        assert len(list(graph.folders.past.iterdir())) == 4
        with pytest.raises(InvalidRecord, match="entries 1 to 6"):
            graph.checkpoint(7)
