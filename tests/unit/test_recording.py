"""Bundles: what one thing that happened adds to the ledger, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord
from lineage_graph.executors import (
    ColumnPath,
    Description,
    Fingerprint,
    InputPath,
    Operation,
    Place,
    Program,
)
from lineage_graph.identity import digested, fresh, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.query import Queries
from lineage_graph.recording import KnownPlaces, Made, Recorder, location_key
from lineage_graph.recording.bundle import Bundles
from lineage_graph.recording.descriptions import environment_record
from lineage_graph.records import Comparison, Dataset
from lineage_graph.snapshots import Snapshots
from lineage_graph.stores import open_store

AT = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = '{"struct":[["x","bigint"],["y","string"]]}'
CONTENT = Fingerprint("ab" * 32, "test1", 2, SCHEMA, {"x": "01", "y": "02"})


class Store:
    """A recorder and what can be asked of what it recorded."""

    def __init__(self, root: Path) -> None:
        self.root = root
        artifacts = Artifacts(root / "artifacts")
        self.snapshots = Snapshots(artifacts)
        self.ledger = LedgerFile(root / "ledger.db")
        self.queries = Queries(self.ledger, open_store("memory:"), Declarations())
        bundles = Bundles(self.ledger, Declarations(), named("agent", "test"))
        self.recorder = Recorder(bundles, artifacts, self.snapshots, KnownPlaces((root / "data",)))
        self.read: list[Place] = []

    def fingerprint(self, place: Place) -> Fingerprint:
        self.read.append(place)
        return CONTENT

    def rows(self, name: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self.queries.run(name, **values)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.ledger.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    file = tmp_path / "rows.csv"
    file.write_text("x,y\n1,a\n")
    return Place((str(file),), "csv", {"header": "true"})


def operation(**changes: Any) -> Operation:
    fields: dict[str, Any] = {
        "label": "save doubled",
        "program": Program("spark", b"double"),
        "sources": {},
        "description": Description(
            inputs=(InputPath("input:0", ("Transform",)),),
            columns=(ColumnPath("x", "input:0", "x", ("Transform",)),),
        ),
        "written": None,
        "content": None,
        "started": AT,
        "ended": AT,
        "environment": {"python": "3.11"},
    }
    return Operation(**{**fields, **changes})


def test_the_same_files_are_the_same_version_in_every_process(store: Store, place: Place) -> None:
    first = store.recorder.version_of(store.recorder.pin(place))
    head = store.ledger.head
    assert store.recorder.version_of(store.recorder.pin(place)) == first
    again = Store(store.root)
    assert again.recorder.version_of(again.recorder.pin(place)) == first
    assert again.ledger.head == head
    again.ledger.close()


def test_altered_files_are_another_version_of_the_same_dataset(store: Store, place: Place) -> None:
    first = store.recorder.version_of(store.recorder.pin(place))
    Path(place.paths[0]).write_text("x,y\n2,b\n")
    second = store.recorder.version_of(store.recorder.pin(place))
    assert first != second
    assert {row["of"] for row in store.rows("records/versions")} == {
        named("dataset", location_key(place))
    }


def test_a_source_is_read_once_to_know_what_is_in_it(store: Store, place: Place) -> None:
    version = store.recorder.version_of(store.recorder.pin(place))
    assert store.rows("records/columns", version=version) == []
    store.recorder.fingerprint = store.fingerprint
    for _ in range(2):
        store.recorder.version_of(store.recorder.pin(place))
    assert len(store.read) == 1
    names = [row["name"] for row in store.rows("records/columns", version=version)]
    assert names == ["x", "y"]


def test_an_activity_says_what_filled_which_slot_and_by_which_plan(
    store: Store, place: Place
) -> None:
    source = store.recorder.version_of(store.recorder.pin(place))
    made = Made(
        fresh("version"),
        Dataset(id=named("dataset", "doubled"), title="doubled"),
        store.snapshots.pin(place, "reference"),
        CONTENT,
    )
    activity = store.recorder.record_activity(operation(), made, {"input:0": source})
    used = store.rows("replay/usages", activity=activity)
    assert [(row["slot"], row["entity"]) for row in used] == [("input:0", source)]
    origin = store.rows("replay/origins", version=made.version)[0]
    assert (origin["activity"], origin["executor"]) == (activity, "spark")
    assert store.recorder.version_of(store.recorder.pin(place)) == source
    for derived, source_of in (
        (made.version, source),
        (part(made.version, "x"), part(source, "x")),
    ):
        rows = store.rows("lineage/derivations", derived=derived)
        assert {row["source"] for row in rows} == {source_of}


def test_the_same_plan_in_the_same_environment_is_described_once(
    store: Store, place: Place
) -> None:
    source = store.recorder.version_of(store.recorder.pin(place))
    for _ in range(2):
        store.recorder.record_activity(operation(), None, {"input:0": source})
    bodies = [entry.body for entry in store.ledger.entries(0, store.ledger.head)]
    plan = digested("plan", operation().program.digest).encode()
    assert sum(b"<" + plan + b"> <http://www.w3.org/1999/02/22" in body for body in bodies) == 1


def test_a_failure_says_the_class_of_the_error_and_makes_nothing(
    store: Store, place: Place
) -> None:
    source = store.recorder.version_of(store.recorder.pin(place))
    failed = operation(error="ArithmeticException")
    activity = store.recorder.record_activity(failed, None, {"input:0": source})
    row = store.rows("records/activity", activity=activity)[0]
    assert (row["status"], row["error"]) == ("failed", "ArithmeticException")
    assert store.rows("records/generated", activity=activity) == []


def test_a_bundle_that_breaks_a_shape_leaves_nothing(store: Store) -> None:
    head = store.ledger.head
    broken = Comparison(
        id=part(fresh("activity"), "comparison"),
        generated_by=fresh("activity"),
        recorded=fresh("version"),
        verdict="perhaps",
    )
    with pytest.raises(InvalidRecord, match="set the verdict to identical"):
        store.recorder.append([broken])
    assert store.ledger.head == head


def test_what_is_shared_is_said_once_however_often_it_is_given(store: Store) -> None:
    environment = environment_record({"python": "3.11"})
    dataset = Dataset(id=named("dataset", "one"), title="one")
    store.recorder.append([dataset], shared=[environment, environment])
    store.recorder.append([dataset], shared=[environment])
    bodies = [entry.body for entry in store.ledger.entries(0, store.ledger.head)]
    assert [environment.id.encode() in body for body in bodies] == [True, False]


def test_what_cannot_be_captured_is_told_and_work_goes_on(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.recorder.problem("a plan could not be read", ValueError("odd"))
    assert store.recorder.problems == ["a plan could not be read: ValueError: odd"]
    assert "Your job was not affected" in caplog.text


def test_a_folder_of_the_engine_is_the_version_it_is_named_by(store: Store) -> None:
    folder = store.root / "data" / "0199-abc"
    folder.mkdir(parents=True)
    (folder / "part-0.parquet").write_text("x")
    pin = store.recorder.pin(Place((str(folder),), "parquet"))
    assert (pin.snapshot, store.recorder.version_of(pin)) == (
        "reference",
        digested("version", "0199-abc"),
    )
    assert store.ledger.head == 0


def test_places_are_told_apart_by_what_they_are() -> None:
    uploaded = Place(("ab" * 32,), "local")
    assert location_key(uploaded).startswith("in memory ")
    assert location_key(Place(("db.rows",), "table")) == "table db.rows"
    assert location_key(Place(("/a", "s3a://b/c"), "csv")) == "/a; s3a://b/c"
