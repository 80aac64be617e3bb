"""From a request that goes by to an operation that is recorded.

``begin`` sees the request before Spark does: it closes the plan, pins its inputs
and lets the fingerprint of what is written ride along. ``end`` describes the plan
and hands the operation over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyspark.sql.connect.proto as pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from pyspark.errors import PySparkException

from lineage_graph.errors import InputChanged, PlanIncomplete
from lineage_graph.executors import (
    Description,
    Fingerprint,
    InputPath,
    Operation,
    Pin,
    Place,
    Program,
    Sink,
)
from lineage_graph.executors.spark.fingerprint import finish
from lineage_graph.executors.spark.plans import (
    Source,
    canonicalise,
    encode,
    expand,
    lift,
    relation_type,
)
from lineage_graph.executors.spark.relations import Relations
from lineage_graph.executors.spark.resolution import (
    SessionNames,
    freeze_clocks,
    sets_something,
    unliftable,
)
from lineage_graph.executors.spark.secrets import redact
from lineage_graph.executors.spark.steps import SparkExecutor
from lineage_graph.executors.spark.writes import Write, lift_write, write_of

WRAPPERS = ("show_string", "html_string")
DYNAMIC = "spark.sql.sources.partitionOverwriteMode"
UNSEEN = ("catalog", "local_relation", "cached_local_relation", "unknown")

Describe = Callable[[Any, Callable[[Any], list[str]]], Description]


@dataclass
class Pending:
    """A request on its way.

    Attributes:
        request: What is sent to Spark, which may differ from what came in.
        learnt: Command whose definitions hold once it succeeded.
        relation: The lifted relation, for the description.
        program: The program; None when only definitions are of interest.
        schema: Of what is written.
        observation: Name under which the fingerprint rides along.
        observed: Aggregates that rode along, by name.
    """

    request: Any
    learnt: Any = None
    label: str = ""
    relation: Any = None
    program: Program | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)
    obstacles: tuple[str, ...] = ()
    write: Write | None = None
    schema: Any = None
    observation: str | None = None
    observed: dict[str, Any] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def to_run(self) -> Program:
        """The program.

        Raises:
            PlanIncomplete: The request only defines something.
        """
        if self.program is None:
            raise PlanIncomplete(f"{self.label or 'The request'} makes nothing that can be run.")
        return self.program


class Operations:
    """The operations of one Spark session."""

    def __init__(self, sink: Sink, describe: Describe) -> None:
        self._sink = sink
        self._describe = describe
        self.names = SessionNames()
        self._executor: SparkExecutor | None = None

    def attach(self, executor: SparkExecutor) -> None:
        """Say by which session questions about plans are asked."""
        self._executor = executor

    @property
    def executor(self) -> SparkExecutor:
        """The executor of the session."""
        if self._executor is None:
            raise RuntimeError("the session was not attached")
        return self._executor

    @property
    def relations(self) -> Relations:
        """The session's relations."""
        return self.executor.relations

    def begin(self, request: Any) -> Pending | None:
        """Take in a request before it is sent.

        Returns:
            What to send and to remember; None when there is nothing to record.
        """
        plan = expand(request.plan)
        seen = type(request)()
        seen.CopyFrom(request)
        if not _defines_view(plan) and freeze_clocks(plan, self._zone()):
            seen.plan.CopyFrom(plan)
        if plan.WhichOneof("op_type") == "root":
            return self._begin_query(seen, plan)
        return self._begin_command(seen, plan)

    def _zone(self) -> str:
        return str(self.executor.environment().get("spark.sql.session.timeZone", "UTC"))

    def settings_changed(self) -> None:
        """Forget the environment, which is asked for again when it is needed."""
        if self._executor is not None:
            self._executor.settings_changed()

    def of(self, relation: Any, label: str) -> Pending:
        """Return the program that gives a relation, without running it.

        Args:
            relation: As the session's DataFrame holds it.
            label: For people.
        """
        copy = pb2.Relation()
        copy.CopyFrom(relation)
        freeze_clocks(copy, self._zone())
        return self._lifted(None, copy, None, label)

    def _begin_query(self, request: Any, plan: Any) -> Pending | None:
        kind = relation_type(plan.root)
        if kind == "catalog":
            self.names.forget(plan.root.catalog)
        if kind in UNSEEN:
            return None
        relation = pb2.Relation()
        relation.CopyFrom(getattr(plan.root, kind).input if kind in WRAPPERS else plan.root)
        return self._lifted(request, relation, None, "query")

    def _begin_command(self, request: Any, plan: Any) -> Pending | None:
        kind = plan.command.WhichOneof("command_type")
        if kind == "ml_command" and plan.command.ml_command.WhichOneof("command") == "fit":
            name = plan.command.ml_command.fit.estimator.name.rsplit(".", 1)[-1]
            return self._lifted(request, plan.command.ml_command.fit.dataset, None, f"fit {name}")
        write = write_of(plan.command)
        if write is not None and write.yields and self.relations.lies_there(write.place):
            return self._lifted(request, write.relation, None, f"{write.label}: it was there")
        if write is not None:
            return self._begin_write(request, plan, write)
        if kind in ("create_dataframe_view", "register_function", "checkpoint_command"):
            self.names.close(plan.command)
            return Pending(request, learnt=plan.command)
        return Pending(request, learnt=plan.command) if kind == "sql_command" else None

    def _begin_write(self, request: Any, plan: Any, write: Write) -> Pending:
        schema = self._schema(write.relation)
        observation = None
        if self._replaces_some(write):
            write = replace(write, rides_along=False, partial=True)
        if write.rides_along and schema is not None:
            watched, observation = self.relations.watched(write.relation)
            getattr(plan.command, write.command).input.CopyFrom(watched)
            request.plan.CopyFrom(plan)
        if schema is not None:
            write = write.described(schema.json())
        pending = self._lifted(request, write.relation, write, write.label)
        pending.schema = schema
        pending.observation = observation
        return pending

    def _replaces_some(self, write: Write) -> bool:
        """Whether Spark is told to replace only the partitions that are written."""
        modes = [self.executor.environment().get(DYNAMIC), *write.place.options.values()]
        return bool(write.partitioning) and "dynamic" in (str(m).lower() for m in modes)

    def _schema(self, relation: Any) -> Any:
        """Return a schema; None when Spark will not execute the relation either."""
        try:
            return self.relations.schema(relation)
        except PySparkException:
            return None

    def _lifted(self, request: Any, relation: Any, write: Write | None, label: str) -> Pending:
        plan = pb2.Plan()
        plan.root.CopyFrom(relation)
        if write is not None and write.appends:
            self.relations.append_to(plan.root, write.place)
        self.names.close(plan)
        functions = self.names.called(plan)
        obstacles = [*unliftable(plan)]
        if write is not None and write.partial:
            obstacles.append("it replaced only some partitions of what lay there")
        # The plan is the same on the day its input is there: a missing one is no obstacle of it.
        places = {s.slot: self._located(s) for s in lift(plan, self._sink.blob)}
        pins = {slot: self._pinned(place) for slot, place in places.items()}
        obstacles += redact(plan)
        canonicalise(plan)
        lifted = pb2.Relation()
        lifted.CopyFrom(plan.root)
        if write is not None:
            lift_write(plan, write)
        return Pending(
            request,
            label=label,
            relation=lifted,
            program=Program("spark", encode(plan, functions)),
            places=places,
            pins={slot: pin for slot, pin in pins.items() if pin is not None},
            obstacles=tuple(dict.fromkeys(obstacles)),
            write=write,
        )

    def _located(self, source: Source) -> Place:
        if source.place.format != "table":
            return source.place
        try:
            return self.relations.table(source.place.paths[0])
        except PySparkException:
            return source.place

    def _pinned(self, place: Place) -> Pin | None:
        """Pin an input; None for one that is not there, at which Spark will fail too."""
        try:
            return self._sink.pin(place)
        except InputChanged:
            return None

    def answer(self, pending: Pending, answer: Any) -> None:
        """Take in one answer of Spark's."""
        kind = answer.WhichOneof("response_type")
        if kind == "checkpoint_command_result":
            relation_id = answer.checkpoint_command_result.relation.relation_id
            self.names.checkpoints[relation_id] = pending.learnt.checkpoint_command.relation
        for observed in answer.observed_metrics:
            if observed.name == pending.observation:
                values = [self.relations.literal(value) for value in observed.values]
                pending.observed = dict(zip(observed.keys, values, strict=True))

    def end(self, pending: Pending, error: BaseException | None) -> None:
        """Record what became of a request."""
        if pending.learnt is not None and error is None:
            self.names.learn(pending.learnt)
            if sets_something(pending.learnt):
                self.settings_changed()
        if pending.program is None:
            return
        written = self._written(pending.write) if pending.write and error is None else None
        self._sink.record(
            Operation(
                label=pending.label,
                program=pending.program,
                sources=pending.pins,
                description=self.description(pending),
                written=written,
                content=self._content(pending) if written else None,
                started=pending.started,
                ended=datetime.now(UTC),
                environment=self.executor.environment(),
                error=error_class(error) if error is not None else None,
            )
        )

    def _written(self, write: Write) -> Place:
        """Return where the files are: a table is what lies there, whoever reads it."""
        return self.relations.table(write.place.paths[0]) if write.is_table else write.place

    def description(self, pending: Pending) -> Description:
        """Say what a program does."""
        schema_of = self.relations.schema_names(pending.places)
        try:
            described = self._describe(pending.relation, schema_of)
        except Exception as error:
            self._sink.problem("a plan could not be read in detail", error)
            described = _anything(pending.places)
        return replace(described, obstacles=described.obstacles + pending.obstacles)

    def _content(self, pending: Pending) -> Fingerprint | None:
        if pending.observed:
            return finish(pending.observed, pending.schema)
        return self.relations.read_back(pending.write.place) if pending.write else None


def _defines_view(plan: Any) -> bool:
    """Whether a plan only names another: its clocks are read when that one runs."""
    return bool(
        plan.HasField("command")
        and plan.command.WhichOneof("command_type") == "create_dataframe_view"
    )


def _anything(slots: Iterable[str]) -> Description:
    """Say the least that is sound: every input reaches the output in some way."""
    return Description(inputs=tuple(InputPath(slot, ("Transform",), True) for slot in slots))


def error_class(error: BaseException) -> str:
    """Return the name of an error, never its text: messages quote data."""
    status = rpc_status.from_call(error) if hasattr(error, "trailing_metadata") else None
    for detail in status.details if status is not None else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            named = info.metadata.get("errorClass")
            return str(named or info.reason.rsplit(".", 1)[-1])
    return type(error).__name__
