"""Models of scikit-learn and Spark ML: what is recorded of a training, and its rebuild."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import sklearn
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lineage_graph.errors import InvalidRecord, NotFound, StepFailed
from lineage_graph.graph import Graph, connect
from lineage_graph.graph.models import TrainedVersion

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

pytestmark = pytest.mark.spark

NUMBERS = ["distance", "hour"]


def flights(late_after: int = 5) -> pd.DataFrame:
    rows = range(60)
    return pd.DataFrame(
        {
            "id": list(rows),
            "distance": [100.0 + 37 * (n * n % 29) for n in rows],
            "hour": [float(n % 12) if n % 17 else None for n in rows],
            "carrier": [("AA", "UA", "DL")[n % 3] for n in rows],
            "late": [int((n * n % 29 + n % 12) % 13 > late_after) for n in rows],
        }
    )


def classifier() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepared = ColumnTransformer(
        [
            ("numbers", numbers, NUMBERS),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
        ]
    )
    return Pipeline(
        [("prepare", prepared), ("classify", LogisticRegression(C=0.5, random_state=1))]
    )


@pytest.fixture(scope="module")
def graph(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph in which one model of each kind was trained and one predicts."""
    with connect(tmp_path_factory.mktemp("models") / "store") as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        rows = graph.spark().createDataFrame(flights())
        graph.save(rows.where("id < 45"), "training-flights")
        graph.save(rows.where("id >= 45"), "new-flights")
        yield graph


@pytest.fixture(scope="module")
def trained(graph: Graph) -> TrainedVersion:
    return graph.fit(
        classifier(),
        "training-flights",
        name="late",
        label="late",
        features=[*NUMBERS, "carrier"],
        evaluate="new-flights",
    )


def test_a_training_is_recorded_with_everything_that_decided_it(
    graph: Graph, trained: TrainedVersion
) -> None:
    said = graph.describe("late")
    assert said["algorithm"].endswith(f"LogisticRegression {sklearn.__version__}")
    assert set(said["features"]) == {"distance", "hour", "carrier"}
    assert said["label"] == "late"
    assert said["made_from"] == {
        "input:0": "training-flights@1",
        "input:1": "new-flights@1",
    }
    assert said["recorded"] is not None
    assert {"python", "scikit-learn", "numpy", "spark"} <= set(said["environment"])
    parameters = said["parameters"]
    # Every parameter of every part, whether somebody set it or not.
    assert {p.rpartition("/")[2] for p in parameters} >= set(LogisticRegression().get_params())
    assert json.loads(parameters["pipeline/classify/C"]) == 0.5
    assert any(p.endswith("random_state") for p in parameters)
    stages = {stage["name"]: stage["learnt"] for stage in said["stages"]}
    assert any(
        name.endswith("classify") and "coef_" in str(learnt) for name, learnt in stages.items()
    )
    assert any("median" in name or "statistics_" in str(learnt) for name, learnt in stages.items())
    assert {"training/accuracy", "evaluation/accuracy"} <= set(said["metrics"])
    assert said["metrics"] == pytest.approx(dict(trained.metrics))


def test_measures_say_which_version_they_were_taken_on(
    graph: Graph, trained: TrainedVersion
) -> None:
    taken = {
        row["name"]: row["measured_on"]
        for row in graph.query("records/metrics", model=trained.version)
    }
    assert taken["training/accuracy"] == graph.resolve("training-flights")
    assert taken["evaluation/accuracy"] == graph.resolve("new-flights")


def test_predictions_come_from_the_model_and_everything_behind_it(
    graph: Graph, trained: TrainedVersion
) -> None:
    graph.predict(trained, "new-flights", name="predictions")
    up = {node.name for node in graph.lineage("predictions").nodes}
    assert {"late@1", "new-flights@1", "training-flights@1"} <= up
    down = {node.name for node in graph.lineage("training-flights", "down").nodes}
    assert {"late@1", "predictions@1"} <= down
    columns = {node.name for node in graph.lineage("predictions", columns=True).nodes}
    assert "new-flights@1.distance" in columns
    assert "predictions@1.prediction" in columns
    rebuild = graph.rebuild("predictions", from_scratch=True).verify()
    assert rebuild.verdict == "identical"
    assert {o.name for o in rebuild.outputs if o.action == "run"} == {
        "training-flights@1",
        "new-flights@1",
        "late@1",
        "predictions@1",
    }


def test_predictions_keep_only_the_columns_that_are_asked_for(
    graph: Graph, trained: TrainedVersion
) -> None:
    graph.predict("late@1", "new-flights", name="short", keep=["id"])
    assert graph.read("short").columns == ["id", "prediction", "probability"]
    assert graph.rebuild("short").verdict == "identical"


def test_a_column_that_is_called_like_the_prediction_is_refused_by_name(
    graph: Graph, trained: TrainedVersion
) -> None:
    data = flights().rename(columns={"id": "prediction"}).head(5)
    with pytest.raises(InvalidRecord, match="'prediction'"):
        graph.predict("late", data, name="clash")
    with pytest.raises(NotFound, match="clash"):
        graph.resolve("clash")
    kept = graph.predict("late", data, name="no-clash", keep=["distance"])
    assert kept.rows == 5


@pytest.mark.parametrize(
    ("estimator", "label", "measure"),
    [
        (RandomForestRegressor(n_estimators=3), "distance", "r2"),
        (make_pipeline(StandardScaler(), KMeans(n_clusters=2, n_init=2)), None, "silhouette"),
    ],
)
def test_regressors_and_clusterers_rebuild_identically_with_a_seed_of_their_own(
    graph: Graph, estimator: Any, label: str | None, measure: str
) -> None:
    name = type(estimator).__name__
    features = ["id", "late"] if label else ["distance", "id"]
    made = graph.fit(estimator, "training-flights", name=name, label=label, features=features)
    seeds = graph.query(
        "PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX lg: <https://w3id.org/lineage-graph#>"
        f" SELECT ?seed {{ <{made.version}> prov:wasGeneratedBy/lg:seed ?seed }}"
    )
    assert seeds and all(str(row["seed"]).partition("=")[2].isdigit() for row in seeds)
    assert any(measure in key for key in made.metrics)
    assert graph.rebuild(name).verdict == "identical"


def test_a_spark_ml_pipeline_is_recorded_stage_by_stage_and_rebuilds(graph: Graph) -> None:
    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark.ml.classification import LogisticRegression as SparkLogisticRegression
    from pyspark.ml.feature import StringIndexer, VectorAssembler

    pipeline = SparkPipeline(
        stages=[
            StringIndexer(inputCol="carrier", outputCol="code"),
            VectorAssembler(inputCols=["distance", "code"], outputCol="features"),
            SparkLogisticRegression(labelCol="late", maxIter=5),
        ]
    )
    made = graph.fit(
        pipeline,
        "training-flights",
        name="late-spark",
        label="late",
        features=["distance", "carrier"],
        evaluate="new-flights",
    )
    said = graph.describe("late-spark")
    assert "LogisticRegression 4.3.0" in said["algorithm"]
    assert len(said["stages"]) == 3 and "coefficient" in str(said["stages"][-1])
    assert {"training/accuracy", "evaluation/accuracy"} <= set(made.metrics)
    graph.predict("late-spark", "new-flights", name="spark-predictions", keep=["id"])
    assert "training-flights@1" in {n.name for n in graph.lineage("spark-predictions").nodes}
    rebuild = graph.rebuild("spark-predictions")
    assert rebuild.verdict == "identical", str(rebuild)


def test_data_that_is_no_version_yet_is_saved_first(graph: Graph) -> None:
    graph.fit(
        LogisticRegression(), flights(), name="of-pandas", label="late", features=["id", "distance"]
    )
    assert graph.describe("of-pandas")["made_from"] == {"input:0": "of-pandas training data@1"}
    early = graph.read("training-flights").where("id < 30")
    graph.fit(
        LogisticRegression(), early, name="of-frame", label="late", features=["id", "distance"]
    )
    assert graph.describe("of-frame")["made_from"] == {"input:0": "of-frame training data@1"}
    up = {node.name for node in graph.lineage("of-frame").nodes}
    assert {"of-frame training data@1", "training-flights@1"} <= up


def test_a_frame_that_only_reads_a_version_is_that_version(graph: Graph) -> None:
    graph.fit(
        LogisticRegression(),
        graph.read("training-flights"),
        name="of-read",
        label="late",
        features=["id", "distance"],
    )
    assert graph.describe("of-read")["made_from"] == {"input:0": "training-flights@1"}
    assert "of-read training data" not in {row["name"] for row in graph.datasets()}


def test_a_model_learns_the_same_from_the_same_rows_in_another_order(graph: Graph) -> None:
    spark = graph.spark()
    rows = flights()
    made = [
        graph.fit(
            classifier(),
            spark.createDataFrame(table).repartition(parts),
            name=f"order-{parts}",
            label="late",
            features=[*NUMBERS, "carrier"],
        )
        for parts, table in ((1, rows), (5, rows.sample(frac=1.0, random_state=3)))
    ]
    assert made[0].version != made[1].version
    assert made[0].fingerprint == made[1].fingerprint


def test_new_training_data_gives_a_new_version_and_both_can_be_rebuilt(graph: Graph) -> None:
    versions = []
    for late_after in (5, 7):
        graph.save(flights(late_after), "changing")
        versions.append(
            graph.fit(
                classifier(),
                "changing",
                name="followed",
                label="late",
                features=[*NUMBERS, "carrier"],
            )
        )
    assert versions[0].fingerprint != versions[1].fingerprint
    for number in (1, 2):
        asked = graph.lineage(f"followed@{number}").nodes
        assert f"changing@{number}" in {node.name for node in asked}
        assert graph.rebuild("followed", number, from_scratch=True).verdict == "identical"


def test_a_model_whose_file_is_gone_is_trained_again_on_the_way(
    graph: Graph, trained: TrainedVersion
) -> None:
    # A label of its own: nothing else may share the file that is taken away.
    data = flights(9)
    graph.fit(
        LogisticRegression(C=0.123), data, name="lost", label="late", features=["id", "distance"]
    )
    graph.predict("lost", "new-flights", name="of-lost", keep=["id"])
    pin = graph._record.pins(graph.resolve("lost"))[0]
    assert pin.manifest is not None
    for file in graph._snapshots.files(pin.manifest):
        graph._artifacts.path(file.sha256).unlink()
    assert graph.rebuild("lost").verdict == "identical"
    rebuild = graph.rebuild("of-lost")
    assert [(o.name, o.action, o.verdict) for o in rebuild.outputs if o.action == "run"] == [
        ("lost@1", "run", "identical"),
        ("of-lost@1", "run", "identical"),
    ]


def test_a_training_that_fails_is_recorded_and_makes_nothing(graph: Graph) -> None:
    with pytest.raises(StepFailed, match="LogisticRegression"):
        graph.fit(
            LogisticRegression(),
            "training-flights",
            name="broken",
            label="late",
            features=["carrier"],
        )
    assert "broken" not in {row["name"] for row in graph.models()}
    failed = graph.query(
        "SELECT ?label ?error { ?a <https://w3id.org/lineage-graph#status> 'failed' ;"
        " <http://www.w3.org/2000/01/rdf-schema#label> ?label ;"
        " <https://w3id.org/lineage-graph#error> ?error }"
    )
    assert ("fit broken (LogisticRegression)", "ValueError") in {
        (row["label"], row["error"]) for row in failed
    }


def test_a_column_that_does_not_exist_is_refused_with_the_likely_one(graph: Graph) -> None:
    with pytest.raises(InvalidRecord, match="Did you mean 'distance'"):
        graph.fit(
            LogisticRegression(),
            "training-flights",
            name="typo",
            label="late",
            features=["distanse"],
        )


def test_a_trained_version_reads_well_as_text_and_in_a_notebook(trained: TrainedVersion) -> None:
    assert str(trained).startswith(f"model late, fingerprint {trained.fingerprint[:12]}")
    shown = trained._repr_mimebundle_()
    assert "evaluation/accuracy" in shown["text/plain"]
    assert "<td><bdi>evaluation/accuracy</bdi></td>" in shown["text/html"]


def test_the_record_conforms_to_its_shapes_and_nothing_went_unrecorded(graph: Graph) -> None:
    assert graph.validate() == []
    assert graph.problems == []


def test_a_registered_dataset_can_be_learnt_from_before_spark_has_read_it(
    engine: Engine, store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "flights.csv"
    flights().drop(columns=["carrier", "hour"]).to_csv(file, index=False)
    with connect(store) as graph:
        graph.dataset("flights", file, header=True, inferSchema=True)
        graph.spark(f"{engine.url}/;token={engine.token}")
        graph.fit(LogisticRegression(), "flights", name="late", label="late")
        assert graph.describe("late")["features"] == ["distance", "id"]
        assert graph.rebuild("late").verdict == "identical"
