"""What is taken as OpenLineage, what is refused and why, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.openlineage.acceptance import accept, accept_batch
from lineage_graph.openlineage.documents import canonical, read_events
from lineage_graph.openlineage.names import Name
from lineage_graph.openlineage.schemas import check
from lineage_graph.openlineage.times import moment
from lineage_graph.stores.oxigraph import MemoryStore
from lineage_graph.validation import Validator
from tests.producers import PRODUCER, PUBLISHED, SCHEMA, dataset, facet, published, run

AUTHOR = "urn:lineage-graph:agent:producer"
SCENARIOS = sorted(path.name for path in (PUBLISHED / "events").iterdir())
FACETS = sorted((PUBLISHED / "facets").glob("*/*.json"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[LedgerFile]:
    with LedgerFile(tmp_path / "ledger.db") as opened:
        yield opened


def documents(ledger: LedgerFile) -> list[Any]:
    """Return the documents of all events, as the graph has them."""
    store = MemoryStore()
    while store.applied.seq < ledger.head:
        store.apply(ledger.entries)
    document = bundled().iri("document")
    rows = store.select(f"SELECT DISTINCT ?d WHERE {{ ?e <{document}> ?d }} ORDER BY ?d")
    return [json.loads(str(row["d"])) for row in rows]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_events_of_real_producers_are_taken_whole(ledger: LedgerFile, scenario: str) -> None:
    events = published(scenario)
    for event in events:
        accept(ledger, AUTHOR, event)
    assert ledger.head == len(events)
    kept = documents(ledger)
    for event in events:
        assert any(one["eventTime"] == event["eventTime"] for one in kept)
        assert [one for one in kept if one.keys() == event.keys()]
    for entry in ledger.entries():
        assert Validator(bundled()).violations(entry.body) == []


@pytest.mark.parametrize("path", FACETS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_published_examples_of_facets_are_taken(path: Path) -> None:
    facets = json.loads(path.read_text())
    event = run("r", inputs=["a"], outputs=["b"])
    kind = path.parent.name
    if kind.endswith("RunFacet"):
        event["run"]["facets"] = facets
    elif kind.endswith("JobFacet") or "entries" in facets.get("lineage", {}):
        event["job"]["facets"] = facets
    elif "InputDataset" in kind or "inputDatasetFacet" in str(facets):
        event["inputs"][0]["inputFacets"] = facets
    elif "OutputDataset" in kind:
        event["outputs"][0]["outputFacets"] = facets
    else:
        event["outputs"][0]["facets"] = facets
    assert check(event) == "RunEvent"


def test_the_three_kinds_are_told_apart_by_what_they_are_about() -> None:
    common = {"eventTime": "2026-05-01T12:00:00Z", "producer": PRODUCER, "schemaURL": SCHEMA}
    assert check(run("r")) == "RunEvent"
    assert check({**common, "job": {"namespace": "n", "name": "j"}}) == "JobEvent"
    assert check({**common, "dataset": dataset("d")}) == "DatasetEvent"


FAULTS = {
    "/: ": [],
    "/run: ": {**run("r"), "run": {}},
    "/run/runId: ": {**run("r"), "run": {"runId": 7}},
    "/eventType: ": run("r", "DONE"),
    "/eventTime: ": run("r", at="yesterday"),
    "/inputs/0: ": run("r", inputs=[{"name": "no namespace"}]),
    "/job/facets/sql: ": run("r", job_facets={"sql": facet()}),
    "/run/facets/mine: ": run("r", run_facets={"mine": {"no": "producer"}}),
    "/outputs/0/facets/schema/fields: ": run(
        "r", outputs=[dataset("d", schema=facet(fields="none"))]
    ),
}


@pytest.mark.parametrize("pointer", FAULTS)
def test_a_fault_is_named_by_its_place(ledger: LedgerFile, pointer: str) -> None:
    with pytest.raises(InvalidRecord) as fault:
        accept(ledger, AUTHOR, FAULTS[pointer])
    assert str(fault.value).startswith(pointer)
    assert ledger.head == 0


def test_values_that_json_cannot_say_are_refused_by_place() -> None:
    with pytest.raises(InvalidRecord, match=r"^/a/0: "):
        canonical({"a": [float("nan")]})
    with pytest.raises(InvalidRecord, match=r"^/a: "):
        canonical({"a": "\ud800"})


def test_an_event_sent_again_is_the_same_entry(ledger: LedgerFile) -> None:
    event = run("r", outputs=["d"])
    assert accept(ledger, AUTHOR, event) == 1
    assert accept(ledger, "urn:lineage-graph:agent:other", json.loads(json.dumps(event))) == 1
    assert accept_batch(ledger, AUTHOR, [event, event]).seq == 1
    assert len(documents(ledger)) == 1


def test_what_is_right_in_a_batch_is_taken_and_the_rest_is_named(ledger: LedgerFile) -> None:
    events = [run("r"), {"no": "event"}, run("s"), run("t", "NEVER")]
    found = accept_batch(ledger, AUTHOR, events)
    assert (found.seq, found.taken) == (1, 2)
    assert [refusal.index for refusal in found.refused] == [1, 3]
    assert found.refused[1].reason.startswith("/eventType: ")
    assert sorted(one["run"]["runId"] for one in documents(ledger)) == ["r", "s"]
    assert accept_batch(ledger, AUTHOR, [{}]).seq is None
    assert ledger.head == 1


def test_unknown_facets_are_kept_as_they_were_sent(ledger: LedgerFile) -> None:
    mine = facet(odd={'quote " back \\ slash': ["\u2028", "é", "\t", 1.5, None, True]})
    event = run("r", run_facets={"my_facet": mine}, outputs=[dataset("d", other=mine)])
    accept(ledger, AUTHOR, event)
    assert documents(ledger) == [event]


def test_secrets_and_mail_addresses_are_not_kept(ledger: LedgerFile) -> None:
    owners = facet(owners=[{"name": "user:ana@example.org"}, {"name": "team:sales"}])
    variables = facet(environmentVariables=[{"name": "DB_PASSWORD", "value": "hunter2"}])
    event = run(
        "r",
        inputs=[dataset("d", "jdbc:postgresql://me:hunter2@db/x?password=hunter2")],
        run_facets={"environmentVariables": variables, "spark": facet(token="hunter2")},
        job_facets={"ownership": owners},
    )
    accept(ledger, AUTHOR, event)
    (kept,) = documents(ledger)
    body = next(ledger.entries()).body
    assert b"hunter2" not in body and b"ana@" not in body
    assert kept["job"]["facets"]["ownership"]["owners"][1] == {"name": "team:sales"}
    assert kept["inputs"][0]["namespace"].startswith("jdbc:postgresql://db/x")


def test_long_names_and_far_years_are_taken(ledger: LedgerFile) -> None:
    for at in ("2036-05-01T12:00:00Z", "2016-05-01T12:00:00+02:00", "0001-01-02T00:00:00Z"):
        accept(ledger, AUTHOR, run("r", at=at, outputs=["é" * 2048, 'a b"<>\\#%' * 400]))
    assert ledger.head == 3


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-05-01T14:00:00+02:00", "2026-05-01T12:00:00.000000Z"),
        ("2026-05-01t12:00:00.5z", "2026-05-01T12:00:00.500000Z"),
        ("2026-05-01T12:00:00.123456789Z", "2026-05-01T12:00:00.123456Z"),
        ("2026-12-31T23:59:60Z", "2026-12-31T23:59:59.000000Z"),
    ],
)
def test_times_are_moments(text: str, same: str) -> None:
    assert moment(text) == same


@pytest.mark.parametrize(
    "text",
    ["2026-05-01", "2026-05-01T12:00:00", "2026-13-01T12:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        moment(text)


def test_two_pairs_never_have_the_same_text() -> None:
    pairs = [("a b", "c"), ("a", "b c"), ("a%20b", "c"), ("a", "b%20c"), ("", "a b c")]
    assert len({Name(*pair).text for pair in pairs}) == len(pairs)


@pytest.mark.parametrize(
    "body",
    [b'[{"a": 1}, {"b": 2}]', b'{"a": 1}\n\n{"b": 2}\n', b'[\n{"a": 1},\n{"b": 2}\n]'],
)
def test_a_file_holds_an_array_or_one_event_a_line(body: bytes) -> None:
    assert read_events(body) == [{"a": 1}, {"b": 2}]
    assert read_events(b'{\n"a": 1\n}') == [{"a": 1}]
    with pytest.raises(InvalidRecord, match=r"^line 2: /a"):
        read_events(b'{"a": 1}\n{"a": NaN}')
