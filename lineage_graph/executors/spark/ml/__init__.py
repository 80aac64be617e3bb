"""Spark ML: estimators as data, models in Spark ML's own format."""

from lineage_graph.executors.spark.ml.executor import SparkMLExecutor
from lineage_graph.executors.spark.ml.programs import fit_program, predict_program

__all__ = ["SparkMLExecutor", "fit_program", "predict_program"]
