"""The recorder's ear: one gRPC interceptor sees every request of a Spark Connect session.

In Spark Connect a DataFrame is a plan until it runs, and every action and write
leaves the process as one ``ExecutePlan`` request. What goes by is therefore
already the executable, declarative form; no decorator and no wrapper is needed.
A failure in here is reported and never fails the user's job.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from lineage_graph.executors import Sink
from lineage_graph.executors.spark.operations import Operations, Pending


class Interceptor(
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]
):
    """Shows a session's requests and answers to :class:`Operations`."""

    def __init__(self, operations: Operations, sink: Sink) -> None:
        self._operations = operations
        self._sink = sink
        self._pending: dict[str, Pending | None] = {}
        self._quiet = threading.local()
        self._chunks_left = 0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let this thread's own requests pass unseen."""
        before = getattr(self._quiet, "on", False)
        self._quiet.on = True
        try:
            yield
        finally:
            self._quiet.on = before

    def intercept_unary_stream(
        self, continuation: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        """See ``ExecutePlan`` and ``ReattachExecute``, which continues its stream."""
        method = details.method.rsplit("/", 1)[-1]
        if method not in ("ExecutePlan", "ReattachExecute") or getattr(self._quiet, "on", False):
            return continuation(details, request)
        if method == "ExecutePlan":
            request = self._before(request)
        pending = self._pending.get(request.operation_id)
        answers = continuation(details, request)
        return answers if pending is None else self._watch(answers, request.operation_id, pending)

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        """See ``Config``: a changed setting is a changed environment."""
        if details.method.endswith("/Config") and not getattr(self._quiet, "on", False):
            self._operations.settings_changed()
        return continuation(details, request)

    def intercept_stream_unary(
        self, continuation: Callable[..., Any], details: Any, requests: Iterator[Any]
    ) -> Any:
        """See ``AddArtifacts``, by which large local data is uploaded."""
        return continuation(details, self._uploads(requests))

    def _before(self, request: Any) -> Any:
        known = self._pending.get(request.operation_id)
        if known is not None:
            return known.request
        with self._reporting("a job could not be captured"), self.paused():
            pending = self._operations.begin(request)
            self._pending[request.operation_id] = pending
            if pending is not None:
                return pending.request
        return request

    def _watch(self, answers: Any, operation_id: str, pending: Pending) -> Iterator[Any]:
        try:
            for answer in answers:
                with self._reporting("an answer could not be read"):
                    self._operations.answer(pending, answer)
                if answer.WhichOneof("response_type") == "result_complete":
                    self._end(operation_id, pending, None)
                yield answer
        except grpc.RpcError as error:
            # A dropped stream is taken up again by ReattachExecute.
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                self._end(operation_id, pending, error)
            raise
        except KeyboardInterrupt as error:
            self._end(operation_id, pending, error)
            raise

    def _end(self, operation_id: str, pending: Pending, error: BaseException | None) -> None:
        if self._pending.pop(operation_id, None) is None:
            return
        with self._reporting("a job could not be recorded"), self.paused():
            self._operations.end(pending, error)

    def _uploads(self, requests: Iterator[Any]) -> Iterator[Any]:
        chunks: list[bytes] = []
        for request in requests:
            with self._reporting("uploaded data could not be kept"):
                self._keep(request, chunks)
            yield request

    def _keep(self, request: Any, chunks: list[bytes]) -> None:
        kind = request.WhichOneof("payload")
        if kind == "batch":
            for artifact in request.batch.artifacts:
                if artifact.name.startswith("cache/"):
                    self._sink.blob(artifact.data.data)
        elif kind == "begin_chunk" and request.begin_chunk.name.startswith("cache/"):
            chunks[:] = [request.begin_chunk.initial_chunk.data]
            self._chunks_left = request.begin_chunk.num_chunks - 1
        elif kind == "chunk" and chunks:
            chunks.append(request.chunk.data)
            self._chunks_left -= 1
        if chunks and self._chunks_left == 0:
            self._sink.blob(b"".join(chunks))
            chunks.clear()

    @contextlib.contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._sink.problem(what, error)
