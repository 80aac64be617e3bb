"""A Spark session in which ordinary code is recorded."""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from pyarrow import ArrowException
from pyspark.errors import PySparkException
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.shell.progress import ProgressHandler, StageInfo
from pyspark.sql.dataframe import DataFrame as RecordedFrame

from lineage_graph.errors import ExecutorUnavailable, InvalidRecord
from lineage_graph.executors import Description, Fingerprint, Place, Program, Sink
from lineage_graph.executors.spark.capture import Interceptor
from lineage_graph.executors.spark.columns import derivations
from lineage_graph.executors.spark.engine import DETERMINISTIC_CONF
from lineage_graph.executors.spark.operations import Operations, Pending
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import relation_type
from lineage_graph.executors.spark.steps import SparkExecutor

RecordedSpark = SparkSession
ANSWER_SECONDS = 30.0
SETTLED = (
    grpc.ChannelConnectivity.READY,
    grpc.ChannelConnectivity.TRANSIENT_FAILURE,
    grpc.ChannelConnectivity.SHUTDOWN,
)
SHORT_ERRORS = {"spark.sql.connect.serverStacktrace.enabled": "false"}


class RecordedSession:
    """A Spark Connect session whose work is recorded.

    Attributes:
        spark: What the user works with.
        executor: Runs programs in the same session, unseen by the recorder.

    Raises:
        ExecutorUnavailable: Nothing answers at the address.
    """

    def __init__(
        self,
        channel: DefaultChannelBuilder,
        sink: Sink,
        operators: Operators,
        artifact: Callable[[str], Path],
    ) -> None:
        self._operations = Operations(sink, describer(operators))
        self._interceptor = Interceptor(self._operations, sink)
        self.spark = _connect(channel, self._interceptor)
        self.executor = SparkExecutor(self.spark, artifact, operators, self._interceptor.paused)
        self._operations.attach(self.executor)
        self._before: SparkSession | None = None

    def make_current(self) -> None:
        """Make it the session that pyspark asks when none is named, as for a UDF."""
        self._before = getattr(SparkSession._active_session, "session", None)
        _ask(self.spark)

    def operation_of(self, df: RecordedFrame, label: str) -> Pending:
        """Return the program behind a DataFrame of this session.

        Raises:
            InvalidRecord: It belongs to another session, whose names and data this
                one does not know.
        """
        if not isinstance(df, DataFrame) or df.sparkSession is not self.spark:
            raise InvalidRecord(
                f"{label}: a {type(df).__name__} that is not of this recorded session. "
                "Make it from the session that graph.spark() returns."
            )
        with self._interceptor.paused():
            return self._operations.of(df._plan.to_proto(self.spark.client).root, label)

    def frame(self, data: Any) -> RecordedFrame:
        """Return data as a DataFrame: Spark's own, pandas, pyarrow or rows.

        Raises:
            InvalidRecord: It is nothing of the kind, or has no schema.
        """
        if isinstance(data, DataFrame):
            return data
        try:
            return self.spark.createDataFrame(data)
        except (PySparkException, ArrowException, TypeError, ValueError) as error:
            raise InvalidRecord(
                f"Data of type {type(data).__name__} cannot become a DataFrame: {error}. "
                "Give pandas, pyarrow, or rows whose types can be told."
            ) from error

    def only_reads(self, pending: Pending) -> bool:
        """Whether a program is the reading of one input and nothing else."""
        return relation_type(pending.relation) == "read"

    def described(self, pending: Pending) -> Any:
        """Say what the program behind a DataFrame does."""
        with self._interceptor.paused():
            return self._operations.description(pending)

    def description(self, program: Program, places: Mapping[str, Place]) -> Description:
        """Say what a recorded program does with inputs that lie somewhere."""
        relation = self.executor.relation_of(program)
        with self._interceptor.paused():
            return self._operations.description(Pending(None, relation=relation, places=places))

    def fingerprint(self, place: Place) -> Fingerprint:
        """Read a place once to know what is in it."""
        with self._interceptor.paused():
            return self.executor.relations.read_back(place)

    @contextmanager
    def telling(self, progress: Callable[[int, int], object]) -> Iterator[None]:
        """Tell how many of Spark's tasks are done, of how many, while something runs."""
        tasks = _Tasks(progress)
        self.spark.registerProgressHandler(tasks)
        try:
            yield
        finally:
            self.spark.removeProgressHandler(tasks)

    def close(self) -> None:
        """End the session; the one that pyspark asked before is asked again."""
        with self._interceptor.paused():
            self.executor.close()
        if self._before is not None and not self._before.is_stopped:
            _ask(self._before)


class _Tasks(ProgressHandler):
    """Counts the tasks of what Spark is running."""

    def __init__(self, progress: Callable[[int, int], object]) -> None:
        self._progress = progress

    def __call__(
        self,
        stages: Iterable[StageInfo] | None,
        inflight_tasks: int,
        operation_id: str | None,
        done: bool,
    ) -> None:
        """Take in what Spark says; see :meth:`SparkSession.registerProgressHandler`."""
        counts = [(stage.num_completed_tasks, stage.num_tasks) for stage in stages or ()]
        self._progress(sum(ended for ended, _ in counts), sum(every for _, every in counts))


def describer(operators: Operators) -> Callable[[Any, Callable[[Any], list[str]]], Any]:
    """Return a function that describes lifted relations by a table of operators."""

    def describe(relation: Any, schema_of: Callable[[Any], list[str]]) -> Description:
        lineage = derivations(relation, schema_of, operators)
        return Description(
            steps=operators.steps(relation),
            inputs=lineage.inputs,
            columns=lineage.columns,
            cautions=operators.cautions(relation),
            obstacles=operators.forbidden(relation),
            group_sizes=lineage.group_sizes,
        )

    return describe


def _ask(session: SparkSession | None) -> None:
    """Say which session pyspark asks when none is named."""
    SparkSession._default_session = session
    SparkSession._active_session.session = session


def channel_to(address: str) -> DefaultChannelBuilder:
    """Return what a client of somebody else's server is built with.

    Raises:
        ExecutorUnavailable: The address is not one of Spark Connect's.
    """
    try:
        return DefaultChannelBuilder(address)
    except (PySparkException, ValueError) as error:
        raise ExecutorUnavailable(f"{address}: {error}. Say sc://host:port.") from error


def _require_answer(channel: DefaultChannelBuilder) -> None:
    """Try the connection once; Spark's client would try for ten minutes.

    Raises:
        ExecutorUnavailable: It was refused, or nothing answered in time.
    """
    states: queue.SimpleQueue[grpc.ChannelConnectivity] = queue.SimpleQueue()
    probe = channel.toChannel()
    probe.subscribe(states.put, try_to_connect=True)
    try:
        state = grpc.ChannelConnectivity.IDLE
        while state not in SETTLED:
            state = states.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        state = grpc.ChannelConnectivity.TRANSIENT_FAILURE
    finally:
        probe.close()
    if state is not grpc.ChannelConnectivity.READY:
        raise ExecutorUnavailable(
            f"Nothing that speaks Spark Connect answers at {channel.endpoint}. "
            "Check the address and that the server runs."
        )


def _connect(channel: DefaultChannelBuilder, interceptor: Interceptor) -> SparkSession:
    _require_answer(channel)
    channel.add_interceptor(interceptor)
    # pyspark.sql.functions makes Connect columns only when it is told so.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    # They repeat every exception as one line of JSON on stderr.
    for logger in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    session = None
    try:
        with interceptor.paused():
            session = SparkSession.builder.channelBuilder(channel).create()
            for name, value in {**DETERMINISTIC_CONF, **SHORT_ERRORS}.items():
                session.conf.set(name, value)
            return session
    except PySparkException as error:
        if session is not None and getattr(SparkSession._active_session, "session", 0) is session:
            _ask(None)
        raise ExecutorUnavailable(
            f"Nothing that speaks Spark Connect answers at {channel.host}: "
            f"{str(error).splitlines()[0]}. Check the address and that the server runs."
        ) from error


__all__ = ["RecordedFrame", "RecordedSession", "RecordedSpark", "channel_to"]
