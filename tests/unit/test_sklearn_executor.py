"""The scikit-learn executor over real tables in memory and Parquet; no engine of another kind."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import rdflib
import skops.io
from sklearn.cluster import DBSCAN, Birch, BisectingKMeans, KMeans
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from lineage_graph.errors import ArtifactBroken, InvalidRecord, PolicyRefused, StepFailed
from lineage_graph.executors import Executor, Fingerprint, LearntState, Output, Place, Program
from lineage_graph.executors.sklearn import (
    Estimators,
    SklearnExecutor,
    build,
    describe,
    fit_program,
    load,
    model_facts,
    predict_program,
    program_seeds,
    seeded,
)
from lineage_graph.identity import canonical_json, sha256

ROOT = Path(__file__).parents[2]


def declared() -> Estimators:
    graph = rdflib.Graph().parse(ROOT / "ontology" / "estimators.ttl")
    answer = graph.query((ROOT / "queries" / "records" / "estimators.rq").read_text())
    texts = [{str(name): str(cell) for name, cell in row.items()} for row in answer.bindings]
    return Estimators.from_rows((t["name"], t.get("kind"), t.get("trusted")) for t in texts)


ESTIMATORS = declared()


class ParquetTables:
    """Tables as Parquet folders, read by Arrow; rows in the order of their numbers."""

    def read(self, place: Place, columns: Sequence[str] | None, order_by: Sequence[str]) -> Any:
        table = pq.read_table(place.paths[0])
        rest = [f.name for f in table.schema if pa.types.is_primitive(f.type)]
        keys = [(name, "ascending") for name in dict.fromkeys([*order_by, *rest])]
        table = table.take(pc.sort_indices(table, sort_keys=keys))
        return table if columns is None else table.select(list(columns))

    def write(self, table: Any, into: Path) -> Output:
        into.mkdir(parents=True)
        pq.write_table(table, into / "part-0.parquet")
        columns = {
            n: sha256(repr(table.column(n).to_pylist()).encode()) for n in table.schema.names
        }
        schema = canonical_json({f.name: str(f.type) for f in table.schema}).decode()
        digest = sha256(canonical_json(columns))
        content = Fingerprint(digest, "test", table.num_rows, schema, columns)
        return Output(Place((str(into),), "parquet"), content)


@pytest.fixture
def executor() -> SklearnExecutor:
    return SklearnExecutor(ParquetTables(), ESTIMATORS)


def flights(rows: int = 200, shift: float = 0.0) -> pa.Table:
    rng = np.random.RandomState(7)
    distance = rng.randint(100, 3000, rows)
    delay = rng.normal(size=rows) + shift
    carrier = rng.choice(["AA", "UA", "B6"], rows).tolist()
    return pa.table(
        {
            "distance": pa.array([None if i % 50 == 3 else int(d) for i, d in enumerate(distance)]),
            "delay": delay,
            "carrier": pa.array([None if i % 40 == 7 else c for i, c in enumerate(carrier)]),
            "late": (delay + distance / 3000 > 0.6).astype(np.int64),
            "kind": pa.array(["abc"[i % 3] for i in range(rows)]),
        }
    )


def pipeline() -> Pipeline:
    columns = ColumnTransformer(
        [
            ("num", make_pipeline(SimpleImputer(), StandardScaler()), ["distance", "delay"]),
            ("cat", OneHotEncoder(handle_unknown="ignore"), ["carrier"]),
        ]
    )
    return Pipeline([("columns", columns), ("clf", LogisticRegression(C=0.5))])


FEATURES = ["distance", "delay", "carrier"]
MULTICLASS = {"accuracy", "balanced_accuracy", "log_loss"}
CATEGORIES = "['AA', 'B6', 'UA', nan]"


def put(tmp_path: Path, table: pa.Table, name: str = "data") -> Place:
    return ParquetTables().write(table, tmp_path / name).place


def run(executor: SklearnExecutor, program: Program, into: Path, *places: Place) -> Output:
    inputs: Mapping[str, Place] = {f"input:{i}": place for i, place in enumerate(places)}
    return executor.run(program, inputs, into)


def fit(estimator: Any, features: Sequence[str] = FEATURES, label: str | None = "late") -> Program:
    return fit_program(estimator, features, label, ESTIMATORS)


def test_it_is_an_executor(executor: SklearnExecutor) -> None:
    as_seen: Executor = executor
    facts = as_seen.environment()
    assert {"python", "scikit-learn", "numpy", "scipy", "skops"} <= set(facts)
    assert any(name.startswith("threads.") for name in facts)
    canonical_json(facts)
    as_seen.close()


def test_training_leaves_a_model_its_state_and_its_measures(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    data, later = put(tmp_path, flights()), put(tmp_path, flights(120, 0.2), "later")
    output = run(executor, fit(pipeline()), tmp_path / "model", data, later)
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["model.skops"]
    assert output.place == Place((str(tmp_path / "model"),), "skops")
    assert isinstance(output.content, LearntState)
    names = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss")
    assert set(output.metrics) == {f"{w}/{n}" for w in ("training", "evaluation") for n in names}
    assert 0.8 < output.metrics["training/accuracy"] <= 1
    assert "pipeline/columns/num/standardscaler/mean_" in output.content.parts
    assert output.content.values["pipeline/columns/cat/categories_/0"] == CATEGORIES
    assert len(output.content.numbers["pipeline/clf/coef_"]) == 6


def test_the_same_program_on_the_same_content_learns_the_same(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    table = flights()
    shuffled = table.take(np.random.RandomState(1).permutation(table.num_rows))
    program = fit(RandomForestClassifier(n_estimators=5), ["delay", "distance"])
    first = run(executor, program, tmp_path / "1", put(tmp_path, table))
    again = run(executor, program, tmp_path / "2", put(tmp_path, shuffled, "shuffled"))
    other = run(executor, program, tmp_path / "3", put(tmp_path, flights(shift=0.5), "other"))
    assert first.content == again.content and first.metrics == again.metrics
    assert first.content != other.content


@pytest.mark.parametrize("estimator", [KMeans(5, n_init=2), BisectingKMeans(5)])
def test_a_model_does_not_depend_on_the_threads_of_the_machine(
    executor: SklearnExecutor, tmp_path: Path, estimator: Any
) -> None:
    # Beyond 256 rows k-means adds up by thread: centres differed in the last bits.
    x = np.random.RandomState(0).normal(size=(1000, 2))
    data = put(tmp_path, pa.table({"a": x[:, 0], "b": x[:, 1]}))
    program, contents = fit(estimator, ["a", "b"], None), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            contents.append(run(executor, program, tmp_path / f"{threads}", data).content)
    assert contents[0] == contents[1]


def test_a_seed_that_was_not_given_is_drawn_and_recorded() -> None:
    forest = RandomForestClassifier()
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("clf", forest)]),
        {"clf__max_depth": [2, None]},
        cv=KFold(3, shuffle=True),
    )
    one, two = fit(search), fit(search)
    assert one.digest != two.digest
    assert set(program_seeds(one, ESTIMATORS)) == {
        "gridsearchcv/cv/random_state",
        "gridsearchcv/estimator/clf/random_state",
    }
    assert forest.random_state is None and search.cv.random_state is None


@pytest.mark.parametrize(
    ("estimator", "answer_alike"),
    [(LogisticRegression(), True), (DummyClassifier(strategy="uniform"), False)],
)
def test_a_drawn_seed_is_part_of_a_model_even_where_it_decided_nothing_that_was_learnt(
    executor: SklearnExecutor, tmp_path: Path, estimator: Any, answer_alike: bool
) -> None:
    data = put(tmp_path, flights())
    made = [
        run(executor, fit(estimator, ["delay"]), tmp_path / place, data) for place in ("a", "b")
    ]
    one, two = (dict(output.content.parts) for output in made)  # type: ignore[union-attr]
    seed = f"{type(estimator).__name__.lower()}/random_state"
    assert one.pop(seed) != two.pop(seed)
    assert one == two
    # A dummy draws when it is asked, by this seed: without it these two would be one model.
    answers = [
        run(executor, predict_program(), tmp_path / f"{n}", output.place, data).content
        for n, output in enumerate(made)
    ]
    assert (answers[0] == answers[1]) == answer_alike


def test_a_given_generator_becomes_its_first_number() -> None:
    generator = np.random.RandomState(5)
    _, drawn = seeded(RandomForestClassifier(random_state=generator))
    assert drawn == {
        "randomforestclassifier/random_state": np.random.RandomState(5).randint(2**31 - 1)
    }
    assert generator.randint(100) == np.random.RandomState(5).randint(100)


def test_a_splitter_that_does_not_shuffle_needs_no_seed() -> None:
    search = GridSearchCV(LinearRegression(), {"fit_intercept": [True]}, cv=KFold(3))
    complete, drawn = seeded(search)
    assert drawn == {} and complete.cv.random_state is None


def test_a_program_without_its_seed_is_refused(executor: SklearnExecutor, tmp_path: Path) -> None:
    body = json.loads(fit(RandomForestClassifier(), ["delay"]).body)
    body["estimator"]["params"]["random_state"] = None
    with pytest.raises(InvalidRecord, match="randomforestclassifier/random_state"):
        run(
            executor,
            Program("sklearn", canonical_json(body)),
            tmp_path / "m",
            put(tmp_path, flights()),
        )
    assert not (tmp_path / "m").exists()


def test_predicting_appends_label_and_probability(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    data = put(tmp_path, flights())
    model = run(executor, fit(pipeline()), tmp_path / "model", data).place
    output = run(executor, predict_program(), tmp_path / "out", model, data)
    table = pq.read_table(output.place.paths[0])
    assert table.column_names == [*flights().column_names, "prediction", "probability"]
    assert table.schema.field("prediction").type == pa.int64()
    probability = table.column("probability").to_numpy()
    assert ((probability > 0.5) == table.column("prediction").to_numpy().astype(bool)).all()


def test_predicting_keeps_only_the_columns_asked_for(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    data = put(tmp_path, flights())
    model = run(executor, fit(pipeline(), label="kind"), tmp_path / "model", data).place
    file = Place((f"{model.paths[0]}/model.skops",), "skops")
    program = predict_program(["late"], {"prediction": "guess", "probabilities": "chances"})
    output = run(executor, program, tmp_path / "out", file, data)
    table = pq.read_table(output.place.paths[0])
    assert table.column_names == ["late", "guess", "chances"]
    assert table.schema.field("guess").type == pa.string()
    assert table.schema.field("chances").type == pa.list_(pa.float64())
    assert all(math.isclose(sum(row), 1) for row in table.column("chances").to_pylist())


def test_a_taken_column_name_is_refused(executor: SklearnExecutor, tmp_path: Path) -> None:
    data = put(tmp_path, flights())
    model = run(executor, fit(pipeline()), tmp_path / "model", data).place
    program = predict_program(outputs={"prediction": "late"})
    with pytest.raises(InvalidRecord, match="already has a column 'late'"):
        run(executor, program, tmp_path / "out", model, data)
    assert not (tmp_path / "out").exists()


def test_an_estimator_that_cannot_predict_says_so(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    data = put(tmp_path, flights())
    output = run(executor, fit(DBSCAN(), ["delay"], None), tmp_path / "model", data)
    with pytest.raises(InvalidRecord, match="DBSCAN cannot predict"):
        run(executor, predict_program(), tmp_path / "out", output.place, data)


@pytest.mark.parametrize("features", [["distance", "carier"], ["distance", "late "]])
def test_a_missing_column_names_the_likely_one(
    executor: SklearnExecutor, tmp_path: Path, features: list[str]
) -> None:
    with pytest.raises(InvalidRecord, match=r"Did you mean '(carrier|late)'\? It has: distance"):
        run(executor, fit(pipeline(), features), tmp_path / "m", put(tmp_path, flights()))


def test_a_missing_label_names_the_columns_that_exist(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRecord, match="It has: distance, delay, carrier, late, kind"):
        run(executor, fit(pipeline(), label="zzz"), tmp_path / "m", put(tmp_path, flights()))


def test_rows_without_a_label_are_counted(executor: SklearnExecutor, tmp_path: Path) -> None:
    data = put(tmp_path, flights())
    with pytest.raises(InvalidRecord, match="5 of 200 rows have no value in the label 'carrier'"):
        run(executor, fit(LogisticRegression(), ["delay"], "carrier"), tmp_path / "m", data)


def test_no_rows_are_refused(executor: SklearnExecutor, tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="no rows"):
        run(executor, fit(pipeline()), tmp_path / "m", put(tmp_path, flights().slice(0, 0)))


def test_a_nested_feature_is_refused(executor: SklearnExecutor, tmp_path: Path) -> None:
    data = put(tmp_path, pa.table({"x": [[1.0], [2.0]], "late": [0, 1]}))
    with pytest.raises(InvalidRecord, match="'x' is list"):
        run(executor, fit(LogisticRegression(), ["x"]), tmp_path / "m", data)


def test_a_failure_names_the_part_that_failed(executor: SklearnExecutor, tmp_path: Path) -> None:
    columns = ColumnTransformer([("num", StandardScaler(), FEATURES)])
    broken = Pipeline([("columns", columns), ("clf", LogisticRegression())])
    with pytest.raises(StepFailed, match=r"pipeline/columns/num \(StandardScaler\).*could"):
        run(executor, fit(broken), tmp_path / "m", put(tmp_path, flights()))
    assert not (tmp_path / "m").exists()


def test_types_reach_the_estimator_as_documented(executor: SklearnExecutor, tmp_path: Path) -> None:
    table = pa.table(
        {
            "price": pa.array([Decimal("1.50"), None, Decimal("3.25"), Decimal("2.00")]),
            "open": pa.array([True, None, False, True]),
            "at": pa.array([datetime(2020, 1, d, d) for d in (1, 2, 3, 4)], pa.timestamp("us")),
            "who": pa.array(["x", None, "y", "x"]).dictionary_encode(),
            "count": pa.array([1, 2, 3, 4], pa.int32()),
            "late": [0, 1, 0, 1],
        }
    )
    kinds = {"price": "float64", "open": "float64", "who": "object", "count": "int32"}
    from lineage_graph.executors.sklearn import frames

    frame = frames.features(table, ["price", "open", "who", "count", "at"])
    assert {n: str(frame[n].dtype) for n in kinds} == kinds
    assert frame["who"].isna().tolist() == [False, True, False, False]
    assert not any(v is None for v in frame["who"])
    assert frame["at"].dtype.kind == "M"
    encoder = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    model = make_pipeline(
        ColumnTransformer([("w", encoder, ["who"]), ("n", SimpleImputer(), ["price", "open"])]),
        LogisticRegression(),
    )
    run(executor, fit(model, ["price", "who", "open"]), tmp_path / "m", put(tmp_path, table))


def test_text_reaches_a_vectorizer_as_one_column(executor: SklearnExecutor, tmp_path: Path) -> None:
    data = put(tmp_path, pa.table({"t": ["good day", "bad day"] * 6, "late": [0, 1] * 6}))
    program = fit(make_pipeline(TfidfVectorizer(), LogisticRegression()), ["t"])
    model = run(executor, program, tmp_path / "m", data)
    assert model.metrics["training/accuracy"] == 1
    output = run(executor, predict_program(["t"]), tmp_path / "o", model.place, data)
    assert isinstance(output.content, Fingerprint) and output.content.rows == 12
    two = fit(make_pipeline(TfidfVectorizer(), LogisticRegression()), ["t", "late"], None)
    with pytest.raises(InvalidRecord, match="takes one column, but there are 2"):
        run(executor, two, tmp_path / "m2", data)


@pytest.mark.parametrize(
    ("estimator", "label", "expected"),
    [
        (LinearRegression(), "distance", {"r2", "mean_absolute_error", "root_mean_squared_error"}),
        (make_pipeline(StandardScaler(), KMeans(3, n_init=1)), None, {"inertia", "silhouette"}),
        (HistGradientBoostingClassifier(max_iter=3), "kind", MULTICLASS),
        (StandardScaler(), None, set()),
    ],
)
def test_measures_suit_the_kind_of_estimator(
    executor: SklearnExecutor, tmp_path: Path, estimator: Any, label: str | None, expected: set[str]
) -> None:
    table = flights().filter(pc.is_valid(pc.field("distance")))
    output = run(
        executor, fit(estimator, ["delay", "late"], label), tmp_path / "m", put(tmp_path, table)
    )
    assert set(output.metrics) == {f"training/{name}" for name in expected}


def test_a_measure_that_cannot_be_taken_is_an_error_when_asked_for(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRecord, match="Known for it: r2"):
        fit_program(LinearRegression(), ["delay"], "late", ESTIMATORS, metrics=["accuracy"])
    program = fit_program(pipeline(), FEATURES, "kind", ESTIMATORS, metrics=["roc_auc"])
    with pytest.raises(StepFailed, match="roc_auc needs two classes"):
        run(executor, program, tmp_path / "m", put(tmp_path, flights()))


def test_rows_can_be_put_in_an_order_first(executor: SklearnExecutor, tmp_path: Path) -> None:
    program = fit_program(
        KNeighborsClassifier(), ["delay"], "late", ESTIMATORS, order_by=["kind"], metrics=[]
    )
    output = run(executor, program, tmp_path / "m", put(tmp_path, flights()))
    table = flights()
    rows = sorted(zip(*(table.column(c).to_pylist() for c in ("kind", "delay")), strict=True))
    model = load(tmp_path / "m", ESTIMATORS).model
    assert output.metrics == {} and len(rows) == len(model._fit_X)
    assert {"a"} == {kind for kind, x in rows if x in model._fit_X[:67, 0]}


def test_a_plain_lambda_is_refused_with_where_it_is_and_what_to_do() -> None:
    columns = ColumnTransformer([("num", FunctionTransformer(lambda x: x), ["delay"])])
    with pytest.raises(PolicyRefused, match=r"pipeline/columns/num/func is code.*numpy.log1p"):
        fit(Pipeline([("columns", columns), ("clf", LogisticRegression())]))


class Own(StandardScaler):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator nobody declared."""


@pytest.mark.parametrize(
    ("estimator", "where"),
    [
        (Pipeline([("own", Own()), ("clf", LogisticRegression())]), "pipeline/own"),
        (FunctionTransformer(np.load), "numpy.load at functiontransformer/func"),
        (FunctionTransformer(pd.read_pickle), "functiontransformer/func"),
        (FunctionTransformer(eval), "builtins.eval at functiontransformer/func"),
        (FrozenEstimator(StandardScaler()), "frozenestimator"),
        (KMeans(init=np.zeros((20_000, 1))), "20000 elements"),
        (ColumnTransformer([("a", "passthrough", lambda f: f)]), "columntransformer/a"),
        (make_pipeline(StandardScaler(), memory=Path("x")), "pipeline/memory"),
    ],
)
def test_what_is_not_declared_is_refused(estimator: Any, where: str) -> None:
    with pytest.raises(PolicyRefused, match=where):
        describe(estimator, ESTIMATORS)


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "sklearn.datasets.load_files"])
@pytest.mark.parametrize("key", ["object", "function", "type"])
def test_a_forged_description_imports_nothing(name: str, key: str) -> None:
    held: dict[str, Any] = {"object": name, "params": {}} if key == "object" else {key: name}
    forged = {"object": "sklearn.preprocessing.FunctionTransformer", "params": {"func": held}}
    with pytest.raises(PolicyRefused, match=name):
        build(forged, ESTIMATORS)


@pytest.mark.parametrize(
    "forged", [{}, {"object": "sklearn.svm.SVC", "params": {"no": 1}}, {"params": {}}]
)
def test_a_description_that_is_none_is_an_error_of_ours(forged: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord, match="cannot be built"):
        build(forged, ESTIMATORS)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"do":"fit"}', b'{"do":"drop"}', b"\xff"])
def test_a_program_that_says_nothing_is_refused(
    executor: SklearnExecutor, tmp_path: Path, body: bytes
) -> None:
    with pytest.raises(InvalidRecord, match="neither fit nor predict"):
        run(executor, Program("sklearn", body), tmp_path / "m", put(tmp_path, flights()))


@pytest.mark.parametrize(("features", "label"), [([], "y"), (["a", "a"], "y"), (["a"], "a")])
def test_features_must_be_named_once_and_without_the_label(features: list[str], label: str) -> None:
    with pytest.raises(InvalidRecord, match="features"):
        fit(LinearRegression(), features, label)


def test_outputs_must_be_known() -> None:
    with pytest.raises(InvalidRecord, match="known are prediction"):
        predict_program(outputs={"guess": "x"})
    with pytest.raises(InvalidRecord, match="a name of its own"):
        predict_program(outputs={"prediction": "x", "probability": "x"})


def test_a_missing_slot_is_named(executor: SklearnExecutor, tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="input:0"):
        run(executor, fit(pipeline()), tmp_path / "m")


def test_a_model_file_with_other_types_is_not_loaded(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(np.save), tmp_path / "model.skops")
    with pytest.raises(PolicyRefused, match=r"numpy\.save"):
        load(tmp_path, ESTIMATORS)
    skops.io.dump(Own().fit([[1.0]]), tmp_path / "own.skops")
    with pytest.raises(PolicyRefused, match="Own"):
        load(tmp_path / "own.skops", ESTIMATORS)
    skops.io.dump(StandardScaler().fit, tmp_path / "bound.skops")
    with pytest.raises(PolicyRefused, match="StandardScaler"):
        load(tmp_path / "bound.skops", ESTIMATORS)


def test_even_what_skops_trusts_is_checked_against_our_list(tmp_path: Path) -> None:
    strict = Estimators.from_rows([("sklearn.linear_model.", None, "type")])
    skops.io.dump(StandardScaler(), tmp_path / "model.skops")
    with pytest.raises(PolicyRefused, match="StandardScaler"):
        load(tmp_path, strict)


def test_a_file_that_is_no_model_is_broken(tmp_path: Path) -> None:
    for name, data in (("empty", b""), ("text", b"hello")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ArtifactBroken, match="not a model"):
            load(tmp_path / name, ESTIMATORS)
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("schema.json", "{}")
    with pytest.raises(ArtifactBroken, match="not a model"):
        load(tmp_path / "zip", ESTIMATORS)
    with pytest.raises(ArtifactBroken, match="not a model"):
        load(tmp_path / "absent", ESTIMATORS)


def test_a_model_that_cannot_be_saved_leaves_nothing(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    with pytest.raises(PolicyRefused, match="Birch cannot be saved without pickle"):
        run(executor, fit(Birch(), ["delay"], None), tmp_path / "m", put(tmp_path, flights()))
    assert not (tmp_path / "m").exists()


def test_a_model_is_described_for_the_record(executor: SklearnExecutor, tmp_path: Path) -> None:
    output = run(executor, fit(pipeline()), tmp_path / "m", put(tmp_path, flights()))
    fitted = load(tmp_path / "m", ESTIMATORS)
    assert fitted.features == tuple(FEATURES) and fitted.label == "late"
    facts = model_facts(fitted.model, ESTIMATORS)
    assert facts == output.model
    assert facts.implementation == "sklearn.pipeline.Pipeline" and facts.kind == "Training"
    assert facts.hyperparameters["pipeline/clf/C"] == "0.5"
    assert facts.hyperparameters["pipeline/columns/num/standardscaler/with_mean"] == "true"
    assert list(facts.seeds) == ["pipeline/clf/random_state"]
    assert [(s.name, s.implementation) for s in facts.stages] == [
        ("pipeline/columns/num/simpleimputer", "sklearn.impute.SimpleImputer"),
        ("pipeline/columns/num/standardscaler", "sklearn.preprocessing.StandardScaler"),
        ("pipeline/columns/cat", "sklearn.preprocessing.OneHotEncoder"),
        ("pipeline/clf", "sklearn.linear_model.LogisticRegression"),
    ]
    assert json.loads(facts.stages[2].parameters or "")["categories_/0"] == CATEGORIES
    assert "C" not in json.loads(facts.stages[3].parameters or "")
    assert len({stage.digest for stage in facts.stages}) == 4


def test_a_search_that_ends_in_neighbours_memorises(
    executor: SklearnExecutor, tmp_path: Path
) -> None:
    grid = {"kneighborsclassifier__n_neighbors": [3, 5]}
    search = GridSearchCV(make_pipeline(StandardScaler(), KNeighborsClassifier()), grid, cv=2)
    output = run(executor, fit(search, ["delay"]), tmp_path / "m", put(tmp_path, flights()))
    assert output.model is not None and output.model.kind == "MemorisingTraining"


def test_columns_can_be_chosen_by_a_selector() -> None:
    selector = make_column_selector(dtype_include=np.number)
    columns = ColumnTransformer([("num", StandardScaler(), selector)])
    rebuilt = build(describe(columns, ESTIMATORS), ESTIMATORS)
    assert rebuilt.transformers[0][2].dtype_include is np.number
