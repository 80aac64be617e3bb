"""Records of a trained model: ML-Schema's nouns, and what it learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_graph.executors import LearntState, ModelFacts, Operation, Pin
from lineage_graph.identity import named, part
from lineage_graph.recording.descriptions import (
    artifact,
    content_of,
    distribution,
)
from lineage_graph.records import (
    Derivation,
    FittedStep,
    HyperParameterSetting,
    Implementation,
    Model,
    ModelEvaluation,
    ModelVersion,
    Record,
    Training,
)


@dataclass(frozen=True)
class TrainedModel:
    """What a training made.

    Attributes:
        version: IRI of the model version.
        model: What it is a version of.
        pin: Its files.
        state: What it learnt.
        state_artifact: sha256 and size of the document that lists all it learnt.
        facts: What is said about it.
        features: Columns it learnt from.
        label: Column it predicts.
        metrics: Measures, by ``training/`` or ``evaluation/`` and name.
    """

    version: str
    model: Model
    pin: Pin
    state: LearntState
    state_artifact: tuple[str, int]
    facts: ModelFacts
    features: tuple[str, ...]
    label: str | None
    metrics: Mapping[str, float]


def model_records(
    trained: TrainedModel, operation: Operation, activity: str, inputs: Mapping[str, str]
) -> list[Record]:
    """Return everything that is said about a new model version.

    Args:
        trained: The model.
        operation: The training.
        activity: IRI of the training.
        inputs: IRI of the dataset version in each slot.
    """
    training, evaluation = inputs["input:0"], inputs.get("input:1")
    paths = _derivations(trained, activity, inputs)
    content = content_of(trained.state, trained.state_artifact[0])
    where = distribution(trained.version, trained.pin)
    version = ModelVersion(
        id=trained.version,
        version_of=trained.model.id,
        label=trained.model.title,
        specialization_of=content.id,
        generated_by=activity,
        generated_at=operation.ended,
        derived_from=tuple(sorted({d.entity for d in paths if "#" not in d.entity})),
        qualified_derivation=tuple(d.id for d in paths),
        distribution=where.id,
        feature=tuple(part(training, column) for column in trained.features),
        label_column=part(training, trained.label) if trained.label else None,
    )
    state = artifact(*trained.state_artifact, "application/json")
    return [
        version,
        where,
        content,
        state,
        *paths,
        *_stages(trained),
        *_evaluations(trained, training, evaluation),
        *_settings(trained),
        implementation(trained.facts),
    ]


def implementation(facts: ModelFacts) -> Implementation:
    """Return an algorithm's class in a release of its package."""
    return _implementation(facts.implementation, facts.version)


def _implementation(name: str, version: str) -> Implementation:
    return Implementation(
        id=named("implementation", f"{name} {version}"), name=name, version=version
    )


def training_activity(trained: TrainedModel, author: str, fields: Mapping[str, Any]) -> Training:
    """Return the activity as an mls:Run."""
    settings = tuple(record.id for record in _settings(trained))
    return Training(
        **{**fields, "associated_with": author},
        executes=implementation(trained.facts).id,
        has_input=(*fields["used"], *settings),
        has_output=(trained.version,),
        seed=tuple(f"{path}={value}" for path, value in sorted(trained.facts.seeds.items())),
    )


def _settings(trained: TrainedModel) -> list[HyperParameterSetting]:
    return [
        HyperParameterSetting(
            id=part(trained.version, "parameter", path), name=path, has_value=value
        )
        for path, value in sorted(trained.facts.hyperparameters.items())
    ]


def _derivations(
    trained: TrainedModel, activity: str, inputs: Mapping[str, str]
) -> list[Derivation]:
    """Return derivations from the data, then from each feature and the label column."""
    kind = trained.facts.kind
    sources = [(inputs["input:0"], kind)]
    if "input:1" in inputs:
        sources.append((inputs["input:1"], "Evaluation"))
    columns = [*trained.features, *([trained.label] if trained.label else [])]
    sources += [(part(inputs["input:0"], column), kind) for column in columns]
    return [
        Derivation(
            id=part(trained.version, "derivation", number),
            entity=source,
            had_activity=activity,
            kinds=(kind,),
        )
        for number, (source, kind) in enumerate(sources)
    ]


def _stages(trained: TrainedModel) -> list[Record]:
    records: list[Record] = []
    for order, stage in enumerate(trained.facts.stages):
        code = _implementation(stage.implementation, trained.facts.version)
        records += [
            code,
            FittedStep(
                id=part(trained.version, "stage", order),
                name=stage.name,
                order=order,
                executes=code.id,
                step_of=trained.version,
                fingerprint=stage.digest,
                parameters=stage.parameters,
            ),
        ]
    return records


def _evaluations(
    trained: TrainedModel, training: str, evaluation: str | None
) -> list[ModelEvaluation]:
    return [
        ModelEvaluation(
            id=part(trained.version, "measure", name),
            name=name,
            has_value=float(value),
            evaluates=trained.version,
            measured_on=evaluation if evaluation and name.startswith("evaluation/") else training,
        )
        for name, value in sorted(trained.metrics.items())
    ]
