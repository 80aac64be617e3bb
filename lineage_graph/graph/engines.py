"""Starts what executes, when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import ExecutorUnavailable, MissingExtra
from lineage_graph.executors import Executor, Sink, Tables
from lineage_graph.graph.declared import Declared

if TYPE_CHECKING:
    from lineage_graph.executors.sklearn import Estimators
    from lineage_graph.executors.spark.engine import Engine
    from lineage_graph.executors.spark.session import RecordedSession


class Engines:
    """One Spark engine and the sessions on it.

    Args:
        declared: What ``ontology/`` says about operators and estimators.
        artifacts: Where uploaded data is kept.
        sink: Where sessions record.
    """

    def __init__(self, declared: Declared, artifacts: Artifacts, sink: Sink) -> None:
        self._declared = declared
        self._artifacts = artifacts
        self._sink = sink
        self._engine: Engine | None = None
        self._address: str | None = None
        self._session: RecordedSession | None = None

    def session(
        self, address: str | None = None, master: str | None = None, memory: str | None = None
    ) -> RecordedSession:
        """Return the session that user code works in, starting it when needed.

        Args:
            address: ``sc://`` of a running server; None for an engine of our own.
            master: Spark master of our own engine, such as ``local[2]`` or ``spark://``.
            memory: Heap of our own engine, such as ``4g``.

        Raises:
            ExecutorUnavailable: Spark did not start, nothing answers, or another
                address is in use already.
        """
        asked = address or master
        if self._session is None:
            self._address = asked
            self._session = self._open(address, master, memory)
            self._session.make_current()
        elif asked is not None and asked != self._address:
            raise ExecutorUnavailable(
                f"This graph already has a session on {self._address or 'its own engine'}. "
                "Connect again for another one."
            )
        return self._session

    def fresh(self) -> Rebuilding:
        """Return executors in a session of their own, on the same server."""
        return Rebuilding(self, self._open(self._address, None, None))

    def _open(self, address: str | None, master: str | None, memory: str | None) -> RecordedSession:
        try:
            from lineage_graph.executors.spark.engine import Engine
            from lineage_graph.executors.spark.operators import Operators
            from lineage_graph.executors.spark.session import RecordedSession, channel_to
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("lineage_graph"):
                raise
            raise MissingExtra(
                f'Spark is not installed ({error.name}). Type: pip install "lineage-graph[spark]"'
            ) from error
        if address is not None and address.startswith("sc://"):
            channel = channel_to(address)
        else:
            if self._engine is None or not self._engine.alive():
                self._engine = Engine.start(master=master or address, memory=memory)
            channel = self._engine.channel()
        operators = Operators.from_rows(self._declared.operators())
        return RecordedSession(channel, self._sink, operators, self._artifacts.path)

    def estimators(self) -> Estimators:
        """Return what the scikit-learn executor may use."""
        try:
            from lineage_graph.executors.sklearn import Estimators
        except ImportError as error:
            raise MissingExtra(
                f"scikit-learn is not installed ({error.name}). "
                'Type: pip install "lineage-graph[sklearn]"'
            ) from error
        return Estimators.from_rows(self._declared.estimators())

    def executor(self, name: str, session: RecordedSession | None = None) -> Executor:
        """Return the executor of a name, in a session.

        Args:
            name: ``spark``, ``spark-ml`` or ``sklearn``.
            session: By default the one user code works in.
        """
        session = session or self.session()
        if name == "spark":
            return session.executor
        if name == "spark-ml":
            from lineage_graph.executors.spark.ml import SparkMLExecutor

            return SparkMLExecutor(session.executor)
        estimators = self.estimators()
        from lineage_graph.executors.sklearn import SklearnExecutor

        return SklearnExecutor(session.executor, estimators)

    def close(self) -> None:
        """End the session and our own engine."""
        if self._session is not None:
            self._session.close()
            self._session = None
        if self._engine is not None:
            self._engine.stop()
            self._engine = None


class Rebuilding(Engines):
    """Executors in a fresh session, for recorded programs; closing it leaves the engine."""

    def __init__(self, engines: Engines, session: RecordedSession) -> None:
        super().__init__(engines._declared, engines._artifacts, engines._sink)
        self._session = session
        self.tables: Tables = session.executor
