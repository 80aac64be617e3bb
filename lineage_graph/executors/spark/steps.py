"""The Spark executor: runs a program, whether for the first time or years later."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyspark.sql.connect.proto as pb2
from pyspark.errors import PySparkException
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.dataframe import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from lineage_graph.errors import PolicyRefused, StepFailed
from lineage_graph.executors import Output, Place, Program
from lineage_graph.executors.environment import python_facts
from lineage_graph.executors.spark.fingerprint import canonical_order, finish
from lineage_graph.executors.spark.fingerprint import observe as observe_fingerprint
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import decode
from lineage_graph.executors.spark.relations import Relations

RECORDED_SETTINGS = (
    "spark.sql.ansi.enabled",
    "spark.sql.session.timeZone",
    "spark.sql.leafNodeDefaultParallelism",
    "spark.sql.shuffle.partitions",
    "spark.sql.adaptive.enabled",
    "spark.sql.adaptive.coalescePartitions.enabled",
    "spark.sql.files.maxPartitionBytes",
    "spark.sql.files.openCostInBytes",
    "spark.sql.caseSensitive",
    "spark.sql.sources.partitionOverwriteMode",
    "spark.sql.storeAssignmentPolicy",
    "spark.sql.legacy.timeParserPolicy",
    "spark.sql.parquet.compression.codec",
    "spark.master",
)
PARQUET = pb2.WriteOperation(source="parquet")
CHANGEABLE = tuple(name for name in RECORDED_SETTINGS if name.startswith("spark.sql."))


class SparkExecutor:
    """Runs recorded Spark plans in a session.

    Args:
        session: A Spark Connect session.
        artifact: Returns the path of uploaded data by its sha256.
        operators: The table of operators, which knows what is refused.
        unseen: Context in which the session's own requests are not captured.
    """

    def __init__(
        self,
        session: SparkSession,
        artifact: Callable[[str], Path],
        operators: Operators,
        unseen: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.session = session
        self.relations = Relations(session, artifact)
        self._operators = operators
        self.unseen = unseen
        self._facts: dict[str, Any] | None = None

    def run(self, program: Program, inputs: Mapping[str, Place], into: Path) -> Output:
        """Execute a plan and leave its result as files in a new folder.

        Raises:
            PolicyRefused: The plan holds something a replay never runs.
            StepFailed: Spark raised.
        """
        plan, functions = decode(program.body)
        self._refuse(_write_of(plan).input)
        with self.unseen(), failures_named("the plan"):
            self.relations.bind(plan, inputs)
            write = _write_of(plan)
            self._register(functions)
            return self.save(self.relations.frame(write.input), into, write)

    def relation_of(self, program: Program) -> Any:
        """Return the lifted relation of a program, whose functions this session knows then."""
        plan, functions = decode(program.body)
        with self.unseen(), failures_named("the plan"):
            self._register(functions)
        return _write_of(plan).input

    def _register(self, functions: Iterable[Any]) -> None:
        for function in functions:
            command = pb2.Command()
            command.register_function.CopyFrom(function)
            self.session.client.execute_command(command)

    def _refuse(self, relation: Any) -> None:
        forbidden = self._operators.forbidden(relation)
        if forbidden:
            raise PolicyRefused(
                f"The recorded plan {forbidden[0]}, which a rebuild never runs. "
                "Read the plan (lineage-graph show) and run it by hand if you trust it."
            )

    def save(self, df: DataFrame, into: Path, write: Any = PARQUET) -> Output:
        """Write a DataFrame into a new folder, fingerprinting it on the way.

        Args:
            df: Of this session.
            into: The folder.
            write: A ``spark.connect.WriteOperation`` that says in which format.
        """
        schema = df.schema
        watched, observation = observe_fingerprint(df)
        writer = watched.write.format(write.source).options(**dict(write.options))
        if write.partitioning_columns:
            writer = writer.partitionBy(*write.partitioning_columns)
        writer.save(str(into))
        name_parts(into)
        place = Place((str(into),), write.source, dict(write.options))
        return Output(place, finish(observation.get, schema))

    def read(self, place: Place, columns: Sequence[str] | None, order_by: Sequence[str]) -> Any:
        """Return a ``pyarrow.Table`` in canonical row order; see :class:`Tables`."""
        with self.unseen(), failures_named("reading the data"):
            df = self.relations.read(place)
            if columns is not None:
                wanted = [*columns, *(c for c in order_by if c not in columns)]
                df = df.select(*[_quoted(c) for c in wanted])
            table = canonical_order(df, order_by).toArrow()
            return table.select(list(columns)) if columns is not None else table

    def write(self, table: pa.Table, into: Path) -> Output:
        """Write a ``pyarrow.Table`` as Parquet; see :class:`Tables`."""
        with self.unseen(), failures_named("writing the result"):
            # Without a schema, times that have no zone would be given one.
            schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
            df = self.session.createDataFrame(table, schema)
            return self.save(df, into)

    @contextmanager
    def settings(self, recorded: Mapping[str, Any]) -> Iterator[None]:
        """Run with the recorded Spark settings, then put this session's back."""
        with self.unseen():
            wanted = {k: str(recorded[k]) for k in CHANGEABLE if k in recorded}
            before = self.session.client.get_config_dict(*wanted)
            for name, value in wanted.items():
                self.session.conf.set(name, value)
            self.settings_changed()
        try:
            yield
        finally:
            with self.unseen():
                for name, earlier in before.items():
                    if earlier is None:
                        self.session.conf.unset(name)
                    else:
                        self.session.conf.set(name, earlier)
                self.settings_changed()

    def environment(self) -> Mapping[str, Any]:
        """Return versions and allow-listed settings; nothing that could be a secret."""
        if self._facts is None:
            with self.unseen():
                settings = self.session.client.get_config_dict(*RECORDED_SETTINGS)
                found = {**settings, "spark": self.session.version, "java": self._java()}
            known = {name: value for name, value in found.items() if value is not None}
            self._facts = {**python_facts(), **known}
        return self._facts

    def settings_changed(self) -> None:
        """Ask for the environment again when it is next needed."""
        self._facts = None

    def _java(self) -> str | None:
        question = "SELECT java_method('java.lang.System', 'getProperty', 'java.version')"
        try:
            return str(self.session.sql(question).collect()[0][0])
        except PySparkException:
            return None

    def close(self) -> None:
        """End the session; the engine is ended by who started it."""
        self.session.stop()


def _write_of(plan: Any) -> Any:
    if plan.WhichOneof("op_type") == "command":
        return plan.command.write_operation
    return pb2.WriteOperation(input=plan.root, source="parquet")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@contextmanager
def failures_named(what: str) -> Iterator[None]:
    """Turn Spark's exceptions into :class:`StepFailed`.

    Raises:
        StepFailed: Spark raised; the first line of its message is kept.
    """
    try:
        yield
    except PySparkException as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StepFailed(f"Spark failed at {what}: {first}") from error


def name_parts(folder: Path) -> None:
    """Give the part files of a local folder names that say nothing of the run.

    File names decide how Spark splits a later scan. Markers of Spark's are dropped.
    """
    if not folder.is_dir():
        return
    for inside, _, names in os.walk(folder):
        parts = sorted(n for n in names if n.startswith("part-"))
        for number, name in enumerate(parts):
            suffix = name[name.index(".") :] if "." in name else ""
            os.rename(Path(inside, name), Path(inside, f"part-{number:05d}{suffix}"))
        for name in names:
            if name.startswith((".", "_SUCCESS")):
                os.unlink(Path(inside, name))
