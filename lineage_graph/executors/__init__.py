"""Where plans run. Recording and replay both go through :meth:`Executor.run`.

A *program* is a plan's executable form with its inputs and output lifted out as
slots (``input:0`` ...). Executors receive a program and where its inputs lie, and
leave one output in a new folder. They know nothing of the ledger or the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from lineage_graph.identity import sha256

ExecutorName = Literal["spark", "spark-ml", "sklearn"]
Determinism = Literal["always", "by-order", "never"]

BASE_PATH = "basePath"
"""Reader option: the folder below which Spark takes folders for partitions."""


@dataclass(frozen=True)
class Place:
    """Where data lies and how Spark reads it.

    Attributes:
        paths: Files or folders; for a model the one file or folder that holds it.
        format: Spark's format name, or ``skops`` / ``spark-ml`` for a model.
        options: Reader options.
        schema: DDL or JSON of the schema to read with; None lets the format say.
    """

    paths: tuple[str, ...]
    format: str
    options: Mapping[str, str] = field(default_factory=dict)
    schema: str | None = None


@dataclass(frozen=True)
class Pin:
    """What an input was, at the moment it was read.

    Attributes:
        place: Where it lay.
        manifest: sha256 of the artifact that lists every file with its digest;
            None when the files could not be listed (a remote place).
        snapshot: ``copy`` when the bytes are kept, else ``reference``.
        size: Bytes in all files.
    """

    place: Place
    manifest: str | None
    snapshot: str
    size: int = 0


@dataclass(frozen=True)
class Sample:
    """Some rows of a table, drawn while it was read; they are looked at and never kept.

    Attributes:
        seed: By which they were drawn: the rows whose hash with this seed is least.
        rows: How many rows were drawn.
        columns: Column name to its values that are not null, as text.
    """

    seed: int
    rows: int
    columns: Mapping[str, Sequence[str]] = field(repr=False)


@dataclass(frozen=True)
class Fingerprint:
    """What a table contains, whatever its order, partitions and files.

    Attributes:
        digest: Hex sha256 over row count, schema and the multiset of rows.
        version: Name of the algorithm.
        rows: Number of rows.
        schema: Canonical JSON of the schema.
        columns: Column name to the hex sum of its cells' hashes, in schema order.
        sample: Some of its rows, to tell what its columns mean; no part of what it is.
        least: Name of a column of longs to its least value, for those that turn out to be
            counts; not kept for any other.
    """

    digest: str
    version: str
    rows: int
    schema: str
    columns: Mapping[str, str]
    sample: Sample | None = field(default=None, compare=False, repr=False)
    least: Mapping[str, int | None] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class LearntState:
    """What a model has learnt, digested part by part.

    Attributes:
        digest: Hex sha256 over all parts.
        version: Name of the algorithm.
        parts: Path of a part (``pipeline/scale/mean_``) to its hex digest; a
            difference is localised by comparing them.
        values: Path to a short readable form, for parts small enough to read.
        numbers: Path to the numbers themselves (flat, at most 4096 per part),
            so that a tolerance can be applied.
    """

    digest: str
    version: str
    parts: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A plan in executable form.

    Attributes:
        executor: Who executes it.
        body: Canonical bytes: a Spark Connect plan, or JSON of a fit or predict.
    """

    executor: ExecutorName
    body: bytes

    @property
    def sha256(self) -> str:
        """Hex sha256 of the body, which is kept as an artifact."""
        return sha256(self.body)

    @property
    def digest(self) -> str:
        """The plan's identity: the same body for another executor is another plan."""
        return sha256(f"{self.executor} {self.sha256}".encode())


@dataclass(frozen=True)
class Stage:
    """One stage of a fitted pipeline.

    Attributes:
        name: Path of the stage, such as ``pipeline/scale``.
        implementation: Dotted class name.
        digest: Hex digest of what it learnt.
        parameters: What it learnt as readable text; None when there is nothing to read.
    """

    name: str
    implementation: str
    digest: str
    parameters: str | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What the record says about a trained model.

    Attributes:
        implementation: Dotted class name of the algorithm.
        version: Release of the package it comes from.
        hyperparameters: Path of a parameter to its value as text, none left out.
        seeds: Path of a seed to its value.
        kind: Derivation kind that the training is, such as ``Training``.
        stages: Feature engineering and estimator, in order.
    """

    implementation: str
    version: str
    hyperparameters: Mapping[str, str]
    seeds: Mapping[str, str]
    kind: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Output:
    """What a program left behind.

    Attributes:
        place: Where it lies.
        content: Fingerprint of a table, or the learnt state of a model.
        metrics: Measures of a model, by name, such as ``training/accuracy``.
        model: What a fit program trained.
    """

    place: Place
    content: Fingerprint | LearntState
    metrics: Mapping[str, float] = field(default_factory=dict)
    model: ModelFacts | None = None


@dataclass(frozen=True)
class OperatorUse:
    """One operator of a program, for people and for the graph.

    Attributes:
        order: Position; inputs come before outputs.
        operator: IRI of the operator.
        name: Its short name, such as ``filter``.
        inputs: Positions of the operators it reads.
        parameters: Its arguments as a person would read them.
        deterministic: What is known of it, given what lies below it.
    """

    order: int
    operator: str
    name: str
    inputs: tuple[int, ...]
    parameters: str
    deterministic: Determinism


@dataclass(frozen=True)
class InputPath:
    """One way an input reaches the output.

    Attributes:
        slot: The input.
        kinds: Terms of the derivation kinds met on the way, sorted.
        approximate: Over-approximated, soundly.
    """

    slot: str
    kinds: tuple[str, ...]
    approximate: bool = False


@dataclass(frozen=True)
class ColumnPath:
    """One way an input's column reaches an output column."""

    column: str
    slot: str
    source: str
    kinds: tuple[str, ...]
    approximate: bool = False


@dataclass(frozen=True)
class Description:
    """What a program does, read off its plan.

    Attributes:
        steps: Its operators.
        inputs: How each input reaches the output.
        columns: How each input column reaches each output column.
        cautions: Why a rebuild may not give the same bytes.
        obstacles: Why it cannot be replayed at all.
        group_sizes: Names of output columns that count the rows of groups.
    """

    steps: tuple[OperatorUse, ...] = ()
    inputs: tuple[InputPath, ...] = ()
    columns: tuple[ColumnPath, ...] = ()
    cautions: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    group_sizes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """Something that ordinary code made an executor do.

    Attributes:
        label: For people, such as ``write parquet out/delays``.
        program: What was executed.
        sources: What filled each slot.
        description: What the program does.
        written: Where the result was put; None when it went to the client.
        content: Fingerprint of what was written.
        started: When it began, UTC.
        ended: When it ended, UTC.
        environment: Facts about the software it ran on.
        error: Class of the error; None when it completed.
        informed_by: IRI of the recorded activity whose program it was; None for a new one.
    """

    label: str
    program: Program
    sources: Mapping[str, Pin]
    description: Description
    written: Place | None
    content: Fingerprint | None
    started: datetime
    ended: datetime
    environment: Mapping[str, Any]
    error: str | None = None
    informed_by: str | None = None


class Sink(Protocol):
    """Where an executor leaves what it captured."""

    def blob(self, data: bytes) -> str:
        """Keep uploaded data and return its sha256."""
        ...

    def pin(self, place: Place) -> Pin:
        """Fix what an input is, before it is read."""
        ...

    def record(self, operation: Operation) -> None:
        """Record an operation; it is durable when this returns."""
        ...

    def problem(self, what: str, error: BaseException) -> None:
        """Report that something could not be captured; the user's job goes on."""
        ...


class Tables(Protocol):
    """Reads and writes tables for executors that have no engine of their own."""

    def read(self, place: Place, columns: Sequence[str] | None, order_by: Sequence[str]) -> Any:
        """Return a ``pyarrow.Table`` in canonical row order.

        Args:
            place: Where the table lies.
            columns: Columns to keep; None for all.
            order_by: Columns to sort by first; ties, and everything else, are in
                the order of the fingerprint's row hashes, so the answer depends on
                the content alone.
        """
        ...

    def write(self, table: Any, into: Path) -> Output:
        """Write a ``pyarrow.Table`` as Parquet into a new folder and fingerprint it."""
        ...


class Executor(Protocol):
    """Something that can execute programs."""

    def run(
        self,
        program: Program,
        inputs: Mapping[str, Place],
        into: Path,
    ) -> Output:
        """Execute a program.

        Args:
            program: What to execute.
            inputs: Where each slot's data lies.
            into: A folder that does not exist yet; the output is left there.

        Raises:
            StepFailed: The program raised.
        """
        ...

    def settings(self, recorded: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Run with the recorded settings, as far as they can be changed."""
        ...

    def environment(self) -> Mapping[str, Any]:
        """Return versions and settings that can influence a result; no secrets."""
        ...

    def close(self) -> None:
        """End what the executor started."""
        ...
