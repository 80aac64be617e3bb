"""What is recorded, as OpenLineage events: valid, and without what nobody may read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord, PolicyRefused
from lineage_graph.executors import OperatorUse, Place
from lineage_graph.graph import Graph, connect
from lineage_graph.identity import kind_of
from lineage_graph.openlineage.endpoint import Endpoint
from lineage_graph.openlineage.names import Name, place_name
from lineage_graph.openlineage.outgoing import Outgoing
from lineage_graph.openlineage.schemas import check
from lineage_graph.openlineage.statements import without_values
from lineage_graph.openlineage.transformations import transformations
from tests.recorded import CONTENT, description, job, rebuild, source


@pytest.fixture
def graph(store: Path) -> Iterator[Graph]:
    with connect(store, quiet=True) as opened:
        yield opened


def events(graph: Graph) -> list[dict[str, Any]]:
    """Return the events of all that is recorded; each is valid."""
    ledger = graph.opened.ledger
    outgoing = Outgoing(ledger, "shop")
    found = [event for entry in ledger.entries() for event in outgoing.events(entry.body)]
    for event in found:
        assert check(event) == "RunEvent"
    return found


def test_a_job_is_a_start_and_an_end_with_all_that_others_can_read(
    graph: Graph, tmp_path: Path
) -> None:
    read = source(graph, tmp_path)
    made = job(graph, tmp_path, read)
    start, end = events(graph)
    assert (start["eventType"], start["eventTime"]) == ("START", "2026-05-01T12:00:00.000000Z")
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", "2026-05-01T12:01:00.000000Z")
    assert start["run"] == end["run"] and start["outputs"] == []
    engine = end["run"]["facets"]["processing_engine"]
    assert (engine["name"], engine["version"]) == ("spark", "4.3.0")
    assert (end["job"]["namespace"], end["job"]["name"]) == ("shop", "save doubled")
    (put_in,), (came_out,) = end["inputs"], end["outputs"]
    assert (put_in["namespace"], put_in["name"]) == ("shop", "people")
    assert put_in["facets"]["version"]["datasetVersion"] == read
    (place,) = put_in["facets"]["symlinks"]["identifiers"]
    assert place == {"namespace": "file", "name": f"{tmp_path}/people.csv", "type": "LOCATION"}
    assert came_out["facets"]["version"]["datasetVersion"] == made
    fields = came_out["facets"]["schema"]["fields"]
    assert fields == [{"name": "x", "type": "bigint"}, {"name": "y", "type": "string"}]
    lineage = came_out["facets"]["columnLineage"]["fields"]
    assert {name: one["inputFields"][0]["field"] for name, one in lineage.items()} == {
        "x": "x",
        "y": "y",
    }
    by = [(t["type"], t["subtype"]) for t in lineage["x"]["inputFields"][0]["transformations"]]
    assert by == [("INDIRECT", "FILTER"), ("DIRECT", "TRANSFORMATION")]
    statistics = came_out["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (2, 12)


def test_what_was_read_after_it_was_registered_is_told_with_its_columns(
    graph: Graph, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("x,y\n1,a\n2,b\n")
    graph.dataset("people", tmp_path / "people.csv", header=True)
    job(graph, tmp_path, source(graph, tmp_path))
    fields = events(graph)[0]["inputs"][0]["facets"]["schema"]["fields"]
    assert [one["name"] for one in fields] == ["x", "y"]


def test_a_plan_that_was_known_before_is_told_as_the_first_time(
    graph: Graph, tmp_path: Path
) -> None:
    read = source(graph, tmp_path)
    sql = OperatorUse(
        0, bundled().iri("operator-iri:sql"), "sql", (), "SELECT 7 AS x FROM p", "always"
    )
    for _ in range(2):
        job(graph, tmp_path, read, description=description("Transform", steps=(sql,)))
    said = [event["job"]["facets"]["sql"]["query"] for event in events(graph)]
    assert said == ["SELECT ? AS x FROM p"] * 4


def test_a_failure_says_the_class_of_the_error_and_has_no_output(
    graph: Graph, tmp_path: Path
) -> None:
    job(graph, tmp_path, source(graph, tmp_path), error="ArithmeticException")
    start, end = events(graph)
    assert (end["eventType"], end["outputs"]) == ("FAIL", [])
    assert end["run"]["facets"]["errorMessage"]["message"] == "ArithmeticException"
    assert "errorMessage" not in start["run"]["facets"]


def rebuilt(graph: Graph, version: str, read: str, **changes: Any) -> list[dict[str, Any]]:
    """Record a rebuild of a version, and return what its end says came out."""
    rebuild(graph, version, read, **changes)
    found: list[dict[str, Any]] = events(graph)[-1]["outputs"]
    return found


def test_a_rebuild_says_what_came_out(graph: Graph, tmp_path: Path) -> None:
    read = source(graph, tmp_path)
    made = job(graph, tmp_path, read)
    (recorded,) = events(graph)[-1]["outputs"]
    (same,) = rebuilt(graph, made, read)
    assert same["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert {**same, "outputFacets": {}} == {**recorded, "outputFacets": {}}
    other = replace(CONTENT, digest="cd" * 32, rows=3)
    (differs,) = rebuilt(graph, made, read, verdict="different", content=other)
    assert (differs["namespace"], differs["name"]) == ("shop", "doubled")
    # It is no version: what came out is called by what it contains.
    assert kind_of(differs["facets"]["version"]["datasetVersion"]) == "content"
    assert differs["outputFacets"]["outputStatistics"]["rowCount"] == 3
    nothing = {"verdict": "impossible", "content": None, "error": "ArithmeticException"}
    assert rebuilt(graph, made, read, **nothing) == []


def test_what_is_only_said_of_data_is_no_run(graph: Graph, tmp_path: Path) -> None:
    version = source(graph, tmp_path)
    graph.invalidate(version, because="it was a test")
    assert events(graph) == []


def test_a_job_on_files_without_a_name_tells_the_name_everybody_has_for_them(
    graph: Graph, tmp_path: Path
) -> None:
    source(graph, tmp_path)
    (tmp_path / "more.csv").write_text("x,y\n3,c\n")
    recorder = graph._writer.recorder
    unnamed = recorder.version_of(recorder.pin(Place((f"{tmp_path}/more.csv",), "csv")))
    job(graph, tmp_path, unnamed)
    (told,) = events(graph)[-1]["inputs"]
    assert (told["namespace"], told["name"]) == ("file", f"{tmp_path}/more.csv")
    assert "symlinks" not in told["facets"]


@pytest.mark.parametrize(
    "location, name",
    [
        ("/data/a.csv", Name("file", "/data/a.csv")),
        ("s3a://bucket/a/b", Name("s3://bucket", "a/b")),
        ("s3://key:secret@bucket/a", Name("s3://bucket", "a")),
        ("hdfs://node:8020/a/b", Name("hdfs://node:8020", "/a/b")),
        ("/data/a; /data/b", None),
        ("default.sales", None),
    ],
)
def test_places_are_called_as_others_call_them(location: str, name: Name | None) -> None:
    assert place_name(location) == name


@pytest.mark.parametrize(
    "sql, told",
    [
        ("SELECT * FROM p WHERE cpf = '123.456.789-09'", "SELECT * FROM p WHERE cpf = ?"),
        (
            "SELECT `col'1`, t2.a1 FROM t2 WHERE n > 1.5e3",
            "SELECT `col'1`, t2.a1 FROM t2 WHERE n > ?",
        ),
        (r"SELECT 'it\'s Ana', 'o''clock', X'1F'", "SELECT ?, ?, ?"),
        ('SELECT "Maria" -- of Ana\n, 1', "SELECT ?  \n, ?"),
        ("SELECT /* Ana's */ a FROM t", "SELECT   a FROM t"),
        ("SELECT 'Maria", None),
        ("SELECT a /* Maria", None),
    ],
)
def test_sql_is_told_without_its_values(sql: str, told: str | None) -> None:
    assert without_values(sql) == told


def test_every_kind_of_derivation_is_a_transformation() -> None:
    declared = (bundled().root / "ontology" / "lineage.ttl").read_text()
    kinds = re.findall(r"^lg:(\w+) a lg:Kind ;", declared, re.MULTILINE)
    assert {"Identity", "MemorisingTraining"} <= {*kinds}
    for kind in kinds:
        (one,) = transformations([kind])
        assert one["type"] in ("DIRECT", "INDIRECT")
        assert one["subtype"] and one["description"] == kind


def test_a_token_is_not_sent_where_others_can_read_it() -> None:
    with pytest.raises(PolicyRefused, match="https") as refused:
        Endpoint("http://lineage.example:5000", "lg_secret")
    assert "lg_secret" not in str(refused.value)
    for address in ("https://lineage.example", "http://127.0.0.1:1", "http://localhost:1"):
        assert Endpoint(address, "lg_secret").shown.endswith("/api/v1/lineage")
    assert Endpoint("http://lineage.example:5000").shown.startswith("http://lineage.example:5000")


@pytest.mark.parametrize(
    "address", ["ftp://host/", "host:5000", "http://", "http://host:x", "http://me:pw@host/"]
)
def test_what_is_no_address_is_refused_before_anything_runs(store: Path, address: str) -> None:
    with pytest.raises(InvalidRecord, match="OpenLineage") as refused:
        connect(store, openlineage=address)
    assert "pw" not in str(refused.value)
    connect(store).close()
