"""How good a model is on a table; each measure has the name Spark ML gives it."""

from __future__ import annotations

import math
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.classification import ClassificationModel, OneVsRestModel
from pyspark.ml.clustering import BisectingKMeansModel, GaussianMixtureModel, KMeansModel
from pyspark.ml.evaluation import (
    BinaryClassificationEvaluator,
    ClusteringEvaluator,
    Evaluator,
    MulticlassClassificationEvaluator,
    RegressionEvaluator,
)
from pyspark.ml.recommendation import ALSModel
from pyspark.ml.regression import RegressionModel
from pyspark.sql import DataFrame
from pyspark.sql.connect import functions as F


def measure(model: PipelineModel, df: DataFrame, label: str | None) -> dict[str, float]:
    """Return the measures that suit a model, by name; undefined ones are left out.

    Args:
        model: Fitted.
        df: Rows with the features, and with the label where there is one.
        label: Column with the truth.
    """
    last = model.stages[-1]
    predicted = model.transform(df)
    column = last.getOrDefault("predictionCol") if last.hasParam("predictionCol") else None
    if isinstance(last, ALSModel):
        predicted = predicted.where(~F.isnan(F.col(str(column))))
    found = {
        str(each.getOrDefault("metricName")): each.evaluate(predicted)
        for each in _evaluators(last, predicted, column, label)
    }
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def training_cost(model: PipelineModel) -> dict[str, float]:
    """Return the sum of squared distances a k-means has reached on its training rows."""
    last = model.stages[-1]
    if isinstance(last, KMeansModel) and last.hasSummary:
        return {"trainingCost": float(last.summary.trainingCost)}
    return {}


def is_binary(model: Any) -> bool:
    """Return whether a fitted stage tells two classes apart."""
    return isinstance(model, ClassificationModel) and model.numClasses == 2


def _evaluators(last: Any, predicted: DataFrame, column: Any, label: Any) -> list[Evaluator]:
    match last:
        case ClassificationModel() | OneVsRestModel():
            accuracy: Evaluator = MulticlassClassificationEvaluator(
                labelCol=label, predictionCol=column, metricName="accuracy"
            )
            return [accuracy, *([_area(last, label)] if is_binary(last) else [])]
        case RegressionModel() | ALSModel():
            return [
                RegressionEvaluator(labelCol=label, predictionCol=column, metricName="rmse"),
                RegressionEvaluator(labelCol=label, predictionCol=column, metricName="r2"),
            ]
        case KMeansModel() | BisectingKMeansModel() | GaussianMixtureModel():
            # A silhouette is undefined for a single cluster.
            several = predicted.select(F.col(column)).distinct().limit(2).count() > 1
            features = last.getOrDefault("featuresCol")
            return [
                ClusteringEvaluator(featuresCol=features, predictionCol=column)
            ] if several else []  # fmt: skip
    return []


def _area(last: Any, label: Any) -> Evaluator:
    # Without bins the area is exact; with them it depends on how Spark sampled.
    return BinaryClassificationEvaluator(
        labelCol=label,
        rawPredictionCol=last.getOrDefault("rawPredictionCol"),
        metricName="areaUnderROC",
        numBins=0,
    )
