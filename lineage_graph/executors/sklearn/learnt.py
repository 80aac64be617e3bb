"""What a fitted model has learnt, digested: equal models have equal digests.

A model file is not an identity (a skops file holds times, a pickle the order of
threads). So the digest is taken over the state that estimators themselves hand out
for serialisation: class, parameters and every fitted attribute, public or private,
walked in a defined order, arrays by dtype, shape and little-endian bytes in C order.
Left out is what says how the work was scheduled or how long it took.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.neighbors import BallTree, KDTree

from lineage_graph.errors import StepFailed
from lineage_graph.executors import LearntState
from lineage_graph.executors.sklearn.estimators import named_parts, root
from lineage_graph.executors.sklearn.trusted import name_of
from lineage_graph.identity import canonical_json, sha256

VERSION = "lgls1"
SCHEDULING = frozenset(
    {"n_jobs", "_n_jobs", "n_threads", "_n_threads", "pre_dispatch", "refit_time_"}
)
# Filled on first use; one of them is a memory address.
CACHES = frozenset({"_cached_dict", "_stop_words_id"})
NOT_LEARNT = SCHEDULING | CACHES | {"_sklearn_version"}
COMPOSITIONS = frozenset({"steps", "transformer_list", "transformers_", "named_estimators_"})
FOLLOWED = frozenset({"best_estimator_", "estimator_", "final_estimator_", "regressor_"})
MOST_NUMBERS = 4096
MOST_READABLE = 8
LONGEST_LIST = 256


def learnt_state(model: Any) -> LearntState:
    """Return the digest of a fitted model, as a whole and part by part.

    Raises:
        StepFailed: An attribute has no state to hand out, such as an open file.
    """
    found = _Parts()
    for at, estimator in stages(model):
        found.add_estimator(at, estimator)
    digest = sha256(canonical_json([VERSION, found.parts]))
    return LearntState(digest, VERSION, found.parts, found.values, found.numbers)


def stages(model: Any, at: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the estimators a model is composed of with their paths, outermost first.

    Follows pipelines, column transformers, unions, votes, stacks and searches;
    the members of an ensemble are part of the ensemble.
    """
    at = at or root(model)
    yield at, model
    state = state_of(model)
    for name in sorted(state):
        for path, inner in _composed(state, name, at):
            yield from stages(inner, path)


def _composed(state: Mapping[str, Any], name: str, at: str) -> list[tuple[str, Any]]:
    held = state[name]
    # Beside ``estimators_``, an ``estimator_`` is only what they were made from.
    template = name == "estimator_" and "estimators_" in state
    if name in FOLLOWED and isinstance(held, BaseEstimator) and not template:
        return [(f"{at}/{name}", held)]
    if name not in COMPOSITIONS:
        return []
    pairs = list(held.items()) if isinstance(held, Mapping) else named_parts(held) or []
    return [(f"{at}/{n}", inner) for n, inner in pairs if isinstance(inner, BaseEstimator)]


def state_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters and fitted attributes of one estimator, without bookkeeping."""
    state = {k: v for k, v in estimator.__getstate__().items() if k not in NOT_LEARNT}
    if "cv_results_" in state:
        timeless = {k: v for k, v in state["cv_results_"].items() if not k.endswith("_time")}
        state["cv_results_"] = timeless
    return state


def digest_of(value: Any) -> str:
    """Return the hex digest of any part of a model."""
    return _digest(value, ()).hex()


@dataclass
class _Parts:
    """The parts of a model as they are found."""

    parts: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def add_estimator(self, at: str, estimator: Any) -> None:
        self.parts[at] = sha256(name_of(type(estimator)).encode())
        state = state_of(estimator)
        for name, held in state.items():
            if not _composed(state, name, at):
                self.add(f"{at}/{name}", held)

    def add(self, at: str, held: Any) -> None:
        if isinstance(held, list) and 0 < len(held) <= LONGEST_LIST and _all_complex(held):
            for i, item in enumerate(held):
                self.add(f"{at}/{i}", item)
            return
        self.parts[at] = digest_of(held)
        if _is_numeric(held) and np.size(held) <= MOST_NUMBERS:
            self.numbers[at] = tuple(float(x) for x in np.ravel(held))
        text = readable(held)
        if text is not None:
            self.values[at] = text


def _all_complex(items: list[Any]) -> bool:
    return all(isinstance(item, (np.ndarray, BaseEstimator, list)) for item in items)


def _is_numeric(held: Any) -> bool:
    if isinstance(held, np.ndarray):
        return held.dtype.kind in "biuf"
    return isinstance(held, (int, float, np.integer, np.floating, np.bool_))


def readable(held: Any) -> str | None:
    """Return a short text for a part small enough to read, or None."""
    if isinstance(held, np.ndarray) and held.dtype.names is None and held.size <= MOST_READABLE:
        return repr(held.tolist())
    if isinstance(held, np.generic):
        return repr(held.item())
    if held is None or isinstance(held, (bool, int, float, str)):
        return repr(held)
    if isinstance(held, (list, tuple)) and len(held) <= MOST_READABLE:
        texts = [readable(item) for item in held]
        return None if None in texts else f"[{', '.join(t for t in texts if t is not None)}]"
    return None


def _digest(value: Any, above: tuple[int, ...]) -> bytes:
    """Digest one value; ``above`` are the objects it lies in, against endless cycles."""
    if value is None or isinstance(value, (bool, int, str, bytes, complex)):
        return _hashed(type(value).__name__, repr(value).encode())
    if isinstance(value, float) and not isinstance(value, np.generic):
        return _hashed("float", struct.pack("<d", value))
    if id(value) in above:
        return _hashed("cycle", str(len(above) - above.index(id(value))).encode())
    within = (*above, id(value))
    if isinstance(value, np.ma.MaskedArray):
        return _hashed("masked", _digest(value.filled(), within), _digest(value.mask, within))
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(np.asarray(value), within)
    if isinstance(value, (list, tuple)):
        return _hashed(type(value).__name__, *(_digest(v, within) for v in value))
    if isinstance(value, (set, frozenset)):
        return _hashed("set", *sorted(_digest(v, within) for v in value))
    if isinstance(value, dict):
        return _mapping(value, within)
    return _object(value, within)


def _hashed(kind: str, *pieces: bytes) -> bytes:
    """Hash pieces with their lengths, so that no two sequences run together."""
    digest = hashlib.sha256(kind.encode())
    for piece in pieces:
        digest.update(struct.pack("<Q", len(piece)))
        digest.update(piece)
    return digest.digest()


def _mapping(value: Mapping[Any, Any], within: tuple[int, ...]) -> bytes:
    pairs = sorted((_digest(k, within), _digest(v, within)) for k, v in value.items())
    return _hashed("dict", *(piece for pair in pairs for piece in pair))


def _array(value: np.ndarray[Any, Any], within: tuple[int, ...]) -> bytes:
    shape = repr(value.shape).encode()
    if value.dtype.names is not None:
        # Field by field: the padding between fields is whatever was in memory.
        fields = [(name.encode(), _array(value[name], within)) for name in value.dtype.names]
        return _hashed("record", shape, *(piece for pair in fields for piece in pair))
    if value.dtype.hasobject:
        return _hashed("objects", shape, *(_digest(v, within) for v in value.ravel()))
    little = value.astype(value.dtype.newbyteorder("<"), copy=False)
    content = np.ascontiguousarray(little).view(np.uint8) if value.size and value.ndim else None
    data = little.tobytes() if content is None else content.data
    return _hashed("array", little.dtype.str.encode(), shape, bytes(data))


def _object(value: Any, within: tuple[int, ...]) -> bytes:
    if isinstance(value, BaseEstimator):
        return _hashed("object", name_of(type(value)).encode(), _mapping(state_of(value), within))
    if isinstance(value, (KDTree, BallTree)):
        # Their state counts the queries answered so far; the arrays do not.
        return _hashed(type(value).__name__, *(_array(np.asarray(a), within)
                                               for a in value.get_arrays()))  # fmt: skip
    if sparse.issparse(value):
        entries = sparse.coo_array(sparse.csr_array(value))
        held = (value.format, value.shape, entries.row, entries.col, entries.data)
        return _hashed("sparse", _digest(held, within))
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return _hashed("name", name_of(value).encode())
    if isinstance(value, np.dtype):
        return _hashed("dtype", value.str.encode())
    if isinstance(value, np.random.RandomState):
        return _hashed("random", _digest(value.get_state(legacy=False), within))
    if isinstance(value, np.random.Generator):
        return _hashed("random", _digest(value.bit_generator.state, within))
    return _reduced(value, within)


def _reduced(value: Any, within: tuple[int, ...]) -> bytes:
    """Digest what an object hands out for serialisation, without making anything of it."""
    try:
        made: Any = value.__reduce_ex__(4)
    except TypeError as error:
        raise StepFailed(
            f"the model holds a {name_of(type(value))}, which has no state to compare: {error}. "
            "Leave it out of the estimator, or record the training as not replayable."
        ) from error
    if isinstance(made, str):
        return _hashed("global", made.encode())
    constructor, arguments, state, items, pairs = (*made, None, None, None)[:5]
    return _hashed(
        "reduced",
        name_of(constructor).encode(),
        _digest(arguments, within),
        _digest(state, within),
        _digest(list(items or ()), within),
        _digest(dict(pairs or ()), within),
    )
