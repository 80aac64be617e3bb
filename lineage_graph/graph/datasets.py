"""Saving and reading datasets."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_graph.drawing import Table
from lineage_graph.drawing.table import as_text, mime_bundle
from lineage_graph.drawing.text import printable
from lineage_graph.durable import sync_folder
from lineage_graph.errors import (
    InputChanged,
    InvalidRecord,
    LineageGraphError,
    NotFound,
    StoreError,
)
from lineage_graph.executors import (
    Description,
    Executor,
    Fingerprint,
    Operation,
    Output,
    Pin,
    Place,
    Program,
)
from lineage_graph.graph.engines import Engines
from lineage_graph.graph.folders import Folders, sync
from lineage_graph.identity import NAMESPACE, digested, named, uuid7
from lineage_graph.recording import Made, Recorder
from lineage_graph.records import Dataset
from lineage_graph.replay.origins import Record
from lineage_graph.snapshots import Snapshots

if TYPE_CHECKING:
    from lineage_graph.executors.spark.session import RecordedFrame


TEXT_FORMATS = ("csv", "json", "text", "xml")
"""Formats whose files do not say which types they hold."""

Before = Callable[[str, Mapping[str, str], Description], None]
"""Called before a program runs, with the IRI of the dataset or model that it makes a version
of, the version in each slot, and how they reach it; raises to refuse it."""


@dataclass(frozen=True)
class SavedDataset:
    """A version that was saved.

    Attributes:
        name: Of the dataset.
        version: IRI of the version.
        rows: How many rows it has.
        fingerprint: Hex digest over every cell and the schema.
    """

    name: str
    version: str
    rows: int
    fingerprint: str

    def __str__(self) -> str:
        return as_text(self._table())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: a table, and text where it cannot show one."""
        return mime_bundle(self._table())

    def _table(self) -> Table:
        line = (f"{self.rows:,}", self.fingerprint[:12], self.version)
        return Table(f"dataset {self.name}", ("rows", "fingerprint", "version"), [line])


def _unhindered(thing: str, inputs: Mapping[str, str], description: Description) -> None:
    """Let everything run."""


class Datasets:
    """Dataset verbs of one graph.

    Attributes:
        before: Called before each program, also those of models.
    """

    def __init__(
        self,
        engines: Engines,
        recorder: Recorder,
        record: Record,
        snapshots: Snapshots,
        folders: Folders,
        before: Before = _unhindered,
    ) -> None:
        self._engines = engines
        self._recorder = recorder
        self._record = record
        self._snapshots = snapshots
        self._folders = folders
        self.before = before

    def on(self, engines: Engines) -> Datasets:
        """Return the same verbs on other executors."""
        return Datasets(
            engines, self._recorder, self._record, self._snapshots, self._folders, self.before
        )

    def renew(
        self, program: Program, inputs: Mapping[str, str], dataset: Dataset, original: str
    ) -> SavedDataset:
        """Run a recorded plan of Spark's with other inputs, publish and record what it makes.

        Args:
            program: Its program.
            inputs: IRI of the version in each slot.
            dataset: What the output is a version of.
            original: IRI of the activity whose program it is.

        Raises:
            StepFailed: The program raised; the failure is recorded.
        """
        session = self._engines.session()
        places = {slot: self.place_of(version) for slot, version in inputs.items()}
        return self.execute(
            session.executor,
            program,
            {slot: Pin(place, None, "reference") for slot, place in places.items()},
            places,
            session.description(program, places),
            dataset,
            f"renew {dataset.title}",
            inputs,
            original,
        )

    def save(self, data: Any, name: str, description: str | None = None) -> SavedDataset:
        """Write a new immutable version: run its plan, publish it in one step, record it."""
        require_name(name)
        session = self._engines.session()
        label = f"save {name}"
        pending = session.operation_of(session.frame(data), label)
        for slot in pending.places.keys() - pending.pins.keys():
            raise InputChanged(f"{label}: nothing lies at {pending.places[slot].paths}.")
        return self.execute(
            session.executor,
            pending.to_run,
            pending.pins,
            {slot: pin.place for slot, pin in pending.pins.items()},
            session.described(pending),
            Dataset(id=named("dataset", name), title=name, description=description),
            label,
        )

    def execute(
        self,
        executor: Executor,
        program: Program,
        pins: Mapping[str, Pin],
        places: Mapping[str, Place],
        description: Description,
        dataset: Dataset,
        label: str,
        inputs: Mapping[str, str] | None = None,
        original: str | None = None,
    ) -> SavedDataset:
        """Run a program whose output is a table, publish and record it.

        Args:
            executor: Who runs it.
            program: What to run.
            pins: What fills each slot, for the record.
            places: Where each slot's data lies now.
            description: What the program does.
            dataset: What the output is a version of.
            label: For people.
            inputs: IRI of the version in each slot; found by the pins by default.
            original: IRI of the recorded activity whose program it is; None for a new one.

        Raises:
            StepFailed: The program raised; the failure is recorded.
        """
        begun = datetime.now(UTC)
        if inputs is None:
            inputs = {slot: self._recorder.version_of(pin) for slot, pin in pins.items()}
        self.before(dataset.id, inputs, description)

        def ended(error: BaseException | None = None) -> Operation:
            return self.operation(
                executor, label, program, pins, description, begun, error, original
            )

        with self._folders.scratch() as work:
            try:
                output = executor.run(program, places, work / "out")
            except LineageGraphError as error:
                self._recorder.record_activity(ended(error), None, inputs)
                raise
            return self._publish(output, ended(), dataset, inputs)

    def _publish(
        self, output: Output, done: Operation, dataset: Dataset, inputs: Mapping[str, str]
    ) -> SavedDataset:
        content = output.content
        if not isinstance(content, Fingerprint):
            raise InvalidRecord(f"{done.label}: the program made a model, not a table.")
        number = uuid7()
        folder = self._folders.data / number
        written = Path(output.place.paths[0])
        sync(written)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.rename(written, folder)
        sync_folder(folder.parent)
        try:
            place = Place((str(folder),), output.place.format, output.place.options)
            if place.format.lower() in TEXT_FORMATS:
                place = _as_known(place, content.schema)
            made = Made(
                digested("version", number),
                dataset,
                self._snapshots.pin(place, "reference"),
                content,
            )
            self._recorder.record_activity(done, made, inputs)
        except BaseException:
            # Interrupted after the commit, the ledger may hold it: only what it lacks goes.
            with suppress(StoreError):
                if not self._recorder.describes(digested("version", number)):
                    shutil.rmtree(folder, ignore_errors=True)
            raise
        return SavedDataset(dataset.title, made.version, content.rows, content.digest)

    def operation(
        self,
        executor: Executor,
        label: str,
        program: Program,
        pins: Mapping[str, Pin],
        description: Description,
        begun: datetime,
        error: BaseException | None = None,
        original: str | None = None,
    ) -> Operation:
        """Return an operation that ends now."""
        session = self._engines.session().executor
        return Operation(
            label=label,
            program=program,
            sources=pins,
            description=description,
            written=None,
            content=None,
            started=begun,
            ended=datetime.now(UTC),
            environment={**session.environment(), **executor.environment()},
            error=type(error.__cause__ or error).__name__ if error else None,
            informed_by=original,
        )

    def version_of(self, data: Any) -> str | None:
        """Return the version that a DataFrame reads unchanged, if it does nothing else."""
        session = self._engines.session()
        pending = session.operation_of(session.frame(data), "read")
        if session.only_reads(pending) and len(pending.pins) == 1:
            pin = pending.pins["input:0"]
            if pin.place.format != "local":
                return self._recorder.version_of(pin)
        return None

    def read(self, version: str) -> RecordedFrame:
        """Return a version as a DataFrame of the recorded session."""
        reader = self._engines.session().executor.relations
        return reader.read(self.as_read(version, self.place_of(version)))

    def as_read(self, version: str, place: Place) -> Place:
        """Return how a version is read at a place: with the columns it is known to have."""
        known = self._record.content(version)
        infers = place.options.get("inferSchema") == "true"
        return _as_known(place, known.schema) if known is not None and infers else place

    def place_of(self, version: str) -> Place:
        """Return where a version's bytes can be read, as they were pinned.

        Raises:
            NotFound: They were not kept.
            InputChanged: They were altered.
        """
        pins = self._record.pins(version)
        problems: list[str] = []
        for pin in pins:
            try:
                place = self._restored(version, pin)
                self._recorder.complete(version, place)
                return place
            except LineageGraphError as problem:
                problems.append(str(problem))
        raise NotFound(
            f"The data of {version} cannot be read: {'; '.join(problems) or 'it was not kept'}"
        )

    def _restored(self, version: str, pin: Pin) -> Place:
        if pin.snapshot == "reference" or pin.place.format == "local":
            self._snapshots.check(pin)
            return pin.place
        folder = self._folders.pinned / version.rpartition(":")[2]
        if not folder.exists():
            with self._folders.scratch() as work:
                self._snapshots.restore(pin, work / "files")
                folder.parent.mkdir(parents=True, exist_ok=True)
                # Another process may have put the same files there meanwhile.
                with suppress(OSError):
                    os.rename(work / "files", folder)
        place = self._snapshots.place_below(pin, folder)
        self._snapshots.check(replace(pin, place=place))
        return place


def _as_known(place: Place, schema: str | None) -> Place:
    """Read with the schema that was inferred once: inferring scans the data each time."""
    fields: list[tuple[str, Any]] = json.loads(schema)["struct"] if schema else []
    if not fields or any(not isinstance(kind, str) for _, kind in fields):
        return place
    columns = [f"`{name.replace('`', '``')}` {kind}" for name, kind in fields]
    options = {key: value for key, value in place.options.items() if key != "inferSchema"}
    return Place(place.paths, place.format, options, ", ".join(columns))


def require_name(name: str) -> None:
    """Refuse names that nobody could ask for again.

    Raises:
        InvalidRecord: It is empty, has an ``@`` before digits at the end (that asks
            for a version), begins as an IRI of ours or as ``dataset:`` or ``model:``,
            or holds control characters.
    """
    head, at, number = name.rpartition("@")
    if not name.strip() or printable(name) != name or (at and head and number.isdigit()):
        raise InvalidRecord(
            f"{name!r} cannot be a name: use printable text that does not end in @ and a number."
        )
    if name.startswith((NAMESPACE, "dataset:", "model:")):
        raise InvalidRecord(
            f"{name!r} cannot be a name: what comes before {name.rpartition(':')[2]!r} says "
            "what kind of name follows. Leave it out."
        )
