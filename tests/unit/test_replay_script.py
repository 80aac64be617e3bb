"""What a replay script says, what it keeps to itself, and how it is executed; without Spark."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.errors import (
    ArtifactBroken,
    InputChanged,
    InvalidRecord,
    PlanIncomplete,
    StepFailed,
)
from lineage_graph.executors import (
    Description,
    Fingerprint,
    InputPath,
    Operation,
    OperatorUse,
    Output,
    Place,
    Program,
    Tables,
)
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.identity import canonical_json, digested, fresh, named, sha256
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.query import Queries
from lineage_graph.recording import KnownPlaces, Made, Recorder
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset
from lineage_graph.replay.origins import Record
from lineage_graph.replay.privacy import Here
from lineage_graph.replay.scripts import Replayed, ScriptRun, run, write_script
from lineage_graph.snapshots import Snapshots
from lineage_graph.stores import open_store


class FakeExecutor:
    """Adds a number to every line of its inputs."""

    def __init__(self) -> None:
        self.facts = {"python": "3.11.1", "spark.sql.ansi.enabled": "true", "spark.master": "mine"}
        self.ran: list[str] = []
        self.given: list[Mapping[str, Any]] = []
        self.noise = 0.0
        self.broken: BaseException | None = None
        self.tables: Tables = self

    def run(self, program: Program, inputs: Mapping[str, Place], into: Path) -> Output:
        body = json.loads(program.body)
        if self.broken is not None:
            raise self.broken
        self.ran.append(body["name"])
        files = [
            file
            for slot in sorted(inputs)
            for path in map(Path, inputs[slot].paths)
            for file in (sorted(path.rglob("*.txt")) if path.is_dir() else [path])
        ]
        cells = [float(line) for file in files for line in file.read_text().split()]
        made = [cell + body["add"] + self.noise for cell in cells]
        into.mkdir()
        (into / "part.txt").write_text("\n".join(map(str, made)))
        digest = sha256(canonical_json(sorted(made)))
        schema = canonical_json({"struct": [["x", "double"]]}).decode()
        content = Fingerprint(digest, "test1", len(made), schema, {"x": digest})
        return Output(Place((str(into),), "text"), content)

    def read(self, place: Place, columns: Sequence[str] | None, order_by: Sequence[str]) -> Any:
        raise AssertionError("nothing here reads tables")

    def write(self, table: Any, into: Path) -> Output:
        raise AssertionError("nothing here writes tables")

    @contextmanager
    def settings(self, recorded: Mapping[str, Any]) -> Iterator[None]:
        self.given.append(recorded)
        yield

    def environment(self) -> Mapping[str, Any]:
        return self.facts

    def executor(self, name: str) -> FakeExecutor:
        assert name == "spark"
        return self

    def close(self) -> None:
        pass


class Story:
    """A store in which things happened, and scripts of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.artifacts = Artifacts(root / "store" / "artifacts")
        self.snapshots = Snapshots(self.artifacts)
        declarations = Declarations()
        self.ledger = LedgerFile(root / "store" / "ledger.db")
        self.queries = Queries(self.ledger, open_store("memory:"), declarations)
        self.record = Record(self.queries)
        self.name_of = Catalogue(self.queries, self.ledger).name_of
        bundles = Bundles(self.ledger, declarations, named("agent", "test"))
        places = KnownPlaces((root / "store" / "data",))
        self.recorder = Recorder(bundles, self.artifacts, self.snapshots, places)
        self.fake = FakeExecutor()

    def source(self, name: str, files: Mapping[str, str], snapshot: str = "copy") -> str:
        folder = self.root / "outside" / name
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        place = Place((str(folder),), "text", {"wholetext": "false", "password": "hunter2"})
        pin = self.snapshots.pin(place, snapshot)
        return self.recorder.source(Dataset(id=named("dataset", name), title=name), pin)

    def uploaded(self, text: str) -> str:
        place = Place((self.artifacts.put_bytes(text.encode()),), "local")
        return self.recorder.version_of(self.snapshots.pin(place))

    def made(
        self,
        name: str,
        *inputs: str,
        add: float = 1.0,
        steps: Sequence[OperatorUse] = (),
        label: str | None = None,
        extra: str = "",
        obstacles: tuple[str, ...] = (),
        cautions: tuple[str, ...] = (),
    ) -> str:
        program = Program("spark", canonical_json({"name": name, "add": add, "extra": extra}))
        slots = {f"input:{n}": version for n, version in enumerate(inputs)}
        version = fresh("version")
        folder = self.root / "store" / "data" / version.rpartition(":")[2]
        folder.parent.mkdir(parents=True, exist_ok=True)
        begun = datetime.now(UTC)
        output = self.fake.run(program, {s: self._place(v) for s, v in slots.items()}, folder)
        assert isinstance(output.content, Fingerprint)
        paths = tuple(InputPath(slot, ("Transform",)) for slot in slots)
        operation = Operation(
            label=label or f"save {name}",
            program=program,
            sources={},
            description=Description(tuple(steps), paths, (), cautions, obstacles),
            written=None,
            content=None,
            started=begun,
            ended=datetime.now(UTC),
            environment=dict(self.fake.facts),
        )
        pin = self.snapshots.pin(output.place, "reference")
        dataset = Dataset(id=named("dataset", name), title=name)
        self.recorder.record_activity(operation, Made(version, dataset, pin, output.content), slots)
        self.fake.ran.clear()
        return version

    def _place(self, version: str) -> Place:
        place = self.record.pins(version)[0].place
        if place.format != "local":
            return place
        return Place(tuple(str(self.artifacts.path(digest)) for digest in place.paths), "local")

    def script(self, target: str, rows: bool = True) -> Path:
        into = self.root / "scripts" / "one"
        return write_script(
            target, into, self.record, self.queries, self.artifacts, self.name_of, rows
        )

    def run(self, folder: Path, **sources: str | Path) -> ScriptRun:
        """Execute a script where there is no store; uploaded rows are files by their digest."""
        uploaded = Artifacts(self.root / "uploaded")

        class Uploading(FakeExecutor):
            def run(inner, program: Program, inputs: Mapping[str, Place], into: Path) -> Output:
                found = {
                    slot: Place(tuple(str(uploaded.path(d)) for d in place.paths), "local")
                    if place.format == "local"
                    else place
                    for slot, place in inputs.items()
                }
                return self.fake.run(program, found, into)

            def settings(inner, recorded: Mapping[str, Any]) -> Any:
                return self.fake.settings(recorded)

        self.told: list[Replayed] = []
        given = {name.replace("_", " "): path for name, path in sources.items()}
        return run(folder, given, self.root / "again", Uploading, uploaded, self.told.append)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    story = Story(tmp_path)
    yield story
    story.ledger.close()


STEPS = (
    OperatorUse(0, digested("operator", "/read"), "read", (), "text input:0", "always"),
    OperatorUse(
        1, digested("operator", "/filter"), "filter", (0,), "(x > 1) AND (y = '`a|b`')", "by-order"
    ),
)


@pytest.fixture
def chain(story: Story) -> str:
    """Two steps from a source of two files; the source and the store's data are gone."""
    source = story.source("numbers", {"a.txt": "1\n2\n", "b.txt": "3\n"}, "reference")
    first = story.made("first", source, steps=STEPS)
    second = story.made("second", first, source, add=2.0, cautions=("sum(double) varies",))
    shutil.move(story.root / "outside" / "numbers", story.root / "copies")
    shutil.rmtree(story.root / "store" / "data")
    return second


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_bytes().decode(errors="replace")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_a_script_runs_without_the_store_and_compares_every_output(
    story: Story, chain: str
) -> None:
    folder = story.script(chain)
    done = story.run(folder, numbers=story.root / "copies")
    assert [(step.name, step.verdict) for step in done.steps] == [
        ("first@1", "identical"),
        ("second@1", "identical"),
    ]
    assert (done.exit_status, done.target, list(done.steps)) == (0, "second@1", story.told)
    assert story.fake.ran == ["first", "second"]
    assert story.fake.given == [{"spark.sql.ansi.enabled": "true"}] * 2
    left = [file for file in contents(story.root / "again")]
    assert left == ["1-first@1/part.txt", "2-second@1/part.txt"]
    assert str(done.steps[0].place).endswith("again/1-first@1")


def test_the_readme_says_purpose_sources_operators_and_fingerprints(
    story: Story, chain: str
) -> None:
    text = (story.script(chain) / "README.md").read_text()
    assert text.index("4.6(b)") < text.index("legal advice") < text.index("## Sources")
    for said in (
        "1. **read** `text input:0`",
        "2. **filter** ``(x > 1) AND (y = '`a|b`')`` of 1 (the order in which rows arrive",
        "`input:0` is `first@1`",
        "`input:1` is `numbers@1`",
        "Caution: sum(double) varies.",
        f"| `a.txt` | 4 | `{sha256(b'1' + chr(10).encode() + b'2' + chr(10).encode())}` |",
        "6 rows, fingerprint `",
        "--source 'numbers@1'=PATH",
    ):
        assert said in text, said
    assert text.index("### 1. `first@1`") < text.index("### 2. `second@1`")
    assert "hunter2" not in text


def test_nothing_names_a_place_of_this_machine(story: Story) -> None:
    outside = story.root / "outside"
    source = story.source("numbers", {"a.txt": "1\n"})
    steps = (
        OperatorUse(
            0,
            digested("operator", "/sql"),
            "sql",
            (),
            f"SELECT * FROM text.`{outside}/my rows.txt` WHERE url LIKE '/index/%/page'",
            "always",
        ),
    )
    written = str(story.root / "written" / "out dir")
    version = story.made(
        written,
        source,
        steps=steps,
        label=f"write text {story.root}/written/delays",
        cautions=(f"its SQL names csv.{outside}/x.csv",),
    )
    texts = contents(story.script(version))
    whole = "\n".join(texts.values())
    assert str(story.root) not in whole and str(Path.home()) + "/" not in whole
    assert os.getcwd() not in whole
    assert "`out dir@1`" in texts["README.md"] and "write text delays" in texts["README.md"]
    assert "text.`my rows.txt` WHERE url LIKE '/index/%/page'" in texts["README.md"]


def test_a_program_that_names_a_place_of_this_machine_is_left_out_and_that_is_said(
    story: Story,
) -> None:
    source = story.source("numbers", {"a.txt": "1\n"})
    version = story.made("told", source, extra=f"open('{story.root}/lookup.txt')")
    after = story.made("after", version)
    folder = story.script(after)
    assert list((folder / "programs").iterdir()) == []
    assert "names a place of the machine" in (folder / "README.md").read_text()
    done = story.run(folder)
    assert [step.verdict for step in done.steps] == ["impossible"] * 2
    assert (done.exit_status, story.fake.ran) == (1, [])


def test_the_folder_of_python_code_is_overwritten_and_the_code_still_loads(
    tmp_path: Path,
) -> None:
    here, long = Here(), tmp_path / ("d" * 250) / "script.py"
    for path in (tmp_path / "script.py", long):
        code = pickle.dumps({"co_filename": str(path), "same": str(path), "x": 1}, protocol=5)
        public = here.program(b"\x0a\x05head" + code)
        assert public is not None and str(tmp_path).encode() not in public
        assert len(public) == len(code) + 6
        loaded = pickle.loads(public[6:])
        assert loaded["x"] == 1 and loaded["co_filename"].endswith("_script.py")
    assert here.program(pickle.dumps(str(tmp_path / "lookup.csv"))) is None


def test_a_plan_that_cannot_be_replayed_is_said_in_words_and_the_rest_runs(story: Story) -> None:
    source = story.source("numbers", {"a.txt": "1\n"})
    first = story.made("first", source)
    odd = story.made("odd", first, steps=STEPS, obstacles=("it reads a stream",))
    last = story.made("last", odd)
    folder = story.script(last)
    text = (folder / "README.md").read_text()
    assert "Not replayable: `odd@1`, `last@1`." in text
    assert "its plan cannot be replayed: it reads a stream" in text
    assert "**filter** ``(x > 1)" in text
    steps = json.loads((folder / "steps.json").read_text())["steps"]
    assert [(s["program"] is None, s["obstacle"] is None) for s in steps] == [
        (False, True),
        (True, False),
        (True, False),
    ]
    done = story.run(folder, numbers=story.root / "outside" / "numbers" / "a.txt")
    assert [s.verdict for s in done.steps] == ["identical", "impossible", "impossible"]
    assert done.exit_status == 1


def test_a_byte_that_was_altered_is_named_and_nothing_runs(story: Story, chain: str) -> None:
    folder = story.script(chain)
    (story.root / "copies" / "b.txt").write_text("4\n")
    with pytest.raises(InputChanged, match=r"numbers@1: .*b\.txt is not the recorded file"):
        story.run(folder, numbers=story.root / "copies")
    (story.root / "copies" / "a.txt").unlink()
    with pytest.raises(InputChanged, match=r"(?s)no file .*a\.txt.*b\.txt is not .*Nothing was"):
        story.run(folder, numbers=story.root / "copies")
    assert story.fake.ran == [] and not (story.root / "again").exists()


def test_a_result_that_differs_is_exit_status_six_and_says_what(story: Story, chain: str) -> None:
    folder = story.script(chain)
    story.fake.noise = 0.5
    story.fake.facts = {"python": "3.12.0"}
    done = story.run(folder, numbers=story.root / "copies")
    assert ([s.verdict for s in done.steps], done.exit_status) == (["different"] * 2, 6)
    assert "cells of x differ; python was 3.11.1" not in done.steps[0].explanation
    assert "cells of x differ" in done.steps[0].explanation
    assert "sum(double) varies" in done.steps[1].explanation


def test_a_step_that_raises_leaves_nothing_behind(story: Story, chain: str) -> None:
    folder = story.script(chain)
    before = sorted(story.root.iterdir())
    story.fake.broken = StepFailed("it broke")
    with pytest.raises(StepFailed, match="it broke"):
        story.run(folder, numbers=story.root / "copies")
    assert sorted(story.root.iterdir()) == before


def test_sources_that_are_not_given_or_unknown_are_named(story: Story, chain: str) -> None:
    folder = story.script(chain)
    with pytest.raises(InvalidRecord, match="--source 'numbers@1'=PATH"):
        story.run(folder)
    with pytest.raises(InvalidRecord, match="no one source 'letters'"):
        story.run(folder, letters=story.root / "copies")


def test_rows_that_were_held_in_memory_travel_unless_they_shall_not(story: Story) -> None:
    version = story.made("first", story.uploaded("5\n6\n"))
    folder = story.script(version)
    assert (folder / "data" / sha256(b"5\n6\n")).read_bytes() == b"5\n6\n"
    assert "look at what they say" in (folder / "README.md").read_text()
    assert story.run(folder).exit_status == 0
    shutil.rmtree(folder)
    shutil.rmtree(story.root / "again")
    story.script(version, rows=False)
    assert not (folder / "data").exists()
    rows = story.root / "given"
    rows.mkdir()
    (rows / "00000").write_text("5\n6\n")
    name = json.loads((folder / "steps.json").read_text())["sources"][0]["name"]
    assert story.run(folder, **{name.replace(" ", "_"): rows}).exit_status == 0


def test_a_folder_in_use_is_refused_and_a_failure_leaves_nothing(
    story: Story, chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = story.script(chain)
    with pytest.raises(InvalidRecord, match="Name a new folder"):
        story.script(chain)
    with pytest.raises(InvalidRecord, match="Name a new folder"):
        run(folder, {}, folder, FakeExecutor, story.artifacts)
    shutil.rmtree(folder.parent)

    def broken(method: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lineage_graph.replay.scripts.readme", broken)
    with pytest.raises(Exception, match="No space left"):
        story.script(chain)
    assert not folder.parent.exists()


def test_what_came_from_outside_has_no_method(story: Story) -> None:
    with pytest.raises(PlanIncomplete, match="came from outside"):
        story.script(story.source("numbers", {"a.txt": "1\n"}))


def damaged_program(folder: Path) -> None:
    next((folder / "programs").iterdir()).write_bytes(b"{}")


def outside_name(folder: Path) -> None:
    steps = json.loads((folder / "steps.json").read_text())
    steps["sources"][0]["files"][0]["name"] = "../../escaped"
    (folder / "steps.json").write_text(json.dumps(steps))


def unknown_input(folder: Path) -> None:
    steps = json.loads((folder / "steps.json").read_text())
    steps["steps"][0]["inputs"]["input:0"] = "nowhere"
    (folder / "steps.json").write_text(json.dumps(steps))


def no_json(folder: Path) -> None:
    (folder / "steps.json").write_text("[]")


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (damaged_program, ArtifactBroken, "missing or was altered"),
        (outside_name, InvalidRecord, "lies outside"),
        (unknown_input, InvalidRecord, "not there"),
        (no_json, InvalidRecord, "cannot be read"),
    ],
)
def test_a_damaged_script_is_refused_before_anything_runs(
    story: Story,
    chain: str,
    damage: Callable[[Path], None],
    error: type[Exception],
    says: str,
) -> None:
    folder = story.script(chain)
    damage(folder)
    with pytest.raises(error, match=says):
        story.run(folder, numbers=story.root / "copies")
    assert story.fake.ran == []


def test_two_sources_of_one_file_name_keep_names_of_their_own(story: Story) -> None:
    def at(folder: str, text: str) -> str:
        path = story.root / "outside" / folder / "x.txt"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return story.recorder.version_of(story.snapshots.pin(Place((str(path),), "text"), "copy"))

    version = story.made("both", at("one", "1\n"), at("two", "2\n"))
    folder = story.script(version)
    names = [s["name"] for s in json.loads((folder / "steps.json").read_text())["sources"]]
    assert names == ["x.txt@1", "x.txt@1 (2)"]
    given: dict[str, Path] = {
        names[0]: story.root / "outside" / "one",
        names[1].replace(" ", "_"): story.root / "outside" / "two" / "x.txt",
    }
    assert story.run(folder, **given).exit_status == 0


def test_the_script_says_what_is_wrong_and_its_exit_status(story: Story, chain: str) -> None:
    folder = story.script(chain)
    (story.root / "copies" / "b.txt").write_text("4\n")
    given = ["--source", f"numbers={story.root / 'copies'}", "--into", str(story.root / "again")]
    answer = subprocess.run(
        [sys.executable, folder / "replay.py", *given],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert answer.returncode == 1, answer.stderr
    assert "b.txt is not the recorded file" in answer.stderr
    assert "Traceback" not in answer.stderr
