"""Model files: skops archives, checked against our own fixed list of types.

A model file is data from somebody else. Every type and function it names is looked
up in ``ontology/estimators.ttl`` before anything is constructed, including those
that skops trusts by default. Pickle is never read or written.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skops.io
from skops.io.exceptions import UnsupportedTypeException

from lineage_graph.errors import ArtifactBroken, InvalidRecord, PolicyRefused
from lineage_graph.executors.sklearn.trusted import Estimators, public_name
from lineage_graph.identity import canonical_json

MODEL_FILE = "model.skops"
COLUMNS_FILE = "columns.json"
# Nodes that bind a function to arguments or an object: code, which no model needs.
REFUSED_LOADERS = frozenset({"MethodNode", "OperatorFuncNode", "PartialNode"})
FUNCTION_LOADER = "FunctionNode"


@dataclass(frozen=True)
class Fitted:
    """A fitted model with the columns it was fitted on.

    Attributes:
        model: The estimator.
        features: Columns in the order the estimator expects.
        label: Column it learnt to predict; None for unsupervised models.
    """

    model: Any
    features: tuple[str, ...]
    label: str | None


def save(fitted: Fitted, into: Path, estimators: Estimators) -> Path:
    """Write a model as ``model.skops`` into a new folder and return the file.

    The columns travel as one more member of the archive, which skops ignores.

    Raises:
        PolicyRefused: skops cannot write it, or :func:`load` would refuse it.
    """
    try:
        data = skops.io.dumps(fitted.model)
    except UnsupportedTypeException as error:
        raise PolicyRefused(
            f"the fitted {type(fitted.model).__name__} cannot be saved without pickle: {error}. "
            "Choose another estimator; nothing was written."
        ) from error
    into.mkdir(parents=True)
    file = into / MODEL_FILE
    try:
        file.write_bytes(data)
        with zipfile.ZipFile(file, "a") as archive:
            columns = {"features": fitted.features, "label": fitted.label}
            archive.writestr(COLUMNS_FILE, canonical_json(columns))
        _check(file, estimators)
    except BaseException:
        file.unlink(missing_ok=True)
        into.rmdir()
        raise
    return file


def load(path: Path, estimators: Estimators) -> Fitted:
    """Read a model that :func:`save` wrote, given its file or folder.

    Raises:
        PolicyRefused: It names types outside the trusted list; none was constructed.
        ArtifactBroken: It is absent or not such a file.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    try:
        _check(file, estimators)
        columns = _member(file, COLUMNS_FILE)
        model = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ArtifactBroken(
            f"{file.name} is not a model this program wrote: {error!r}. Restore it from a copy, "
            "or rebuild the model from its record."
        ) from error
    return Fitted(model, tuple(columns["features"]), columns["label"])


def _check(file: Path, estimators: Estimators) -> None:
    refused = sorted(set(_untrusted(_member(file, "schema.json"), estimators)))
    if refused:
        raise PolicyRefused(
            f"the model holds types outside the trusted list: {', '.join(refused)}. Nothing was "
            "loaded or kept. Train with estimators that ontology/estimators.ttl trusts."
        )


def _member(file: Path, name: str) -> Any:
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read(name))


def _untrusted(node: Any, estimators: Estimators) -> Iterator[str]:
    """Yield the names in a skops schema that the list does not trust."""
    if isinstance(node, list):
        for item in node:
            yield from _untrusted(item, estimators)
    elif isinstance(node, dict):
        if "__loader__" in node and not _trusted(node, estimators):
            yield f"{node.get('__module__')}.{node.get('__class__')}"
        for item in node.values():
            yield from _untrusted(item, estimators)


def _trusted(node: dict[str, Any], estimators: Estimators) -> bool:
    module, name = str(node.get("__module__")), str(node.get("__class__"))
    if node["__loader__"] in REFUSED_LOADERS:
        return False
    if node["__loader__"] == FUNCTION_LOADER:
        names = (f"{module}.{name}", public_name(module, name))
        return any(estimators.trusts_function(n) for n in names)
    try:
        estimators.type_named(f"{module}.{name}", "the model file")
    except PolicyRefused:
        return False
    return True


def model_file(paths: tuple[str, ...]) -> Path:
    """Return the one path of a model's place.

    Raises:
        InvalidRecord: A model lies in one file or folder, not in several.
    """
    if len(paths) != 1:
        raise InvalidRecord(
            f"a model lies in one file or folder, not in {len(paths)}. Give the place that "
            "training returned."
        )
    return Path(paths[0])
