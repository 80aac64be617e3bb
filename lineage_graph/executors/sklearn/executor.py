"""The executor that fits and applies scikit-learn models."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy
import sklearn
import skops
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_info, threadpool_limits

from lineage_graph.errors import InvalidRecord, LineageGraphError, StepFailed
from lineage_graph.executors import Output, Place, Program, Tables
from lineage_graph.executors.sklearn import files, frames
from lineage_graph.executors.sklearn.estimators import build, objects_in, root, seeds
from lineage_graph.executors.sklearn.learnt import learnt_state
from lineage_graph.executors.sklearn.metrics import check_names, measure
from lineage_graph.executors.sklearn.models import model_facts
from lineage_graph.executors.sklearn.programs import parsed
from lineage_graph.executors.sklearn.trusted import Estimators


@dataclass(frozen=True)
class SklearnExecutor:
    """Fits and predicts from declarative programs, in this process.

    OpenMP and BLAS are held to one thread: the order in which threads add up decides
    the last bits of k-means centres and of matrix products, and so the model would
    depend on the machine. Processes and threads of ``n_jobs`` are as recorded.

    Attributes:
        tables: Reads and writes the tables.
        estimators: What may be built and loaded.
    """

    tables: Tables
    estimators: Estimators

    def run(
        self,
        program: Program,
        inputs: Mapping[str, Place],
        into: Path,
    ) -> Output:
        """Execute a fit or predict program; see :class:`lineage_graph.executors.Executor`.

        A fit takes ``input:0`` (training table) and optionally ``input:1``
        (evaluation table); a predict takes ``input:0`` (model) and ``input:1`` (table).

        Raises:
            InvalidRecord: The program, its inputs or their columns do not fit together.
            PolicyRefused: The estimator or the model holds what is not trusted.
            StepFailed: scikit-learn raised.
        """
        body = parsed(program)
        act = self._fit if body["do"] == "fit" else self._predict
        with threadpool_limits(1):
            return act(body, inputs, into)

    def settings(self, recorded: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Change nothing: what matters is the same in every run, or is in the program."""
        return nullcontext()

    def environment(self) -> Mapping[str, Any]:
        """Return the versions, and the settings in force, that can influence a result."""
        facts: dict[str, Any] = {
            "python": platform.python_version(),
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "pandas": pd.__version__,
            "pyarrow": pa.__version__,
            "skops": skops.__version__,
            "machine": platform.machine(),
        }
        with threadpool_limits(1):
            pools = threadpool_info()
        for pool in pools:
            name = f"threads.{pool['internal_api']}.{pool['prefix']}"
            facts[name] = pool["num_threads"]
            facts[f"{name}.version"] = pool["version"] or "unknown"
        return facts

    def close(self) -> None:
        """Do nothing: nothing was started."""

    def _fit(self, body: dict[str, Any], inputs: Mapping[str, Place], into: Path) -> Output:
        estimator = build(body["estimator"], self.estimators)
        seeds(estimator)
        if body["metrics"] is not None:
            check_names(estimator, body["metrics"])
        x, y = self._rows(estimator, body, _slot(inputs, "input:0"))
        _attempt(estimator, lambda: estimator.fit(x) if y is None else estimator.fit(x, y))
        measures = _measured(estimator, x, y, body["metrics"], "training")
        if "input:1" in inputs:
            x, y = self._rows(estimator, body, inputs["input:1"])
            measures |= _measured(estimator, x, y, body["metrics"], "evaluation")
        content = learnt_state(estimator)
        fitted = files.Fitted(estimator, tuple(body["features"]), body["label"])
        files.save(fitted, into, self.estimators)
        facts = model_facts(estimator, self.estimators)
        return Output(Place((str(into),), "skops"), content, measures, facts)

    def _rows(self, estimator: Any, body: dict[str, Any], place: Place) -> tuple[Any, Any]:
        label = body["label"]
        wanted = [*body["features"], *([] if label is None else [label])]
        table = self._read(place, wanted, body["order_by"])
        if not table.num_rows:
            raise InvalidRecord("the training or evaluation data has no rows. Check its filter.")
        y = None if label is None else frames.label(table, label)
        return frames.estimator_input(estimator, frames.features(table, body["features"])), y

    def _read(self, place: Place, columns: Sequence[str], order_by: Sequence[str]) -> pa.Table:
        """Read some columns; say which is missing, whatever the engine says."""
        try:
            return self.tables.read(place, columns, order_by)
        except Exception:
            everything = self.tables.read(place, None, ())
            frames.require(everything, [*columns, *order_by], "column of the program")
            raise

    def _predict(self, body: dict[str, Any], inputs: Mapping[str, Place], into: Path) -> Output:
        where = files.model_file(_slot(inputs, "input:0").paths)
        fitted = files.load(where, self.estimators)
        keep = body["keep"]
        columns = None if keep is None else list(dict.fromkeys([*keep, *fitted.features]))
        place = _slot(inputs, "input:1")
        table = self.tables.read(place, None, ()) if columns is None else self._read(
            place, columns, ()
        )  # fmt: skip
        x = frames.estimator_input(fitted.model, frames.features(table, fitted.features))
        answers = _attempt(fitted.model, lambda: _answers(fitted.model, x, body["outputs"]))
        kept = table if keep is None else table.select(keep)
        return self.tables.write(frames.append(kept, answers), into)


def _slot(inputs: Mapping[str, Place], slot: str) -> Place:
    if slot not in inputs:
        raise InvalidRecord(f"the program needs {slot}, and only {sorted(inputs)} were given.")
    return inputs[slot]


def _measured(
    model: Any, x: Any, y: Any, names: Sequence[str] | None, where: str
) -> dict[str, float]:
    found: dict[str, float] = _attempt(model, lambda: measure(model, x, y, names))
    return {f"{where}/{name}": value for name, value in found.items()}


def _answers(model: Any, x: Any, outputs: Mapping[str, str]) -> dict[str, Any]:
    if not hasattr(model, "predict"):
        raise InvalidRecord(
            f"{type(model).__name__} cannot predict rows it was not fitted on. Use an estimator "
            "with predict()."
        )
    answers = {}
    if "prediction" in outputs:
        answers[outputs["prediction"]] = model.predict(x)
    binary = len(getattr(model, "classes_", ())) == 2
    chosen = "probability" if binary else "probabilities"
    if hasattr(model, "predict_proba") and chosen in outputs:
        probability = model.predict_proba(x)
        answers[outputs[chosen]] = probability[:, 1] if binary else probability
    return answers


def _attempt(estimator: Any, action: Callable[[], Any]) -> Any:
    """Do something with an estimator; say which part of it failed.

    Raises:
        StepFailed: With the path of the innermost estimator and its message.
    """
    try:
        return action()
    except LineageGraphError:
        raise
    except Exception as error:
        where = _failing(estimator, error)
        raise StepFailed(
            f"{where} raised {type(error).__name__}: {error}. Check the columns it receives, or "
            "change its parameters."
        ) from error


def _failing(estimator: Any, error: Exception) -> str:
    innermost, trace = estimator, error.__traceback__
    while trace is not None:
        held = trace.tb_frame.f_locals.get("self")
        if isinstance(held, BaseEstimator):
            innermost = held
        trace = trace.tb_next
    parts = list(objects_in(estimator, root(estimator)))
    # Pipelines and column transformers fit clones, which are only alike.
    same = [at for at, part in parts if part is innermost]
    alike = [at for at, part in parts if type(part) is type(innermost)]
    name = type(innermost).__name__
    return f"{(same or alike or [root(estimator)])[0]} ({name})"
