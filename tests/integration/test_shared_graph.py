"""A graph on a server, used through the same verbs as one in a folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import (
    ArtifactBroken,
    InvalidRecord,
    NotFound,
    PolicyRefused,
    StoreError,
    StoreUnavailable,
)
from lineage_graph.graph import Graph, connect
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import sha256
from lineage_graph.ledger import NewEntry
from lineage_graph.remote.connection import Connection
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings

Connecting = Callable[[str], Graph]


@pytest.fixture
def address(store: Path) -> Iterator[str]:
    with serving(Settings(store, port=0)) as address:
        yield address


@pytest.fixture
def client(address: str, tmp_path: Path) -> Iterator[Connecting]:
    """Opens a graph as somebody on a machine of their own."""
    opened: list[Graph] = []

    def one(name: str) -> Graph:
        opened.append(connect(address, working=tmp_path / name, quiet=True))
        return opened[-1]

    yield one
    for graph in opened:
        graph.close()


def people(folder: Path, name: str = "people") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.csv"
    file.write_text(f"id,{name}\n1,one\n2,two\n")
    return file


def test_what_is_recorded_is_what_would_be_recorded_in_a_folder(
    client: Connecting, store: Path, tmp_path: Path
) -> None:
    evidence = tmp_path / "LICENSE"
    evidence.write_text("MIT License")
    ours = people(tmp_path / "data")

    def recorded(graph: Graph) -> None:
        graph.dataset("people", ours, header=True, license="MIT", evidence=evidence, owner="ana")
        graph.invalidate(graph.resolve("people"), because="it was a test")

    recorded(client("notebook"))
    with connect(tmp_path / "embedded") as embedded, connect(store) as served:
        recorded(embedded)
        assert served.verify() | {"chain": ""} == embedded.verify() | {"chain": ""}
        ledgers = served.opened.ledger, embedded.opened.ledger
        sides = [
            [(len(entry.body.splitlines()), entry.digest == sha256(entry.body)) for entry in one]
            for one in (ledger.entries() for ledger in ledgers)
        ]
        assert sides[0] == sides[1]
        ends = [ledger.invalidations(0, ledger.head) for ledger in ledgers]
        assert ends[0] == ends[1] != []
        assert served.versions("people")[0]["iri"] == embedded.versions("people")[0]["iri"]


def test_every_question_has_the_answer_that_a_folder_gives(
    client: Connecting, store: Path, tmp_path: Path
) -> None:
    graph = client("notebook")
    graph.dataset("people", people(tmp_path / "data"), header=True, license="ODbL-1.0")
    graph.dataset("others", people(tmp_path / "data", "others"), header=True)
    with connect(store) as here:
        for ask in (
            lambda g: g.datasets(),
            lambda g: g.models(),
            lambda g: g.versions("people"),
            lambda g: g.describe("people"),
            lambda g: g.lineage("people").to_dict(),
            lambda g: g.query("records/manifests"),
            lambda g: g.query("SELECT ?s WHERE { ?s a <urn:nothing> }"),
            lambda g: g.export("people"),
            lambda g: g.export(),
            lambda g: g.validate(),
            lambda g: g.license_terms("people").to_dict(),
            lambda g: g.license_statements("people"),
            lambda g: g.license_impact("ODbL-1.0").to_dict(),
            lambda g: g.license_check("people", "share"),
            lambda g: str(g.attribution("people")),
            lambda g: g.privacy("people").to_dict(),
            lambda g: [one.to_dict() for one in g.statuses()],
            lambda g: g.semantic_types("people"),
            lambda g: g.type_changes("people"),
            lambda g: g.processes(),
            lambda g: g.reports(),
            lambda g: g.report("ropa").to_dict()["sections"],
            lambda g: g.verify(),
            lambda g: g.subject_impact({"cpf": "529.982.247-25"}).to_dict(),
        ):
            assert ask(graph) == ask(here)


def test_two_people_see_what_the_other_recorded(client: Connecting, tmp_path: Path) -> None:
    ana, bruno = client("ana"), client("bruno")
    ana.dataset("flights", people(tmp_path / "ana's", "flights"), header=True)
    assert [row["name"] for row in bruno.datasets()] == ["flights"]
    bruno.dataset("routes", people(tmp_path / "bruno's", "routes"), header=True)
    assert {row["name"] for row in ana.datasets()} == {"flights", "routes"}


def test_two_people_record_at_the_same_time(
    client: Connecting, store: Path, tmp_path: Path
) -> None:
    files = {name: people(tmp_path / "data", name) for name in map("t{}".format, range(12))}
    graphs = [client("ana"), client("bruno")]

    def record(graph: Graph, names: list[str]) -> None:
        for name in names:
            graph.dataset(name, files[name], header=True)

    with ThreadPoolExecutor() as pool:
        halves = [list(files)[:6], list(files)[6:]]
        assert list(pool.map(record, graphs, halves)) == [None, None]
    with connect(store) as graph:
        assert {row["name"] for row in graph.datasets()} == set(files)
        assert graph.verify()["ledger_entries"] == 24


def test_what_a_colleague_kept_is_fetched_by_its_digest(client: Connecting, tmp_path: Path) -> None:
    evidence = tmp_path / "LICENSE"
    evidence.write_text("the licence")
    client("ana").dataset("people", people(tmp_path / "d"), license="MIT", evidence=evidence)
    bruno = client("bruno")
    said = bruno.license_statements("people")[0]
    assert bruno.opened.artifacts.get(said["evidence"]) == b"the licence"
    assert (tmp_path / "bruno/artifacts" / said["evidence"][:2] / said["evidence"]).is_file()


def test_an_artifact_that_nothing_mentions_is_not_given_away(
    client: Connecting, address: str
) -> None:
    graph = client("ana")
    digest = graph.opened.artifacts.put_bytes(b"not mentioned")
    assert httpx2.get(f"{address}/api/artifacts/{digest}").status_code == 404
    assert httpx2.get(f"{address}/api/artifacts/{'0' * 64}").status_code == 404
    with pytest.raises(ArtifactBroken, match="no artifact"):
        client("bruno").opened.artifacts.get(digest)


def test_what_needs_the_key_is_done_where_the_key_is(client: Connecting) -> None:
    graph = client("ana")
    with pytest.raises(PolicyRefused, match="where the indexes and their key lie"):
        graph.index_subjects()
    with pytest.raises(PolicyRefused, match="where the indexes and their key lie"):
        graph.destroy_subject_key()


def test_a_wrong_address_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(StoreUnavailable, match=r"does not answer.*lineage-graph serve"):
        connect(nowhere, working=tmp_path)
    with pytest.raises(InvalidRecord, match="names a user or a password"):
        connect("http://ana:secret@127.0.0.1", working=tmp_path)
    with pytest.raises(InvalidRecord, match="no address"):
        connect("http://", working=tmp_path)


def test_a_token_does_not_travel_where_others_can_read_it(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused, match="everybody on the way"):
        connect("http://graph.example", token="secret", working=tmp_path)


def test_a_server_of_another_kind_is_told(union_server: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not answer as a lineage_graph server"):
        connect(union_server, working=tmp_path)


def test_a_token_may_do_what_it_may(store: Path, tmp_path: Path) -> None:
    with closing(Tokens(Folders(store).access)) as tokens:
        roles = {"reader": ["reader"], "contributor": ["contributor"], "both": ["admin"]}
        made = {name: tokens.create(name, given)[0] for name, given in roles.items()}
    with serving(Settings(store, port=0)) as address:
        for token in (None, "lgt_wrong"):
            with pytest.raises(PolicyRefused, match="LINEAGE_GRAPH_TOKEN"):
                connect(address, token=token, working=tmp_path / "w")

        def opened(name: str) -> Graph:
            return connect(address, token=made[name], working=tmp_path / name, quiet=True)

        with opened("contributor") as graph, opened("reader") as reader:
            graph.dataset("people", people(tmp_path / "data"))
            author = next(graph.opened.ledger.entries()).author
            assert author == graph.opened.author() != reader.opened.author()
            assert [row["name"] for row in reader.datasets()] == ["people"]
            for refused, permission in (
                (lambda: reader.dataset("others", people(tmp_path / "data", "o")), "record"),
                (lambda: graph.state_license("people", "MIT"), "decide"),
                (lambda: graph.verify(), "audit"),
                (lambda: graph.subject_impact({"cpf": "529.982.247-25"}), "subjects"),
                (lambda: graph.label_visibility("people", ["secret"]), "label"),
            ):
                with pytest.raises(PolicyRefused, match=permission):
                    refused()
            assert graph.opened.ledger.head == 2
        with opened("both") as graph:
            assert graph.state_license("people", "MIT")


@contextmanager
def process(store: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen(
        [sys.executable, "-m", "lineage_graph", "serve", "--store", store, "--port", str(port)],
        env=environment,
    )
    try:
        with closing(Connection(f"http://127.0.0.1:{port}")) as waiting:
            waiting.send("GET", "/ready")
        yield server
    finally:
        server.kill()
        server.wait()


def test_a_server_that_is_killed_between_artifact_and_append_loses_nothing(
    store: Path, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with process(store, port):
        graph = connect(f"http://127.0.0.1:{port}", working=tmp_path / "w", quiet=True)
        evidence = graph.opened.artifacts.put_bytes(b"uploaded before")
    with ThreadPoolExecutor() as pool, graph:
        recording = pool.submit(graph.dataset, "people", people(tmp_path / "data"))
        with process(store, port) as second:
            version = recording.result()
            assert graph.resolve("people") == version
            second.send_signal(signal.SIGKILL)
            second.wait()
    with connect(store) as after:
        assert after.verify()["ledger_entries"] == 2
        assert after.opened.artifacts.get(evidence) == b"uploaded before"


def test_a_retry_is_answered_with_the_first_answer(client: Connecting, tmp_path: Path) -> None:
    graph = client("ana")
    graph.dataset("people", people(tmp_path / "data"))
    entry = next(graph.opened.ledger.entries())
    again = graph.opened.ledger.append(
        NewEntry(
            txid=entry.txid, author=entry.author, bundle=entry.bundle, body=entry.body, subjects=[]
        )
    )
    assert again == entry.seq
    assert graph.opened.ledger.head == 2


def test_nothing_is_found_that_is_not_there(client: Connecting) -> None:
    with pytest.raises(NotFound, match="There is no dataset or model 'people'"):
        client("ana").resolve("people")
