"""Questions are answered from everything recorded, whatever state the store was in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.declarations import Query, bundled
from lineage_graph.errors import DeclarationError, NotFound
from lineage_graph.ledger import Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.nquads import nquads
from lineage_graph.query import Progress, Queries, Verification
from lineage_graph.records import Dataset, DatasetVersion, Distribution, Record
from lineage_graph.stores import Applied, Store, open_store
from lineage_graph.stores.oxigraph import MemoryStore

BUNDLE = "urn:lineage-graph:bundle:1"
EVERYTHING = Path(__file__).parents[1] / "conformance" / "records" / "everything.nq"
QUESTIONS = [q for q in bundled().queries() if q.columns]


def record(ledger: Ledger, number: int, *records: Record) -> str:
    bundle = f"urn:lineage-graph:bundle:{number}"
    said = records or (Dataset(id=f"urn:x:{number}", title=f"d{number}"),)
    ledger.append(
        NewEntry(
            txid=f"t{number}",
            author="urn:x:me",
            bundle=bundle,
            body=nquads(bundle, said),
            subjects=sorted({r.id for r in said}),
            edges=[],
        )
    )
    return bundle


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LedgerFile(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture(params=["memory:", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "graph" if request.param == "folder" else request.param)
    yield opened
    opened.close()


@pytest.fixture
def queries(ledger: Ledger, store: Store) -> Queries:
    return Queries(ledger, store, bundled())


def titles(queries: Queries) -> list[Any]:
    return [row["title"] for row in queries.run("records/datasets")]


def test_an_answer_holds_all_that_was_recorded_before(ledger: Ledger, queries: Queries) -> None:
    assert titles(queries) == []
    for number in (1, 2, 3):
        record(ledger, number)
        assert titles(queries) == [f"d{n}" for n in range(1, number + 1)]


def test_progress_is_told_in_batches(ledger: Ledger, queries: Queries) -> None:
    for number in range(1, 4):
        record(ledger, number)
    told: list[tuple[int, int]] = []
    assert queries.up_to_date(lambda *at: told.append(at)) == 3
    assert told[-1] == (3, 3)
    assert queries.up_to_date(lambda *at: told.append(at)) == 3
    assert len(told) == 1


def test_who_waits_for_many_entries_is_told(ledger: Ledger, store: Store) -> None:
    told: list[tuple[int, int]] = []

    @contextmanager
    def watching() -> Iterator[Progress]:
        yield lambda *at: told.append(at)

    queries = Queries(ledger, store, bundled(), watching)
    record(ledger, 1)
    assert titles(queries) == ["d1"]
    assert told == [], "for one entry nobody is told"
    for number in range(2, 202):
        record(ledger, number)
    assert len(titles(queries)) == 201
    assert (told[0], told[-1]) == ((1, 201), (201, 201))


def test_a_large_batch_is_applied_whole_and_read_at_once(
    ledger: Ledger, store: Store, queries: Queries
) -> None:
    record(ledger, 1)
    assert titles(queries) == ["d1"]
    record(ledger, 2, *(Dataset(id=f"urn:x:{n}", title=f"e{n}") for n in range(9000)))
    assert len(titles(queries)) == 9000 + 1
    assert store.applied.seq == 2
    assert queries.verify() == Verification(2)


def test_a_store_another_ledger_filled_is_built_again(
    ledger: Ledger, store: Store, queries: Queries, tmp_path: Path
) -> None:
    with LedgerFile(tmp_path / "other.db") as other:
        for number in (7, 8, 9):
            record(other, number)
        Queries(other, store, bundled()).up_to_date()
    record(ledger, 1)
    assert titles(queries) == ["d1"]
    for number in (2, 3, 4):
        record(ledger, number)
    with LedgerFile(tmp_path / "other.db") as other:
        assert titles(Queries(other, store, bundled())) == ["d7", "d8", "d9"]
    assert titles(queries) == ["d1", "d2", "d3", "d4"]


def test_a_lost_folder_is_built_again_while_it_is_asked(ledger: Ledger, tmp_path: Path) -> None:
    record(ledger, 1)
    first = Queries(ledger, open_store(tmp_path / "graph"), bundled())
    assert titles(first) == ["d1"]
    shutil.rmtree(tmp_path / "graph")
    assert titles(Queries(ledger, open_store(tmp_path / "graph"), bundled())) == ["d1"]


def test_verify_finds_nothing_when_all_is_well(ledger: Ledger, queries: Queries) -> None:
    ledger.append(
        NewEntry(
            txid="t1",
            author="urn:x:me",
            bundle=BUNDLE,
            body=EVERYTHING.read_bytes(),
            subjects=[],
        )
    )
    record(ledger, 2)
    assert queries.verify() == Verification(2)


class _Forged:
    """An entry that is in no ledger."""

    seq, bundle, chain = 2, "urn:lineage-graph:bundle:2", ""
    body = nquads(bundle, [Dataset(id="urn:x:forged", title="forged")])


def test_verify_names_the_first_bundle_that_differs(ledger: Ledger, store: Store) -> None:
    record(ledger, 1)
    queries = Queries(ledger, store, bundled())
    queries.up_to_date()
    store.apply(lambda after: iter([_Forged()]))
    record(ledger, 2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Queries, "up_to_date", lambda self, progress=None: 2)
        found = queries.verify()
    assert found == Verification(2, _Forged.bundle)


def test_verify_names_a_bundle_nobody_recorded(ledger: Ledger, store: Store) -> None:
    record(ledger, 1)
    queries = Queries(ledger, store, bundled())
    queries.up_to_date()
    store.apply(lambda after: iter([_Forged()]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Queries, "up_to_date", lambda self, progress=None: 1)
        assert queries.verify() == Verification(1, _Forged.bundle)
    assert queries.verify() == Verification(1)


def test_clearing_and_asking_rebuilds_the_very_same(
    ledger: Ledger, store: Store, queries: Queries
) -> None:
    ledger.append(
        NewEntry(
            txid="t1",
            author="urn:x:me",
            bundle=BUNDLE,
            body=EVERYTHING.read_bytes(),
            subjects=[],
        )
    )
    before = queries.dump()
    store.clear()
    assert store.applied == Applied()
    assert queries.dump() == before
    bodies = b"".join(entry.body for entry in ledger.entries())
    assert len(before.splitlines()) == len(bodies.splitlines())


def test_an_unknown_query_or_parameter_is_refused(queries: Queries) -> None:
    with pytest.raises(NotFound):
        queries.run("records/nothing")
    with pytest.raises(DeclarationError, match="no parameter"):
        queries.run("records/models", modle="urn:x")


def test_construct_and_ask_answer(ledger: Ledger, queries: Queries) -> None:
    record(ledger, 1)
    assert queries.ask("ASK { <urn:x:1> ?p ?o }")
    assert queries.construct("DESCRIBE <urn:x:1>").count(b"\n") == 3


def test_a_dataset_said_twice_counts_its_versions_once(ledger: Ledger, queries: Queries) -> None:
    dataset = Dataset(id="urn:x:d", title="d")
    for number in (1, 2, 3):
        version = DatasetVersion(id=f"urn:x:v{number}", version_of="urn:x:d")
        record(ledger, number, dataset, version)
    (row,) = queries.run("records/datasets")
    assert row["versions"] == 3


SMALL = MemoryStore(bundled().ontology_files())


class _Everything:
    """One of everything, as an entry."""

    seq, bundle, chain = 1, BUNDLE, ""
    body = EVERYTHING.read_bytes()


SMALL.apply(lambda after: iter([_Everything()] if after == 0 else []))


@pytest.mark.parametrize("query", QUESTIONS, ids=lambda query: query.name)
def test_a_query_projects_the_columns_it_states(query: Query) -> None:
    empty = MemoryStore().select(query.bind())
    assert empty.columns == query.columns
    assert SMALL.select(query.bind()).columns == query.columns


ANSWERED = sorted({q.name for q in QUESTIONS if q.name.startswith(("records/", "lineage/"))})


# What was made, as all of it was, is neither twice nor from outside, nor called otherwise.
ELSEWHERE = {"records/same_content", "records/kept", "records/alternates"}


@pytest.mark.parametrize("name", [n for n in ANSWERED if n not in ELSEWHERE])
def test_a_query_finds_something_in_a_small_store(name: str) -> None:
    assert list(SMALL.select(bundled().query(name).bind()))


def test_what_is_called_otherwise_is_found_unless_it_is_something_else(
    ledger: Ledger, queries: Queries
) -> None:
    now = DatasetVersion(id="urn:x:now", version_of="urn:x:d", alternate_of=("urn:x:was",))
    record(ledger, 1, now)
    (row,) = queries.run("records/alternates", alternate="urn:x:was")
    assert (row["of"], row["own"]) == ("urn:x:now", False)
    record(ledger, 2, Dataset(id="urn:x:was", title="was"))
    (row,) = queries.run("records/alternates", of="urn:x:now")
    assert (row["alternate"], row["own"]) == ("urn:x:was", True)


def test_how_a_version_from_outside_is_kept_is_found(ledger: Ledger, queries: Queries) -> None:
    place = Distribution(id="urn:x:place", location="/data", format="csv", snapshot="reference")
    record(
        ledger,
        1,
        Dataset(id="urn:x:d", title="d", location="/data"),
        DatasetVersion(id="urn:x:v", version_of="urn:x:d", distribution=place.id),
        place,
    )
    (row,) = queries.run("records/kept")
    assert (row["dataset"], row["location"], row["snapshot"]) == ("urn:x:d", "/data", "reference")


STRANGERS = {"since": datetime(2999, 1, 1, tzinfo=UTC), "until": datetime(1, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("query", bundled().queries("records"), ids=lambda query: query.name)
def test_a_parameter_bound_to_a_stranger_finds_nothing(query: Query) -> None:
    for parameter in query.parameters:
        stranger = STRANGERS.get(parameter.name, "urn:x:stranger")
        assert list(SMALL.select(query.bind(**{parameter.name: stranger}))) == []


def test_every_query_of_the_catalogue_states_its_columns() -> None:
    for folder in ("records", "lineage"):
        assert all(query.columns for query in bundled().queries(folder))


def test_versions_are_one_row_each() -> None:
    rows = list(SMALL.select(bundled().query("records/versions").bind()))
    assert len(rows) == len({row["version"] for row in rows}) == 2
