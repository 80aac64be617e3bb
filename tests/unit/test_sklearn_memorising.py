"""Which estimators hold training rows: the declared list against the installed scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rdflib
from scipy import sparse
from sklearn.datasets import make_blobs
from sklearn.neighbors import BallTree, KDTree
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits

from lineage_graph.executors.sklearn.trusted import name_of

ROOT = Path(__file__).parents[2]


def declared() -> set[str]:
    graph = rdflib.Graph().parse(ROOT / "ontology" / "estimators.ttl")
    answer = graph.query((ROOT / "queries" / "records" / "estimators.rq").read_text())
    rows = [{str(name): str(cell) for name, cell in row.items()} for row in answer.bindings]
    return {row["name"] for row in rows if row.get("kind") == "MemorisingTraining"}


def arrays_in(held: Any, seen: set[int]) -> Iterator[np.ndarray[Any, Any]]:
    if id(held) in seen:
        return
    seen.add(id(held))
    inner: Any = ()
    if isinstance(held, np.ndarray) and held.dtype != object:
        yield held
    elif sparse.issparse(held):
        yield held.toarray()
    elif isinstance(held, (KDTree, BallTree)):
        yield np.asarray(held.get_arrays()[0])
    elif isinstance(held, dict):
        inner = list(held.values())
    elif isinstance(held, np.ndarray):
        inner = held.ravel().tolist()
    elif isinstance(held, (list, tuple, set)):
        inner = list(held)
    elif hasattr(held, "__dict__"):
        inner = list(vars(held).values())
    for item in inner:
        yield from arrays_in(item, seen)


def rows_kept(model: Any, x: np.ndarray[Any, Any]) -> int:
    """Return how many rows of the training data stand in a fitted model's arrays."""
    given = {row.tobytes() for row in x} | {row.astype(np.float32).tobytes() for row in x}
    tables = (a for a in arrays_in(model, set()) if a.ndim == 2 and a.shape[1] == x.shape[1])
    return sum(row.tobytes() in given for a in tables for row in np.ascontiguousarray(a))


def memorising() -> tuple[set[str], int]:
    """Fit every estimator with its defaults; return those that keep rows, and how many fitted."""
    # No cluster of one row: its centre is that row, by arithmetic and not by memory.
    x, y = make_blobs(n_samples=160, centers=8, n_features=4, cluster_std=0.3, random_state=0)
    x += 0.1 - x.min()
    found, fitted = set(), 0
    for _, cls in all_estimators():
        try:
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                model = cls().fit(x, y % 2)
        except (TypeError, ValueError, AttributeError):
            continue
        fitted += 1
        if rows_kept(model, x):
            found.add(name_of(cls))
    return found, fitted


def test_the_declared_estimators_are_those_that_hold_training_rows() -> None:
    found, fitted = memorising()
    assert found == declared()
    assert len(found) == 28
    assert fitted > 150
