"""Making versions anew from another edition of a source, as the script itself would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lineage_graph.errors import InputChanged, InvalidRecord, NotFound, PlanIncomplete, StepFailed
from lineage_graph.graph import Graph, connect

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

pytestmark = pytest.mark.spark

EDITIONS = {
    1: "carrier,rate,stars\nAA,0.1,3.5\nUA,0.2,4.5\nDL,0.4,2.0\n",
    # Another value, a column more, and another order: by position it would be read wrongly.
    2: "founded,carrier,stars,rate\n1930,AA,1.5,0.9\n1926,UA,4.5,0.2\n1925,DL,2.0,0.4\n",
    "alike": "carrier,rate,stars\nAA,0.9,1.5\nUA,0.2,4.5\nDL,0.1,2.0\n",
    "no rate": "carrier,stars\nAA,3.5\n",
    "words": "carrier,rate,stars\nAA,0.1,many\nUA,0.2,few\nDL,0.3,many\n",
}
REPLACED = {"airlines@1": "airlines@2"}
MADE = ["features", "training", "late", "predictions"]


def register(graph: Graph, folder: Path, edition: int | str) -> None:
    """Put an edition where the one before lay, whose bytes are gone then."""
    (folder / "airlines.csv").write_text(EDITIONS[edition])
    where = folder / "airlines.csv"
    graph.dataset("airlines", where, snapshot="reference", header=True, inferSchema=True)


def story(graph: Graph, folder: Path, edition: int | str) -> None:
    """Join flights with airlines, train two models and predict with both."""
    from pyspark.ml.classification import RandomForestClassifier
    from pyspark.sql import functions as F
    from sklearn.linear_model import LogisticRegression

    lines = [f"{n},{('AA', 'UA', 'DL')[n % 3]},{n * n % 97}.25,{n * n % 7 % 2}" for n in range(60)]
    (folder / "flights.csv").write_text("\n".join(["id,carrier,miles,late", *lines]) + "\n")
    spark = graph.spark()
    # A setting that is not a fresh session's: with it, 1/0 is null and no error.
    spark.conf.set("spark.sql.ansi.enabled", "false")
    graph.dataset("flights", folder / "flights.csv", header=True, inferSchema=True)
    register(graph, folder, edition)
    graph.save(graph.read("flights").where("id >= 5"), "clean")
    spark.udf.register("doubled", lambda rate: rate * 2, "double")
    joined = graph.read("clean").join(graph.read("airlines"), "carrier", "left")
    graph.save(joined.withColumn("fee", F.expr("doubled(rate) + coalesce(1/0, 0)")), "features")
    graph.save(graph.read("features").where("id < 45"), "training")
    features = ["miles", "fee", "stars"]
    estimator = LogisticRegression(random_state=1)
    graph.fit(estimator, "training", name="late", label="late", features=features,
              evaluate="features")  # fmt: skip
    graph.predict("late", "features", name="predictions")
    forest = RandomForestClassifier(numTrees=3, seed=2)
    graph.fit(forest, "training", name="forest", label="late", features=features)
    graph.predict("forest", "features", name="guesses",
                  keep=["id", "fee"])  # fmt: skip
    spark.conf.unset("spark.sql.ansi.enabled")
    assert not graph.problems, graph.problems


def opened(engine: Engine, store: Path) -> Graph:
    graph = connect(store)
    graph.spark(f"{engine.url}/;token={engine.token}")
    return graph


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("renewed")


@pytest.fixture(scope="module")
def graph(engine: Engine, place: Path) -> Iterator[Graph]:
    """A graph in which the story was told of one edition, and another one was registered."""
    with opened(engine, place / "store") as graph:
        story(graph, place, 1)
        register(graph, place, 2)
        yield graph


@pytest.fixture(scope="module")
def told(graph: Graph, engine: Engine, place: Path) -> Iterator[Mapping[str, str]]:
    """The fingerprints of the same script run on the new edition."""
    folder = place / "anew"
    folder.mkdir()
    with opened(engine, place / "another") as another:
        story(another, folder, 2)
        names = [*MADE, "forest", "guesses"]
        yield {name: another.describe(name)["fingerprint"] for name in names}


@pytest.fixture(scope="module")
def before(graph: Graph) -> Mapping[str, Any]:
    return {name: graph.describe(f"{name}@1") for name in (*MADE, "forest", "guesses", "clean")}


@pytest.fixture(scope="module")
def renewal(graph: Graph, before: Mapping[str, Any]) -> Any:
    asked: list[tuple[int, int, str]] = []
    # A function of the same name is the user's own; the recorded one is another.
    graph.spark().udf.register("doubled", lambda rate: -1.0, "double")
    renewal = graph.renew("predictions", REPLACED, progress=lambda *said: asked.append(said))
    row = graph.spark().sql("SELECT doubled(1.0)").collect()[0]
    assert row[0] == -1.0
    assert asked[0] == (0, 4, "features@1") and asked[-1][:2] == (4, 4)
    return renewal


def test_what_came_from_an_edition_is_made_anew_as_its_script_would(
    graph: Graph, renewal: Any, told: Mapping[str, str]
) -> None:
    assert [(s.old_name, s.new_name, s.reused) for s in renewal.steps] == [
        (f"{name}@1", f"{name}@2", False) for name in MADE
    ]
    assert {name: graph.describe(name)["fingerprint"] for name in MADE} == {
        name: told[name] for name in MADE
    }
    assert all(step.differs for step in renewal.steps)
    assert renewal.version == graph.resolve("predictions@2")
    assert graph.problems == []
    assert graph.validate() == []


def test_what_is_not_downstream_and_what_was_recorded_stay_as_they_are(
    graph: Graph, renewal: Any, before: Mapping[str, Any]
) -> None:
    for name in ("flights", "clean", "forest", "guesses"):
        assert len(graph.versions(name)) == 1
    for name, said in before.items():
        unlike = {"versions"}
        now = graph.describe(f"{name}@1")
        assert {k: now[k] for k in now if k not in unlike} == {
            k: said[k] for k in said if k not in unlike
        }


def test_new_versions_have_the_plans_of_the_old_and_the_lineage_of_their_own(
    graph: Graph, renewal: Any
) -> None:
    made = {name: graph.describe(f"{name}@2") for name in MADE}
    assert set(made["features"]["made_from"].values()) == {"clean@1", "airlines@2"}
    assert made["late"]["made_from"] == {"input:0": "training@2", "input:1": "features@2"}
    assert made["predictions"]["made_from"] == {"input:0": "late@2", "input:1": "features@2"}
    assert made["late"]["features"] == graph.describe("late@1")["features"]
    assert set(made["late"]["metrics"]) == set(graph.describe("late@1")["metrics"])
    assert made["features"]["environment"]["spark.sql.ansi.enabled"] == "false"
    for name in MADE:
        old, new = (graph._record.origin(graph.resolve(f"{name}@{n}")) for n in (1, 2))
        assert old is not None and new is not None
        # The columns of the file are part of how the first plan reads it.
        assert (old.plan == new.plan) == (name != "features")
        assert new.label == f"renew {name}"
        informed = graph.query(
            f"SELECT ?by {{ <{new.activity}> <http://www.w3.org/ns/prov#wasInformedBy> ?by }}"
        )
        assert [str(row["by"]) for row in informed] == [old.activity]
    kinds = [
        {(e.source.partition("#")[0], e.kinds) for e in graph.lineage(name, depth=1).edges}
        for name in ("features@1", "features@2")
    ]
    assert sorted(k for _, k in kinds[0]) == sorted(k for _, k in kinds[1])


def test_columns_that_only_the_new_edition_has_are_followed(graph: Graph, renewal: Any) -> None:
    columns = {node.name for node in graph.lineage("predictions@2", columns=True).nodes}
    assert {"airlines@2.founded", "airlines@2.rate", "clean@1.miles"} <= columns
    assert not any(name.startswith(("airlines@1", "features@1")) for name in columns)


def test_what_was_made_anew_can_be_rebuilt(graph: Graph, renewal: Any) -> None:
    assert graph.rebuild("predictions@2", from_scratch=True).verdict == "identical"


def test_asked_again_nothing_is_made_twice_and_nothing_starts(
    graph: Graph, renewal: Any, place: Path
) -> None:
    head = graph._ledger.head
    for name in ("predictions", "predictions@1"):
        again = graph.renew(name, REPLACED)
        assert all(step.reused for step in again.steps)
        assert [s.new for s in again.steps] == [s.new for s in renewal.steps]
    with connect(place / "store") as other:
        assert other.renew("predictions", REPLACED).version == renewal.version
        assert other._writing is None
    assert graph._ledger.head == head


def test_a_model_of_spark_ml_reuses_what_was_made_anew_for_another(
    graph: Graph, renewal: Any, told: Mapping[str, str]
) -> None:
    again = graph.renew("guesses", REPLACED)
    assert [(s.new_name, s.reused) for s in again.steps] == [
        ("features@2", True),
        ("training@2", True),
        ("forest@2", False),
        ("guesses@2", False),
    ]
    for name in ("forest", "guesses"):
        assert graph.describe(name)["fingerprint"] == told[name]
    assert graph.rebuild("guesses").verdict == "identical"


def test_a_renewal_reads_as_a_table_and_as_plain_values(renewal: Any) -> None:
    text = str(renewal)
    assert text.startswith("predictions@1 made anew with airlines@2 for airlines@1")
    assert "evaluation/accuracy" in text and "features@2" in text
    assert "<td><bdi>late@2</bdi></td>" in renewal._repr_mimebundle_()["text/html"]
    said = json.loads(json.dumps(renewal.to_dict()))
    assert said["replaced"] == REPLACED
    assert said["steps"][0]["rows"] == [55, 55]
    assert len(said["steps"][2]["metrics"]["training/accuracy"]) == 2


def test_the_command_line_replaces_too(renewal: Any, place: Path) -> None:
    command = [sys.executable, "-m", "lineage_graph", "--store", str(place / "store"), "rebuild"]
    options = ["predictions", "--replace", "airlines@1=airlines@2"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    shown = subprocess.run([*command, *options], capture_output=True, text=True, env=env)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("predictions@1 made anew with airlines@2 for airlines@1\n")
    answer = subprocess.run([*command, *options, "--json"], capture_output=True, env=env)
    assert json.loads(answer.stdout)[0]["version"] == renewal.version


def test_an_edition_without_a_column_that_is_needed_fails_its_step_and_leaves_nothing(
    graph: Graph, renewal: Any, place: Path
) -> None:
    register(graph, place, "no rate")
    kept = sorted(graph.folders.data.iterdir())
    newest = f"airlines@{len(graph.versions('airlines'))}"
    with pytest.raises(StepFailed, match=r"features@1 could not be made anew .*rate"):
        graph.renew("predictions@1", {"airlines@1": newest})
    assert failed(graph)[-1] == "renew features"
    assert len(graph.versions("features")) == 2
    assert sorted(graph.folders.data.iterdir()) == kept
    assert list(graph.folders.work.iterdir()) == []
    assert graph.problems == []


def test_what_was_made_before_a_step_failed_stays(graph: Graph, renewal: Any, place: Path) -> None:
    register(graph, place, "words")
    newest = f"airlines@{len(graph.versions('airlines'))}"
    said = r"(?s)late@1 could not be made anew from training@3.*stays: features@3, training@3"
    with pytest.raises(StepFailed, match=said):
        graph.renew("predictions@1", {"airlines@1": newest})
    assert failed(graph)[-1] == "renew late"
    assert (len(graph.versions("training")), len(graph.versions("late"))) == (3, 2)
    with pytest.raises(StepFailed, match=r"late@1 could not be made anew"):
        graph.renew("predictions@1", {"airlines@1": newest})
    assert len(graph.versions("training")) == 3
    assert graph.validate() == []


def failed(graph: Graph) -> list[str]:
    rows = graph.query("records/activity")
    return [str(row["label"]) for row in rows if row["status"] == "failed"]


def test_what_cannot_be_replaced_is_refused_with_what_can(graph: Graph, renewal: Any) -> None:
    head = graph._ledger.head
    with pytest.raises(NotFound, match="Did you mean 'airlines'"):
        graph.renew("predictions", {"airline@1": "airlines@2"})
    with pytest.raises(NotFound, match="has versions 1 to"):
        graph.renew("predictions", {"airlines@1": "airlines@99"})
    with pytest.raises(NotFound):
        graph.renew("nothing", REPLACED)
    with pytest.raises(InvalidRecord, match=r"clean@1 was not made from airlines@1.*: flights@1"):
        graph.renew("clean", REPLACED)
    with pytest.raises(InvalidRecord, match="one is a model skops, the other a dataset"):
        graph.renew("predictions", {"airlines@1": "late@1"})
    with pytest.raises(InvalidRecord, match="one is a model spark-ml, the other a model skops"):
        graph.renew("predictions", {"late@1": "forest@1"})
    assert graph._ledger.head == head


def test_a_model_can_be_replaced_like_a_dataset(graph: Graph, renewal: Any) -> None:
    swapped = graph.renew("predictions@1", {"late@1": "late@2"})
    assert [step.old_name for step in swapped.steps] == ["predictions@1"]
    made = set(graph.describe(swapped.version)["made_from"].values())
    assert made == {"late@2", "features@1"}


def test_a_plan_that_cannot_be_replayed_is_named_before_anything_runs(
    recorded: Graph, tmp_path: Path
) -> None:
    from pyspark.ml.feature import StringIndexer

    register(recorded, tmp_path, 1)
    recorded.save(recorded.read("airlines").where("rate < 9"), "some")
    rows = recorded.read("some")
    indexer: Any = StringIndexer(inputCol="carrier", outputCol="code")
    recorded.save(indexer.fit(rows).transform(rows), "indexed")
    register(recorded, tmp_path, 2)
    head = recorded._ledger.head
    with pytest.raises(PlanIncomplete, match=r"indexed@1: its plan cannot be replayed: .*Spark ML"):
        recorded.renew("indexed", REPLACED)
    assert recorded._ledger.head == head
    assert len(recorded.versions("some")) == 1


def test_an_input_that_is_gone_is_named_before_anything_runs(
    recorded: Graph, tmp_path: Path
) -> None:
    register(recorded, tmp_path, 1)
    (tmp_path / "names.csv").write_text("carrier,name\nAA,American\n")
    where = tmp_path / "names.csv"
    recorded.dataset("names", where, snapshot="reference", header=True)
    joined = recorded.read("airlines").where("rate < 9").join(recorded.read("names"), "carrier")
    recorded.save(joined, "named")
    register(recorded, tmp_path, 2)
    where.unlink()
    with pytest.raises(
        InputChanged, match=r"(?s)names@1, an input of named@1: .*Nothing was executed"
    ):
        recorded.renew("named", REPLACED)
    assert len(recorded.versions("named")) == 1


def test_a_table_that_ordinary_code_wrote_is_made_anew_in_the_store_and_not_over_it(
    recorded: Graph, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    register(recorded, tmp_path, 1)
    spark = recorded.spark()
    recorded.read("airlines").select("carrier", "rate").write.csv(str(out), header=True)
    files = {file: file.read_bytes() for file in out.iterdir()}
    # CSV does not say that a rate is a number.
    rates = spark.read.csv(str(out), header=True, schema="carrier STRING, rate DOUBLE")
    recorded.save(rates.where("rate > 0.15"), "high")
    register(recorded, tmp_path, "alike")
    renewal = recorded.renew("high", REPLACED)
    assert [step.rows for step in renewal.steps] == [(3, 3), (2, 2)]
    for step in renewal.steps:
        old, new = (recorded._record.origin(v) for v in (step.old, step.new))
        assert old is not None and new is not None and old.plan == new.plan
    assert {file: file.read_bytes() for file in out.iterdir()} == files
    assert recorded.read("high").dtypes == [("carrier", "string"), ("rate", "double")]
    assert recorded.rebuild("high", from_scratch=True).verdict == "identical"
    assert recorded.problems == []


def test_an_edition_of_another_format_is_read_as_it_is_said_to_be(
    recorded: Graph, tmp_path: Path
) -> None:
    register(recorded, tmp_path, 1)
    recorded.save(recorded.read("airlines").where("rate > 0.15"), "high")
    spark = recorded.spark()
    spark.createDataFrame(
        [(4.0, 0.5, "AA")], "stars double, rate double, carrier string"
    ).write.json(str(tmp_path / "more"))
    recorded.dataset("more", tmp_path / "more", format="json")
    renewal = recorded.renew("high", {"airlines@1": "more@1"})
    assert recorded.read("high").collect()[0].asDict() == {
        "carrier": "AA", "rate": 0.5, "stars": 4.0,
    }  # fmt: skip
    assert renewal.steps[-1].rows == (2, 1)
    assert recorded.rebuild("high").verdict == "identical"
    # Code that says itself how to read a file goes on reading it so.
    own = spark.read.csv(str(tmp_path / "airlines.csv"), schema="line STRING")
    recorded.save(own.where("line > 'C'"), "lines")
    head = recorded._ledger.head
    with pytest.raises(InvalidRecord, match=r"lines@1 cannot be made anew: it reads csv.*is json"):
        recorded.renew("lines", {"airlines@1": "more@1"})
    assert recorded._ledger.head == head


def test_rows_that_were_in_memory_can_be_replaced_by_a_file(
    recorded: Graph, tmp_path: Path
) -> None:
    register(recorded, tmp_path, 2)
    rows = recorded.spark().createDataFrame([("AA", 0.3)], "carrier string, rate double")
    recorded.save(rows.where("rate > 0.25").select("carrier"), "high")
    (held,) = graph_inputs(recorded, "high")
    renewal = recorded.renew("high", {held: "airlines@1"})
    assert renewal.steps[-1].rows == (1, 2)
    assert {row[0] for row in recorded.read("high").collect()} == {"AA", "DL"}
    assert recorded.rebuild("high").verdict == "identical"


def graph_inputs(graph: Graph, name: str) -> list[str]:
    return list(graph.describe(name)["made_from"].values())
