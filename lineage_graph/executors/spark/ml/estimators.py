"""Estimators of Spark ML as data, and back.

A description is a JSON object: dotted class, the parameters that were set and, apart
from them, the defaults. Parts are numbered in place of their uids, which are random,
so that the same estimator twice is the same description.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
from pyspark.ml import Estimator, Model, Transformer
from pyspark.ml.linalg import DenseMatrix, DenseVector, SparseVector, Vectors
from pyspark.ml.param import Param, Params

from lineage_graph.errors import InvalidRecord, PolicyRefused
from lineage_graph.identity import canonical_json

Description = dict[str, Any]

PACKAGE = "pyspark.ml"
MODULES = frozenset(
    f"{PACKAGE}.{name}"
    for name in (
        "classification",
        "clustering",
        "feature",
        "fpm",
        "pipeline",
        "recommendation",
        "regression",
    )
)
# Its statement can call Java; a Spark step does the same and is recorded as such.
REFUSED = frozenset({"SQLTransformer"})


def describe(estimator: Any) -> Description:
    """Return an estimator or transformer as a JSON-able object.

    Raises:
        PolicyRefused: A class that is not one of Spark ML's own.
        InvalidRecord: A parameter that cannot be written down.
    """
    text = canonical_json(_thing(estimator)).decode()
    for number, part in enumerate(_parts(estimator)):
        text = text.replace(part.uid, f"{type(part).__name__}_{number}")
    described: Description = json.loads(text)
    return described


def build(description: Description) -> Any:
    """Return the estimator that a description describes.

    A default that differs in this release is set to the value it had.

    Raises:
        PolicyRefused: A class that is not one of Spark ML's own.
        InvalidRecord: A parameter this release does not know.
    """
    estimator = _class_named(description["class"])()
    explicit = description["params"]
    changed = {
        name: said
        for name, said in description["defaults"].items()
        if not (estimator.hasParam(name) and _default(estimator, name) == said)
    }
    for name, said in {**changed, **explicit}.items():
        if not estimator.hasParam(name):
            raise InvalidRecord(
                f"{description['class']} has no parameter {name!r} in this release of Spark. "
                "Use the release that the record names."
            )
        estimator._set(**{name: _said(said)})
    return estimator


def stages_of(estimator: Any) -> list[Any]:
    """Return the stages of a pipeline, inner pipelines opened; anything else is its own."""
    if not estimator.hasParam("stages"):
        return [estimator]
    return [part for stage in estimator.getStages() for part in stages_of(stage)]


def parameters(description: Description, at: str) -> Iterator[tuple[str, str]]:
    """Yield path and value, as text, of every parameter below a path."""
    for name, said in sorted({**description["defaults"], **description["params"]}.items()):
        if isinstance(said, dict) and "class" in said:
            yield from parameters(said, f"{at}/{name}")
        else:
            yield f"{at}/{name}", said if isinstance(said, str) else canonical_json(said).decode()


def _thing(part: Any) -> Description:
    found = type(part)
    name = f"{found.__module__}.{found.__name__}"
    _class_named(name)
    explicit: Description = {}
    defaults: Description = {}
    for param in part.params:
        if not part.isDefined(param):
            continue
        value, kept = part.getOrDefault(param), explicit if part.isSet(param) else defaults
        if kept is defaults and param.name == "seed":
            # PySpark's own default differs from process to process and is never sent.
            value, kept = _jvm_seed(name), explicit
        elif kept is defaults and part.uid in str(value):
            # A later stage may use this name; Spark refuses it beside outputCols.
            if part.hasParam("outputCols") and part.isSet("outputCols"):
                continue
            kept = explicit
        kept[param.name] = _json(value, f"{name}.{param.name}")
    return {"class": name, "params": explicit, "defaults": defaults}


def _jvm_seed(name: str) -> int:
    """Return the seed Spark takes where none is set: Java's hash of the class name."""
    code = 0
    for character in name.replace(PACKAGE, "org.apache.spark.ml", 1):
        code = (31 * code + ord(character)) % 2**32
    return code - 2**32 if code >= 2**31 else code


def _parts(part: Any) -> Iterator[Any]:
    yield part
    for param in part.params:
        value = part.getOrDefault(param) if part.isDefined(param) else None
        for held in value if isinstance(value, list) else [value]:
            if isinstance(held, Params):
                yield from _parts(held)


def _class_named(dotted: str) -> Any:
    """Import a class of Spark ML that can be constructed from parameters."""
    module, _, name = dotted.rpartition(".")
    allowed = module in MODULES and name not in REFUSED and not name.startswith("_")
    found = getattr(import_module(module), name, None) if allowed else None
    if (
        not isinstance(found, type)
        or not issubclass(found, (Estimator, Transformer))
        or issubclass(found, Model)
        or found.__module__ != module
    ):
        raise PolicyRefused(
            f"{dotted} is not an estimator or transformer of {PACKAGE} that can be built again "
            "from a record. Use one that is; do other work in a Spark step before."
        )
    return found


def _json(value: Any, at: str) -> Any:
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else {"float": str(value)}
        case np.generic():
            return _json(value.item(), at)
        case list() | tuple() | np.ndarray():
            return [_json(item, at) for item in value]
        case DenseVector():
            return {"vector": _json(value.toArray(), at)}
        case SparseVector():
            return {"sparse": [value.size, _json(value.indices, at), _json(value.values, at)]}
        case DenseMatrix():
            cells = _json(value.toArray().ravel(order="F"), at)
            return {"matrix": [value.numRows, value.numCols, cells]}
        case Params():
            return _thing(value)
    raise InvalidRecord(
        f"{at} is a {type(value).__name__}, which cannot be recorded as data. "
        "Use numbers, text, lists, vectors or estimators."
    )


def _said(value: Any) -> Any:
    match value:
        case list():
            return [_said(item) for item in value]
        case {"class": _}:
            return build(value)
        case {"float": text}:
            return float(text)
        case {"vector": values}:
            return Vectors.dense(_said(values))
        case {"sparse": [size, indices, values]}:
            return Vectors.sparse(size, indices, _said(values))
        case {"matrix": [rows, columns, cells]}:
            return DenseMatrix(rows, columns, _said(cells))
    return value


def _default(estimator: Any, name: str) -> Any:
    param: Param[Any] = estimator.getParam(name)
    return _json(estimator.getOrDefault(param), name) if estimator.hasDefault(param) else None
