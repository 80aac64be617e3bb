"""The executor that fits and applies Spark ML models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import types as T
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.session import SparkSession

from lineage_graph.errors import InvalidRecord
from lineage_graph.executors import LearntState, ModelFacts, Output, Place, Program, Stage
from lineage_graph.executors.spark.fingerprint import canonical_layout
from lineage_graph.executors.spark.ml.estimators import build, parameters, stages_of
from lineage_graph.executors.spark.ml.learnt import learnt_state, stored_stages
from lineage_graph.executors.spark.ml.metrics import is_binary, measure, training_cost
from lineage_graph.executors.spark.ml.programs import made_by, parsed
from lineage_graph.executors.spark.schemas import require
from lineage_graph.executors.spark.steps import SparkExecutor, failures_named, name_parts
from lineage_graph.identity import canonical_json, sha256


class SparkMLExecutor:
    """Fits and predicts from declarative programs in a Spark session.

    Training rows are laid out by their content, so that a model is a function of
    what a version contains and not of its files.

    Args:
        spark: Executor of the session to work in.
    """

    def __init__(self, spark: SparkExecutor) -> None:
        self._spark = spark

    def run(self, program: Program, inputs: Mapping[str, Place], into: Path) -> Output:
        """Execute a fit or predict program; see :class:`lineage_graph.executors.Executor`.

        A fit takes ``input:0`` (training table) and optionally ``input:1``
        (evaluation table); a predict takes ``input:0`` (model) and ``input:1`` (table).

        Raises:
            InvalidRecord: The program, its inputs or their columns do not fit together.
            PolicyRefused: The estimator or the model is not of Spark ML's own classes.
            StepFailed: Spark raised.
        """
        body = parsed(program)
        act = self._fit if body["do"] == "fit" else self._predict
        with self._spark.unseen(), _active(self._spark.session), failures_named(body["do"]):
            return act(body, inputs, into)

    def settings(self, recorded: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Run with the recorded Spark settings, then put this session's back."""
        return self._spark.settings(recorded)

    def environment(self) -> Mapping[str, Any]:
        """Return versions and allow-listed settings; nothing that could be a secret."""
        return self._spark.environment()

    def close(self) -> None:
        """Do nothing: the session is the Spark executor's."""

    def _fit(self, body: dict[str, Any], inputs: Mapping[str, Place], into: Path) -> Output:
        estimator = build(body["estimator"])
        stages = stages_of(estimator)
        table = self._rows(body, stages, _slot(inputs, "input:0"))
        training = canonical_layout(table, body["partitions"], body["order_by"]).persist()
        try:
            model = estimator.fit(training)
            found = {**measure(model, training, _truth(stages[-1])), **training_cost(model)}
            metrics = {f"training/{name}": value for name, value in found.items()}
        finally:
            training.unpersist()
        if "input:1" in inputs:
            rows = self._rows(body, stages, inputs["input:1"])
            found = measure(model, rows, _truth(stages[-1]))
            metrics |= {f"evaluation/{name}": value for name, value in found.items()}
        model.write().save(str(into))
        name_parts(into)
        state = learnt_state(into)
        facts = _facts(body["estimator"], into, state, self._spark.session.version)
        return Output(Place((str(into),), "spark-ml"), state, metrics, facts)

    def _rows(self, body: dict[str, Any], stages: Sequence[Any], place: Place) -> DataFrame:
        """Read the columns that the program names, and check that they can be used."""
        df: DataFrame = self._spark.relations.read(place)
        label = [body["label"]] if body["label"] else []
        made = made_by(stages)
        given = [name for name in body["features"] if name not in made]
        require([*given, *label, *body["order_by"]], df.columns, "fit")
        named = set(_texts(body))
        return _usable(df.select(*[_column(n) for n in df.columns if n in named]), stages)

    def _predict(self, body: dict[str, Any], inputs: Mapping[str, Place], into: Path) -> Output:
        folder = Path(_slot(inputs, "input:0").paths[0])
        list(stored_stages(folder))
        model = PipelineModel.load(str(folder))
        data = self._spark.relations.read(_slot(inputs, "input:1"))
        keep = data.columns if body["keep"] is None else body["keep"]
        require(keep, data.columns, "keep")
        answers = _answers(model, body["outputs"])
        for name in answers:
            if name in keep:
                raise InvalidRecord(
                    f"predict: the data has a column {name!r} already. Leave it out of keep, or "
                    "name the output otherwise."
                )
        kept = [_column(name) for name in keep]
        said = [column.alias(name) for name, column in answers.items()]
        return self._spark.save(model.transform(data).select(*kept, *said), into)


def _answers(model: PipelineModel, outputs: Mapping[str, str]) -> dict[str, Any]:
    last = model.stages[-1]
    if not last.hasParam("predictionCol"):
        raise InvalidRecord(
            f"{type(last).__name__} makes features and predicts nothing. Predict with a model "
            "whose last stage is a classifier, a regression, a clustering or ALS."
        )
    answers = {}
    if "prediction" in outputs:
        answers[outputs["prediction"]] = F.col(last.getOrDefault("predictionCol"))
    binary = is_binary(last)
    chosen = "probability" if binary else "probabilities"
    if last.hasParam("probabilityCol") and chosen in outputs:
        every = vector_to_array(F.col(last.getOrDefault("probabilityCol")))
        answers[outputs[chosen]] = every[1] if binary else every
    return answers


def _usable(df: DataFrame, stages: Sequence[Any]) -> DataFrame:
    """Check that features and label are numbers; a label of booleans becomes 0 and 1."""
    types = {field.name: field.dataType for field in df.schema.fields}
    label = _truth(stages[-1])
    assemblers = [stage for stage in stages if isinstance(stage, VectorAssembler)]
    features = [name for assembler in assemblers for name in assembler.getInputCols()]
    for name in [*features, *([label] if label else [])]:
        if isinstance(types.get(name), T.StringType):
            raise InvalidRecord(
                f"column {name!r} is text, and {type(stages[-1]).__name__} learns from numbers. "
                f"Put StringIndexer(inputCol={name!r}, outputCol=...) into the pipeline and use "
                "its output."
            )
    if label and isinstance(types.get(label), T.BooleanType):
        return df.withColumn(label, _column(label).cast("double"))
    return df


def _truth(last: Any) -> str | None:
    """Return the column that the last stage of a pipeline learns to predict."""
    for name in ("labelCol", "ratingCol"):
        if last.hasParam(name) and last.hasParam("predictionCol"):
            return str(last.getOrDefault(name))
    return None


def _facts(
    estimator: Mapping[str, Any], folder: Path, state: LearntState, version: str
) -> ModelFacts:
    described = estimator["params"]["stages"]
    names = [s.name for s in stored_stages(folder) if s.name.count("/") == 1]
    hyperparameters: dict[str, str] = {}
    for name, stage in zip(names, described, strict=True):
        hyperparameters |= parameters(stage, name)
    return ModelFacts(
        implementation=described[-1]["class"],
        version=version,
        hyperparameters=hyperparameters,
        seeds={p: v for p, v in hyperparameters.items() if p.endswith("/seed")},
        kind="Training",
        stages=tuple(
            _stage(name, stage["class"], state)
            for name, stage in zip(names, described, strict=True)
        ),
    )


def _stage(name: str, implementation: str, state: LearntState) -> Stage:
    parts = {p: d for p, d in state.parts.items() if p.startswith(f"{name}/")}
    shown = {
        path.removeprefix(f"{name}/"): text
        for path, text in state.values.items()
        if path.startswith(f"{name}/")
    }
    readable = canonical_json(shown).decode() if shown else None
    return Stage(name, implementation, sha256(canonical_json(parts)), readable)


def _slot(inputs: Mapping[str, Place], slot: str) -> Place:
    if slot not in inputs:
        raise InvalidRecord(f"the program needs {slot}, and only {sorted(inputs)} were given.")
    return inputs[slot]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            yield from _texts(held)


def _column(name: str) -> Any:
    return F.col("`" + name.replace("`", "``") + "`")


@contextmanager
def _active(session: SparkSession) -> Iterator[None]:
    """Make a session the one that Spark ML, which takes none, works in on this thread."""
    before = getattr(SparkSession._active_session, "session", None)
    SparkSession._active_session.session = session
    try:
        yield
    finally:
        SparkSession._active_session.session = before
