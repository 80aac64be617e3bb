"""One behaviour suite over memory, a folder and a SPARQL server."""

from __future__ import annotations

import multiprocessing
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pyoxigraph as ox
import pytest

from lineage_graph.errors import (
    DeclarationError,
    PolicyRefused,
    StoreLocked,
    StoreUnavailable,
)
from lineage_graph.stores import Applied, Iri, Store, open_store
from lineage_graph.stores.oxigraph import FolderStore
from lineage_graph.stores.reading import require_question

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
XSD = "http://www.w3.org/2001/XMLSchema#"


@dataclass(frozen=True)
class Entry:
    """A ledger entry, as far as a store looks at it."""

    seq: int
    body: bytes

    @property
    def bundle(self) -> str:
        return f"urn:lineage-graph:bundle:{self.seq}"

    @property
    def chain(self) -> str:
        return f"{self.seq:064x}"


def entry(seq: int, *statements: str) -> Entry:
    graph = f"<urn:lineage-graph:bundle:{seq}>"
    return Entry(seq, "".join(sorted(f"{s} {graph} .\n" for s in statements)).encode())


def labelled(seq: int) -> Entry:
    return entry(seq, f'<urn:x:{seq}> <{LABEL}> "n{seq}"', f'<urn:x:all> <{LABEL}> "same"')


def source(*entries: Entry) -> Callable[[int], Iterator[Entry]]:
    return lambda after: (e for e in entries if e.seq > after)


@pytest.fixture(params=["memory", "folder", "union-server", "plain-server"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, union_server: str, plain_server: str
) -> Iterator[Store]:
    address = {
        "memory": "memory:",
        "folder": str(tmp_path / "graph"),
        "union-server": union_server,
        "plain-server": plain_server,
    }[request.param]
    opened = open_store(address)
    opened.clear()
    yield opened
    opened.clear()
    opened.close()


def test_an_empty_store_has_applied_nothing_and_answers(store: Store) -> None:
    assert store.applied == Applied()
    assert list(store.select("SELECT * { ?s ?p ?o }")) == []
    assert store.ask("ASK { ?s ?p ?o }") is False
    assert store.construct("CONSTRUCT WHERE { ?s ?p ?o }") == b""
    assert store.dump() == b""


def test_entries_are_applied_in_order_and_remembered(store: Store) -> None:
    assert store.apply(source(labelled(1), labelled(2))) == 2
    assert store.applied == Applied(2, labelled(2).chain)
    assert store.apply(source(labelled(1), labelled(2), labelled(3))) == 3
    assert store.apply(source(labelled(3))) == 3
    assert store.applied == Applied(3, labelled(3).chain)


def test_what_two_bundles_say_is_counted_once(store: Store) -> None:
    store.apply(source(*map(labelled, range(1, 6))))
    rows = list(store.select("SELECT (COUNT(*) AS ?n) { <urn:x:all> ?p ?o . ?s ?q ?o }"))
    assert rows == [{"n": 1}]


def test_graph_tells_who_said_it(store: Store) -> None:
    store.apply(source(labelled(1), labelled(2)))
    rows = list(store.select("SELECT ?g { GRAPH ?g { <urn:x:2> ?p ?o } }"))
    assert rows == [{"g": Iri("urn:lineage-graph:bundle:2")}]


def test_from_reads_one_bundle(store: Store) -> None:
    store.apply(source(labelled(1), labelled(2)))
    text = "SELECT ?s FROM <urn:lineage-graph:bundle:2> { ?s ?p 'n2' }"
    assert [row["s"] for row in store.select(text)] == ["urn:x:2"]
    assert list(store.select(text.replace("'n2'", "'n1'"))) == []


def test_a_store_keeps_its_own_notes_out_of_answers(store: Store) -> None:
    store.apply(source(labelled(1)))
    assert {row["s"] for row in store.select("SELECT ?s { ?s ?p ?o }")} == {"urn:x:1", "urn:x:all"}
    assert store.dump() == labelled(1).body


def test_answers_are_plain_python(store: Store) -> None:
    literals = {
        "integer": ("9223372036854775807", 2**63 - 1),
        "nonNegativeInteger": ("7", 7),
        "double": ("1.7976931348623157E308", 1.7976931348623157e308),
        "decimal": ("1.50", Decimal("1.5")),
        "boolean": ("true", True),
        "string": ("x", "x"),
        "dateTime": ("2024-02-29T12:00:00.123456Z", datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)),
        "date": ("2024-02-29", "2024-02-29"),
    }
    said = [f'<urn:x:v> <urn:p:{t}> "{text}"^^<{XSD}{t}>' for t, (text, _) in literals.items()]
    store.apply(source(entry(1, *said, "<urn:x:v> <urn:p:link> <urn:x:w>")))
    rows = store.select("SELECT ?p ?o ?none { ?s ?p ?o } ORDER BY ?p")
    assert rows.columns == ("p", "o", "none")
    found = {str(row["p"]).removeprefix("urn:p:"): row["o"] for row in rows}
    assert found == {name: value for name, (_, value) in literals.items()} | {"link": "urn:x:w"}
    assert {type(found[t]) for t in ("integer", "boolean")} == {int, bool}
    assert isinstance(found["link"], Iri)
    assert not isinstance(found["string"], Iri)


def test_columns_are_known_without_rows(store: Store) -> None:
    assert store.select("SELECT ?b ?a { ?a <urn:none> ?b }").columns == ("b", "a")


@pytest.mark.parametrize("text", [r"C:\users\u0022", 'say "é"\n\t\r', "\x01\x7f", "\U0001f600 .\n"])
def test_any_text_survives(store: Store, text: str) -> None:
    escaped = ox.Literal(text)
    store.apply(source(entry(1, f"<urn:x:1> <{LABEL}> {escaped}")))
    assert [row["o"] for row in store.select("SELECT ?o { ?s ?p ?o }")] == [text]


def test_a_bundle_larger_than_one_request_is_applied_whole(store: Store) -> None:
    large = entry(1, *(f'<urn:x:{i}> <{LABEL}> "{i}"' for i in range(1203)))
    store.apply(source(large))
    assert store.dump("urn:lineage-graph:bundle:1") == large.body
    assert store.bundle_matches(large)


def test_applying_again_changes_nothing(store: Store) -> None:
    store.apply(source(labelled(1), labelled(2)))
    before = store.dump()
    store.apply(source(labelled(1), labelled(2)))
    assert store.dump() == before


def test_a_bundle_is_compared_with_its_entry_by_value(store: Store) -> None:
    integer, double = f'"01"^^<{XSD}integer>', f'"1e22"^^<{XSD}double>'
    one = entry(1, f"<urn:x:1> <urn:p> {integer}", f"<urn:x:1> <urn:q> {double}")
    store.apply(source(one))
    assert store.bundle_matches(one)
    assert not store.bundle_matches(entry(1, f'<urn:x:1> <urn:p> "2"^^<{XSD}integer>'))
    assert not store.bundle_matches(labelled(2))


def test_what_no_bundle_accounts_for_is_found(store: Store) -> None:
    store.apply(source(labelled(1), labelled(2)))
    both = {labelled(1).bundle, labelled(2).bundle}
    assert store.unrecorded(both) is None
    assert store.unrecorded({labelled(1).bundle}) == labelled(2).bundle


ENDED = "http://www.w3.org/ns/prov#wasInvalidatedBy"


def ending(seq: int, ended: int) -> Entry:
    return entry(
        seq,
        f"<urn:lineage-graph:bundle:{ended}> <{ENDED}> <urn:x:activity>",
        f'<urn:x:{seq}> <{LABEL}> "n{seq}"',
    )


def labels(store: Store) -> list[object]:
    rows = store.select(f"SELECT DISTINCT ?o {{ ?s <{LABEL}> ?o }} ORDER BY ?o")
    return [row["o"] for row in rows]


@pytest.mark.parametrize("at_once", [True, False])
def test_what_only_a_bundle_said_that_no_longer_holds_is_no_answer(
    store: Store, at_once: bool
) -> None:
    entries = [labelled(1), labelled(2), ending(3, 1), ending(4, 2), ending(5, 4)]
    for last in [5] if at_once else range(1, 6):
        store.apply(source(*entries[:last]))
        if last == 3:
            assert labels(store) == ["n2", "n3", "same"]
    assert labels(store) == ["n3", "n5"]
    assert all(store.bundle_matches(one) for one in entries)
    assert store.unrecorded({one.bundle for one in entries}) is None
    said = store.select(f"SELECT ?o {{ GRAPH <{entries[0].bundle}> {{ <urn:x:1> ?p ?o }} }}")
    assert [row["o"] for row in said] == ["n1"]


def test_construct_is_sorted_and_says_each_thing_once(store: Store) -> None:
    store.apply(source(labelled(1), labelled(2)))
    text = store.construct("CONSTRUCT { <urn:x:0> <urn:p> ?o } { ?s ?p ?o }")
    assert text.decode().splitlines() == [
        f'<urn:x:0> <urn:p> "{o}" .' for o in ("n1", "n2", "same")
    ]


def test_clear_begins_anew(store: Store) -> None:
    store.apply(source(labelled(1)))
    store.clear()
    assert store.applied == Applied()
    assert store.dump() == b""


def test_a_syntax_error_names_the_place(store: Store) -> None:
    with pytest.raises(DeclarationError, match=r"does not parse: .*1:\d+"):
        store.select("SELECT ?s { ?s ?p }")


def test_the_wrong_form_is_explained(store: Store) -> None:
    with pytest.raises(DeclarationError, match="not a SELECT"):
        store.select("ASK { ?s ?p ?o }")
    with pytest.raises(DeclarationError, match=r"not an? ASK"):
        store.ask("SELECT * { ?s ?p ?o }")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        r"SELECT * { \u0053ERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { # comment ' \n service silent ?x { ?s ?p ?o } }",
        "SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }",
        "PREFIX e: <http://127.0.0.1/> SELECT * FROM NAMED e:x { ?s ?p ?o }",
        "SELECT * FROM NAMED <file:///etc/hostname> { ?s ?p ?o }",
        "INSERT DATA { <urn:a> <urn:b> 1 }",
        "PREFIX select: <urn:x> DELETE WHERE { ?s ?p ?o }",
        "LOAD <http://127.0.0.1:9/>",
    ],
)
def test_more_than_a_question_is_refused(store: Store, text: str) -> None:
    for ask in (store.select, store.ask, store.construct):
        with pytest.raises(PolicyRefused):
            ask(text)


def test_words_that_only_look_forbidden_are_allowed() -> None:
    require_question(
        'PREFIX service: <urn:from> SELECT ?load (\'SERVICE\' AS ?x) ("""DROP "x" """ AS ?y)'
        " { ?insert service:load 'it''s', ?s # SERVICE <http://x>\n FILTER(?a<5&&?b>4) }"
    )


def test_a_nest_that_would_end_the_process_is_refused(store: Store) -> None:
    for opening, closing in ("{}", "()"):
        with pytest.raises(DeclarationError, match="flatter"):
            store.select("SELECT * " + opening * 3000 + closing * 3000)


def test_an_unknown_address_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="ftp"):
        open_store("ftp://example.org/graph")


# -- the folder --------------------------------------------------------------------------


def filled(folder: Path) -> FolderStore:
    store = FolderStore(folder, timeout=5)
    store.apply(source(*map(labelled, range(1, 50))))
    return store


def test_a_second_process_sees_what_the_first_applied(tmp_path: Path) -> None:
    filled(tmp_path / "graph")
    assert FolderStore(tmp_path / "graph").applied.seq == 49


def test_a_store_sees_what_another_applied_when_it_applies_itself(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "graph"), FolderStore(tmp_path / "graph")
    assert second.applied.seq == 49
    first.apply(source(labelled(50)))
    assert second.apply(source(labelled(50))) == 50
    assert second.ask("ASK { ?s ?p 'n50' }")


def damage_current(files: Path) -> None:
    (files / "CURRENT").write_bytes(b"nonsense")


def lose_current(files: Path) -> None:
    (files / "CURRENT").unlink()


def lose_manifest(files: Path) -> None:
    for path in files.glob("MANIFEST-*"):
        path.unlink()


def empty(files: Path) -> None:
    shutil.rmtree(files)


def empty_all(files: Path) -> None:
    shutil.rmtree(files.parent)
    files.parent.mkdir()


def make_older(files: Path) -> None:
    (files.parent / "projection.json").write_text('{"format": 0}')


@pytest.mark.parametrize(
    "harm", [damage_current, lose_current, lose_manifest, empty, empty_all, make_older]
)
def test_a_harmed_folder_is_seen_as_empty_and_built_again(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    folder = tmp_path / "graph"
    expected = filled(folder).dump()
    harm(folder / "oxigraph")
    store = FolderStore(folder, timeout=5)
    assert store.applied == Applied()
    assert store.apply(source(*map(labelled, range(1, 50)))) == 49
    assert store.dump() == expected
    assert not list(tmp_path.glob("graph.aside-*"))


def test_damaged_tables_are_dropped_and_built_again(tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    store = filled(folder)
    expected = store.dump()
    store.close()
    ox.Store(str(folder / "oxigraph")).optimize()
    for path in (folder / "oxigraph").glob("*.sst"):
        data = bytearray(path.read_bytes())
        data[: len(data) // 2] = bytes(len(data) // 2)
        path.write_bytes(data)
    try:
        store.dump()
    except StoreUnavailable as problem:
        assert "ask again" in str(problem)
    assert store.applied == Applied()
    store.apply(source(*map(labelled, range(1, 50))))
    assert store.dump() == expected


def test_somebody_elses_folder_is_moved_aside_and_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    foreign = ox.Store(str(folder))
    foreign.add(ox.Quad(*(ox.NamedNode(f"urn:{n}") for n in "abc")))
    del foreign
    store = FolderStore(folder)
    assert store.applied == Applied()
    assert store.dump() == b""
    assert store.apply(source(labelled(1))) == 1
    (aside,) = tmp_path.glob("graph.aside-*")
    assert len(ox.Store.read_only(str(aside))) == 1


def test_a_folder_held_by_another_program_is_reported(tmp_path: Path) -> None:
    filled(tmp_path / "graph")
    holder = ox.Store(str(tmp_path / "graph" / "oxigraph"))
    with pytest.raises(StoreLocked, match="held open"):
        FolderStore(tmp_path / "graph", timeout=0.05).apply(source(labelled(50)))
    del holder
    assert FolderStore(tmp_path / "graph").apply(source(labelled(50))) == 50


def test_a_failure_while_applying_leaves_the_folder_free_and_unchanged(tmp_path: Path) -> None:
    store = filled(tmp_path / "graph")

    def fails(_: int) -> Iterator[Entry]:
        yield labelled(50)
        raise DeclarationError("in the middle")

    with pytest.raises(DeclarationError) as kept:
        store.apply(fails)
    assert store.applied.seq == 49
    assert FolderStore(tmp_path / "graph", timeout=0.5).apply(source(labelled(50))) == 50
    assert kept.value


def apply_in_another_process(folder: Path, last: int) -> None:
    store = FolderStore(folder, timeout=60)
    for seq in range(1, last + 1):
        store.apply(source(*map(labelled, range(1, seq + 1))))
        assert store.ask("ASK { ?s ?p ?o }")


def test_processes_apply_at_the_same_time_without_loss(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    folder = tmp_path / "graph"
    workers = [context.Process(target=apply_in_another_process, args=(folder, 8)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    store = FolderStore(folder)
    assert store.applied.seq == 8
    assert all(store.bundle_matches(labelled(seq)) for seq in range(1, 9))


# -- the server --------------------------------------------------------------------------


def test_other_graphs_on_a_server_are_left_alone(plain_server: str) -> None:
    address = f"{plain_server}/store?graph=urn:other"
    foreign = urllib.request.Request(
        address, b"<urn:a> <urn:b> <urn:c> .", {"Content-Type": "text/turtle"}, method="PUT"
    )
    urllib.request.urlopen(foreign).close()
    store = open_store(plain_server)
    store.apply(source(labelled(1)))
    assert store.unrecorded({labelled(1).bundle}) is None
    assert not store.ask("ASK { <urn:a> ?p ?o }")
    store.clear()
    assert b"urn:a" in urllib.request.urlopen(address).read()


def test_a_server_that_is_not_there_is_reported() -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        open_store("http://127.0.0.1:1", timeout=2).select("SELECT * { ?s ?p ?o }")


def test_two_addresses_are_taken_as_they_are(plain_server: str) -> None:
    store = open_store(f"{plain_server}/query {plain_server}/update")
    assert store.ask("ASK {}")
    with pytest.raises(StoreUnavailable, match="404"):
        open_store(f"{plain_server}/nothing").ask("ASK {}")


class Answering(BaseHTTPRequestHandler):
    """A server that answers one thing to everything."""

    said: bytes = b""
    status = 200
    authorization: str | None = None

    def do_POST(self) -> None:
        type(self).authorization = self.headers["Authorization"]
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.said)))
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


COMPLETE = b'{"head":{"vars":["s"]},"results":{"bindings":[{"s":{"type":"uri","value":"urn:x"}}]}}'


def test_an_answer_cut_anywhere_is_never_taken_for_whole(answering: HTTPServer) -> None:
    store = open_store(f"http://user:p%40ss@127.0.0.1:{answering.server_port}")
    Answering.status = 200
    Answering.said = COMPLETE
    assert [row["s"] for row in store.select("SELECT ?s { ?s ?p ?o }")] == ["urn:x"]
    assert Answering.authorization == "Basic dXNlcjpwQHNz"
    for length in range(len(COMPLETE)):
        Answering.said = COMPLETE[:length]
        with pytest.raises(StoreUnavailable, match="incomplete"):
            store.select("SELECT ?s { ?s ?p ?o }")


def test_a_refusal_tells_what_to_do_and_no_password(answering: HTTPServer) -> None:
    store = open_store(f"http://user:secret@127.0.0.1:{answering.server_port}")
    Answering.said, Answering.status = b"no", 401
    with pytest.raises(StoreUnavailable, match="user:password@") as problem:
        store.ask("ASK {}")
    assert "secret" not in str(problem.value)
