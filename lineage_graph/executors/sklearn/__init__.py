"""Fits and applies scikit-learn models from declarative programs.

Importing this package loads scikit-learn: do it only where one is needed.
"""

from lineage_graph.executors.sklearn.estimators import build, describe, seeded
from lineage_graph.executors.sklearn.executor import SklearnExecutor
from lineage_graph.executors.sklearn.files import Fitted, load, save
from lineage_graph.executors.sklearn.learnt import learnt_state
from lineage_graph.executors.sklearn.models import model_facts
from lineage_graph.executors.sklearn.programs import fit_program, predict_program, program_seeds
from lineage_graph.executors.sklearn.trusted import Estimators

__all__ = [
    "Estimators",
    "Fitted",
    "SklearnExecutor",
    "build",
    "describe",
    "fit_program",
    "learnt_state",
    "load",
    "model_facts",
    "predict_program",
    "program_seeds",
    "save",
    "seeded",
]
