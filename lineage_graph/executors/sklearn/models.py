"""What the record says about a fitted model in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from lineage_graph.executors import ModelFacts, Stage
from lineage_graph.executors.sklearn.estimators import (
    classes_in,
    describe,
    described_parameters,
    root,
    seeds,
)
from lineage_graph.executors.sklearn.learnt import digest_of, learnt_state, stages, state_of
from lineage_graph.executors.sklearn.trusted import Estimators, name_of
from lineage_graph.identity import canonical_json


def model_facts(model: Any, estimators: Estimators) -> ModelFacts:
    """Return what a fitted model is, how it was set and what its stages learnt.

    Hyperparameters are JSON text by path, such as ``pipeline/clf/C``. Pipelines, column
    transformers and unions are replaced by the stages they are made of.

    Raises:
        PolicyRefused: A parameter is not data.
        InvalidRecord: A seed is missing.
    """
    description = describe(model, estimators)
    values = learnt_state(model).values
    return ModelFacts(
        implementation=description["object"],
        version=sklearn.__version__,
        hyperparameters=dict(described_parameters(description, root(model))),
        seeds={path: str(seed) for path, seed in seeds(model).items()},
        kind=estimators.kind(classes_in(description)),
        stages=tuple(
            Stage(at, name_of(type(part)), digest_of(part), _readable(at, part, values))
            for at, part in stages(model)
            if not isinstance(part, (Pipeline, ColumnTransformer, FeatureUnion))
        ),
    )


def _readable(at: str, estimator: Any, values: Mapping[str, str]) -> str | None:
    """Return the short values an estimator learnt as JSON, without its parameters."""
    learnt = set(state_of(estimator)) - set(estimator.get_params(deep=False))
    inside = [p.removeprefix(f"{at}/") for p in values if p.startswith(f"{at}/")]
    shown = {p: values[f"{at}/{p}"] for p in inside if p.split("/")[0] in learnt}
    return canonical_json(shown).decode() if shown else None
