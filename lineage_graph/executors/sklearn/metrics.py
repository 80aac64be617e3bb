"""Measures of a fitted model on one table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import is_classifier, is_clusterer, is_regressor
from sklearn.pipeline import Pipeline

from lineage_graph.errors import InvalidRecord, StepFailed

SILHOUETTE_ROWS = 2000


class Undefined(Exception):
    """A measure that has no value for this model or these rows."""


@dataclass
class Measured:
    """A model's answers on one table, asked for at most once each.

    Attributes:
        model: The fitted estimator.
        x: Rows in canonical order, as the estimator takes them.
        y: Labels as an array; None for unsupervised models.
    """

    model: Any
    x: Any
    y: Any

    @cached_property
    def predicted(self) -> Any:
        """Predicted labels or values, one a row."""
        return self.model.predict(self.x)

    @cached_property
    def probability(self) -> Any:
        """Class probabilities, rows x classes."""
        if not hasattr(self.model, "predict_proba"):
            raise Undefined("the model gives no probabilities")
        return self.model.predict_proba(self.x)

    @cached_property
    def final(self) -> Any:
        """The last step of a pipeline, or the model itself."""
        return self.model.steps[-1][1] if isinstance(self.model, Pipeline) else self.model

    @cached_property
    def groups(self) -> Any:
        """Cluster of every row."""
        if hasattr(self.model, "predict"):
            return self.predicted
        labels = getattr(self.final, "labels_", ())
        if len(labels) != len(self.x):
            raise Undefined("the model cannot assign new rows to clusters")
        return labels

    @cached_property
    def space(self) -> Any:
        """Rows as the last step of a pipeline sees them."""
        several = isinstance(self.model, Pipeline) and len(self.model.steps) > 1
        return self.model[:-1].transform(self.x) if several else self.x


def _roc_auc(m: Measured) -> float:
    classes = m.model.classes_
    if len(classes) != 2 or len(np.unique(m.y)) != 2:
        raise Undefined("roc_auc needs two classes")
    if hasattr(m.model, "predict_proba"):
        score = m.probability[:, 1]
    elif hasattr(m.model, "decision_function"):
        score = m.model.decision_function(m.x)
    else:
        raise Undefined("the model gives neither probabilities nor scores")
    return float(metrics.roc_auc_score(m.y == classes[1], score))


def _log_loss(m: Measured) -> float:
    classes = m.model.classes_
    if not np.isin(m.y, classes).all():
        raise Undefined("log_loss needs labels that were seen in training")
    return float(metrics.log_loss(m.y, m.probability, labels=classes))


def _inertia(m: Measured) -> float:
    if not hasattr(m.final, "inertia_"):
        raise Undefined("the model has no inertia")
    return float(-m.model.score(m.x))


def _silhouette(m: Measured) -> float:
    stride = math.ceil(len(m.groups) / SILHOUETTE_ROWS)
    groups = np.asarray(m.groups)[::stride]
    if not 2 <= len(np.unique(groups)) < len(groups):
        raise Undefined("silhouette needs at least two clusters, and fewer than rows")
    space = m.space.iloc[::stride] if hasattr(m.space, "iloc") else m.space[::stride]
    return float(metrics.silhouette_score(space, groups))


Measure = Callable[[Measured], float]
CLASSIFIER: dict[str, Measure] = {
    "accuracy": lambda m: metrics.accuracy_score(m.y, m.predicted),
    "balanced_accuracy": lambda m: metrics.balanced_accuracy_score(m.y, m.predicted),
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
}
REGRESSOR: dict[str, Measure] = {
    "r2": lambda m: metrics.r2_score(m.y, m.predicted),
    "mean_absolute_error": lambda m: metrics.mean_absolute_error(m.y, m.predicted),
    "root_mean_squared_error": lambda m: metrics.root_mean_squared_error(m.y, m.predicted),
}
CLUSTERER: dict[str, Measure] = {"inertia": _inertia, "silhouette": _silhouette}


def suited(model: Any) -> dict[str, Measure]:
    """Return the measures for this kind of estimator; none for a mere transformer."""
    if is_classifier(model):
        return CLASSIFIER
    if is_regressor(model):
        return REGRESSOR
    return CLUSTERER if is_clusterer(model) else {}


def check_names(model: Any, names: Sequence[str]) -> None:
    """Check that measures asked for exist for this kind of estimator.

    Raises:
        InvalidRecord: One does not, with those that do.
    """
    unknown = [name for name in names if name not in suited(model)]
    if unknown:
        known = ", ".join(suited(model)) or "none"
        raise InvalidRecord(
            f"no measure {unknown[0]!r} for {type(model).__name__}. Known for it: {known}."
        )


def measure(
    model: Any, x: Any, y: np.ndarray[Any, Any] | None, names: Sequence[str] | None
) -> dict[str, float]:
    """Return measures of a fitted model on one table.

    Args:
        model: The fitted estimator.
        x: Rows in canonical order, as the estimator takes them.
        y: Labels; None for unsupervised models.
        names: Measures wanted; None for all that are defined here.

    Raises:
        StepFailed: A measure that was asked for by name is not defined here.
    """
    found, given = {}, Measured(model, x, y)
    table = suited(model)
    for name in table if names is None else names:
        try:
            with warnings.catch_warnings():
                # A class absent from the rows, a single row: answered below by "undefined".
                warnings.simplefilter("ignore")
                value = float(table[name](given))
            if not math.isfinite(value):
                raise Undefined(f"{name} has no finite value on these rows")
        except Undefined as reason:
            if names is not None:
                raise StepFailed(f"{name} cannot be measured: {reason}. Leave it out.") from reason
        else:
            found[name] = value
    return found
