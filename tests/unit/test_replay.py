"""What a rebuild runs, in which order, what it says and what it leaves; without Spark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord, PlanIncomplete, ReplayMismatch, StepFailed
from lineage_graph.executors import (
    Description,
    Fingerprint,
    InputPath,
    Operation,
    Output,
    Place,
    Program,
    Tables,
)
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.identity import canonical_json, fresh, named, part, sha256
from lineage_graph.ledger import NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.query import Queries
from lineage_graph.recording import KnownPlaces, Made, Recorder
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset, Usage
from lineage_graph.replay import Rebuild, Rebuilder, Rebuilt
from lineage_graph.replay.origins import Record
from lineage_graph.replay.recording import replay_records
from lineage_graph.snapshots import Snapshots
from lineage_graph.stores import open_store


def fingerprint(columns: Mapping[str, list[float]]) -> Fingerprint:
    schema = canonical_json({"struct": [[name, "double"] for name in columns]}).decode()
    digests = {c: sha256(json.dumps(sorted(v)).encode()) for c, v in columns.items()}
    digest = sha256(canonical_json([schema, digests]))
    return Fingerprint(digest, "test1", len(next(iter(columns.values()))), schema, digests)


def cells_at(place: Place) -> dict[str, list[float]]:
    at = Path(place.paths[0])
    found: dict[str, list[float]] = json.loads(
        (at / "part.json" if at.is_dir() else at).read_text()
    )
    return found


class FakeExecutor:
    """Adds a number to every cell of its inputs, one after the other; a table is JSON."""

    def __init__(self) -> None:
        self.facts = {"python": "3.11.1", "spark": "4.3.0"}
        self.ran: list[str] = []
        self.noise: dict[str, float] = {}
        self.broken: dict[str, BaseException] = {}
        self.tables: Tables = self

    def run(self, program: Program, inputs: Mapping[str, Place], into: Path) -> Output:
        body = json.loads(program.body)
        into.mkdir()
        self.ran.append(body["name"])
        if body["name"] in self.broken:
            raise self.broken[body["name"]]
        cells: list[float] = []
        for slot in sorted(inputs):
            cells += cells_at(inputs[slot])["x"]
        table = {"x": [x + body["add"] + self.noise.get(body["name"], 0.0) for x in cells]}
        (into / "part.json").write_text(json.dumps(table))
        return Output(Place((str(into),), "json"), fingerprint(table))

    def read(self, place: Place, columns: Sequence[str] | None, order_by: Sequence[str]) -> Any:
        return pa.table(cells_at(place)).sort_by([(name, "ascending") for name in order_by])

    def write(self, table: Any, into: Path) -> Output:
        raise AssertionError("nothing here writes tables")

    @contextmanager
    def settings(self, recorded: Mapping[str, Any]) -> Iterator[None]:
        yield

    def environment(self) -> Mapping[str, Any]:
        return self.facts

    def executor(self, name: str) -> FakeExecutor:
        assert name == "sklearn"
        return self

    def close(self) -> None:
        pass


class History:
    """A store in which things happened, and what rebuilds them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.artifacts = Artifacts(root / "artifacts")
        self.snapshots = Snapshots(self.artifacts)
        declarations = Declarations()
        self.ledger = LedgerFile(root / "ledger.db")
        self.queries = Queries(self.ledger, open_store("memory:"), declarations)
        self.record = Record(self.queries)
        self.catalogue = Catalogue(self.queries, self.ledger)
        bundles = Bundles(self.ledger, declarations, named("agent", "test"))
        places = KnownPlaces((root / "data",))
        self.recorder = Recorder(bundles, self.artifacts, self.snapshots, places)
        self.fake = FakeExecutor()

    def source(self, name: str, cells: list[float], snapshot: str = "copy") -> str:
        """Record data that came from outside."""
        folder = self.root / "outside" / name
        folder.mkdir(parents=True)
        (folder / "part.json").write_text(json.dumps({"x": cells}))
        pin = self.snapshots.pin(Place((str(folder),), "json"), snapshot)
        return self.recorder.source(Dataset(id=named("dataset", name), title=name), pin)

    def made(
        self, name: str, *inputs: str, add: float = 1.0, description: Description | None = None
    ) -> str:
        """Run a program and record what it made."""
        program = Program("sklearn", canonical_json({"name": name, "add": add}))
        slots = {f"input:{n}": version for n, version in enumerate(inputs)}
        version = fresh("version")
        folder = self.root / "data" / version.rpartition(":")[2]
        folder.parent.mkdir(exist_ok=True)
        begun = datetime.now(UTC)
        places = {slot: self.record.pins(entity)[0].place for slot, entity in slots.items()}
        output = self.fake.run(program, places, folder)
        assert isinstance(output.content, Fingerprint)
        operation = Operation(
            label=f"save {name}",
            program=program,
            sources={},
            description=description or described(slots),
            written=None,
            content=None,
            started=begun,
            ended=datetime.now(UTC),
            environment=dict(self.fake.facts),
        )
        pin = self.snapshots.pin(output.place, "reference")
        dataset = Dataset(id=named("dataset", name), title=name)
        made = Made(version, dataset, pin, output.content)
        self.recorder.record_activity(operation, made, slots)
        self.fake.ran.clear()
        return version

    def lose(self, version: str) -> None:
        """Delete the bytes of a version."""
        shutil.rmtree(self.root / "data" / version.rpartition(":")[2])

    def rebuild(
        self,
        target: str,
        into: Path | None = None,
        from_scratch: bool = False,
        dry_run: bool = False,
        tolerance: float = 1e-9,
        progress: Callable[[int, int, str], None] = lambda done, total, what: None,
    ) -> Rebuild:
        rebuilder = Rebuilder(
            self.record,
            self.artifacts,
            self.snapshots,
            self.catalogue.name_of,
            self.root / "work",
            tolerance,
        )
        tasks = rebuilder.tasks(target, from_scratch)
        if dry_run:
            return rebuilder.planned(target, tasks)

        def report(outputs: Sequence[Rebuilt]) -> None:
            self.recorder.append(*replay_records(outputs, self.recorder.author))

        return rebuilder.rebuild(target, tasks, lambda: self.fake, into, progress, report)

    def left(self) -> list[str]:
        """Names of what rebuilds left in the store."""
        folders = [self.root / "work", self.root / "rebuilds"]
        return sorted(p.name for f in folders if f.exists() for p in f.iterdir())

    def replays(self) -> list[Mapping[str, Any]]:
        return list(self.queries.run("records/replays"))


def described(slots: Mapping[str, str]) -> Description:
    return Description(inputs=tuple(InputPath(slot, ("Transform",)) for slot in slots))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path)
    yield history
    history.ledger.close()


@pytest.fixture
def diamond(history: History) -> dict[str, str]:
    """A source, two that are made of it and one that is made of both."""
    source = history.source("source", [1.0, 2.0])
    left, right = history.made("left", source), history.made("right", source, add=2.0)
    bottom = history.made("bottom", left, right)
    return {"source": source, "left": left, "right": right, "bottom": bottom}


def actions(rebuild: Rebuild) -> list[tuple[str, str, str | None]]:
    return [(o.name, o.action, o.verdict) for o in rebuild.outputs]


def test_what_was_made_is_reused_and_only_the_target_runs(
    history: History, diamond: dict[str, str]
) -> None:
    rebuild = history.rebuild(diamond["bottom"])
    assert actions(rebuild) == [
        ("left@1", "reuse", None),
        ("right@1", "reuse", None),
        ("bottom@1", "run", "identical"),
    ]
    assert (rebuild.verdict, rebuild.reused) == ("identical", ("left@1", "right@1"))
    assert history.fake.ran == ["bottom"]


def test_from_scratch_runs_every_plan_once_and_inputs_first(
    history: History, diamond: dict[str, str]
) -> None:
    rebuild = history.rebuild(diamond["bottom"], from_scratch=True)
    assert history.fake.ran == ["left", "right", "bottom"]
    assert rebuild.reused == ("source@1",)
    assert rebuild.verify() is rebuild


def test_what_is_lost_is_made_again_on_the_way(history: History, diamond: dict[str, str]) -> None:
    history.lose(diamond["left"])
    rebuild = history.rebuild(diamond["bottom"])
    assert [(o.name, o.action) for o in rebuild.outputs] == [
        ("source@1", "reuse"),
        ("left@1", "run"),
        ("right@1", "reuse"),
        ("bottom@1", "run"),
    ]
    assert rebuild.verdict == "identical"


def test_one_version_may_fill_two_slots(history: History) -> None:
    source = history.source("source", [1.0])
    twice = history.made("twice", source, source)
    rebuild = history.rebuild(twice)
    assert (rebuild.verdict, rebuild.outputs[-1].rows) == ("identical", 2)


def test_a_missing_source_makes_all_that_needs_it_impossible_before_anything_starts(
    history: History, diamond: dict[str, str]
) -> None:
    outside = history.source("elsewhere", [3.0], snapshot="reference")
    joined = history.made("joined", diamond["bottom"], outside)
    final = history.made("final", joined)
    history.lose(joined)
    (history.root / "outside" / "elsewhere" / "part.json").write_text("altered")
    rebuild = history.rebuild(final)
    assert history.fake.ran == []
    assert actions(rebuild) == [
        ("bottom@1", "reuse", None),
        ("elsewhere@1", "impossible", "impossible"),
        ("joined@1", "impossible", "impossible"),
        ("final@1", "impossible", "impossible"),
    ]
    last = rebuild.outputs[-1].explanation
    assert "elsewhere@1" in last and "part.json was altered" in last
    with pytest.raises(ReplayMismatch, match="impossible"):
        rebuild.verify()


def test_what_did_not_run_is_not_recorded_as_rebuilt(
    history: History, diamond: dict[str, str]
) -> None:
    for version in (diamond["left"], diamond["right"]):
        history.lose(version)
    unplayable = Description(
        inputs=(InputPath("input:0", ("Transform",)), InputPath("input:1", ("Transform",))),
        obstacles=("calls a Python function",),
    )
    target = history.made("target", diamond["bottom"], diamond["source"], description=unplayable)
    head = history.ledger.head
    assert history.rebuild(target, from_scratch=True).verdict == "impossible"
    history.rebuild(target, dry_run=True)
    assert (history.ledger.head, history.replays()) == (head, [])


def test_a_plan_that_cannot_be_replayed_says_why(history: History) -> None:
    why = Description(inputs=(), obstacles=("calls a Python function",))
    version = history.made("odd", history.source("source", [1.0]), description=why)
    rebuild = history.rebuild(version)
    assert rebuild.verdict == "impossible"
    assert "cannot be replayed: calls a Python function" in rebuild.outputs[-1].explanation


def test_a_source_cannot_be_rebuilt_and_says_so(history: History) -> None:
    rebuild = history.rebuild(history.source("source", [1.0]))
    assert rebuild.verdict == "impossible"
    assert "it came from outside" in rebuild.outputs[-1].explanation


def test_a_lost_program_is_named_before_anything_starts(
    history: History, diamond: dict[str, str]
) -> None:
    origin = history.record.origin(diamond["bottom"])
    assert origin is not None
    history.artifacts.path(origin.program).unlink()
    rebuild = history.rebuild(diamond["bottom"], from_scratch=True)
    assert rebuild.verdict == "impossible"
    assert "its program cannot be read" in rebuild.outputs[-1].explanation
    assert history.fake.ran == []


def test_an_executor_of_another_release_is_named_before_anything_starts(
    history: History, diamond: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Newer(Record):
        def origin(self, version: str) -> Any:
            origin = super().origin(version)
            later = {**vars(origin), "executor": "polars"} if origin else {}
            return type(origin)(**later) if origin and version == diamond["bottom"] else origin

    history.record = Newer(history.queries)
    rebuild = history.rebuild(diamond["bottom"], from_scratch=True)
    assert rebuild.verdict == "impossible"
    assert "no executor 'polars'" in rebuild.outputs[-1].explanation
    assert history.fake.ran == []


def test_a_record_that_goes_round_in_a_circle_is_refused(history: History) -> None:
    first = history.made("first", history.source("source", [1.0]))
    second = history.made("second", first)
    origin = history.record.origin(first)
    assert origin is not None
    again = part(origin.activity, "usage", "input:1")
    history.recorder.append([Usage(id=again, entity=second, slot="input:1")])
    body = f"<{origin.activity}> <http://www.w3.org/ns/prov#qualifiedUsage> <{again}> "
    bundle = fresh("bundle")
    history.ledger.append(
        NewEntry(
            txid="circle",
            author=named("agent", "test"),
            bundle=bundle,
            body=f"{body}<{bundle}> .\n".encode(),
            subjects=[origin.activity],
            edges=[],
        )
    )
    with pytest.raises(PlanIncomplete, match="made from itself"):
        history.rebuild(second, from_scratch=True)


def test_a_dry_run_claims_nothing(history: History, diamond: dict[str, str]) -> None:
    rebuild = history.rebuild(diamond["bottom"], from_scratch=True, dry_run=True)
    assert actions(rebuild) == [
        ("source@1", "reuse", None),
        ("left@1", "run", None),
        ("right@1", "run", None),
        ("bottom@1", "run", None),
    ]
    assert (rebuild.verdict, rebuild.first_difference, history.fake.ran) == (None, None, [])
    said = rebuild.to_dict()
    assert (said["verdict"], said["dry_run"]) == (None, True)
    assert [o["action"] for o in said["outputs"]] == ["reuse", "run", "run", "run"]
    assert "identical" not in str(rebuild)
    assert rebuild.verify() is rebuild


def test_numbers_within_the_tolerance_are_equivalent_and_the_distance_is_said(
    history: History, diamond: dict[str, str]
) -> None:
    history.fake.noise["bottom"] = 3e-10
    rebuild = history.rebuild(diamond["bottom"])
    output = rebuild.outputs[-1]
    assert (rebuild.verdict, output.parts) == ("equivalent", ("x",))
    assert "x differ by at most 1e-10 (relative), within 1e-09" in output.explanation
    assert rebuild.verify() is rebuild
    assert history.rebuild(diamond["bottom"], tolerance=1e-12).verdict == "different"


def test_the_first_step_that_differs_is_named(history: History, diamond: dict[str, str]) -> None:
    history.fake.noise["left"] = 0.5
    rebuild = history.rebuild(diamond["bottom"], from_scratch=True)
    assert [o.verdict for o in rebuild.outputs] == [None, "different", "identical", "different"]
    first = rebuild.first_difference
    assert first is not None and (first.name, first.parts) == ("left@1", ("x",))
    assert rebuild.to_dict()["first_difference"] == "left@1"
    with pytest.raises(ReplayMismatch, match=r"left@1: cells of x differ by up to"):
        rebuild.verify()


def test_what_was_known_to_vary_is_said_when_it_differs(history: History) -> None:
    source = history.source("source", [1.0])
    careful = Description(
        inputs=(InputPath("input:0", ("Transform",)),), cautions=("sum(double) adds in any order",)
    )
    version = history.made("sums", source, description=careful)
    assert "sum(double)" not in history.rebuild(version).outputs[-1].explanation
    history.fake.noise["sums"] = 1e-12
    assert "sum(double)" in history.rebuild(version).outputs[-1].explanation


def test_only_what_differs_is_kept(history: History, diamond: dict[str, str]) -> None:
    history.rebuild(diamond["bottom"], from_scratch=True)
    assert history.left() == []
    history.fake.noise["bottom"] = 0.5
    rebuild = history.rebuild(diamond["bottom"], from_scratch=True)
    places = [o.place for o in rebuild.outputs]
    assert places[:-1] == [None, None, None]
    assert Path(str(places[-1]), "part.json").is_file()
    assert Path(str(places[-1])).name == "bottom@1"


def test_into_takes_every_output_under_its_name(
    history: History, diamond: dict[str, str], tmp_path: Path
) -> None:
    into = tmp_path / "new" / "deep" / "again"
    rebuild = history.rebuild(diamond["bottom"], into=into, from_scratch=True)
    assert sorted(p.name for p in into.iterdir()) == ["bottom@1", "left@1", "right@1"]
    assert sorted(p.name for p in into.parent.iterdir()) == ["again"]
    assert rebuild.outputs[-1].place == str(into / "bottom@1")
    assert history.left() == []


def test_names_that_no_folder_can_have_are_kept_apart(history: History, tmp_path: Path) -> None:
    source = history.source("source", [1.0])
    one, two = history.made("a/b", source), history.made("a_b", source)
    long = history.made("é" * 300, one, two)
    rebuild = history.rebuild(long, into=tmp_path / "again", from_scratch=True)
    assert rebuild.verdict == "identical"
    names = sorted(p.name for p in (tmp_path / "again").iterdir())
    assert names[:2] == ["a_b@1", "a_b@1 (2)"]
    assert names[2].endswith("é@1") and len(names) == 3


@pytest.mark.parametrize("kind", ["folder with a file", "file"])
def test_a_place_that_is_in_use_is_refused_before_anything_runs(
    history: History, diamond: dict[str, str], tmp_path: Path, kind: str
) -> None:
    into = tmp_path / "again"
    if kind == "file":
        into.write_text("mine")
    else:
        into.mkdir()
        (into / "mine").write_text("mine")
    with pytest.raises(InvalidRecord, match="Name a new folder"):
        history.rebuild(diamond["bottom"], into=into)
    assert history.fake.ran == [] and into.exists()


def test_an_empty_folder_may_be_given(
    history: History, diamond: dict[str, str], tmp_path: Path
) -> None:
    into = tmp_path / "again"
    into.mkdir()
    history.rebuild(diamond["bottom"], into=into)
    assert [p.name for p in into.iterdir()] == ["bottom@1"]


def test_a_step_that_raises_leaves_nothing_and_is_recorded(
    history: History, diamond: dict[str, str], tmp_path: Path
) -> None:
    history.fake.broken["right"] = StepFailed("the disk is full of secret-value")
    into = tmp_path / "new" / "again"
    with pytest.raises(StepFailed, match="secret-value"):
        history.rebuild(diamond["bottom"], into=into, from_scratch=True)
    assert not into.parent.exists() and history.left() == []
    assert history.fake.ran == ["left", "right"]
    rows = history.replays()
    assert [(r["version"], r["verdict"], r["error"]) for r in rows] == [
        (diamond["left"], "identical", None),
        (diamond["right"], "impossible", "StepFailed"),
    ]
    assert b"secret-value" not in history.queries.dump()


def test_an_interrupted_rebuild_leaves_nothing(
    history: History, diamond: dict[str, str], tmp_path: Path
) -> None:
    history.fake.broken["bottom"] = KeyboardInterrupt()
    for into in (tmp_path / "again", None):
        with pytest.raises(KeyboardInterrupt):
            history.rebuild(diamond["bottom"], into=into, from_scratch=True)
    assert not (tmp_path / "again").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    assert history.left() == [] and history.replays() == []


def test_an_environment_that_differs_is_said(history: History, diamond: dict[str, str]) -> None:
    assert history.rebuild(diamond["bottom"]).environment == {}
    history.fake.facts = {"python": "3.12.0", "spark": "4.3.0", "numpy": "9"}
    rebuild = history.rebuild(diamond["bottom"])
    assert rebuild.environment == {"python": ("3.11.1", "3.12.0")}
    assert "python was 3.11.1 when it was recorded and is 3.12.0 now" in str(rebuild)
    assert rebuild.to_dict()["environment"] == {"python": ["3.11.1", "3.12.0"]}


def test_every_plan_that_ran_is_a_replay_of_the_original(
    history: History, diamond: dict[str, str]
) -> None:
    history.rebuild(diamond["bottom"], from_scratch=True)
    rows = history.replays()
    origins = {v: history.record.origin(v) for v in diamond.values()}
    assert {row["version"] for row in rows} == set(diamond.values()) - {diamond["source"]}
    for row in rows:
        origin = origins[row["version"]]
        assert origin is not None and row["original"] == origin.activity
        again = history.queries.run("records/activity", activity=row["replay"])[0]
        assert again["plan"] == origin.plan
        used = history.queries.run("replay/usages", activity=row["replay"])
        assert {u["slot"]: u["entity"] for u in used} == origin.inputs
        assert row["verdict"] == "identical"


def test_a_second_rebuild_can_be_compared_with_the_first(
    history: History, diamond: dict[str, str]
) -> None:
    for noise in (0.0, 0.5, 0.5):
        history.fake.noise["bottom"] = noise
        history.rebuild(diamond["bottom"])
    first, second, third = history.catalogue.describe("bottom")["rebuilds"]
    assert [r["verdict"] for r in (first, second, third)] == ["identical", "different", "different"]
    recorded = history.record.content(diamond["bottom"])
    assert recorded is not None and first["fingerprint"] == recorded.fingerprint
    assert second["fingerprint"] == third["fingerprint"] != first["fingerprint"]
    assert "cells of x differ" in third["explanation"]


def test_a_rebuild_does_not_change_where_a_version_came_from(
    history: History, diamond: dict[str, str]
) -> None:
    before = history.record.origin(diamond["bottom"])
    history.rebuild(diamond["bottom"])
    assert history.record.origin(diamond["bottom"]) == before
    assert len(history.catalogue.versions("bottom")) == 1


def test_progress_counts_the_plans_that_run(history: History, diamond: dict[str, str]) -> None:
    told: list[tuple[int, int, str]] = []
    history.rebuild(diamond["bottom"], from_scratch=True, progress=lambda *step: told.append(step))
    assert told == [(0, 3, "left@1"), (1, 3, "right@1"), (2, 3, "bottom@1"), (3, 3, "")]


def test_a_rebuild_reads_well_as_text_and_in_a_notebook(
    history: History, diamond: dict[str, str]
) -> None:
    rebuild = history.rebuild(diamond["bottom"])
    first, *lines = str(rebuild).splitlines()
    assert first == "rebuild of bottom@1: identical"
    assert lines[-1].split()[:3] == ["bottom@1", "run", "identical"]
    shown = rebuild._repr_mimebundle_()
    assert shown["text/plain"] == str(rebuild)
    assert "<caption>rebuild of bottom@1: identical</caption>" in shown["text/html"]


def test_an_output_without_recorded_content_is_not_called_identical(history: History) -> None:
    source = history.source("source", [1.0])
    version = history.made("made", source)

    class Forgetful(Record):
        def content(self, version: str) -> None:
            return None

    history.record = Forgetful(history.queries)
    rebuild = history.rebuild(version)
    assert rebuild.verdict == "different"
    assert "was not recorded" in rebuild.outputs[-1].explanation
