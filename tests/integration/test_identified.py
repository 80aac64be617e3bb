"""What stands behind a name, in the form a client asks for."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pyoxigraph
import pytest

from lineage_graph.identity import named
from lineage_graph.server.negotiation import language, media_type
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.e2e.awkward_store import AWKWARD, awkward_store

DATASET = named("dataset", "A")
READERS = {
    "application/ld+json": pyoxigraph.RdfFormat.JSON_LD,
    "text/turtle": pyoxigraph.RdfFormat.TURTLE,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = tmp_path_factory.mktemp("identified") / "store"
    awkward_store(folder)
    with (
        serving(Settings(folder, port=0)) as address,
        httpx2.Client(base_url=address, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize("name", [DATASET, quote(DATASET, safe=""), "dataset/A", "dataset/A@1"])
@pytest.mark.parametrize("media", READERS)
def test_a_node_is_given_as_linked_data(client: httpx2.Client, name: str, media: str) -> None:
    answer = client.get(f"/id/{name}", headers={"accept": media})
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media
    assert "Accept" in answer.headers["vary"]
    about = {str(quad.subject) for quad in pyoxigraph.parse(answer.content, READERS[media])}
    assert f"<{DATASET}>" in about


@pytest.mark.parametrize("name", AWKWARD.values(), ids=AWKWARD)
def test_every_name_has_an_address(client: httpx2.Client, name: str) -> None:
    iri = named("dataset", name)
    answer = client.get("/id", params={"iri": iri, "format": "turtle"})
    assert any(
        quad.subject == pyoxigraph.NamedNode(iri)
        for quad in pyoxigraph.parse(answer.content, pyoxigraph.RdfFormat.TURTLE)
    )


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        ("text/*", "text/html"),
        ("text/turtle, text/html;q=0.5", "text/turtle"),
        ("text/turtle, text/html", "text/turtle"),
        ("text/turtle, text/*", "text/turtle"),
        ("text/html;q=0, */*;q=0.1", "application/ld+json"),
        ("application/ld+json;q=0.4, text/turtle;q=0.5", "text/turtle"),
        ("TEXT/TURTLE", "text/turtle"),
        ("text/turtle;q=nan, text/turtle;q=9", None),
        ("image/png", None),
        ("garbage,;;,q=", None),
    ],
)
def test_the_most_wanted_form_is_given(accept: str | None, found: str | None) -> None:
    assert media_type(accept, ["text/html", "application/ld+json", "text/turtle"]) == found


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (None, "en"),
        ("pt-BR,pt;q=0.9,en;q=0.5", "pt-BR"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("en-GB, pt-BR;q=0.9", "en"),
        ("de, *;q=0.1", "en"),
        ("de", "en"),
        ("pt-BR;q=0, en;q=0.1", "en"),
        (";;;,,", "en"),
    ],
)
def test_the_readers_language_is_chosen(accept: str | None, found: str) -> None:
    assert language(accept, ["en", "pt-BR"]) == found


def test_nothing_that_is_accepted_is_said_so(client: httpx2.Client) -> None:
    answer = client.get("/id/dataset/A", headers={"accept": "image/png"})
    assert answer.status_code == 406
    assert "text/turtle" in answer.json()["detail"]
    assert answer.headers["vary"] == "Accept"


UNKNOWN = [
    "dataset/nowhere",
    "dataset/A@99",
    "model/A",
    "urn:lineage-graph:dataset:nowhere",
    "urn:lineage-graph:version:0",
    "urn:lineage-graph:activity:nowhere",
    "https%3A%2F%2Fexample.org%2Fx",
    "no%20iri",
    "%3Cscript%3E",
    "x" * 4096,
]


@pytest.mark.parametrize("media", ["text/html", *READERS])
def test_what_is_unknown_is_told_in_the_same_words(client: httpx2.Client, media: str) -> None:
    said = set()
    for name in UNKNOWN:
        answer = client.get(f"/id/{name}", headers={"accept": media})
        said.add((answer.status_code, answer.content))
    assert len(said) == 1
    assert said.pop()[0] == 404


def test_a_picture_is_an_image_that_runs_nothing(client: httpx2.Client) -> None:
    answer = client.get("/pictures/up", params={"iri": named("dataset", AWKWARD["script"])})
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert b"<script" not in answer.content
    assert client.get("/pictures/up?iri=dataset/nowhere").status_code == 404
    assert client.get("/pictures/sideways?iri=dataset/A").status_code == 422
