"""What is recorded is sent to an endpoint, and no endpoint disturbs the job."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lineage_graph.graph import Graph, connect
from lineage_graph.identity import kind_of, name_of, part
from lineage_graph.openlineage.emission import LABELS_VARIABLE, Emission
from lineage_graph.openlineage.endpoint import Endpoint
from lineage_graph.openlineage.names import Name, declared_version
from lineage_graph.openlineage.outgoing import Outgoing
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.recorded import Endpoint as Told
from tests.recorded import answering, job, rebuild, source

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

Edges = set[tuple[str, str]]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The server of another store: its address and its folder."""
    with serving(Settings(tmp_path / "elsewhere", port=0)) as address:
        yield address, tmp_path / "elsewhere"


def edges(graph: Graph) -> Edges:
    rows = graph.query("lineage/derivations")
    return {(str(row["derived"]), str(row["source"])) for row in rows}


def there(graph: Graph, iri: str) -> str:
    """Return what a version, or its column, is called where the events arrived."""
    version, is_column, column = iri.partition("#")
    of = graph._record.of(version)
    name = Name("lineage-graph", name_of(of))
    if kind_of(of) == "model":
        name = Name("lineage-graph/models", name_of(of))
    elif name_of(of).startswith("/"):
        name = Name("file", name_of(of))
    known = declared_version(name, version)
    return part(known, name_of(column)) if is_column else known


def expected(graph: Graph) -> Edges:
    """Return all that was derived from what, as it must be where the events arrived.

    A feature of a model is told as a column that acts on the whole of it: there its
    version is the source.
    """
    found = set()
    for derived, of in edges(graph):
        if "#" not in derived:
            of = of.partition("#")[0]
        found.add((there(graph, derived), there(graph, of)))
    return found


def test_the_lineage_that_arrives_is_the_lineage_here(
    elsewhere: tuple[str, Path], store: Path, tmp_path: Path
) -> None:
    address, folder = elsewhere
    with connect(store, quiet=True, openlineage=address) as graph:
        read = source(graph, tmp_path)
        first = job(graph, tmp_path, read)
        job(graph, tmp_path, first, "again")
        rebuild(graph, first, read)
        job(graph, tmp_path, first, "broken", error="ArithmeticException")
        wanted = expected(graph)
        assert graph.problems == []
    with connect(folder, quiet=True) as arrived:
        assert len(wanted) == 6 and edges(arrived) == wanted
        statuses = {row["label"]: row["status"] for row in arrived.query("records/activity")}
        assert sorted(statuses.values()) == ["completed"] * 3 + ["failed"]


def told(endpoint: Told) -> set[str]:
    return {event["job"]["name"] for event in endpoint.events}


@pytest.mark.parametrize(
    "allowed, names",
    [
        ("", {"open"}),
        ("hr", {"open", "first", "second"}),
        ("hr, board", {"open", "first", "second", "planned"}),
        ("none-of-these", {"open"}),
    ],
)
def test_what_has_a_label_is_not_sent_unless_the_label_is_named(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: str, names: set[str]
) -> None:
    monkeypatch.setenv(LABELS_VARIABLE, allowed)
    with answering() as endpoint, connect(store, quiet=True, openlineage=endpoint.address) as graph:
        people = source(graph, tmp_path)
        salaries = source(graph, tmp_path, "salaries")
        budget = source(graph, tmp_path, "budget")
        graph.label_visibility("salaries", ["hr"])
        graph.label_visibility("budget", ["board"])
        # What is derived has the labels of what it came from.
        job(graph, tmp_path, job(graph, tmp_path, salaries, "first"), "second")
        job(graph, tmp_path, budget, "planned")
        job(graph, tmp_path, people, "open")
        graph.close()
        assert graph.problems == []
        assert told(endpoint) == {f"save {name}" for name in names}
        assert ("salaries" in json.dumps(endpoint.events)) == ("first" in names)
        assert ("budget" in json.dumps(endpoint.events)) == ("planned" in names)


def test_what_has_a_label_on_a_server_is_not_sent_by_its_clients(
    elsewhere: tuple[str, Path], tmp_path: Path
) -> None:
    address, _ = elsewhere
    with (
        answering() as endpoint,
        connect(
            address, quiet=True, working=tmp_path / "working", openlineage=endpoint.address
        ) as graph,
    ):
        people = source(graph, tmp_path)
        job(graph, tmp_path, people, "open")
        secret = job(graph, tmp_path, people, "secret")
        graph.label_visibility("secret", ["hr"])
        job(graph, tmp_path, secret, "worse")
        graph.close()
        assert graph.problems == []
        assert "save open" in told(endpoint) and "save worse" not in told(endpoint)


def test_what_was_labelled_before_it_could_be_sent_is_not_sent(store: Path, tmp_path: Path) -> None:
    with answering(at_once=False) as endpoint:
        graph = connect(store, quiet=True, openlineage=endpoint.address)
        read = source(graph, tmp_path)
        job(graph, tmp_path, read, "open")
        endpoint.arrived.wait(60)
        secret = job(graph, tmp_path, read, "secret")
        graph.label_visibility("secret", ["hr"])
        job(graph, tmp_path, secret, "worse")
        endpoint.released.set()
        graph.close()
        assert graph.problems == []
        assert told(endpoint) == {"save open"}


@pytest.mark.spark
def test_a_story_with_spark_and_models_arrives_whole(
    elsewhere: tuple[str, Path], engine: Engine, store: Path, tmp_path: Path
) -> None:
    from pyspark.sql import functions as F
    from sklearn.linear_model import LogisticRegression

    from lineage_graph.errors import StepFailed

    address, folder = elsewhere
    lines = [f"{i},n{i % 3},{i * 1.5}" for i in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["id,name,v", *lines]) + "\n")
    (tmp_path / "names.csv").write_text("name,w\nn0,0\nn1,1\nn2,2\n")
    with connect(store, quiet=True, openlineage=address) as graph:
        spark = graph.spark(f"{engine.url}/;token={engine.token}")
        graph.dataset(
            "people", tmp_path / "people.csv", header=True, schema="id INT, name STRING, v DOUBLE"
        )
        people = graph.read("people")
        names = spark.read.csv(f"{tmp_path}/names.csv", header=True, schema="name STRING, w INT")
        joined = people.join(names, "name").where("v > 3")
        joined = joined.withColumn("late", (F.col("v") > 30).cast("int"))
        graph.save(joined, "features")
        graph.save(joined.groupBy("name").agg(F.sum("v").alias("total")), "totals")
        joined.createOrReplaceTempView("joined")
        graph.save(
            spark.sql("SELECT id, upper(name) AS n FROM joined WHERE name <> 'Maria'"), "upper"
        )
        graph.fit(LogisticRegression(), "features", name="late", label="late", features=["v", "w"])
        graph.predict("late", "features", name="guesses", keep=["id"])
        graph.rebuild("totals")
        with pytest.raises(StepFailed):
            graph.save(people.select(F.raise_error(F.lit("of Maria"))), "broken")
        wanted = expected(graph)
        labels = {row["label"] for row in graph.query("records/activity")}
        assert graph.problems == []
    with connect(folder, quiet=True) as arrived:
        assert edges(arrived) == wanted and len(wanted) > 15
        rows = arrived.query("records/activity")
        told = {str(row["label"]).removeprefix("lineage-graph ") for row in rows}
        assert told == labels
        said = b"".join(entry.body for entry in arrived.opened.ledger.entries())
        assert b"SELECT id, upper(name) AS n FROM joined WHERE name <> ?" in said
        assert b"Maria" not in said


def test_a_store_does_not_take_its_own_record_for_somebody_elses(
    store: Path, tmp_path: Path
) -> None:
    with (
        serving(Settings(store, port=0)) as address,
        connect(address, working=tmp_path / "here", quiet=True, openlineage=address) as graph,
    ):
        job(graph, tmp_path, source(graph, tmp_path))
        head = graph.opened.ledger.head
        emission = graph.opened.emission
        assert emission is not None
        emission.close()
        assert graph.problems == [] and graph.opened.ledger.head == head


def test_the_environment_says_where_to_and_who_sends(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering() as endpoint:
        monkeypatch.setenv("LINEAGE_GRAPH_OPENLINEAGE_URL", f"{endpoint.address}/take?a=b")
        monkeypatch.setenv("LINEAGE_GRAPH_OPENLINEAGE_TOKEN", "lg_secret")
        monkeypatch.setenv("LINEAGE_GRAPH_OPENLINEAGE_NAMESPACE", "shop")
        with connect(store, quiet=True) as graph:
            job(graph, tmp_path, source(graph, tmp_path))
        with connect(store, quiet=True, openlineage="") as silent:
            assert silent.opened.emission is None
    (path, headers, first), (_, _, second) = endpoint.received
    assert (path, headers["Authorization"]) == ("/take?a=b", "Bearer lg_secret")
    assert (first["eventType"], second["eventType"]) == ("START", "COMPLETE")
    assert first["job"]["namespace"] == "shop"


def test_an_endpoint_that_refuses_is_told_of_once_and_counted(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_GRAPH_OPENLINEAGE_TOKEN", "lg_secret")
    with (
        answering(500) as endpoint,
        caplog.at_level(logging.DEBUG),
        connect(store, quiet=True, openlineage=endpoint.address) as graph,
    ):
        read = source(graph, tmp_path)
        for _ in range(3):
            job(graph, tmp_path, read)
        emission = graph.opened.emission
        assert emission is not None
        emission.close()
        (problem,) = graph.problems
        assert len(graph.query("records/activity")) == 3
        job(graph, tmp_path, read)
        assert "of 4 recorded activities" in graph.problems[0]
    assert "3 recorded activities" in problem and "status 500" in problem
    (warning,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert "graph.problems" in warning.getMessage()
    assert "lg_secret" not in caplog.text + problem


def test_a_dead_endpoint_costs_the_events_and_nothing_else(store: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
        with connect(store, quiet=True, openlineage=dead) as graph:
            made = job(graph, tmp_path, source(graph, tmp_path))
            graph.opened.emission.close()  # type: ignore[union-attr]
            assert "ConnectionRefusedError" in graph.problems[0]
            assert graph.resolve("doubled") == made


def test_a_slow_endpoint_is_waited_for_a_short_time_at_the_end(store: Path, tmp_path: Path) -> None:
    with answering(at_once=False) as endpoint, connect(store, quiet=True) as graph:
        emission = Emission(
            Endpoint(endpoint.address), lambda: Outgoing(graph.opened.ledger, "shop"), 2
        )
        graph._writer.bundles.appended = emission.take
        read = source(graph, tmp_path)
        job(graph, tmp_path, read)
        assert endpoint.arrived.wait(60)
        for _ in range(5):
            job(graph, tmp_path, read)
        (problem,) = emission.problems
        assert "3 recorded activities" in problem and "too many were waiting" in problem
        assert len(graph.query("records/activity")) == 6
        emission.close(patience=0.05)
        (problem,) = emission.problems
        assert "6 recorded activities" in problem and "the end came" in problem
    assert [event["eventType"] for event in endpoint.events][:1] == ["START"]


def test_nobody_is_told_unless_somebody_asked_for_it(store: Path) -> None:
    before = set(threading.enumerate())
    with connect(store, quiet=True) as graph:
        assert graph.opened.emission is None
        assert set(threading.enumerate()) <= before
