"""Clients of SPARQL, as they are: rdflib, SPARQLWrapper and curl."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from tests.integration.test_sandbox import FIRST, SECOND
from tests.integration.test_server_sparql import COUNT, ONE, bundles


@pytest.fixture(scope="module")
def endpoint(serve_given: Callable[..., str]) -> str:
    return f"{serve_given(FIRST, SECOND)}/sparql"


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


@pytest.mark.parametrize("query", [r"?query=%ff", "?query=ASK%20%7B%7D&as-of=%ed%a0%80"])
def test_bytes_that_are_no_text_are_refused(endpoint: str, query: str) -> None:
    assert curl(f"{endpoint}{query}")[0].startswith("400 ")
