"""Estimators as data and models as digests, over everything scikit-learn has."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances
from threadpoolctl import threadpool_limits

from lineage_graph.errors import PolicyRefused
from lineage_graph.executors.sklearn import (
    Estimators,
    Fitted,
    build,
    describe,
    learnt_state,
    load,
    save,
    seeded,
)
from lineage_graph.identity import canonical_json

ROOT = Path(__file__).parents[2]
# FrozenEstimator holds a fitted model; the test is that describing it is refused.
NAMES = sorted(name for name, _ in all_estimators() if name != "FrozenEstimator")
# skops has no form for it.
UNSAVED = {"Birch"}


@functools.cache
def declared() -> Estimators:
    graph = rdflib.Graph().parse(ROOT / "ontology" / "estimators.ttl")
    answer = graph.query((ROOT / "queries" / "records" / "estimators.rq").read_text())
    texts = [{str(name): str(cell) for name, cell in row.items()} for row in answer.bindings]
    return Estimators.from_rows((t["name"], t.get("kind"), t.get("trusted")) for t in texts)


def round_trip(estimator: Any) -> Any:
    said = canonical_json(describe(estimator, declared()))
    rebuilt = build(json.loads(said), declared())
    assert canonical_json(describe(rebuilt, declared())) == said
    return rebuilt


def instances(name: str) -> list[Any]:
    (cls,) = [cls for found, cls in all_estimators() if found == name]
    return list(_construct_instances(cls))


# scikit-learn announces the end of two estimators; they are recorded as long as they exist.
pytestmark = pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")


@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_is_built_again_exactly(name: str) -> None:
    for estimator in instances(name):
        assert joblib.hash(round_trip(estimator)) == joblib.hash(estimator)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
numbers = st.builds(np.float32, st.floats(width=32)) | st.builds(np.int64, st.integers(0, 9))
values = st.recursive(
    scalars | numbers | st.sampled_from([np.float64, float, np.log1p, np.dtype("<i4"), np.inf]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


def alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(v, b[k]) for k, v in a.items())
    return repr(a) == repr(b)


@given(values)
def test_every_value_of_a_parameter_comes_back(value: Any) -> None:
    rebuilt = round_trip(FunctionTransformer(kw_args={"value": value}))
    assert alike(rebuilt.kw_args["value"], value)


transformers = st.sampled_from(
    [
        StandardScaler(with_mean=False),
        SimpleImputer(missing_values=np.nan, strategy="median"),
        OneHotEncoder(categories=[np.array(["a", None], dtype=object)], dtype=np.float32),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
        FunctionTransformer(np.log1p, inverse_func=np.expm1),
        "passthrough",
    ]
)
columns = (
    st.lists(st.text(min_size=1), min_size=1, max_size=3)
    | st.builds(slice, st.integers(0, 3), st.none())
    | st.just(make_column_selector("^x", dtype_exclude=["object"]))
)
compositions = st.recursive(
    transformers,
    lambda inner: (
        st.builds(lambda a, c: ColumnTransformer([("a", a, c), ("b", "drop", [1])]), inner, columns)
        | st.builds(lambda a, b: Pipeline([("a", a), ("b", b)]), inner, inner)
        | st.builds(lambda a, b: FeatureUnion([("a", a), ("b", b)]), inner, inner)
    ),
    max_leaves=5,
)
classifiers = st.sampled_from(
    [
        LogisticRegression(C=np.float64(0.1), class_weight={1: 2.0, 0: 1.0}),
        RandomForestClassifier(random_state=3, n_jobs=2),
        VotingClassifier([("a", SVC()), ("b", DecisionTreeClassifier())], weights=(1, 2)),
        StackingClassifier([("a", SVC(gamma=0.1))], LogisticRegression()),
    ]
)


@given(compositions, classifiers)
@settings(max_examples=60, deadline=None)
def test_every_pipeline_is_built_again_exactly(before: Any, classifier: Any) -> None:
    # Cloned, because joblib also hashes which of two equal parts are one object.
    pipeline = clone(Pipeline([("before", before), ("clf", classifier)]))
    assert joblib.hash(round_trip(pipeline)) == joblib.hash(pipeline)


@pytest.mark.parametrize(
    "estimator",
    [
        GridSearchCV(SVC(), [{"C": [1, 2]}, {"kernel": ["rbf"]}], scoring=make_scorer(f1_score)),
        GridSearchCV(Pipeline([("a", PCA())]), {"a": [PCA(2), "drop"]}, cv=TimeSeriesSplit()),
        RandomizedSearchCV(SVC(), {"C": loguniform(0.1, 9), "degree": randint(low=1, high=4)}),
        RandomizedSearchCV(SVC(), {"C": range(1, 5)}, cv=RepeatedStratifiedKFold(n_repeats=2)),
        GaussianProcessRegressor(2.0 * RBF([1.0, 2.0], (1e-3, 1e3)) + WhiteKernel()),
    ],
    ids=["scorer", "steps", "distributions", "splitter", "kernel"],
)  # fmt: skip
def test_searches_and_kernels_are_built_again(estimator: Any) -> None:
    def text(thing: Any) -> str:
        return re.sub("0x[0-9a-f]+", "", repr(thing))

    rebuilt = round_trip(estimator)
    assert text(rebuilt) == text(estimator)


def test_a_distribution_keeps_its_arguments() -> None:
    search = RandomizedSearchCV(SVC(), {"C": loguniform(0.1, 9), "degree": randint(low=1, high=4)})
    rebuilt = round_trip(search).param_distributions
    assert (rebuilt["C"].args, rebuilt["C"].kwds) == ((0.1, 9), {})
    assert (rebuilt["degree"].args, rebuilt["degree"].kwds) == ((), {"low": 1, "high": 4})


def test_the_order_in_which_a_dictionary_was_filled_does_not_matter() -> None:
    one = describe(LogisticRegression(class_weight={0: 1, 1: 2}), declared())
    two = describe(LogisticRegression(class_weight={1: 2, 0: 1}), declared())
    assert canonical_json(one) == canonical_json(two)


def rows(name: str) -> tuple[Any, Any]:
    """Return training data that this estimator can be fitted on."""
    rng = np.random.RandomState(0)
    x = np.abs(rng.normal(size=(60, 4))) + 0.1
    y = (x[:, 0] + 0.3 * x[:, 1] > 1.2).astype(int)
    words = [" ".join(rng.choice(["red", "blue", "green", "grey"], 4)) for _ in range(60)]
    special: dict[str, tuple[Any, Any]] = {
        "DictVectorizer": ([{"a": float(v)} for v in x[:, 0]], None),
        "FeatureHasher": ([{"a": float(v)} for v in x[:, 0]], None),
        "GammaRegressor": (x, x[:, 0] + 1),
        "IsotonicRegression": (x[:, 0], x[:, 1]),
        "KernelCenterer": (x @ x.T, None),
        "LabelBinarizer": (y, None),
        "LabelEncoder": (y, None),
        "MultiLabelBinarizer": ([[int(v), 3] for v in y], None),
        "PatchExtractor": (np.tile(x.reshape(4, 15, 4), (1, 1, 3)), None),
        "SparseCoder": (x[:, :3], None),
    }
    if name in special:
        return special[name]
    if name.endswith("Vectorizer"):
        return words, None
    if name.startswith("Multi") and not name.endswith("NB"):
        return x, np.c_[y, 1 - y]
    if name.endswith("Chain"):
        return x, np.c_[y, 1 - y]
    return x, y


def fitted(estimator: Any, x: Any, y: Any) -> Any:
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        return clone(estimator).fit(x) if y is None else clone(estimator).fit(x, y)


def use(model: Any, x: Any) -> Any:
    """Return what a fitted model answers, whatever it answers with."""
    for method in ("predict", "transform", "score_samples"):
        if hasattr(model, method):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return getattr(model, method)(x)
    return None


def answer(model: Any, x: Any) -> str:
    """Return what a model answers as text; a refusal is an answer too."""
    try:
        given = use(model, x)
    except ValueError as error:
        return repr(error)
    return repr(given.tolist() if isinstance(given, np.ndarray) else given)


@pytest.mark.parametrize("name", NAMES)
def test_two_fits_with_one_seed_are_one_digest(name: str) -> None:
    estimator, _ = seeded(instances(name)[0])
    x, y = rows(name)
    first = fitted(estimator, x, y)
    state = learnt_state(first)
    assert learnt_state(fitted(estimator, x, y)).digest == state.digest
    use(first, x)
    assert learnt_state(first).digest == state.digest, "using a model changed its digest"
    with tempfile.TemporaryDirectory() as folder:
        if name in UNSAVED:
            with pytest.raises(PolicyRefused):
                save(Fitted(first, ("x",), None), Path(folder, "m"), declared())
            return
        file = save(Fitted(first, ("x",), None), Path(folder, "m"), declared())
        assert learnt_state(load(file, declared()).model).digest == state.digest


@pytest.mark.parametrize("name", NAMES)
def test_other_data_that_changes_answers_changes_the_digest(name: str) -> None:
    estimator, _ = seeded(instances(name)[0])
    x, y = rows(name)
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.shape[0] != 60:
        return
    changed = x.copy()
    changed[7] = changed[7] * 3 + 1
    one, two = fitted(estimator, x, y), fitted(estimator, changed, y)
    if answer(one, x) != answer(two, x):
        assert learnt_state(one).digest != learnt_state(two).digest


CHILD = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from sklearn.ensemble import *
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from lineage_graph.executors.sklearn import learnt_state
jobs = int(sys.argv[1])
x = np.random.RandomState(0).normal(size=(400, 5))
y = (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int)
models = [
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    RandomForestClassifier(10, random_state=0, n_jobs=jobs), SVC(random_state=0),
    KNeighborsClassifier(n_jobs=jobs), MLPClassifier((4,), max_iter=20, random_state=0),
    IsolationForest(n_estimators=5, random_state=0, n_jobs=jobs),
    LogisticRegression(random_state=0),
]
print(json.dumps([learnt_state(m.fit(x, y)).digest for m in models]))
"""


def digests(threads: int) -> list[str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")
    environment = {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(threads)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def test_processes_jobs_and_threads_do_not_change_a_digest() -> None:
    assert digests(1) == digests(2)


def test_a_difference_is_localised_to_its_part() -> None:
    x, y = rows("LogisticRegression")
    pipeline = Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression(random_state=0))])
    other = x.copy()
    other[:, 3] += 1.0
    one, two = learnt_state(fitted(pipeline, x, y)), learnt_state(fitted(pipeline, other, y))
    assert one.parts.keys() == two.parts.keys()
    differing = {path for path, digest in one.parts.items() if two.parts[path] != digest}
    assert "pipeline/scale/mean_" in differing
    assert "pipeline/clf/C" not in differing
