"""Bundles that a client made up: each is refused, and nothing of it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from lineage_graph.access.principals import Principal
from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import InvalidRecord, NotFound, PolicyRefused
from lineage_graph.graph import Graph, connect
from lineage_graph.graph.declared import Declared
from lineage_graph.identity import fresh, named, uuid7
from lineage_graph.nquads import nquads
from lineage_graph.openlineage.mapping import STATING
from lineage_graph.recording import Recorder
from lineage_graph.recording.received import Reader
from lineage_graph.records import Agent, Artifact, Dataset, Record
from lineage_graph.remote.protocol import BUNDLE_TYPE, TXID_HEADER
from lineage_graph.sandbox.pool import Sandbox
from lineage_graph.server.receiving import Receiving
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from lineage_graph.server.uploads import Uploads
from lineage_graph.validation import Validator

BUNDLE = fresh("bundle")
SOUND = nquads(BUNDLE, [Dataset(id=named("dataset", "x"), title="x")])
OTHER = named("agent", "somebody-else")


def line(subject: str, predicate: str, value: str, graph: str = BUNDLE) -> bytes:
    return f"<{subject}> <{predicate}> {value} <{graph}> .\n".encode()


def with_lines(*lines: bytes) -> bytes:
    return b"".join(sorted({*SOUND.splitlines(keepends=True), *lines}))


TITLE = bundled().iri("title")
TYPE = bundled().iri("rdf:type")
THING = named("dataset", "x")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "no end", id="empty"),
        pytest.param(b"\xff\xfe\n", "not UTF-8", id="no text"),
        pytest.param(b"hello\n", "no statement", id="no RDF"),
        pytest.param(SOUND.rstrip(b"\n"), "no end", id="no end"),
        pytest.param(
            SOUND.replace(f"<{THING}>".encode(), b"_:b"), "no statement", id="a blank node"
        ),
        pytest.param(SOUND.replace(f" <{BUNDLE}>".encode(), b""), "no statement", id="no graph"),
        pytest.param(
            with_lines(line(THING, TITLE, '"x"', fresh("bundle"))),
            "A bundle is one graph",
            id="two graphs",
        ),
        pytest.param(
            SOUND.replace(BUNDLE.encode(), named("projection", "merged").encode()),
            "A bundle is one graph",
            id="not a bundle",
        ),
        pytest.param(
            b"".join(reversed(SOUND.splitlines(keepends=True))), "not sorted", id="not sorted"
        ),
        pytest.param(
            SOUND + SOUND.splitlines(keepends=True)[-1], "not sorted", id="twice the same"
        ),
        pytest.param(SOUND.replace(b'"x"', b'"\\u0078"'), "not canonical", id="not canonical"),
        pytest.param(SOUND.replace(b'"x"', b'"\\uD800"'), "not parse", id="a lone surrogate"),
        pytest.param(
            with_lines(line("relative", TITLE, '"x"')), "of the classes none", id="no IRI"
        ),
        pytest.param(
            SOUND.replace(f"<{THING}>".encode(), b"<< <a:a> <a:b> <a:c> >>", 1),
            "no statement",
            id="a quoted triple",
        ),
        pytest.param(b"<< " * 100_000 + b"\n", "no statement", id="nested deeply"),
        pytest.param(
            with_lines(line(THING, "urn:other", '"x"')), "no term", id="an unknown property"
        ),
        pytest.param(
            with_lines(line(THING, TYPE, "<urn:Class>")), "of the classes", id="an unknown class"
        ),
        pytest.param(
            with_lines(line(THING, TYPE, f"<{bundled().iri('lg:License')}>")),
            "of the classes",
            id="a class of the vocabulary",
        ),
        pytest.param(
            with_lines(line(named("dataset", "y"), TITLE, '"y"')),
            "of the classes none",
            id="no class",
        ),
        pytest.param(
            with_lines(line(THING, bundled().iri("license_expression"), '"MIT"')),
            "is not said of",
            id="another's field",
        ),
        pytest.param(
            with_lines(line(THING, TITLE, '"a second title"')),
            "breaks a shape",
            id="a broken shape",
        ),
        pytest.param(
            with_lines(
                line(f"{THING}", bundled().iri("qualified_derivation"), "<urn:lineage-graph:d:1>")
            ),
            "is not described in the",
            id="a derivation from nowhere",
        ),
        pytest.param(
            nquads(
                BUNDLE,
                [
                    Artifact(
                        id=named("artifact", "0" * 64),
                        sha256="0" * 64,
                        byte_size=1,
                        media_type="text/plain",
                    )
                ],
            ),
            "Upload it first",
            id="an artifact that is not here",
        ),
        pytest.param(
            nquads(
                BUNDLE,
                [
                    Artifact(
                        id=named("artifact", "x"),
                        sha256="../ledger",
                        byte_size=1,
                        media_type="text/plain",
                    )
                ],
            ),
            "give one sha256",
            id="an artifact outside the folder",
        ),
    ],
)
def test_a_bundle_that_nobody_here_would_write_is_refused(
    served: tuple[str, Path], body: bytes, reason: str
) -> None:
    address, store = served
    answer = append(address, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-record"), answer.text
    assert reason in answer.json()["detail"]
    untouched(store)


def append(address: str, body: bytes, txid: str | None = None) -> httpx2.Response:
    headers = {"Content-Type": BUNDLE_TYPE, TXID_HEADER: txid or uuid7()}
    return httpx2.post(f"{address}/api/ledger/entries", content=body, headers=headers)


def untouched(store: Path) -> None:
    with connect(store) as graph:
        assert graph.opened.ledger.head == 0
        assert graph.verify()["ledger_entries"] == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    store = tmp_path_factory.mktemp("hostile") / "store"
    with serving(Settings(store, port=0, largest_bundle=1 << 20)) as address:
        yield address, store


def test_what_is_too_large_or_unnamed_is_refused(served: tuple[str, Path]) -> None:
    address, store = served
    assert append(address, b"x" * ((1 << 20) + 1)).status_code == 413
    assert append(address, SOUND, "a b").status_code == 400
    # Whoever takes the transaction of what is derived from events keeps it from everybody.
    assert append(address, SOUND, f"{STATING}{'0' * 64}::{'0' * 64}").status_code == 400
    assert httpx2.post(f"{address}/api/ledger/entries", content=SOUND).status_code == 422
    untouched(store)


def test_an_artifact_that_is_not_what_it_is_called_is_not_kept(served: tuple[str, Path]) -> None:
    address, store = served
    path = f"{address}/api/artifacts/{'0' * 64}"
    assert httpx2.put(path, content=b"something").status_code == 400
    assert httpx2.put(f"{address}/api/artifacts/..%2Fledger.db", content=b"x").status_code == 400
    assert httpx2.put(f"{address}/api/artifacts/{'G' * 64}", content=b"x").status_code == 422
    assert not (store / "artifacts").exists()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("ask/append", b"[]", 404),
        ("ask/__class__", b"[]", 404),
        ("ask/described", b"{}", 400),
        ("ask/described", b"[[1]]", 400),
        ("ask/described", b"[", 400),
        ("ask/things_after", b"[-1,[]]", 400),
        ("ask/iris_with", b'[""]', 400),
        ("ask/chain_at", b"[true]", 400),
        ("entries/page", b"[0]", 400),
        ("edges/page", b'["0","1"]', 400),
    ],
)
def test_questions_to_the_ledger_are_checked(
    served: tuple[str, Path], path: str, body: bytes, status: int
) -> None:
    answer = httpx2.post(f"{served[0]}/api/ledger/{path}", content=body)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("form", "text", "status"),
    [
        ("select", '"ASK {}"', 400),
        ("select", '"DROP ALL"', 403),
        ("select", '"SELECT * { SERVICE <http://x> {} }"', 403),
        ("select", '"SELECT * FROM <file:///etc/passwd> {}"', 403),
        ("ask", "1", 400),
        ("dump", "1", 400),
        ("dump", '"x"', 400),
        ("dump", '"urn:a b> <urn:c"', 400),
        ("update", '"DROP ALL"', 404),
    ],
)
def test_only_questions_reach_the_store(
    served: tuple[str, Path], form: str, text: str, status: int
) -> None:
    answer = httpx2.post(f"{served[0]}/api/store/{form}", content=text)
    assert answer.status_code == status, answer.text


Sending = Callable[..., int]


def made(sandbox: Sandbox, graph: Graph) -> Receiving:
    declarations = Declarations()
    rows = Declared(declarations).rows
    uploads = Uploads(graph.opened.artifacts, graph.folders.work)
    return Receiving(Reader(declarations, rows), Validator(declarations), sandbox, uploads)


@pytest.fixture
def sending(store: Path) -> Iterator[tuple[Graph, Sending]]:
    """A graph in which everything may be recorded, and what receives from somebody who may not."""
    with connect(store) as graph, closing(Sandbox()) as sandbox:
        receiving = made(sandbox, graph)

        def send(body: bytes, *permissions: str, agent: str | None = None) -> int:
            who = agent or graph._writer.recorder.author
            principal = Principal(who, frozenset({"record", *permissions}), None, "test")
            return receiving.append(
                graph.opened, graph, principal, uuid7(), receiving.read(principal, body)
            )

        yield graph, send


def bodies(graph: Graph, said: Callable[[Recorder], object]) -> list[bytes]:
    """Return the bundles of what is done, as new ones, in the order they were recorded."""
    head = graph.opened.ledger.head
    said(graph._writer.recorder)
    return [
        entry.body.replace(entry.bundle.encode(), fresh("bundle").encode())
        for entry in graph.opened.ledger.entries(head)
    ]


@pytest.fixture
def licensed(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("id\n1\n")
    return file


def test_a_decision_needs_the_permission_to_decide(
    sending: tuple[Graph, Sending], licensed: Path, tmp_path: Path
) -> None:
    graph, send = sending
    processes = tmp_path / "processes.yaml"
    processes.write_text("processes:\n  - name: billing\n")
    graph.dataset("people", licensed, header=True)
    for decide in (
        lambda _: graph.state_license("people", "MIT"),
        lambda _: graph.invalidate(graph.license_statements("people")[0]["iri"], because="x"),
        lambda _: graph.apply(processes),
    ):
        (body,) = bodies(graph, decide)
        with pytest.raises(PolicyRefused, match="needs the permission decide"):
            send(body)
        assert send(body, "decide") == graph.opened.ledger.head


def test_what_happened_needs_no_decision(sending: tuple[Graph, Sending], licensed: Path) -> None:
    graph, send = sending
    for body in bodies(graph, lambda _: graph.dataset("people", licensed, owner="ana")):
        assert send(body) == graph.opened.ledger.head


def test_nobody_speaks_for_somebody_else(sending: tuple[Graph, Sending], licensed: Path) -> None:
    graph, send = sending
    graph.dataset("people", licensed)
    for claim in (
        lambda _: graph.state_license("people", "MIT"),
        lambda _: graph.invalidate("people", because="x"),
    ):
        (body,) = bodies(graph, claim)
        with pytest.raises(PolicyRefused, match="speaks for"):
            send(body, "decide", agent=OTHER)


def test_nobody_ends_what_is_not_there_for_them(
    sending: tuple[Graph, Sending], licensed: Path, tmp_path: Path
) -> None:
    graph, _ = sending
    graph.dataset("people", licensed)
    (body,) = bodies(graph, lambda _: graph.invalidate("people", because="x"))
    with connect(tmp_path / "another") as another, closing(Sandbox()) as sandbox:
        receiving = made(sandbox, another)
        author = graph._writer.recorder.author
        principal = Principal(author, frozenset({"record"}), None, "test")
        with pytest.raises(NotFound, match="Nothing is recorded under"):
            received = receiving.read(principal, body)
            receiving.append(another.opened, another, principal, uuid7(), received)
        assert another.opened.ledger.head == 0


def test_what_is_read_from_a_body_is_what_was_recorded(
    sending: tuple[Graph, Sending], licensed: Path
) -> None:
    graph, send = sending
    recorded: list[Record] = [Dataset(id=named("dataset", "y"), title="y"), Agent(id=OTHER)]
    (body,) = bodies(graph, lambda recorder: recorder.append(recorded))
    send(body)
    ledger = graph.opened.ledger
    assert ledger.described_between("urn:", 1, 2) == ledger.described_between("urn:", 0, 1)


def test_who_knows_a_digest_does_not_get_the_file(
    sending: tuple[Graph, Sending], licensed: Path, tmp_path: Path
) -> None:
    """Naming a file in a bundle would make it readable for whoever named it."""
    graph, _ = sending
    graph.dataset("people", licensed)
    with connect(tmp_path / "theirs") as theirs, closing(Sandbox()) as sandbox:
        theirs.dataset("other", licensed)
        entry = next(e for e in theirs.opened.ledger.entries() if b"artifact:" in e.body)
        digests = set(graph.opened.artifacts.all())
        with connect(tmp_path / "empty view") as view:
            receiving = made(sandbox, graph)
            cleared = Principal(OTHER, frozenset({"record"}), frozenset(), "test")
            received = receiving.read(cleared, entry.body)
            with pytest.raises(InvalidRecord, match="you did not upload"):
                receiving.append(graph.opened, view, cleared, uuid7(), received)
            for digest in digests:
                receiving.uploads.sent(OTHER, digest)
            assert receiving.append(graph.opened, view, cleared, uuid7(), received) == 3


def test_every_noun_is_given_a_permission() -> None:
    reader = Reader(Declarations(), Declared(Declarations()).rows)
    types = {name for noun in reader._nouns for name in noun.types}
    assert types - reader._classes == {"Job", "OpenLineageEvent", "QualityAssertion"}, (
        "only the server records what events say; whatever else is recorded needs a rule"
    )
