"""A few workers, lent to one request each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from lineage_graph.errors import CheckpointGone, InvalidRecord, StoreUnavailable
from lineage_graph.sandbox import Answer, Checkpoint, Limits
from lineage_graph.sandbox.frames import Frame
from lineage_graph.sandbox.process import Process

WAITING: Final = 8
PATIENCE_SECONDS: Final = 15.0
PARSED: Final = {
    "application/n-quads": "nquads",
    "application/n-triples": "ntriples",
    "text/turtle": "turtle",
    "application/trig": "trig",
    "application/ld+json": "jsonld",
    "application/rdf+xml": "rdfxml",
}


class Sandbox:
    """Reads the texts of strangers; may be used by several threads.

    Workers are started when they are needed, and again when they died.

    Args:
        limits: What one request may cost.
        workers: How many requests are worked on at once.
    """

    def __init__(self, limits: Limits | None = None, workers: int = 2) -> None:
        self.limits = limits or Limits()
        self._workers = workers
        self._idle: list[Process] = []
        self._lent: set[Process] = set()
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def busy(self) -> int:
        """How many requests are being worked on."""
        return len(self._lent)

    def start(self) -> None:
        """Start one worker, unless there is one, so that it is ready when it is asked."""
        with self._changed:
            if not (self._idle or self._lent or self._closed):
                self._idle.append(Process(self.limits))

    def query(
        self,
        checkpoint: Callable[[], Checkpoint],
        sparql: str,
        table: str | None = "json",
        graph: str | None = None,
        default: Sequence[str] = (),
        named: Sequence[str] = (),
    ) -> Answer:
        """Answer a question over a projection as far as it had come.

        Args:
            checkpoint: Gives what is asked; once more, should that be dropped meanwhile.
            sparql: The question.
            table: ``json``, ``xml``, ``csv`` or ``tsv`` for rows, and for yes or no.
            graph: ``turtle``, ``ntriples``, ``jsonld``, ``rdfxml``, ``trig`` or ``nquads``
                for statements.
            default: Bundles that are the default graph; the merge of all without any.
            named: Bundles that GRAPH finds; all when neither is given.

        Raises:
            DeclarationError: It does not parse, or names a bundle that is not there.
            PolicyRefused: It is more than a question.
            LimitExceeded: It costs more than one may.
            StoreUnavailable: The checkpoint was dropped twice, or every worker is busy.
        """
        request = {
            "do": "query",
            "table": table,
            "graph": graph,
            "default": list(default),
            "named": list(named),
        }
        try:
            text = sparql.encode()
        except UnicodeEncodeError as problem:
            raise InvalidRecord(f"The query holds a lone surrogate: {problem}") from problem
        try:
            header, body = self._ask(_over(checkpoint(), request), text)
        except CheckpointGone:
            header, body = self._ask(_over(checkpoint(), request), text)
        return Answer(header["form"], None if header["empty"] else body)

    def nquads(self, data: bytes, media_type: str) -> bytes:
        """Return RDF text as sorted N-Quads, each statement once.

        Args:
            data: The text.
            media_type: Its media type, one of ``PARSED``.

        Raises:
            InvalidRecord: It is of another type, does not parse, or would need a network.
            LimitExceeded: It costs more than one may.
            StoreUnavailable: Every worker is busy.
        """
        if media_type not in PARSED:
            raise InvalidRecord(
                f"{media_type} is not read here. Send one of: {', '.join(sorted(PARSED))}."
            )
        return self._ask({"do": "nquads", "format": PARSED[media_type]}, data)[1]

    def close(self) -> None:
        """End all workers, also those that are busy."""
        with self._changed:
            self._closed = True
            for process in self._lent:
                process.kill()
            for process in self._idle:
                process.close()
            self._idle.clear()
            self._changed.notify_all()

    def _ask(self, request: dict[str, Any], body: bytes) -> Frame:
        with self._borrowed() as process:
            return process.ask(request, body)

    @contextmanager
    def _borrowed(self) -> Iterator[Process]:
        process = self._take()
        try:
            yield process
        finally:
            with self._changed:
                self._lent.discard(process)
                if process.usable and not self._closed:
                    self._idle.append(process)
                else:
                    process.close()
                self._changed.notify()

    def _take(self) -> Process:
        with self._changed:
            if self._waiting >= WAITING:
                raise self._busy()
            self._waiting += 1
            try:
                free = self._changed.wait_for(self._may_take, PATIENCE_SECONDS)
            finally:
                self._waiting -= 1
            if self._closed:
                raise StoreUnavailable("It is being closed. Ask again when it is open.")
            if not free:
                raise self._busy()
            process = self._idle.pop() if self._idle else Process(self.limits)
            self._lent.add(process)
            return process

    def _may_take(self) -> bool:
        return self._closed or len(self._lent) < self._workers

    def _busy(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self._workers} requests are being worked on and none ended in time. Ask again later."
        )


def _over(checkpoint: Checkpoint, request: dict[str, Any]) -> dict[str, Any]:
    applied = checkpoint.applied
    return request | {
        "folder": str(checkpoint.folder),
        "applied": [applied.seq, applied.chain],
    }
