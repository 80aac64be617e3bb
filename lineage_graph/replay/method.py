"""The method that leads to a version, as data that may leave this machine.

Every recorded plan on the way from the sources, in order. Names of files stay; the
folders of this machine, credentials and licences are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import InvalidRecord, LineageGraphError, PlanIncomplete
from lineage_graph.executors import Pin
from lineage_graph.identity import canonical_json, name_of, sha256
from lineage_graph.query import Queries
from lineage_graph.replay.comparison import read_state_document
from lineage_graph.replay.execution import EXACT_FACTS
from lineage_graph.replay.ordering import Ordering, Task
from lineage_graph.replay.origins import Origin, Record, Recorded
from lineage_graph.replay.privacy import Here
from lineage_graph.snapshots import PinnedFile, Snapshots

FORMAT = 1
SETTINGS = "spark.sql."
LEFT_OUT = {"keep": "all columns", "metrics": "all that suit the model"}


@dataclass(frozen=True)
class Source:
    """Data that came from outside, and how it is read.

    Attributes:
        name: By which steps and people call it.
        format: Spark's format, or ``local`` for rows that were held in memory.
        options: Reader options.
        schema: DDL or JSON of the schema it is read with.
        paths: What is read, below the folder that holds the files.
        files: Its files, with their digests.
        manifest: sha256 of the list of the files; None when they were not pinned.
        travels: Whether the script carries the bytes.
        rows: Number of rows, when it is known.
        fingerprint: Of its content, when it is known.
        obstacle: Why it cannot be checked.
    """

    name: str
    format: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    schema: str | None = None
    paths: Sequence[str] = ()
    files: Sequence[PinnedFile] = ()
    manifest: str | None = None
    travels: bool = False
    rows: int | None = None
    fingerprint: str | None = None
    obstacle: str | None = None


@dataclass(frozen=True)
class Operator:
    """One operator of a step, as a person reads it.

    Attributes:
        name: Such as ``filter``.
        parameters: Its arguments.
        reads: Numbers of the operators it reads, from 1.
        repeats: ``always``, ``by-order`` or ``never``; None when nobody said.
    """

    name: str
    parameters: str = ""
    reads: Sequence[int] = ()
    repeats: str | None = None


@dataclass(frozen=True)
class Step:
    """One recorded activity.

    Attributes:
        name: Of its output.
        label: Of the activity.
        executor: Who can execute it.
        program: sha256 of the program in the script; None when it is not there.
        recorded_program: sha256 of the program in the record.
        inputs: Slot to the name of a source or of an earlier step's output.
        operators: What it does.
        settings: Recorded settings that can change a result.
        environment: Releases it ran on.
        expected: What its output contained; see :class:`Recorded`.
        cautions: Why the bytes may differ.
        obstacle: Why it cannot be executed again.
    """

    name: str
    label: str
    executor: str
    program: str | None
    recorded_program: str
    inputs: Mapping[str, str]
    operators: Sequence[Operator]
    settings: Mapping[str, str]
    environment: Mapping[str, str]
    expected: Mapping[str, Any] | None
    cautions: Sequence[str] = ()
    obstacle: str | None = None


@dataclass(frozen=True)
class Method:
    """How a version is made from its sources.

    Attributes:
        target: Name of the version.
        sources: What it is made from.
        steps: In order; the last one makes the target.
    """

    target: str
    sources: Sequence[Source]
    steps: Sequence[Step]

    def to_json(self) -> str:
        """Return it as JSON that :meth:`from_json` reads."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Method:
        """Read what :meth:`to_json` wrote.

        Raises:
            InvalidRecord: It is something else, or of another release.
        """
        try:
            said = json.loads(text)
            if said.pop("format") != FORMAT:
                raise InvalidRecord("steps.json is of another release. Update lineage-graph.")
            sources = [_source_said(source) for source in said.pop("sources")]
            steps = [_step_said(step) for step in said.pop("steps")]
            _require_order(sources, steps)
            return cls(**said, sources=sources, steps=steps)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidRecord(
                f"steps.json cannot be read ({type(error).__name__}: {error}). "
                "Fetch the script again."
            ) from error


def _source_said(said: dict[str, Any]) -> Source:
    files = [PinnedFile(**file) for file in said.pop("files")]
    for name in [*(file.name for file in files), *said["paths"]]:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise InvalidRecord(f"steps.json names {name!r}, which lies outside of the source.")
    return Source(**said, files=files)


def _step_said(said: dict[str, Any]) -> Step:
    return Step(**said | {"operators": [Operator(**operator) for operator in said["operators"]]})


def _require_order(sources: Sequence[Source], steps: Sequence[Step]) -> None:
    known = {source.name for source in sources}
    for step in steps:
        for name in step.inputs.values():
            if name not in known:
                raise InvalidRecord(
                    f"steps.json makes {step.name} from {name}, which is not there."
                )
        known.add(step.name)


class _Elsewhere(Snapshots):
    """Asks for no bytes of a source: whoever runs a script has them."""

    def check(self, pin: Pin) -> None:
        """Require only that it is known which files there were."""
        if pin.manifest is not None:
            self.files(pin.manifest)

    def check_copy(self, pin: Pin) -> None:
        """Require only that it is known which files there were."""
        self.check(pin)


@dataclass(frozen=True)
class Telling:
    """Reads methods off the record.

    Attributes:
        record: What the graph knows.
        queries: Over the same graph.
        artifacts: Programs and lists of files.
        name_of: Gives a version's name for people.
        carry: Whether rows that were held in memory travel with the script.
    """

    record: Record
    queries: Queries
    artifacts: Artifacts
    name_of: Callable[[str], str]
    carry: bool = True

    def method(self, target: str) -> tuple[Method, dict[str, bytes]]:
        """Return the method that leads to a version, and the programs by sha256.

        Raises:
            PlanIncomplete: The version came from outside.
        """
        elsewhere = _Elsewhere(self.artifacts)
        ordering = Ordering(self.record, self.artifacts, elsewhere, self.name_of, True)
        tasks = ordering.tasks(target)
        if tasks[-1].origin is None:
            raise PlanIncomplete(
                f"{self.name_of(target)} came from outside: there is no method to write down. "
                "Name something that was made."
            )
        here = Here(self._recorded_paths(tasks))
        names = self._names(tasks, here)
        programs: dict[str, bytes] = {}
        broken: dict[str, str] = {}
        steps = [
            self._step(task, task.origin, names, here, programs, broken)
            for task in tasks
            if task.origin is not None
        ]
        sources = [
            self._source(task, names[task.version], elsewhere, here)
            for task in tasks
            if task.origin is None
        ]
        return Method(names[target], sources, steps), programs

    def _recorded_paths(self, tasks: Sequence[Task]) -> Iterator[str]:
        for task in tasks:
            for pin in self.record.pins(task.version):
                if pin.place.format != "local":
                    yield from pin.place.paths
                    yield from (str(PurePosixPath(path).parent) for path in pin.place.paths)

    def _names(self, tasks: Sequence[Task], here: Here) -> dict[str, str]:
        names: dict[str, str] = {}
        for task in tasks:
            name = here.name(task.name)
            number, free = 1, name
            while free in names.values():
                number += 1
                free = f"{name} ({number})"
            names[task.version] = free
        return names

    def _source(self, task: Task, name: str, snapshots: Snapshots, here: Here) -> Source:
        content = self.record.content(task.version)
        known = Source(
            name,
            rows=content.rows if content else None,
            fingerprint=content.fingerprint if content else None,
        )
        if task.pin is None or task.pin.manifest is None:
            return replace(known, obstacle=here.public(task.reason or "it was not pinned"))
        place = task.pin.place
        local = place.format == "local"
        below = place if local else snapshots.place_below(task.pin, Path("."))
        return replace(
            known,
            format=place.format,
            options=dict(below.options),
            schema=place.schema,
            paths=below.paths,
            files=snapshots.files(task.pin.manifest),
            manifest=task.pin.manifest,
            travels=local and self.carry,
        )

    def _step(
        self,
        task: Task,
        origin: Origin,
        names: Mapping[str, str],
        here: Here,
        programs: dict[str, bytes],
        broken: dict[str, str],
    ) -> Step:
        obstacle = here.public(task.reason) if task.reason else None
        body, public = self._body(origin), None
        if body is not None and obstacle is None:
            public = here.program(body)
            lost = [broken[entity] for entity in origin.inputs.values() if entity in broken]
            if public is None:
                obstacle = (
                    "its program names a place of the machine on which it was recorded, "
                    "and is left out"
                )
            elif lost:
                obstacle, public = lost[0], None
        if obstacle is not None:
            broken[task.version] = obstacle
        if public is not None:
            programs[sha256(public)] = public
        facts = {fact: str(value) for fact, value in origin.facts.items()}
        content = self.record.content(task.version)
        return Step(
            name=names[task.version],
            label=here.public(origin.label),
            executor=origin.executor,
            program=sha256(public) if public is not None else None,
            recorded_program=origin.program,
            inputs={slot: names[entity] for slot, entity in origin.inputs.items()},
            operators=self._operators(task.version, origin, body, here),
            settings={fact: v for fact, v in facts.items() if fact.startswith(SETTINGS)},
            environment={fact: facts[fact] for fact in EXACT_FACTS if fact in facts},
            expected=self._expected(content) if content else None,
            cautions=tuple(here.public(caution) for caution in origin.cautions),
            obstacle=obstacle,
        )

    def _body(self, origin: Origin) -> bytes | None:
        with suppress(LineageGraphError):
            return self.artifacts.get(origin.program)
        return None

    def _expected(self, content: Recorded) -> dict[str, Any]:
        parts: dict[str, str] = {}
        if content.parts is not None:
            with suppress(LineageGraphError):
                parts = read_state_document(self.artifacts.get(content.parts))["parts"]
        return {
            "fingerprint": content.fingerprint,
            "algorithm": content.algorithm,
            "rows": content.rows,
            "schema": content.schema,
            "columns": dict(content.columns),
            "parts": parts,
            "metrics": dict(content.metrics),
        }

    def _operators(
        self, version: str, origin: Origin, body: bytes | None, here: Here
    ) -> tuple[Operator, ...]:
        if origin.executor != "spark":
            return tuple(self._learning(version, body, here))
        rows = self.queries.run("records/plan_steps", plan=origin.plan)
        places = {row["step"]: row["position"] + 1 for row in rows}
        found: dict[Any, Operator] = {}
        for row in rows:
            known = found.get(row["step"])
            before = places.get(row["preceded_by"])
            found[row["step"]] = Operator(
                row["name"],
                here.public(row["parameters"] or ""),
                (*(known.reads if known else ()), *([before] if before else [])),
                row["deterministic"],
            )
        return tuple(found.values())

    def _learning(self, version: str, body: bytes | None, here: Here) -> Iterator[Operator]:
        """Yield what a fit or a prediction does: all that its program says, in words."""
        try:
            said: dict[str, Any] = json.loads(body or b"{}")
        except ValueError:
            return
        does = str(said.pop("do", "run"))
        estimator = said.pop("estimator", None)
        told = [
            f"{key} = {LEFT_OUT.get(key, 'none') if value is None else _words(value)}"
            for key, value in sorted(said.items())
        ]
        yield Operator(does, here.public(", ".join(told)))
        if estimator is None:
            return
        for row in self.queries.run("records/fitted_steps", model=version):
            yield Operator(row["name"], name_of(row["implementation"]))
        for row in self.queries.run("records/parameters", model=version):
            yield Operator(row["name"], here.public(str(row["value"])))


def _words(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_words, value))}]"
    return value if isinstance(value, str) else canonical_json(value).decode()
