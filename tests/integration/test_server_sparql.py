"""The SPARQL endpoint as unmodified clients meet it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from lineage_graph.sandbox import MEBIBYTE, Limits
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.integration.given import record
from tests.integration.test_sandbox import FIRST, HOSTILE, SECOND

ALL = "SELECT ?s ?p ?o { ?s ?p ?o } ORDER BY ?s ?p ?o"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
ONE = "CONSTRUCT { <urn:a> <urn:p> ?n } { SELECT (COUNT(*) AS ?n) { ?s ?p ?o } }"
LIMITS = Limits(seconds=2, memory=512 * MEBIBYTE, rows=2_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("served")
    record(store, FIRST)
    record(store, SECOND)
    return store


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    with serving(Settings(folder, port=0, sparql=LIMITS)) as address:
        yield f"{address}/sparql"


@pytest.fixture(scope="module")
def everything() -> set[tuple[rdflib.term.Node, ...]]:
    graph = rdflib.Graph()
    for given in (FIRST, SECOND):
        graph.parse(given)
    return set(graph)


def curl(*arguments: str) -> tuple[str, str]:
    """Run curl, and return the status with the media type, and the body."""
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code} %{content_type}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, written = done.stdout.rpartition("\n")
    return written, body


def bundles(endpoint: str) -> list[str]:
    asked = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g"
    text = httpx2.get(endpoint, params={"query": asked, "format": "csv"}).text
    return text.split()[1:]


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_rdflib_reads_the_whole_graph(endpoint: str, everything: set[Any], method: str) -> None:
    graph = rdflib.Graph(SPARQLStore(endpoint, method=method))
    assert set(graph) == everything
    assert len(graph) == len(everything)
    made = graph.query(ONE).graph
    assert made is not None
    assert [int(str(o)) for o in made.objects()] == [len(everything)]
    assert graph.query("ASK { ?s ?p ?o }").askAnswer is True


def test_rdflib_asks_one_bundle(endpoint: str, everything: set[Any]) -> None:
    one, other = bundles(endpoint)
    store = SPARQLStore(endpoint)
    first, second = (set(rdflib.Graph(store, rdflib.URIRef(name))) for name in (one, other))
    assert first | second == everything
    assert first != second


@pytest.mark.parametrize(
    ("method", "way"),
    [("GET", "urlencoded"), ("POST", "urlencoded"), ("POST", "postdirectly")],
)
@pytest.mark.parametrize("kind", ["json", "xml", "csv", "tsv"])
def test_sparqlwrapper_reads_rows(
    endpoint: str, everything: set[Any], method: str, way: str, kind: str
) -> None:
    client = SPARQLWrapper(endpoint)
    client.setMethod(method)
    client.setRequestMethod(way)
    client.setReturnFormat(kind)
    client.setQuery(COUNT)
    found: Any = client.queryAndConvert()
    match kind:
        case "json":
            number = found["results"]["bindings"][0]["n"]["value"]
        case "xml":
            number = found.getElementsByTagName("literal")[0].firstChild.data
        case _:
            number = found.decode().split()[-1]
    assert int(number) == len(everything)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
@pytest.mark.parametrize("kind", ["turtle", "xml", "json-ld", "n3"])
def test_sparqlwrapper_reads_statements(endpoint: str, everything: set[Any], kind: str) -> None:
    client = SPARQLWrapper(endpoint)
    client.setReturnFormat(kind)
    client.setQuery("CONSTRUCT WHERE { ?s ?p ?o }")
    found: Any = client.queryAndConvert()
    if isinstance(found, bytes):
        found = rdflib.Graph().parse(data=found, format="turtle")
    assert set(found) == everything


def test_sparqlwrapper_reads_yes(endpoint: str) -> None:
    client = SPARQLWrapper(endpoint, returnFormat="json")
    client.setQuery("ASK { ?s ?p ?o }")
    found: Any = client.queryAndConvert()
    assert found["boolean"] is True


def test_sparqlwrapper_is_told_what_is_wrong(endpoint: str) -> None:
    client = SPARQLWrapper(endpoint)
    client.setQuery("SELECT ?s { ?s ?p }")
    with pytest.raises(QueryBadFormed, match="does not parse"):
        client.query()


def test_curl_asks_in_three_ways(endpoint: str, everything: set[Any], tmp_path: Path) -> None:
    file = tmp_path / "count.rq"
    file.write_text(COUNT)
    json_type = "application/sparql-results+json"
    ways = (
        ("-G", "--data-urlencode", f"query={COUNT}"),
        ("--data-urlencode", f"query={COUNT}"),
        ("-H", "Content-Type: application/sparql-query", "--data-binary", f"@{file}"),
    )
    for way in ways:
        written, body = curl(endpoint, *way)
        assert written == f"200 {json_type}"
        assert json.loads(body)["results"]["bindings"][0]["n"]["value"] == str(len(everything))


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


@pytest.mark.parametrize("query", [r"?query=%ff", "?query=ASK%20%7B%7D&as-of=%ed%a0%80"])
def test_bytes_that_are_no_text_are_refused(endpoint: str, query: str) -> None:
    assert curl(f"{endpoint}{query}")[0].startswith("400 ")


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
