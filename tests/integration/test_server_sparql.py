"""The SPARQL endpoint, by the protocol; tests/e2e asks it with clients of others."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
import rdflib

from lineage_graph.sandbox import MEBIBYTE, Limits
from tests.integration.test_sandbox import FIRST, HOSTILE, SECOND

ALL = "SELECT ?s ?p ?o { ?s ?p ?o } ORDER BY ?s ?p ?o"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
ONE = "CONSTRUCT { <urn:a> <urn:p> ?n } { SELECT (COUNT(*) AS ?n) { ?s ?p ?o } }"
LIMITS = Limits(seconds=2, memory=512 * MEBIBYTE, rows=2_000)


@pytest.fixture(scope="module")
def endpoint(serve_given: Callable[..., str]) -> str:
    return f"{serve_given(FIRST, SECOND, sparql=LIMITS)}/sparql"


def bundles(endpoint: str) -> list[str]:
    asked = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g"
    text = httpx2.get(endpoint, params={"query": asked, "format": "csv"}).text
    return text.split()[1:]


@pytest.mark.parametrize(
    ("accept", "table", "graph"),
    [
        ("", "application/sparql-results+json", "text/turtle"),
        ("*/*", "application/sparql-results+json", "text/turtle"),
        ("text/html,*/*;q=0.8", "application/sparql-results+json", "text/turtle"),
        ("application/*", "application/sparql-results+json", "application/n-triples"),
        ("text/csv;q=0.5, application/sparql-results+xml", "application/sparql-results+xml", None),
        ("text/turtle;q=0, application/trig", None, "application/trig"),
        ("application/turtle,text/turtle", None, "text/turtle"),
        ("APPLICATION/LD+JSON", None, "application/ld+json"),
        ("image/png", None, None),
    ],
)
def test_what_is_accepted_is_sent(
    endpoint: str, accept: str, table: str | None, graph: str | None
) -> None:
    for query, expected in ((COUNT, table), ("ASK { }", table), (ONE, graph)):
        answer = httpx2.get(endpoint, params={"query": query}, headers={"Accept": accept})
        if expected is None:
            assert (answer.status_code, answer.json()["status"]) == (406, 406)
        else:
            assert answer.status_code == 200
            assert answer.headers["content-type"].partition(";")[0] == expected


def test_a_parameter_goes_before_the_header(endpoint: str) -> None:
    for key in ("format", "output"):
        asked = {"query": "SELECT (1 AS ?x) { }", key: "text/csv"}
        answer = httpx2.get(endpoint, params=asked, headers={"Accept": "image/png"})
        assert list(csv.reader(io.StringIO(answer.text))) == [["x"], ["1"]]
    unknown = httpx2.get(endpoint, params={"query": "ASK { }", "format": "pdf"})
    assert (unknown.status_code, "pdf" in unknown.json()["detail"]) == (406, True)


def test_every_value_survives_every_format(endpoint: str) -> None:
    text = 'tab\\tquote\\"line\\nend é 😀'
    asked = f'SELECT ?t ?n ?l ?none {{ BIND("{text}" AS ?t) BIND(1.50 AS ?n) BIND("x"@pt AS ?l) }}'
    wanted = 'tab\tquote"line\nend é 😀'
    for kind in ("json", "xml", "csv", "tsv"):
        answer = httpx2.get(endpoint, params={"query": asked, "format": kind})
        parsed: Any = rdflib.query.Result.parse(
            io.BytesIO(answer.content), content_type=answer.headers["content-type"].split(";")[0]
        )
        (row,) = parsed
        assert str(row.t) == wanted
        assert float(row.n) == 1.5
        assert str(row.l) == "x"
        assert not row.none


def test_the_default_and_the_named_graphs_are_those_of_the_request(endpoint: str) -> None:
    one, other = bundles(endpoint)
    named = {"query": "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }", "format": "csv"}
    answer = httpx2.get(endpoint, params={**named, "named-graph-uri": other})
    assert answer.text.split() == ["g", other]
    both = {"query": COUNT, "format": "csv", "default-graph-uri": [one, other]}
    assert (
        httpx2.get(endpoint, params=both).text
        == httpx2.get(endpoint, params={"query": COUNT, "format": "csv"}).text
    )
    posted = {"query": COUNT, "format": "csv", "default-graph-uri": one}
    assert httpx2.post(endpoint, data=posted).text == httpx2.get(endpoint, params=posted).text
    foreign = {"query": COUNT, "default-graph-uri": "http://127.0.0.1:9/x"}
    refused = httpx2.get(endpoint, params=foreign)
    assert (refused.status_code, "no bundle" in refused.json()["detail"]) == (400, True)


def test_the_past_is_asked_by_header_or_parameter(endpoint: str) -> None:
    now = httpx2.get(endpoint, params={"query": ALL}).json()
    first = httpx2.get(endpoint, params={"query": ALL, "as-of": "1"}).json()
    assert first != now
    headers = {"Lineage-As-Of": "1"}
    assert httpx2.get(endpoint, params={"query": ALL}, headers=headers).json() == first
    posted = httpx2.post(endpoint, data={"query": ALL, "as-of": "2"})
    assert posted.json() == now
    for wrong in ("3", "0", "2999-01-01", "yesterday", "-1", "1e3", "²"):
        refused = httpx2.get(endpoint, params={"query": ALL, "as-of": wrong})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid-record")
    twice = httpx2.get(
        endpoint, params={"query": ALL, "as-of": "1"}, headers={"Lineage-As-Of": "2"}
    )
    assert twice.status_code == 400


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_the_service_describes_itself(endpoint: str) -> None:
    service = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
    for accept, kind in (
        ("", "turtle"),
        ("application/rdf+xml", "xml"),
        ("application/ld+json", "json-ld"),
    ):
        answer = httpx2.get(endpoint, headers={"Accept": accept})
        graph = rdflib.Graph().parse(data=answer.text, format=kind)
        assert str(graph.value(predicate=rdflib.RDF.type, object=service.Service)) == endpoint
        assert (None, service.supportedLanguage, service.SPARQL11Query) in graph
    assert httpx2.get(endpoint, headers={"Accept": "text/csv"}).status_code == 406


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"params": {"update": "DROP ALL"}}, 403),
        ({"params": {"query": "DROP ALL"}}, 403),
        ({"params": {"query": "SELECT * { SERVICE <http://127.0.0.1:9/> { } }"}}, 403),
        ({"params": {"query": ["ASK { }", "ASK { }"]}}, 400),
        ({"params": {"query": ""}}, 400),
        ({"params": {"query": "\x00"}}, 400),
        ({"data": {"update": "DROP ALL"}}, 403),
        ({"data": {"other": "x"}}, 400),
        ({"content": b"ASK { }"}, 415),
        ({"content": b"DROP ALL", "headers": {"Content-Type": "application/sparql-update"}}, 403),
        ({"content": b"\xff", "headers": {"Content-Type": "application/sparql-query"}}, 400),
        ({"content": b"{}", "headers": {"Content-Type": "application/json"}}, 415),
    ],
)
def test_what_is_no_question_is_refused(
    endpoint: str, request_: dict[str, Any], status: int
) -> None:
    method = "GET" if "params" in request_ else "POST"
    answer = httpx2.request(method, endpoint, **request_)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


def test_hostile_questions_leave_the_process_and_others_alone(endpoint: str) -> None:
    process = os.getpid()
    direct = {"Content-Type": "application/sparql-query"}
    with httpx2.Client(timeout=60) as client, ThreadPoolExecutor(2) as pool:
        for text, _ in HOSTILE.values():
            sent = pool.submit(client.post, endpoint, content=text.encode(), headers=direct)
            assert client.get(endpoint, params={"query": "ASK { }"}).status_code == 200
            answer = sent.result()
            assert answer.status_code in (400, 413, 422)
            assert answer.status_code == 413 or answer.json()["detail"]
    assert os.getpid() == process
