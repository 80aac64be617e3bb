"""What cannot work is refused with a way on, and leaves the store as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.errors import (
    DeclarationError,
    InputChanged,
    InvalidRecord,
    LineageGraphError,
    NotFound,
    PolicyRefused,
    RecordConflict,
    StepFailed,
    StoreUnavailable,
)
from lineage_graph.graph import Graph, connect
from lineage_graph.ledger.file import LedgerFile

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small source."""
    path = tmp_path / "fares.csv"
    path.write_text("city,fare\n" + "".join(f"city{n % 3},{n}\n" for n in range(30)))
    return path


def everything_in(store: Path) -> dict[str, bytes]:
    """Return all that a store keeps, but for the projection and SQLite's side files."""
    files = {path.relative_to(store).as_posix(): path for path in store.rglob("*")}
    kept = ("artifacts/", "data/", "pinned/", "work/")
    return {
        name: p.read_bytes() for name, p in files.items() if name.startswith(kept) and p.is_file()
    }


def refused(graph: Graph, error: type[LineageGraphError], action: Callable[[], Any]) -> str:
    """Do what must fail; check that it left nothing behind, and return what was said."""
    head, kept = chain_of(graph), everything_in(graph.folders.root)
    with pytest.raises(error) as said:
        action()
    assert chain_of(graph) == head, said.value
    assert everything_in(graph.folders.root) == kept, said.value
    return str(said.value)


def chain_of(graph: Graph) -> str:
    """Return what names the content of the whole ledger."""
    with LedgerFile(graph.folders.ledger, create=False) as ledger:
        return ledger.chain_head


def strange_sources(folder: Path) -> dict[str, Path]:
    """Make things that are there and yet no data."""
    made = {name: folder / name for name in ("circle", "dangling", "pipe", "empty", "inside", "up")}
    made["circle"].symlink_to(made["circle"])
    made["dangling"].symlink_to(folder / "nowhere")
    os.mkfifo(made["pipe"])
    for name in ("empty", "inside", "up"):
        made[name].mkdir()
    os.mkfifo(made["inside"] / "part.csv")
    (made["up"] / "again").symlink_to(made["up"])
    return made


def test_a_source_that_is_not_there_or_no_file_is_refused_by_name(
    store: Path, tmp_path: Path
) -> None:
    with connect(store) as graph:
        for source in [tmp_path / "missing.csv", *strange_sources(tmp_path).values()]:
            said = refused(graph, InputChanged, lambda s=source: graph.dataset("fares", s))  # type: ignore[misc]
            assert str(source) in said
        assert graph.datasets() == []


def test_a_folder_linked_into_a_source_is_pinned_with_it(store: Path, table: Path) -> None:
    folder = table.parent / "months"
    elsewhere = table.parent / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "may.csv").write_bytes(table.read_bytes())
    (elsewhere / "june.csv").write_bytes(b"city,fare\ncity9,9\n")
    (folder / "june").symlink_to(elsewhere)
    with connect(store) as graph:
        graph.dataset("fares", folder, format="csv", header=True)
        (elsewhere / "june.csv").write_bytes(b"city,fare\ncity9,8\n")
        graph.dataset("fares", folder, format="csv", header=True)
        assert len(graph.versions("fares")) == 2


UNREADABLE = """
import os, sys
from pathlib import Path
from lineage_graph import connect
from lineage_graph.errors import StoreUnavailable
# What is imported late must be imported by who may read the packages.
with connect(sys.argv[2]) as graph:
    graph.dataset("readable", sys.argv[3])
    graph.verify()
os.setgid({nobody}); os.setuid({nobody})
with connect(sys.argv[1]) as graph:
    for source in sys.argv[4:]:
        try:
            graph.dataset("fares", source, format="csv")
        except StoreUnavailable as error:
            print(error)
    assert graph.datasets() == [], graph.datasets()
    assert graph.verify()["ledger_entries"] == 0
"""


def test_a_source_that_may_not_be_read_is_refused_by_name(tmp_path: Path, table: Path) -> None:
    hidden, closed = tmp_path / "hidden", tmp_path / "fares"
    hidden.mkdir()
    (hidden / "part.csv").write_bytes(table.read_bytes())
    closed.mkdir()
    (closed / "month=5").mkdir()
    store = tmp_path / "open-store"
    store.mkdir()
    store.chmod(0o777)
    for path in (hidden / "part.csv", closed / "month=5"):
        path.chmod(0)
    # As root, who may read everything, the child becomes somebody who may not.
    becomes = os.getuid() == 0
    script = UNREADABLE.format(nobody=NOBODY if becomes else os.getuid())
    reachable = [*tmp_path.parents, tmp_path] if becomes else []
    modes = {path: path.stat().st_mode for path in reachable}
    try:
        for path, mode in modes.items():
            path.chmod(mode | 0o055)
        done = subprocess.run(
            [sys.executable, "-c", script, store, tmp_path / "warm", table, hidden, closed],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
        )
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
        (closed / "month=5").chmod(0o700)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert str(hidden / "part.csv") in first
    assert "Permission denied" in first
    assert str(closed / "month=5") in second
    assert "Permission denied" in second


def test_unknown_things_are_not_found_and_close_ones_suggested(
    store: Path, table: Path, cli: Run
) -> None:
    with connect(store) as graph:
        graph.dataset("fares", table, header=True)
        graph.dataset("planned")
        for action, said in {
            lambda: graph.describe("faers"): "Did you mean 'fares'?",
            lambda: graph.describe("fares@2"): "versions 1 to 1, not 2",
            lambda: graph.rebuild("fares", 0): "versions 1 to 1, not 0",
            lambda: graph.describe("planned"): "no version",
            lambda: graph.query("records/datset"): "did you mean 'records/datasets'?",
            lambda: graph.query("asked.rq"): "'asked.rq'",
            lambda: graph.lineage("urn:lineage-graph:version:0"): "urn:lineage-graph:version:0",
        }.items():
            assert said in refused(graph, NotFound, action)
    for arguments, said in {
        ("show", "faers"): "Did you mean 'fares'?",
        ("lineage", "faers"): "Did you mean 'fares'?",
        ("rebuild", "fares@7"): "versions 1 to 1, not 7",
        ("export", "nothing-like-it"): "lineage-graph datasets",
        ("query", "records/datset"): "did you mean 'records/datasets'?",
        ("versions", "\udcff"): "\\udcff",
    }.items():
        done = cli(*arguments)
        assert (done.returncode, done.stdout) == (4, "")
        assert said in done.stderr


def test_a_question_that_is_wrong_is_refused(store: Path, tmp_path: Path) -> None:
    binary = tmp_path / "binary.rq"
    binary.write_bytes(b"\xff\xfe\x00")
    with connect(store) as graph:
        assert "foo" in refused(
            graph, DeclarationError, lambda: graph.query("records/datasets", foo="1")
        )
        assert "parse" in refused(graph, DeclarationError, lambda: graph.query("SELECT what"))
        assert str(binary) in refused(graph, DeclarationError, lambda: graph.query(binary))


def test_registering_the_same_again_changes_nothing(store: Path, table: Path) -> None:
    def register(graph: Graph) -> str:
        return graph.dataset("fares", table, license="CC0-1.0", owner="Zo\u00eb", header=True)

    with connect(store) as graph:
        first, chain = register(graph), graph.verify()["chain"]
        assert register(graph) == first
        assert graph.dataset("fares") == "urn:lineage-graph:dataset:fares"
        assert graph.verify()["chain"] == chain
    with connect(store) as graph:
        assert register(graph) == first
        assert graph.verify()["chain"] == chain


def test_registering_something_else_under_a_name_is_a_conflict(store: Path, table: Path) -> None:
    other = table.with_name("other.csv")
    other.write_text("town,price\na,1\n")
    with connect(store) as graph:
        graph.dataset("fares", table, license="CC0-1.0", owner="Zo\u00eb", header=True)
        for what, contradiction in {
            "license": {"license": "MIT"},
            "owner": {"owner": "Somebody"},
            "location": {"location": other},
            "options": {"location": table, "header": False},
            "format": {"location": table, "format": "text", "header": True},
            "schema": {"location": table, "header": True, "schema": "a STRING, b INT"},
        }.items():
            said = refused(
                graph,
                RecordConflict,
                lambda given=contradiction: graph.dataset("fares", **given),  # type: ignore[misc]
            )
            assert what in said
            assert "another name" in said
        assert graph.describe("fares")["owner"] == "Zo\u00eb"


@pytest.mark.parametrize(
    "given",
    [
        {"snapshot": "sometimes"},
        {"license": "not a licence"},
        {"license": "urn:with space"},
    ],
)
def test_a_registration_that_cannot_be_recorded_leaves_nothing(
    store: Path, table: Path, given: dict[str, Any]
) -> None:
    with connect(store) as graph:
        refused(graph, InvalidRecord, lambda: graph.dataset("fares", table, **given))
        assert graph.datasets() == []


class Own:
    """An estimator that no record can build again."""

    def fit(self, x: Any, y: Any = None) -> Own:
        """Learn nothing."""
        return self


@pytest.mark.spark
def test_a_model_that_cannot_be_made_leaves_none_behind(recorded: Graph, table: Path) -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    recorded.dataset("fares", table, header=True, inferSchema=True)
    rows = recorded.read("fares")
    known = recorded.save(rows.selectExpr("city", "fare", "fare * 2 AS price"), "prices")
    holes = recorded.save(
        recorded.read("prices").selectExpr("fare", "nullif(price, 4) AS price"), "holes"
    )

    def fit(estimator: Any = None, data: Any = known, **given: Any) -> Any:
        arguments = {"label": "price", "features": ["fare"], "name": "pricing", **given}
        return recorded.fit(estimator or LinearRegression(), data, **arguments)

    own_step = make_pipeline(FunctionTransformer(lambda x: x), LinearRegression())
    for error, action, said in [
        (InvalidRecord, lambda: fit(label="prise"), "Did you mean 'price'?"),
        (InvalidRecord, lambda: fit(features=["fare", "fair"]), "Did you mean 'fare'?"),
        (InvalidRecord, lambda: fit(order_by=["fair"]), "Did you mean 'fare'?"),
        (InvalidRecord, lambda: fit(name="pricing@2"), "'pricing@2'"),
        (NotFound, lambda: fit(data="prises"), "Did you mean 'prices'"),
        (NotFound, lambda: fit(evaluate="prises"), "Did you mean 'prices'"),
        (PolicyRefused, lambda: fit(Own()), "Own"),
        (PolicyRefused, lambda: fit(object()), "object"),
        (PolicyRefused, lambda: fit(own_step), "lambda"),
        (NotFound, lambda: recorded.predict("pricing", known, name="guess"), "'pricing'"),
        (NotFound, lambda: recorded.read("prises"), "Did you mean 'prices'"),
        (InvalidRecord, lambda: recorded.save([], "none"), "type list cannot become"),
        (InvalidRecord, lambda: recorded.save(object(), "none"), "type object cannot become"),
        (InvalidRecord, lambda: recorded.save(rows, "a\nb"), "'a\\nb'"),
    ]:
        assert said in refused(recorded, error, action), said
    with pytest.raises(InvalidRecord, match="1 of 30 rows have no value in the label 'price'"):
        fit(data=holes)
    fitted = fit()
    with pytest.raises(InvalidRecord, match="fair"):
        recorded.predict("pricing", known, name="guess", keep=["fair"])
    assert [model["name"] for model in recorded.models()] == ["pricing"]
    assert len(recorded.versions("pricing")) == 1
    assert recorded.describe("pricing")["version"] == fitted.version
    assert recorded.verify()["published"] == 2
    assert list(recorded.folders.work.iterdir()) == []


@pytest.mark.spark
def test_a_plan_that_fails_publishes_nothing_and_is_recorded_as_failed(
    recorded: Graph, table: Path
) -> None:
    recorded.dataset("fares", table, header=True, inferSchema=True)
    rows = recorded.read("fares").selectExpr("city", "raise_error('no fare') AS fare")
    with pytest.raises(StepFailed, match="no fare"):
        recorded.save(rows, "broken")
    with pytest.raises(NotFound):
        recorded.read("broken")
    assert not list(recorded.folders.data.glob("*"))
    assert not list(recorded.folders.work.glob("*"))
    assert recorded.verify()["published"] == 0


@pytest.mark.spark
def test_a_source_altered_by_one_byte_is_named_or_rebuilt_from_its_copy(
    recorded: Graph, table: Path
) -> None:
    linked = table.with_name("linked.csv")
    linked.write_bytes(table.read_bytes())
    for name, path, snapshot in (("kept", table, "copy"), ("linked", linked, "reference")):
        recorded.dataset(name, path, snapshot=snapshot, header=True, inferSchema=True)
        counted = recorded.read(name).groupBy("city").sum("fare")
        recorded.save(counted, f"{name} by city")
        data = path.read_bytes()
        path.write_bytes(data.replace(b"city0,0", b"city0,7"))
    from_copy = recorded.rebuild("kept by city")
    assert from_copy.verdict == "identical"
    (reused,) = [o for o in from_copy.outputs if o.action == "reuse"]
    assert "the kept copy is used" in reused.explanation
    assert f"{table} was altered" in reused.explanation
    from_reference = recorded.rebuild("linked by city")
    assert from_reference.verdict == "impossible"
    said = from_reference.outputs[-1].explanation
    assert str(linked) in said
    assert "was altered" in said
    with pytest.raises(NotFound, match="was altered"):
        recorded.read("linked")
    assert recorded.verify()["published"] == 2


def test_a_store_in_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    with pytest.raises(StoreUnavailable, match="file"):
        connect(file / "store")
    with pytest.raises(StoreUnavailable, match="file"):
        connect(file)
    assert file.read_text() == "not a folder"
