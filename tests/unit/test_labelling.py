"""What columns mean goes into the bundle of their version; what a person says counts after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.executors import Description, Fingerprint, Operation, Pin, Place, Program, Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.labelling import Labelling, changes
from lineage_graph.identity import fresh, named, part
from lineage_graph.index import LineageIndex
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.privacy import Privacy
from lineage_graph.privacy.types import SemanticTypes
from lineage_graph.privacy.values import Label
from lineage_graph.query import Queries
from lineage_graph.recording import KnownPlaces, Made, Recorder
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset
from lineage_graph.records.privacy import MembershipIndex, SemanticLabel
from lineage_graph.snapshots import Snapshots
from lineage_graph.stores import open_store

AT = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = Dataset(id=named("dataset", "people"), title="people")
CPF = "529.982.247-25"
DECLARED = Declared(bundled())
TYPES = SemanticTypes(DECLARED, bundled())
GROUPED = Description(group_sizes=("n",))


def table(columns: Mapping[str, tuple[str, ...]]) -> Fingerprint:
    fields = ",".join(f'["{name}","{"bigint" if name == "n" else "string"}"]' for name in columns)
    return Fingerprint(
        "ab" * 32,
        "test1",
        9,
        f'{{"struct":[{fields}]}}',
        dict.fromkeys(columns, "01"),
        Sample(7, 9, columns),
        {"n": 3},
    )


class Store:
    """A recorder that labels, and what can be asked of what it recorded."""

    def __init__(self, root: Path) -> None:
        self.ledger = LedgerFile(root / "ledger.db")
        self.queries = Queries(self.ledger, open_store("memory:"), bundled())
        bundles = Bundles(self.ledger, bundled(), named("agent", "test"))
        artifacts = Artifacts(root / "artifacts")
        self.recorder = Recorder(bundles, artifacts, Snapshots(artifacts), KnownPlaces(()))
        self.labelling = Labelling(self.recorder, TYPES, DECLARED)
        self.recorder.labels = self.labelling.records
        self.folder = root

    def make(self, content: Fingerprint) -> str:
        """Record a version as an operation makes it."""
        version = fresh("version")
        pin = Pin(Place((str(self.folder),), "parquet"), None, "reference")
        program = Program("spark", b"plan")
        done = Operation("save", program, {}, GROUPED, None, None, AT, AT, {})
        self.recorder.record_activity(done, Made(version, PEOPLE, pin, content), {})
        return version

    def labels(self, version: str) -> dict[str, Label]:
        index = LineageIndex(self.folder / "index", self.ledger)
        privacy = Privacy(self.ledger, self.queries, index, bundled(), DECLARED, _Nothing())
        return {label.column: label for label in privacy.labels(version)}


class _Nothing:
    """Names that no label needs."""

    def names_of(self, versions: object) -> Mapping[str, str]:
        return {}

    def versions_of(self, things: object) -> Mapping[str, list[str]]:
        return {}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.ledger.close()


def test_labels_are_in_the_bundle_of_their_version_and_no_value_is(store: Store) -> None:
    version = store.make(table({"cpf": (CPF,) * 9, "n": ("3", "4"), "odd": ()}))
    labels = store.labels(version)
    assert labels["cpf"].semantic_type == TYPES.named("cpf").iri
    assert (labels["cpf"].status, labels["cpf"].sample_size, labels["cpf"].seed) == (
        "accepted",
        9,
        7,
    )
    assert labels["odd"].status == "unknown"
    assert store.ledger.head == 1
    assert CPF.encode() not in (store.folder / "ledger.db").read_bytes()
    (least,) = store.queries.run("privacy/least_counts")
    assert (str(least["column"]), least["least"]) == (part(version, "n"), 3)


def test_without_a_sample_nothing_is_said_and_a_failure_costs_nobody_the_job(store: Store) -> None:
    content = table({"cpf": (CPF,)})
    assert store.labels(store.make(replace(content, sample=None))) == {}

    def failing(version: str, fingerprint: Fingerprint) -> list[SemanticLabel]:
        raise ValueError(f"cannot read {CPF}")

    store.recorder.labels = failing
    assert store.labels(store.make(content)) == {}
    (problem,) = store.recorder.problems
    assert "ValueError" in problem and CPF not in problem


def test_a_person_is_believed_before_a_recogniser_in_every_version(store: Store) -> None:
    first = store.make(table({"cpf": (CPF,) * 9, "x": ("a",)}))
    say, columns = store.labelling.say, ["cpf", "x"]
    say(PEOPLE.id, columns, "x", "email", "confirmed", "it was one")
    second = store.make(table({"cpf": (CPF,) * 9, "x": ("a",)}))
    for version in (first, second):
        label = store.labels(version)["x"]
        assert (label.semantic_type, label.status) == (TYPES.named("email").iri, "confirmed")
        assert (label.author, label.because) == (named("agent", "test"), "it was one")
    say(PEOPLE.id, columns, "x", "email", "rejected", None)
    say(PEOPLE.id, columns, "cpf", TYPES.named("cpf").iri, "rejected", None)
    assert not any(label.holds for label in store.labels(second).values())
    say(PEOPLE.id, columns, "cpf", "cnpj", "confirmed", None)
    assert store.labels(first)["cpf"].semantic_type == TYPES.named("cnpj").iri


def test_what_cannot_be_meant_is_refused_with_what_may_be(store: Store) -> None:
    for column, type_, error in (
        ("CPF", "cpf", "Did you mean 'cpf'"),
        ("zzz", "cpf", "There are: cpf, x"),
        ("cpf", "cpff", "cpf"),
    ):
        with pytest.raises(NotFound, match=error):
            store.labelling.say(PEOPLE.id, ["cpf", "x"], column, type_, "confirmed", None)
    with pytest.raises(InvalidRecord, match="reason is empty"):
        store.labelling.say(PEOPLE.id, ["cpf"], "cpf", "cpf", "confirmed", " ")
    assert store.ledger.head == 0


def test_the_same_rules_say_nothing_twice_and_other_rules_are_seen_to_differ(store: Store) -> None:
    content = table({"cpf": (CPF,) * 9})
    version = store.make(content)
    assert not store.labelling.again(version, content)
    old = next(r for r in store.labelling.records(version, content) if "#" in r.id)
    assert isinstance(old, SemanticLabel)
    changed = replace(
        old,
        id=part(version, "cpf", "type", "0badcafe"),
        semantic_type=None,
        label_status="unknown",
        recogniser="0badcafe",
        generated_at=datetime.now(UTC),
    )
    store.recorder.append([changed])
    assert store.labels(version)["cpf"].status == "unknown"
    (change,) = changes(store.queries.run("privacy/labels", about=[part(version, "cpf")]))
    assert (change["column"], change["was"], change["is"]) == ("cpf", TYPES.named("cpf").iri, None)


@pytest.mark.parametrize(
    ("field", "value", "fix"),
    [
        ("label_status", "sure", "set the status to accepted"),
        ("value_share", 1.5, "share from 0 to 1"),
        ("about", "urn:lineage-graph:version:x", "the one column"),
        ("recogniser", "v1", "digest of the rules"),
        ("because", "", "reason that is not empty"),
    ],
)
def test_a_label_that_says_too_little_is_refused(
    store: Store, field: str, value: object, fix: str
) -> None:
    label = SemanticLabel(
        id=fresh("semantic-label"),
        about=part(PEOPLE.id, "cpf"),
        semantic_type=TYPES.named("cpf").iri,
        label_status="confirmed",
        generated_at=AT,
        attributed_to=named("agent", "test"),
    )
    with pytest.raises(InvalidRecord, match=fix):
        store.recorder.append([replace(label, **{field: value})])  # type: ignore[arg-type]


def test_a_membership_index_names_its_file_by_digest(store: Store) -> None:
    index = MembershipIndex(
        id=fresh("membership-index"),
        about=fresh("version"),
        identifier_column=part(PEOPLE.id, "cpf"),
        semantic_type=TYPES.named("cpf").iri,
        membership_key="ab" * 32,
        sha256="not one",
        row_count=9,
        generated_at=AT,
    )
    with pytest.raises(InvalidRecord, match="sha256 of the index's file"):
        store.recorder.append([index])
