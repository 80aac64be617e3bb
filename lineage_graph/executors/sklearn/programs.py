"""Fit and predict programs: what ``Program.body`` says for this executor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lineage_graph.errors import InvalidRecord
from lineage_graph.executors import Program
from lineage_graph.executors.sklearn.estimators import build, describe, seeded, seeds
from lineage_graph.executors.sklearn.metrics import check_names
from lineage_graph.executors.sklearn.trusted import Estimators
from lineage_graph.identity import canonical_json

FIT_KEYS = frozenset({"do", "estimator", "features", "label", "order_by", "metrics"})
PREDICT_KEYS = frozenset({"do", "keep", "outputs"})
OUTPUTS = {
    "prediction": "prediction",
    "probability": "probability",
    "probabilities": "probabilities",
}


def fit_program(
    estimator: Any,
    features: Sequence[str],
    label: str | None,
    estimators: Estimators,
    *,
    order_by: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
) -> Program:
    """Return the program that trains an estimator; seeds that are missing are drawn.

    Args:
        estimator: Unfitted; it is copied, not changed.
        features: Columns of ``input:0`` to learn from, in the order the model sees.
        label: Column to predict; None for unsupervised models.
        estimators: What may be used.
        order_by: Columns to sort rows by first, where order matters (time series).
        metrics: Measures to take; None for all that are defined for the model.

    Raises:
        PolicyRefused: The estimator is not data; the message says where.
        InvalidRecord: No features, the label among them, or an unknown measure.
    """
    if not features or label in features or len(set(features)) != len(features):
        raise InvalidRecord(
            f"features {list(features)} with label {label!r}: name at least one feature, none "
            "twice, and not the label itself."
        )
    complete, _ = seeded(estimator)
    if metrics is not None:
        check_names(complete, metrics)
    body = {
        "do": "fit",
        "estimator": describe(complete, estimators),
        "features": list(features),
        "label": label,
        "order_by": list(order_by),
        "metrics": None if metrics is None else list(metrics),
    }
    return Program("sklearn", canonical_json(body))


def predict_program(
    keep: Sequence[str] | None = None, outputs: Mapping[str, str] | None = None
) -> Program:
    """Return the program that appends a model's answers to a table.

    Args:
        keep: Columns of ``input:1`` to keep; None for all.
        outputs: ``prediction``, ``probability`` (two classes: of the second one) and
            ``probabilities`` (more classes: a list in the order of ``classes_``) to
            the name of the column; what is left out is not written.

    Raises:
        InvalidRecord: An unknown output, or one name for two.
    """
    outputs = dict(OUTPUTS if outputs is None else outputs)
    if not set(outputs) <= set(OUTPUTS) or len(set(outputs.values())) != len(outputs):
        raise InvalidRecord(
            f"outputs {outputs}: known are {', '.join(OUTPUTS)}, each with a name of its own."
        )
    body = {"do": "predict", "keep": None if keep is None else list(keep), "outputs": outputs}
    return Program("sklearn", canonical_json(body))


def program_seeds(program: Program, estimators: Estimators) -> dict[str, int]:
    """Return every seed a fit program fixes, by path such as ``pipeline/clf/random_state``.

    Raises:
        InvalidRecord: One is missing.
    """
    body = parsed(program)
    return seeds(build(body["estimator"], estimators)) if body["do"] == "fit" else {}


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
