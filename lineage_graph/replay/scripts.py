"""Replay scripts: the method that made a version, for whoever has the sources and not our store.

A folder of four things: ``README.md`` says the method in words, ``steps.json`` says it
for a program, ``programs/`` holds what is executed (``data/`` the rows that were held in
memory, if any), and ``replay.py`` executes and compares. Executing goes through the same
``Executor.run`` as recording and rebuilding.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lineage_graph.artifacts import DIGEST, Artifacts, digest_file
from lineage_graph.errors import (
    ArtifactBroken,
    InputChanged,
    InvalidRecord,
    StoreError,
)
from lineage_graph.executors import ExecutorName, LearntState, Output, Place, Program
from lineage_graph.identity import sha256
from lineage_graph.query import Queries
from lineage_graph.replay.comparison import Finding, compare_model, compare_table
from lineage_graph.replay.execution import Engines
from lineage_graph.replay.method import Method, Source, Step, Telling
from lineage_graph.replay.origins import Record, Recorded
from lineage_graph.replay.publication import require_free, whole_folder
from lineage_graph.replay.wording import REPLAY, readme

README, STEPS, SCRIPT, PROGRAMS, DATA = "README.md", "steps.json", "replay.py", "programs", "data"
LONGEST_NAME = 200


def write_script(
    target: str,
    into: Path,
    record: Record,
    queries: Queries,
    artifacts: Artifacts,
    name_of: Callable[[str], str],
    rows: bool = True,
) -> Path:
    """Write the method that leads to a version into a new folder, all of it or nothing.

    Args:
        target: IRI of the version.
        into: New folder, or an empty one.
        record: What the graph knows.
        queries: Over the same graph.
        artifacts: Programs, lists of files and rows that were held in memory.
        name_of: Gives a version's name for people.
        rows: Put rows that were held in memory along; without them the recipient has to
            be given them in another way.

    Returns:
        The folder.

    Raises:
        InvalidRecord: There is something in the folder already.
        PlanIncomplete: The version came from outside, so there is no method.
        StoreError: The folder cannot be written, or the store is damaged.
    """
    into = into.absolute()
    require_free(into)
    method, programs = Telling(record, queries, artifacts, name_of, rows).method(target)
    with whole_folder(into) as work:
        (work / PROGRAMS).mkdir()
        for digest, body in programs.items():
            (work / PROGRAMS / digest).write_bytes(body)
        for file in [f for source in method.sources if source.travels for f in source.files]:
            (work / DATA).mkdir(exist_ok=True)
            (work / DATA / file.sha256).write_bytes(artifacts.get(file.sha256))
        (work / STEPS).write_text(method.to_json(), encoding="utf-8")
        (work / README).write_text(readme(method), encoding="utf-8")
        (work / SCRIPT).write_text(REPLAY, encoding="utf-8")
    return into


@dataclass(frozen=True)
class Replayed:
    """What became of one step.

    Attributes:
        name: Of its output.
        verdict: ``identical``, ``different``, or ``impossible`` when it cannot run.
        explanation: Why.
        place: Folder that holds the output; None when there is none.
    """

    name: str
    verdict: str
    explanation: str
    place: Path | None = None

    def __str__(self) -> str:
        return f"{self.verdict:10}  {self.name}: {self.explanation}"


@dataclass(frozen=True)
class ScriptRun:
    """What came of a script.

    Attributes:
        target: Name of the version it leads to.
        steps: What became of each step.
    """

    target: str
    steps: Sequence[Replayed]

    @property
    def exit_status(self) -> int:
        """Six when an output differs, else one when a step cannot run, else zero."""
        verdicts = {step.verdict for step in self.steps}
        return 6 if "different" in verdicts else 1 if "impossible" in verdicts else 0


def run(
    folder: Path,
    sources: Mapping[str, str | Path],
    into: Path,
    engines: Callable[[], Engines],
    uploaded: Artifacts,
    tell: Callable[[Replayed], object] = lambda replayed: None,
) -> ScriptRun:
    """Execute a script and compare each output with what was recorded.

    Args:
        folder: Where :func:`write_script` wrote it.
        sources: Name of a source to its file, or to the folder that holds its files.
        into: New folder for the outputs.
        engines: Starts the executors; called when every source has been checked.
        uploaded: Where the executors look for rows that were held in memory.
        tell: Told about each step as it ends.

    Raises:
        InvalidRecord: There is something in ``into``, a source is not given, or the
            script cannot be read.
        InputChanged: A source is not what was recorded; nothing was started.
        ArtifactBroken: A program is missing or altered; nothing was started.
        StepFailed: A step raised; nothing is left behind.
    """
    into = into.absolute()
    require_free(into)
    method = _read(folder)
    programs = {s.name: _program(folder, s) for s in method.steps if s.obstacle is None}
    found = _located(folder, method, sources)
    with whole_folder(into) as work:
        places = {
            source.name: _placed(source, found[source.name], work / f".source-{number}", uploaded)
            for number, source in enumerate(method.sources)
            if source.name in found
        }
        done: list[Replayed] = []
        started = engines() if programs else None
        for number, step in enumerate(method.steps, 1):
            if started is None or step.obstacle is not None:
                done.append(Replayed(step.name, "impossible", str(step.obstacle)))
            else:
                name = _folder_name(number, step.name)
                done.append(_replayed(step, programs[step.name], places, started, work, into, name))
            tell(done[-1])
        for number in range(len(method.sources)):
            shutil.rmtree(work / f".source-{number}", ignore_errors=True)
    return ScriptRun(method.target, done)


def _read(folder: Path) -> Method:
    try:
        return Method.from_json((folder / STEPS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRecord(
            f"{folder} is not a replay script: {STEPS} cannot be read. Name the folder that "
            "holds it."
        ) from error


def _program(folder: Path, step: Step) -> Program:
    """Return a step's program, which has its digest."""
    digest = step.program or ""
    if not DIGEST.fullmatch(digest):
        raise InvalidRecord(f"{STEPS} names no program for {step.name}. Fetch the script again.")
    try:
        body = (folder / PROGRAMS / digest).read_bytes()
    except OSError:
        body = b""
    if sha256(body) != digest:
        raise ArtifactBroken(
            f"{PROGRAMS}/{digest}, the program of {step.name}, is missing or was altered. "
            "Fetch the script again."
        )
    return Program(cast(ExecutorName, step.executor), body)


def _located(
    folder: Path, method: Method, given: Mapping[str, str | Path]
) -> dict[str, dict[str, Path]]:
    """Return where the files of each source that is needed lie: exactly what was recorded.

    Raises:
        InvalidRecord: A source is not given, or there is none of that name.
        InputChanged: Files are missing or altered; all of them are named.
    """
    by_name = {source.name: source for source in method.sources}
    chosen = {_named(name, by_name): Path(path) for name, path in given.items()}
    used = {n for step in method.steps if step.obstacle is None for n in step.inputs.values()}
    needed = [source for source in method.sources if source.name in used]
    missing = [s.name for s in needed if not s.travels and s.name not in chosen]
    if missing:
        raise InvalidRecord(f"Say where these lie: {_sayings(missing)}")
    found: dict[str, dict[str, Path]] = {}
    problems: list[str] = []
    for source in needed:
        files = found[source.name] = {}
        for file in source.files:
            path = _file(source, file.name, chosen.get(source.name), folder / DATA / file.sha256)
            files[file.name] = path.absolute()
            problem = _problem(path, file.sha256, file.size)
            if problem:
                problems.append(f"{source.name}: {problem}")
    if problems:
        problems.append("Put the recorded files there and try again. Nothing was run.")
        raise InputChanged("\n".join(problems))
    return found


def _named(name: str, sources: Mapping[str, Source]) -> str:
    """Return the full name of a source that may be given without its version."""
    near = [known for known in sources if name in (known, known.rpartition("@")[0])]
    if len(near) != 1:
        raise InvalidRecord(f"There is no one source {name!r}. Say: {_sayings(sources)}")
    return near[0]


def _sayings(names: Sequence[str] | Mapping[str, Any]) -> str:
    return " ".join(f"--source {name!r}=PATH" for name in names)


def _file(source: Source, name: str, given: Path | None, carried: Path) -> Path:
    """Return where a file of a source should lie."""
    if given is None:
        return carried
    if len(source.files) == 1 and not given.is_dir():
        return given
    # Files that several paths named are numbered by path; people keep them side by side.
    number, _, plain = name.partition("/")
    beside = given / plain
    lies = plain and number.isdigit() and not (given / name).exists() and beside.exists()
    return beside if lies else given / name


def _problem(path: Path, digest: str, size: int) -> str | None:
    if not path.is_file():
        return f"there is no file {path}"
    try:
        found, bytes_ = digest_file(path)
    except StoreError as error:
        return str(error)
    if found == digest:
        return None
    return (
        f"{path} is not the recorded file: sha256 {found} ({bytes_} bytes) instead of "
        f"{digest} ({size} bytes)"
    )


def _placed(source: Source, files: Mapping[str, Path], into: Path, uploaded: Artifacts) -> Place:
    """Put files under their recorded names, which decide how Spark splits them."""
    if source.format == "local":
        for path in files.values():
            uploaded.put_file(path)
        return Place(tuple(source.paths), source.format, source.options, source.schema)
    for name, path in files.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    paths = tuple(str(into / path) for path in source.paths)
    return Place(paths, source.format, source.options, source.schema)


def _folder_name(number: int, name: str) -> str:
    plain = name.replace("/", "_").replace("\0", "_").encode()[-LONGEST_NAME:]
    return f"{number}-{plain.decode(errors='ignore')}"


def _replayed(
    step: Step,
    program: Program,
    places: dict[str, Place],
    engines: Engines,
    work: Path,
    into: Path,
    name: str,
) -> Replayed:
    executor = engines.executor(step.executor)
    inputs = {slot: places[entity] for slot, entity in step.inputs.items()}
    with executor.settings(step.settings):
        output = executor.run(program, inputs, work / name)
        places[step.name] = output.place
        finding = _finding(step, output, engines)
    said = finding.explanation
    if finding.verdict != "identical":
        now = {fact: str(value) for fact, value in executor.environment().items()}
        changed = [
            f"{fact} was {was} and is {now[fact]}"
            for fact, was in step.environment.items()
            if now.get(fact, was) != was
        ]
        said = "; ".join([said, *changed, *step.cautions])
    verdict = "identical" if finding.verdict == "identical" else "different"
    return Replayed(step.name, verdict, said, into / name)


def _finding(step: Step, output: Output, engines: Engines) -> Finding:
    if step.expected is None:
        return Finding("different", "what it contained was not recorded")
    said = dict(step.expected)
    parts = said.pop("parts")
    try:
        recorded = Recorded(**said, parts=None)
    except TypeError as error:
        raise InvalidRecord(f"{STEPS} cannot be read: {error}. Fetch the script again.") from error
    if not isinstance(output.content, LearntState):
        return compare_table(recorded, output, engines.tables, None, 0.0)
    known = parts and parts != dict(output.content.parts)
    return compare_model(recorded, {"parts": parts, "numbers": {}} if known else None, output, 0.0)
