"""Files that the server gives; tests/e2e reads them with the tools of others."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from lineage_graph.graph.exporting import FORMATS

GIVEN = Path("tests/conformance/licensing/S03-share-alike-and-non-commercial/given.ttl")
NAME = "urn:lineage-graph:version:C"
"""A version that was made from two others."""


@pytest.fixture(scope="module")
def exports(serve_given: Callable[..., str]) -> str:
    return f"{serve_given(GIVEN)}/api/export"


def got(exports: str, format: str) -> str:
    answer = httpx2.get(exports, params={"name": NAME, "format": format})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_a_file(exports: str, format: str) -> None:
    answer = httpx2.get(exports, params={"name": NAME, "format": format})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_pictures_are_drawings_of_the_lineage(exports: str) -> None:
    assert got(exports, "dot").startswith("digraph")
    assert ElementTree.fromstring(got(exports, "svg")).tag.endswith("svg")


@pytest.mark.parametrize("odd", ["../../etc/passwd", 'a"; x="b', "a\r\nSet-Cookie: x", "é", "%2e"])
def test_a_name_that_is_not_there_writes_no_header(exports: str, odd: str) -> None:
    answer = httpx2.get(exports, params={"name": odd})
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_what_cannot_be_exported_says_so(exports: str) -> None:
    unknown = httpx2.get(exports, params={"name": NAME, "format": "pdf"})
    assert (unknown.status_code, "prov-json" in json.loads(unknown.text)["detail"]) == (400, True)
    assert httpx2.get(exports).status_code in (400, 422)
