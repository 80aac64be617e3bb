"""Unfitted estimators as data: ``describe`` and ``build``, exact in both directions.

A description is JSON. What JSON says natively (None, booleans, integers, finite
floats, text, lists) stands for itself; everything else is an object with one key
that names its kind, such as ``{"tuple": [...]}`` or ``{"object": "sklearn.svm.SVC",
"params": {...}}``. Equal estimators have equal descriptions, whatever the order in
which their dictionaries were filled. Code (lambdas, own classes) is refused.
"""

from __future__ import annotations

import copy
import inspect
import math
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.stats._distn_infrastructure import rv_frozen
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer
from sklearn.metrics._scorer import _Scorer

from lineage_graph.errors import InvalidRecord, PolicyRefused
from lineage_graph.executors.sklearn.trusted import Estimators, name_of, refused
from lineage_graph.identity import canonical_json

Description = dict[str, Any]
LARGEST_ARRAY = 10_000
LARGEST_SEED = 2**31 - 1


def root(estimator: Any) -> str:
    """Return the first part of an estimator's paths, as ``make_pipeline`` names it."""
    return type(estimator).__name__.lower()


def parameters(thing: Any, at: str) -> dict[str, Any]:
    """Return the constructor arguments of an estimator, kernel, splitter or selector.

    Raises:
        PolicyRefused: It holds a fitted estimator, which no description can say.
    """
    if isinstance(thing, FrozenEstimator):
        raise PolicyRefused(
            f"FrozenEstimator at {at} holds a fitted model, which a program cannot say. Train "
            "the inner model as a recorded step and use its predictions as a column."
        )
    if hasattr(thing, "get_params"):
        return dict(thing.get_params(deep=False))
    # Splitters and column selectors keep their arguments under the same names.
    names = [n for n in inspect.signature(type(thing).__init__).parameters if n != "self"]
    held = {**getattr(thing, "cvargs", {}), **vars(thing)}
    return {name: held[name] for name in names if name in held}


def named_parts(value: Any) -> list[tuple[str, Any]] | None:
    """Return the (name, part) pairs of ``Pipeline.steps`` and its kin, or None."""
    if not isinstance(value, list) or not value:
        return None
    if all(
        isinstance(item, tuple) and len(item) in (2, 3) and isinstance(item[0], str)
        and (hasattr(item[1], "get_params") or item[1] in ("passthrough", "drop", None))
        for item in value
    ):  # fmt: skip
        return [(item[0], item[1]) for item in value]
    return None


def describe(estimator: Any, estimators: Estimators) -> Description:
    """Return an unfitted estimator as data; what it has learnt is left out.

    Raises:
        PolicyRefused: It contains something that is not data: a lambda, a class or
            function outside the trusted list, a random generator, a large array.
    """
    described = _Describer(estimators).value(estimator, root(estimator))
    if "object" not in described:
        raise refused(f"{type(estimator).__name__}, which is not an estimator,", root(estimator))
    return dict(described)


def build(description: Description, estimators: Estimators) -> Any:
    """Return a new unfitted estimator from its description.

    Raises:
        PolicyRefused: It names a class or function outside the trusted list.
        InvalidRecord: It is not a description.
    """
    try:
        at = str(description["object"]).rpartition(".")[2].lower()
        return _Builder(estimators).value(description, at)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRecord(
            f"the description of an estimator cannot be built: {error!r}. It was made for "
            "another release of scikit-learn, or altered; compare the recorded environment."
        ) from error


class _Describer:
    """One visit of an estimator's parameters."""

    def __init__(self, estimators: Estimators) -> None:
        self.estimators = estimators

    def value(self, value: Any, at: str) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        plain: dict[type, Callable[[Any, str], Any]] = {
            list: self.items,
            tuple: lambda v, at: {"tuple": self.items(v, at)},
            dict: self.mapping,
            set: lambda v, at: {"set": sorted(self.items(list(v), at), key=canonical_json)},
            slice: lambda v, at: {"slice": self.items([v.start, v.stop, v.step], at)},
            range: lambda v, at: {"range": [v.start, v.stop, v.step]},
            np.ndarray: self.array,
            rv_frozen: self.distribution,
            _Scorer: self.scorer,
        }  # fmt: skip
        for kind, say in plain.items():
            if type(value) is kind or (kind is rv_frozen and isinstance(value, rv_frozen)):
                return say(value, at)
        return self.named(value, at)

    def named(self, value: Any, at: str) -> Any:
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, np.generic):
            return {"scalar": [value.dtype.str, self.value(value.item(), at)]}
        if isinstance(value, (np.random.RandomState, np.random.Generator)):
            raise PolicyRefused(
                f"the random generator at {at} changes whenever it is used. Give an integer, or "
                "use seeded(), which draws one from it."
            )
        if isinstance(value, type):
            return {"type": self.trusted_name(value, self.estimators.trusts_type, at)}
        if callable(value) and hasattr(value, "__name__"):
            return {"function": self.trusted_name(value, self.estimators.trusts_function, at)}
        return self.thing(value, at)

    def thing(self, value: Any, at: str) -> Description:
        name = self.trusted_name(type(value), self.estimators.trusts_type, at)
        params = {}
        for key, held in parameters(value, at).items():
            params[key] = self.items(held, at) if named_parts(held) else self.value(
                held, f"{at}/{key}"
            )  # fmt: skip
        return {"object": name, "params": params}

    def items(self, values: Any, at: str) -> list[Any]:
        if named_parts(values):
            return [
                {"tuple": [item[0], *(self.value(v, f"{at}/{item[0]}") for v in item[1:])]}
                for item in values
            ]
        return [self.value(v, f"{at}/{i}") for i, v in enumerate(values)]

    def mapping(self, value: dict[Any, Any], at: str) -> Description:
        pairs = [[self.value(k, at), self.value(v, f"{at}/{k}")] for k, v in value.items()]
        return {"dict": sorted(pairs, key=lambda pair: canonical_json(pair[0]))}

    def array(self, value: np.ndarray[Any, Any], at: str) -> Description:
        if value.size > LARGEST_ARRAY:
            raise PolicyRefused(
                f"the array at {at} has {value.size} elements, more than {LARGEST_ARRAY}: data "
                "does not belong in a parameter. Make it a recorded dataset, or a smaller array."
            )
        if value.dtype.kind not in "biufUO":
            raise refused(f"an array of {value.dtype}", at)
        data = self.items(value.ravel().tolist(), at)
        return {"array": {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}}

    def distribution(self, value: Any, at: str) -> Description:
        name = f"scipy.stats.{value.dist.name}"
        if not self.estimators.trusts_function(name):
            raise refused(f"the distribution {name}", at)
        return {
            "distribution": name,
            "args": self.items(list(value.args), at),
            "kwargs": self.mapping(dict(value.kwds), at),
        }

    def scorer(self, value: Any, at: str) -> Description:
        return {
            "scorer": self.value(value._score_func, at),
            "greater_is_better": value._sign > 0,
            "response_method": self.value(value._response_method, at),
            "kwargs": self.mapping(dict(value._kwargs), at),
        }

    def trusted_name(self, thing: Any, trusts: Callable[[str], bool], at: str) -> str:
        name = name_of(thing)
        if "<" in name:
            raise PolicyRefused(
                f"{name.rpartition('.')[2]} at {at} is code, not data, so it cannot be recorded. "
                "Use column names or make_column_selector to choose columns, and a named "
                "function such as numpy.log1p to transform them."
            )
        if not trusts(name):
            raise refused(name, at)
        return name


class _Builder:
    """The reverse of :class:`_Describer`."""

    def __init__(self, estimators: Estimators) -> None:
        self.estimators = estimators

    def value(self, said: Any, at: str) -> Any:
        if isinstance(said, list):
            return [self.value(v, at) for v in said]
        if not isinstance(said, dict):
            return said
        if "object" in said:
            return self.thing(said, at)
        if "scorer" in said or "distribution" in said:
            return self.call(said, at)
        ((kind, held),) = said.items()
        make: dict[str, Callable[[], Any]] = {
            "float": lambda: float(held),
            "tuple": lambda: tuple(self.value(held, at)),
            "set": lambda: set(self.value(held, at)),
            "dict": lambda: {self.value(k, at): self.value(v, f"{at}/{k}") for k, v in held},
            "slice": lambda: slice(*self.value(held, at)),
            "range": lambda: range(*held),
            "dtype": lambda: np.dtype(held),
            "scalar": lambda: np.dtype(held[0]).type(self.value(held[1], at)),
            "array": lambda: self.array(held, at),
            "type": lambda: self.estimators.type_named(held, at),
            "function": lambda: self.estimators.function_named(held, at),
        }
        return make[kind]()

    def thing(self, said: Description, at: str) -> Any:
        cls = self.estimators.type_named(said["object"], at)
        return cls(**{k: self.value(v, f"{at}/{k}") for k, v in said["params"].items()})

    def call(self, said: Description, at: str) -> Any:
        if "distribution" in said:
            distribution = self.estimators.function_named(said["distribution"], at)
            return distribution(*self.value(said["args"], at), **self.value(said["kwargs"], at))
        return make_scorer(
            self.value(said["scorer"], at),
            response_method=self.value(said["response_method"], at),
            greater_is_better=said["greater_is_better"],
            **self.value(said["kwargs"], at),
        )

    def array(self, said: Description, at: str) -> Any:
        array = np.empty(len(said["data"]), dtype=said["dtype"])
        array[:] = self.value(said["data"], at)
        return array.reshape(said["shape"])


def classes_in(description: Any) -> Iterator[str]:
    """Yield the dotted name of every class in a description, outermost first."""
    if isinstance(description, dict):
        if "object" in description:
            yield description["object"]
        description = list(description.values())
    if isinstance(description, list):
        for held in description:
            yield from classes_in(held)


def objects_in(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield every estimator, kernel, splitter and selector with its path, outermost first."""
    if isinstance(value, (list, tuple)):
        for name, held in named_parts(value) or [(str(i), v) for i, v in enumerate(value)]:
            yield from objects_in(held, f"{at}/{name}")
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from objects_in(held, f"{at}/{key}")
    elif not isinstance(value, type) and _has_parameters(value):
        yield at, value
        for key, held in parameters(value, at).items():
            yield from objects_in(held, at if named_parts(held) else f"{at}/{key}")


def _has_parameters(value: Any) -> bool:
    return hasattr(value, "get_params") or type(value).__module__.startswith("sklearn.model_sel")


def _random_states(estimator: Any) -> Iterator[tuple[str, Any, Any]]:
    for at, owner in objects_in(estimator, root(estimator)):
        held = parameters(owner, at)
        # Splitters refuse a seed they would not use.
        idle = not isinstance(owner, BaseEstimator) and held.get("shuffle") is False
        if "random_state" in held and not idle:
            yield f"{at}/random_state", owner, held["random_state"]


def seeds(estimator: Any) -> dict[str, int]:
    """Return every seed an estimator holds, by path.

    Raises:
        InvalidRecord: One is missing, so fitting twice would give two models.
    """
    found = {at: value for at, _, value in _random_states(estimator)}
    missing = sorted(at for at, value in found.items() if not isinstance(value, (int, np.integer)))
    if missing:
        raise InvalidRecord(
            f"no integer seed at {', '.join(missing)}, so the training could not be repeated. "
            "Make the program with fit_program(), which draws and records seeds."
        )
    return {at: int(value) for at, value in found.items()}


def seeded(estimator: Any) -> tuple[Any, dict[str, int]]:
    """Return a clone in which every ``random_state`` is an integer, and the seeds drawn.

    Where the user gave a generator, its first number becomes the seed.

    Raises:
        PolicyRefused: It is no estimator of scikit-learn's kind.
    """
    if not isinstance(estimator, BaseEstimator):
        raise refused(f"the class {type(estimator).__qualname__}", root(estimator))
    result = clone(estimator)
    drawn: dict[str, int] = {}
    for at, owner, state in _random_states(result):
        if not isinstance(state, (int, np.integer)):
            drawn[at] = owner.random_state = _draw(state)
    return result, drawn


def _draw(state: Any) -> int:
    if isinstance(state, np.random.RandomState):
        return int(copy.deepcopy(state).randint(LARGEST_SEED))
    if isinstance(state, np.random.Generator):
        return int(copy.deepcopy(state).integers(LARGEST_SEED))
    return secrets.randbelow(LARGEST_SEED)


def described_parameters(description: Description, at: str) -> Iterator[tuple[str, str]]:
    """Yield the path and text of every parameter that is not itself an estimator."""
    for key, held in description["params"].items():
        nested = list(_nested(held, at, key))
        if nested:
            for path, inner in nested:
                yield from described_parameters(inner, path)
        else:
            yield f"{at}/{key}", canonical_json(held).decode()


def _nested(held: Any, at: str, key: str) -> Iterator[tuple[str, Description]]:
    if isinstance(held, dict) and "object" in held:
        yield f"{at}/{key}", held
    elif isinstance(held, list):
        for item in held:
            match item:
                case {"tuple": [str(name), {"object": _} as inner, *_]}:
                    yield f"{at}/{name}", inner
