"""Files that the server gives, as other tools read them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import rdflib
from prov.model import ProvDerivation, ProvDocument

from lineage_graph.graph.exporting import FORMATS
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.integration.given import record

GIVEN = Path("tests/conformance/licensing/S03-share-alike-and-non-commercial/given.ttl")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("served")
    record(store, GIVEN)
    with serving(Settings(store, port=0)) as address:
        yield f"{address}/api/export"


@pytest.fixture
def name() -> str:
    """A version that was made from two others."""
    return "urn:lineage-graph:version:C"


def got(exports: str, name: str, format: str) -> str:
    answer = httpx2.get(exports, params={"name": name, "format": format})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_a_file(exports: str, name: str, format: str) -> None:
    answer = httpx2.get(exports, params={"name": name, "format": format})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib.*")
def test_rdf_is_what_was_recorded(exports: str, name: str) -> None:
    wanted = set(rdflib.Graph().parse(GIVEN))
    assert set(rdflib.Graph().parse(data=got(exports, name, "turtle"), format="turtle")) == wanted
    kinds = {"trig": "trig", "nquads": "nquads", "json-ld": "json-ld"}
    for format, kind in kinds.items():
        dataset = rdflib.Dataset()
        dataset.parse(data=got(exports, name, format), format=kind)
        assert {quad[:3] for quad in dataset.quads()} == wanted


def test_prov_reads_both_notations_and_finds_the_derivations(exports: str, name: str) -> None:
    notations = {"prov-json": "json", "prov-n": "provn"}
    documents = [
        ProvDocument.deserialize(content=got(exports, name, format), format=kind)
        for format, kind in notations.items()
    ]
    assert documents[0] == documents[1]
    found = {
        tuple(value.uri for _, value in record.formal_attributes[:2])
        for record in documents[0].get_records(ProvDerivation)
    }
    sources = {f"urn:lineage-graph:version:{source}" for source in "AB"}
    assert found == {(name, source) for source in sources}


def test_pictures_are_drawings_of_the_lineage(exports: str, name: str) -> None:
    assert got(exports, name, "dot").startswith("digraph")
    assert ElementTree.fromstring(got(exports, name, "svg")).tag.endswith("svg")


@pytest.mark.parametrize("odd", ["../../etc/passwd", 'a"; x="b', "a\r\nSet-Cookie: x", "é", "%2e"])
def test_a_name_that_is_not_there_writes_no_header(exports: str, odd: str) -> None:
    answer = httpx2.get(exports, params={"name": odd})
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_what_cannot_be_exported_says_so(exports: str, name: str) -> None:
    unknown = httpx2.get(exports, params={"name": name, "format": "pdf"})
    assert (unknown.status_code, "prov-json" in json.loads(unknown.text)["detail"]) == (400, True)
    assert httpx2.get(exports).status_code in (400, 422)
