"""Spark ML as data: what is trained, stored, learnt and predicted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lineage_graph.errors import InvalidRecord, PolicyRefused, StepFailed
from lineage_graph.executors import Fingerprint, LearntState, Output, Place, Program
from lineage_graph.identity import canonical_json

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

    from lineage_graph.executors.spark.ml import SparkMLExecutor

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def executor(spark: SparkSession) -> SparkMLExecutor:
    from lineage_graph.executors.spark.ml import SparkMLExecutor
    from lineage_graph.executors.spark.operators import Operators
    from lineage_graph.executors.spark.steps import SparkExecutor

    return SparkMLExecutor(SparkExecutor(spark, Path, Operators.from_rows([]), nullcontext))


@pytest.fixture(scope="module")
def flowers(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """The same 400 rows in two file layouts."""
    folder = tmp_path_factory.mktemp("flowers")
    df = spark.range(400).selectExpr(
        "id",
        "cast(id % 20 AS int) AS person",
        "cast(id % 7 AS int) AS item",
        "rand(1) * 100 AS x",
        "randn(2) AS y",
        "concat('c', id % 5) AS city",
    )
    df = df.selectExpr(
        "*", "x + y * 20 > 55 AS tall", "if(x > 50, 'iris', 'rose') AS species", "item % 3 AS kind"
    )
    df.repartition(1).write.parquet(str(folder / "one"))
    df.repartition(5, "city").sortWithinPartitions("x").write.parquet(str(folder / "five"))
    one, five = (Place((str(folder / name),), "parquet") for name in ("one", "five"))
    return one, five


def _prepared() -> Any:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import OneHotEncoder, StandardScaler, StringIndexer

    return Pipeline(
        stages=[
            StringIndexer(inputCol="city", outputCol="city_index"),
            OneHotEncoder(inputCols=["city_index"], outputCols=["city_vector"]),
            StandardScaler(inputCol="features", outputCol="scaled"),
            LogisticRegression(featuresCol="scaled", maxIter=5),
        ]
    )


def _reduced() -> Any:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import PCA, Bucketizer, Imputer, VectorAssembler
    from pyspark.ml.regression import LinearRegression

    assembler = VectorAssembler(inputCols=["x2", "part", "y"])
    return Pipeline(
        stages=[
            Imputer(inputCols=["x"], outputCols=["x2"]),
            Bucketizer(splits=[float("-inf"), 50.0, float("inf")], inputCol="x", outputCol="part"),
            assembler,
            PCA(k=2, inputCol=assembler.getOutputCol(), outputCol="axes"),
            LinearRegression(featuresCol="axes"),
        ]
    )


def _from(module: str, name: str, **params: Any) -> Callable[[], Any]:
    def make() -> Any:
        found = __import__(f"pyspark.ml.{module}", fromlist=[name])
        return getattr(found, name)(**params)

    return make


XY = ["x", "y"]
MODELS: dict[str, tuple[Callable[[], Any], list[str], str | None]] = {
    "prepared": (_prepared, ["x", "y", "city_vector"], "tall"),
    "reduced": (_reduced, XY, "item"),
    "k-means": (_from("clustering", "KMeans", k=3, maxIter=5), XY, None),
    "mixture": (_from("clustering", "GaussianMixture", k=2, maxIter=3), XY, None),
    "bayes": (_from("classification", "NaiveBayes", modelType="gaussian"), XY, "kind"),
    "tree": (_from("classification", "DecisionTreeClassifier", maxDepth=3), XY, "tall"),
    "forest": (_from("classification", "RandomForestClassifier", numTrees=3), XY, "kind"),
    "boosted": (_from("regression", "GBTRegressor", maxIter=2, maxDepth=2), XY, "item"),
    "factors": (
        _from("recommendation", "ALS", userCol="person", itemCol="item", ratingCol="x", maxIter=2),
        ["person", "item", "x"],
        None,
    ),
}


def _program(name: str) -> Program:
    from lineage_graph.executors.spark.ml import fit_program

    make, features, label = MODELS[name]
    return fit_program(make(), features, label)


def _learnt(output: Output) -> LearntState:
    assert isinstance(output.content, LearntState)
    return output.content


@pytest.fixture(scope="module")
def prepared(
    executor: SparkMLExecutor,
    flowers: tuple[Place, Place],
    tmp_path_factory: pytest.TempPathFactory,
) -> Output:
    """A pipeline trained on the first layout and evaluated on the second."""
    inputs = {"input:0": flowers[0], "input:1": flowers[1]}
    return executor.run(_program("prepared"), inputs, tmp_path_factory.mktemp("ml") / "model")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_a_function_of_the_rows_and_not_of_their_files(
    executor: SparkMLExecutor, flowers: tuple[Place, Place], tmp_path: Path, name: str
) -> None:
    program = _program(name)
    one, five = (
        executor.run(program, {"input:0": place}, tmp_path / str(number))
        for number, place in enumerate(flowers)
    )
    assert _learnt(one) == _learnt(five)
    assert one.metrics.keys() == five.metrics.keys() != set()
    assert one.metrics == pytest.approx(five.metrics, rel=1e-9)
    assert one.model == five.model


def test_programs_are_the_same_in_every_process() -> None:
    here = "; ".join(
        [
            "from pyspark.ml.classification import RandomForestClassifier as R",
            "from lineage_graph.executors.spark.ml import fit_program as p",
            "print(p(R(), ['x', 'y'], 'label').digest)",
        ]
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", here],
            env={**os.environ, "PYTHONHASHSEED": seed, "SPARK_CONNECT_MODE_ENABLED": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_the_seed_that_is_recorded_is_the_one_spark_would_have_taken(
    executor: SparkMLExecutor, flowers: tuple[Place, Place], spark: SparkSession, tmp_path: Path
) -> None:
    from pyspark.ml.feature import VectorAssembler

    from lineage_graph.executors.spark.fingerprint import canonical_layout
    from lineage_graph.executors.spark.ml.programs import PARTITIONS

    make, features, _ = MODELS["k-means"]
    output = executor.run(_program("k-means"), {"input:0": flowers[0]}, tmp_path / "model")
    df = canonical_layout(spark.read.parquet(*flowers[0].paths).select(*features), PARTITIONS)
    plain = make().fit(VectorAssembler(inputCols=features, outputCol="features").transform(df))
    recorded = _learnt(output).numbers["pipeline/1_KMeans/clusterCenter"]
    assert recorded == tuple(x for centre in plain.clusterCenters() for x in centre)


def test_a_description_builds_the_estimator_it_describes() -> None:
    from lineage_graph.executors.spark.ml.estimators import build, describe

    for name in MODELS:
        described = describe(MODELS[name][0]())
        again = json.loads(canonical_json(described))
        assert describe(build(again)) == described


def test_a_default_that_another_release_had_is_kept() -> None:
    from pyspark.ml.clustering import KMeans

    from lineage_graph.executors.spark.ml.estimators import build, describe

    described = describe(KMeans())
    described["defaults"]["maxIter"] = 7
    assert build(described).getMaxIter() == 7
    described["params"]["unheard"] = 1
    with pytest.raises(InvalidRecord, match="no parameter 'unheard'"):
        build(described)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "pyspark.ml.feature.SQLTransformer",
        "pyspark.ml.feature.StandardScalerModel",
        "pyspark.ml.feature.json",
        "pyspark.ml.torch.distributor.TorchDistributor",
    ],
)
def test_only_what_spark_ml_can_construct_from_data_is_built(name: str) -> None:
    from lineage_graph.executors.spark.ml.estimators import build

    with pytest.raises(PolicyRefused, match=name):
        build({"class": name, "params": {}, "defaults": {}})


def test_a_stored_model_of_a_foreign_class_is_not_loaded(
    executor: SparkMLExecutor, flowers: tuple[Place, Place], tmp_path: Path
) -> None:
    from lineage_graph.executors.spark.ml import predict_program

    (tmp_path / "model" / "metadata").mkdir(parents=True)
    metadata = tmp_path / "model" / "metadata" / "part-00000.txt"
    metadata.write_text('{"class": "evil.Stage", "uid": "Stage_1", "paramMap": {}}')
    inputs = {"input:0": Place((str(tmp_path / "model"),), "spark-ml"), "input:1": flowers[0]}
    with pytest.raises(PolicyRefused, match=r"evil\.Stage"):
        executor.run(predict_program(), inputs, tmp_path / "out")


def test_predictions_of_two_classes_are_a_number_and_a_probability(
    executor: SparkMLExecutor,
    flowers: tuple[Place, Place],
    prepared: Output,
    spark: SparkSession,
    tmp_path: Path,
) -> None:
    from lineage_graph.executors.spark.ml import predict_program

    program = predict_program(keep=["id", "tall"])
    first, second = (
        executor.run(program, {"input:0": prepared.place, "input:1": place}, tmp_path / str(number))
        for number, place in enumerate(flowers)
    )
    df = spark.read.parquet(*first.place.paths)
    assert dict(df.dtypes) == {
        "id": "bigint",
        "tall": "boolean",
        "prediction": "double",
        "probability": "double",
    }
    assert df.where("(probability > 0.5) = (prediction = 1)").count() == 400
    assert isinstance(first.content, Fingerprint)
    assert first.content == second.content


def test_predictions_of_more_classes_carry_a_list_of_probabilities(
    executor: SparkMLExecutor, flowers: tuple[Place, Place], spark: SparkSession, tmp_path: Path
) -> None:
    from lineage_graph.executors.spark.ml import predict_program

    fitted = executor.run(_program("bayes"), {"input:0": flowers[0]}, tmp_path / "model")
    inputs = {"input:0": fitted.place, "input:1": flowers[0]}
    output = executor.run(predict_program(), inputs, tmp_path / "out")
    df = spark.read.parquet(*output.place.paths)
    assert df.columns[-2:] == ["prediction", "probabilities"]
    assert df.where("size(probabilities) = 3").count() == 400
    inputs["input:1"] = output.place
    with pytest.raises(InvalidRecord, match="has a column 'prediction' already"):
        executor.run(predict_program(), inputs, tmp_path / "again")


def test_the_record_says_what_was_trained_and_how_good_it_is(prepared: Output) -> None:
    assert set(prepared.metrics) == {
        f"{where}/{name}"
        for where in ("training", "evaluation")
        for name in ("accuracy", "areaUnderROC")
    }
    facts = prepared.model
    assert facts is not None
    assert facts.implementation == "pyspark.ml.classification.LogisticRegression"
    assert [stage.name.rpartition("_")[2] for stage in facts.stages] == [
        "StringIndexer",
        "OneHotEncoder",
        "VectorAssembler",
        "StandardScaler",
        "LogisticRegression",
    ]
    shown = json.loads(facts.stages[0].parameters or "")
    assert json.loads(shown["labelsArray"]) == [["c0", "c1", "c2", "c3", "c4"]]
    assert facts.hyperparameters["pipeline/4_LogisticRegression/maxIter"] == "5"


def test_a_changed_row_changes_the_digest_and_names_the_part(
    executor: SparkMLExecutor,
    flowers: tuple[Place, Place],
    prepared: Output,
    spark: SparkSession,
    tmp_path: Path,
) -> None:
    changed = spark.read.parquet(*flowers[0].paths).selectExpr(
        "* EXCEPT (city)", "if(id = 3, 'c4', city) AS city"
    )
    changed.write.parquet(str(tmp_path / "changed"))
    place = Place((str(tmp_path / "changed"),), "parquet")
    again = executor.run(_program("prepared"), {"input:0": place}, tmp_path / "after")
    before, after = _learnt(prepared), _learnt(again)
    assert before.digest != after.digest
    differing = {path for path in before.parts if before.parts[path] != after.parts[path]}
    assert "pipeline/0_StringIndexer/labelsArray" in differing
    assert "pipeline/4_LogisticRegression/coefficientMatrix" in differing
    assert not any(path.endswith("/params") for path in differing)


@pytest.mark.parametrize(
    ("features", "label", "message"),
    [
        (XY, None, "needs a label"),
        (["x", "tall"], "tall", "not the label itself"),
        (["x", "yy"], "tall", "Did you mean 'y'"),
        (XY, "tal", "Did you mean 'tall'"),
        (XY, "species", "StringIndexer"),
        (["x", "city"], "tall", "column 'city' is text"),
    ],
)
def test_features_and_labels_that_do_not_fit_are_explained(
    executor: SparkMLExecutor,
    flowers: tuple[Place, Place],
    tmp_path: Path,
    features: list[str],
    label: str | None,
    message: str,
) -> None:
    from lineage_graph.executors.spark.ml import fit_program

    make = MODELS["tree"][0]
    with pytest.raises(InvalidRecord, match=message):
        executor.run(fit_program(make(), features, label), {"input:0": flowers[0]}, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_what_spark_refuses_is_a_failed_step(
    executor: SparkMLExecutor, flowers: tuple[Place, Place], tmp_path: Path
) -> None:
    from pyspark.ml.classification import NaiveBayes

    from lineage_graph.executors.spark.ml import fit_program

    program = fit_program(NaiveBayes(), XY, "tall")
    with pytest.raises(StepFailed, match="fit"):
        executor.run(program, {"input:0": flowers[0]}, tmp_path / "model")
    assert not (tmp_path / "model").exists()
