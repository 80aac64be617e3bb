"""The program of a worker: reads frames, answers them, and may be killed at any moment.

It is started by :mod:`lineage_graph.sandbox.process`, and imports only what it needs.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineage_graph.errors import LimitExceeded, LineageGraphError
from lineage_graph.sandbox.frames import Frame, packed, unpacked
from lineage_graph.stores import Applied
from lineage_graph.stores.free import Dataset, Formats, Most, evaluate, nquads
from lineage_graph.stores.frozen import Frozen

OUT_OF_MEMORY = "It needs more memory than a request may have. Ask for less, or in parts."

Work = Callable[[dict[str, Any], bytes, Most], Frame]


class _Reading:
    """The folder that was asked last stays open."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._frozen: Frozen | None = None

    def query(self, request: dict[str, Any], body: bytes, most: Most) -> Frame:
        folder = Path(request["folder"])
        if self._frozen is None or folder != self._folder:
            self._folder, self._frozen = folder, Frozen(folder)
        dataset = Dataset(tuple(request["default"]), tuple(request["named"]))
        formats = Formats(request["table"], request["graph"])
        text, wanted = body.decode(), Applied(*request["applied"])
        answer = self._frozen.answer(
            wanted, lambda graph: evaluate(graph, text, dataset, formats, most)
        )
        return {"form": answer.form, "empty": answer.body is None}, answer.body or b""


def _nquads(request: dict[str, Any], body: bytes, most: Most) -> Frame:
    return {}, nquads(body, request["format"], most)


def _restrict(seconds: float, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    _more_time(seconds)


def _more_time(seconds: float) -> None:
    """Let the system end this process should the parent be gone that would have."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(spent.ru_utime + spent.ru_stime + seconds) + 2
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _answered(work: Work, request: dict[str, Any], body: bytes, most: Most) -> Frame:
    try:
        return work(request, body, most)
    except LineageGraphError as problem:
        return {"code": problem.code, "message": str(problem)}, b""
    except MemoryError:
        return {"code": LimitExceeded.code, "message": OUT_OF_MEMORY}, b""


def _is_worn(memory: int) -> bool:
    """Tell whether what this process once had leaves too little for what comes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > memory / 2


def main(settings: str) -> None:
    """Answer until the other end has gone.

    Args:
        settings: The limits, as JSON.
    """
    limits = json.loads(settings)
    # What anything else prints must not end up between the frames.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _restrict(limits["seconds"], limits["memory"])
    most = Most(limits["rows"], limits["size"])
    kinds: dict[str, Work] = {"query": _Reading().query, "nquads": _nquads}

    def exactly(count: int) -> bytes:
        found = sys.stdin.buffer.read(count)
        if len(found) < count:
            raise EOFError
        return found

    while True:
        try:
            request, body = unpacked(exactly)
        except EOFError:
            return
        _more_time(limits["seconds"])
        header, answer = _answered(kinds[request["do"]], request, body, most)
        answers.write(packed({**header, "worn": _is_worn(limits["memory"])}, answer))
        answers.flush()
