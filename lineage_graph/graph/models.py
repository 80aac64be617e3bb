"""Training models and predicting with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from lineage_graph.artifacts import Artifacts
from lineage_graph.drawing import Table
from lineage_graph.drawing.table import as_text, mime_bundle
from lineage_graph.errors import InvalidRecord, LineageGraphError
from lineage_graph.executors import (
    ColumnPath,
    Description,
    InputPath,
    LearntState,
    ModelFacts,
    Operation,
    Output,
    Pin,
    Place,
    Program,
)
from lineage_graph.graph.datasets import Datasets, SavedDataset
from lineage_graph.graph.engines import Engines
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import canonical_json, fresh, named
from lineage_graph.recording import Recorder
from lineage_graph.recording.models import TrainedModel
from lineage_graph.records import Dataset, Model
from lineage_graph.replay.comparison import state_document
from lineage_graph.replay.origins import Record
from lineage_graph.snapshots import Snapshots


@dataclass(frozen=True)
class TrainedVersion:
    """A model version that was trained.

    Attributes:
        name: Of the model.
        version: IRI of the version.
        fingerprint: Hex digest over all it learnt and its parameters, drawn seeds among them.
        metrics: Measures, by ``training/`` or ``evaluation/`` and name.
    """

    name: str
    version: str
    fingerprint: str
    metrics: Mapping[str, float]

    def __str__(self) -> str:
        return as_text(self._table())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: a table, and text where it cannot show one."""
        return mime_bundle(self._table())

    def _table(self) -> Table:
        rows = [(name, f"{value:.6g}") for name, value in sorted(self.metrics.items())]
        caption = f"model {self.name}, fingerprint {self.fingerprint[:12]}"
        return Table(caption, ("measure", "value"), rows)


@dataclass(frozen=True)
class Models:
    """Model verbs of one graph."""

    engines: Engines
    recorder: Recorder
    record: Record
    snapshots: Snapshots
    artifacts: Artifacts
    folders: Folders
    datasets: Datasets

    def fit(
        self,
        estimator: Any,
        training: str,
        evaluation: str | None,
        model: Model,
        features: Sequence[str] | None,
        label: str | None,
        order_by: Sequence[str],
    ) -> TrainedVersion:
        """Train on a recorded version and record the model; see ``Graph.fit``."""
        inputs = {"input:0": training, **({"input:1": evaluation} if evaluation else {})}
        executor = _executor_of(estimator)
        # Also reads what a version contains when that is not known yet.
        places = {slot: self.datasets.place_of(version) for slot, version in inputs.items()}
        chosen = self._features(features, label, order_by, self.columns(training))
        program = self._fit_program(executor, estimator, chosen, label, order_by)
        shown = f"fit {model.title} ({type(estimator).__name__})"
        return self._train(program, inputs, places, model, shown)

    def refit(
        self, program: Program, inputs: Mapping[str, str], model: Model, original: str
    ) -> TrainedVersion:
        """Train once more by a recorded program, on other versions.

        Args:
            program: A fit.
            inputs: IRI of the version in each slot.
            model: What the output is a version of.
            original: IRI of the activity whose program it is.
        """
        places = {slot: self.datasets.place_of(version) for slot, version in inputs.items()}
        return self._train(program, inputs, places, model, f"renew {model.title}", original)

    def _train(
        self,
        program: Program,
        inputs: Mapping[str, str],
        places: Mapping[str, Place],
        model: Model,
        shown: str,
        original: str | None = None,
    ) -> TrainedVersion:
        pins = {slot: Pin(place, None, "reference") for slot, place in places.items()}
        begun = datetime.now(UTC)
        runner = self.engines.executor(program.executor)
        body = json.loads(program.body)
        described = self._training(program.executor, body, inputs)
        self.datasets.before(model.id, inputs, described)

        def ended(error: BaseException | None = None) -> Operation:
            return self.datasets.operation(
                runner, shown, program, pins, described, begun, error, original
            )

        with self.folders.scratch() as work:
            try:
                output = runner.run(program, places, work / "model")
            except LineageGraphError as error:
                self.recorder.record_activity(ended(error), None, inputs)
                raise
            trained = self._trained(output, model, body["features"], body["label"])
            self.recorder.record_training(ended(), trained, inputs)
        return TrainedVersion(model.title, trained.version, trained.state.digest, trained.metrics)

    def _training(
        self, executor: str, body: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> Description:
        """Return how data reaches a model, as far as it is known before it is trained."""
        kind = "Training"
        if executor == "sklearn":
            estimators = self.engines.estimators()
            from lineage_graph.executors.sklearn.estimators import classes_in

            kind = estimators.kind(classes_in(body["estimator"]))
        kinds = {"input:0": kind, "input:1": "Evaluation"}
        return Description(inputs=tuple(InputPath(slot, (kinds[slot],)) for slot in inputs))

    def columns(self, version: str) -> list[str]:
        """Return the columns of a recorded version, in order."""
        content = self.record.content(version)
        return list(content.columns) if content else []

    def _features(
        self,
        features: Sequence[str] | None,
        label: str | None,
        order_by: Sequence[str],
        columns: list[str],
    ) -> list[str]:
        _require_columns([*(features or ()), *([label] if label else []), *order_by], columns)
        return list(features) if features else [name for name in columns if name != label]

    def _fit_program(
        self,
        executor: str,
        estimator: Any,
        features: list[str],
        label: str | None,
        order_by: Sequence[str],
    ) -> Program:
        if executor == "spark-ml":
            from lineage_graph.executors.spark import ml

            return ml.fit_program(estimator, features, label, order_by=order_by)
        estimators = self.engines.estimators()
        from lineage_graph.executors import sklearn

        return sklearn.fit_program(estimator, features, label, estimators, order_by=order_by)

    def _trained(
        self, output: Output, model: Model, features: list[str], label: str | None
    ) -> TrainedModel:
        state, facts = output.content, output.model
        if not isinstance(state, LearntState) or not isinstance(facts, ModelFacts):
            raise InvalidRecord(f"fit {model.title}: the program made a table, not a model.")
        document = canonical_json(state_document(state))
        return TrainedModel(
            version=fresh("model-version"),
            model=model,
            pin=self.snapshots.pin(output.place, "copy"),
            state=state,
            state_artifact=(self.artifacts.put_bytes(document), len(document)),
            facts=facts,
            features=tuple(features),
            label=label,
            metrics=output.metrics,
        )

    def predict(self, model: str, data: str, name: str, keep: Sequence[str] | None) -> SavedDataset:
        """Apply a recorded model to a recorded version; see ``Graph.predict``."""
        pin = self.record.pins(model)[0]
        executor = "spark-ml" if pin.place.format == "spark-ml" else "sklearn"
        program = _predict_program(executor, keep)
        # Also reads what the version contains when that is not known yet.
        self.datasets.place_of(data)
        _require_columns(keep or (), self.columns(data))
        dataset = Dataset(id=named("dataset", name), title=name)
        return self.apply(program, {"input:0": model, "input:1": data}, dataset, f"predict {name}")

    def apply(
        self,
        program: Program,
        inputs: Mapping[str, str],
        dataset: Dataset,
        shown: str,
        original: str | None = None,
    ) -> SavedDataset:
        """Run a predict program on a recorded model and a recorded version.

        Args:
            program: A predict.
            inputs: IRI of the model version in ``input:0``, of the data in ``input:1``.
            dataset: What the output is a version of.
            shown: For people.
            original: IRI of the recorded activity whose program it is; None for a new one.
        """
        pin = self.record.pins(inputs["input:0"])[0]
        where = self.datasets.place_of(inputs["input:1"])
        pins = {"input:0": pin, "input:1": Pin(where, None, "reference")}
        with self.folders.scratch() as work:
            places = {"input:0": self.snapshots.restore(pin, work / "model"), "input:1": where}
            return self.datasets.execute(
                self.engines.executor(program.executor),
                program,
                pins,
                places,
                self._prediction(inputs["input:0"], inputs["input:1"], program),
                dataset,
                shown,
                inputs,
                original,
            )

    def _prediction(self, model: str, data: str, program: Program) -> Description:
        """Return how model and data reach predictions; kept columns travel on their own."""
        features = self.record.features(model)
        body = json.loads(program.body)
        everything = body["keep"] is None
        kept = self.columns(data) if everything else body["keep"]
        answers = body.get("outputs", {}).values()
        made = [
            ColumnPath(answer, "input:1", feature, ("Inference",))
            for answer in answers
            for feature in features
        ]
        same = [ColumnPath(column, "input:1", column, ("Identity",)) for column in kept]
        carried = ("Identity",) if everything else ("Projection",)
        paths = [InputPath("input:0", ("Inference",)), InputPath("input:1", ("Inference",))]
        if kept:
            paths.append(InputPath("input:1", carried))
        return Description(inputs=tuple(paths), columns=(*same, *made))


def _require_columns(names: Sequence[str], columns: Sequence[str]) -> None:
    for name in names:
        if columns and name not in columns:
            raise InvalidRecord(no_such_column(name, columns))


def _executor_of(estimator: Any) -> str:
    module = type(estimator).__module__
    return "spark-ml" if module.startswith("pyspark.ml") else "sklearn"


def _predict_program(executor: str, keep: Sequence[str] | None) -> Program:
    if executor == "spark-ml":
        from lineage_graph.executors.spark import ml

        return ml.predict_program(keep=keep)
    from lineage_graph.executors import sklearn

    return sklearn.predict_program(keep=keep)


def no_such_column(name: str, columns: Sequence[str]) -> str:
    """Return the message for a column that does not exist."""
    near = get_close_matches(name, columns, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(columns[:30])}."
    return f"There is no column {name!r}. {hint}"
