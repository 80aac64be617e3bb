"""Fit and predict programs: what ``Program.body`` says for this executor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler

from lineage_graph.errors import InvalidRecord
from lineage_graph.executors import Program
from lineage_graph.executors.spark.ml.estimators import describe, stages_of
from lineage_graph.identity import canonical_json

PARTITIONS = 8
"""Partitions of training data. Spark's tree aggregation brings eight down to two, whose
sum does not depend on which task ends first, as that of three or more would."""

OUTPUTS = {
    "prediction": "prediction",
    "probability": "probability",
    "probabilities": "probabilities",
}
FIT_KEYS = frozenset({"do", "estimator", "features", "label", "order_by", "partitions"})
PREDICT_KEYS = frozenset({"do", "keep", "outputs"})


def fit_program(
    estimator: Any,
    features: Sequence[str],
    label: str | None,
    *,
    order_by: Sequence[str] = (),
    partitions: int = PARTITIONS,
) -> Program:
    """Return the program that trains an estimator or a pipeline.

    Where no stage makes the vector that the estimator reads, a ``VectorAssembler``
    over ``features`` is added. Seeds and defaults become part of the program.

    Args:
        estimator: Unfitted; it is not changed.
        features: Columns of ``input:0`` to learn from.
        label: Column to predict; None for unsupervised models.
        order_by: Columns to sort rows by first, within a partition.
        partitions: Into how many the training rows are put, by their content.

    Raises:
        PolicyRefused: A class that is not one of Spark ML's own.
        InvalidRecord: Features and label do not fit the estimator.
    """
    if not features or label in features or len(set(features)) != len(features):
        raise InvalidRecord(
            f"features {list(features)} with label {label!r}: name at least one feature, none "
            "twice, and not the label itself."
        )
    stages = _assembled(_labelled(stages_of(estimator), label), features)
    body = {
        "do": "fit",
        "estimator": describe(Pipeline(stages=stages)),
        "features": list(features),
        "label": label,
        "order_by": list(order_by),
        "partitions": partitions,
    }
    return Program("spark-ml", canonical_json(body))


def predict_program(
    keep: Sequence[str] | None = None, outputs: Mapping[str, str] | None = None
) -> Program:
    """Return the program that appends a model's answers to a table.

    Args:
        keep: Columns of ``input:1`` to keep; None for all.
        outputs: ``prediction``, ``probability`` (two classes: of the second one) and
            ``probabilities`` (otherwise: a list by class or cluster) to the name of
            the column; what is left out is not written.

    Raises:
        InvalidRecord: An unknown output, or one name for two.
    """
    outputs = dict(OUTPUTS if outputs is None else outputs)
    if not set(outputs) <= set(OUTPUTS) or len(set(outputs.values())) != len(outputs):
        raise InvalidRecord(
            f"outputs {outputs}: known are {', '.join(OUTPUTS)}, each with a name of its own."
        )
    body = {"do": "predict", "keep": None if keep is None else list(keep), "outputs": outputs}
    return Program("spark-ml", canonical_json(body))


def parsed(program: Program) -> dict[str, Any]:
    """Return the body of a program.

    Raises:
        InvalidRecord: It is not a fit or a predict.
    """
    try:
        body = json.loads(program.body)
    except ValueError:
        body = None
    keys = frozenset(body) if isinstance(body, dict) else frozenset()
    if (keys, body and body.get("do")) not in ((FIT_KEYS, "fit"), (PREDICT_KEYS, "predict")):
        raise InvalidRecord(
            f"program {program.digest} says neither fit nor predict. Make it with "
            "fit_program() or predict_program()."
        )
    return dict(body)


def made_by(stages: Sequence[Any]) -> list[str]:
    """Return the columns that stages of a pipeline add."""
    made: list[str] = []
    for stage in stages:
        for name in ("outputCol", "outputCols", "predictionCol", "probabilityCol"):
            if stage.hasParam(name) and stage.isDefined(name):
                said = stage.getOrDefault(name)
                made += said if isinstance(said, list) else [said]
    return made


def _labelled(stages: list[Any], label: str | None) -> list[Any]:
    """Let the last stage learn the label, unless an earlier one makes what it learns."""
    last = stages[-1]
    supervised = last.hasParam("labelCol") and last.hasParam("predictionCol")
    if supervised and last.getOrDefault("labelCol") in made_by(stages[:-1]):
        return stages
    if supervised != (label is not None):
        wrong = "learns no label; leave label out" if label else "needs a label; name its column"
        raise InvalidRecord(f"{type(last).__name__} {wrong}.")
    return [*stages[:-1], last.copy({last.labelCol: label})] if supervised else stages


def _assembled(stages: list[Any], features: Sequence[str]) -> list[Any]:
    missing = _missing_vector(stages, features)
    if missing is None:
        return stages
    makers = [at for at, stage in enumerate(stages) if set(features) & set(made_by([stage]))]
    after = max(makers, default=-1) + 1
    assembler = VectorAssembler(inputCols=list(features), outputCol=missing)
    return [*stages[:after], assembler, *stages[after:]]


def _missing_vector(stages: list[Any], features: Sequence[str]) -> str | None:
    """Return the column of feature vectors that is needed and that nothing makes.

    Follows the last stage's features back, through a scaler for example.
    """
    if not stages[-1].hasParam("featuresCol"):
        return None
    column = str(stages[-1].getOrDefault("featuresCol"))
    makers = {made: stage for stage in stages[:-1] for made in made_by([stage])}
    while column in makers:
        maker = makers.pop(column)
        if not (maker.hasParam("inputCol") and maker.isSet("inputCol")):
            return None
        column = str(maker.getOrDefault("inputCol"))
    return None if column in features else column
