"""Does the rebuilds that somebody asked for, one at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from lineage_graph.errors import LineageGraphError
from lineage_graph.graph import Graph
from lineage_graph.identity import name_of
from lineage_graph.replay.requests import Request, Requests, Worker

log = logging.getLogger("lineage_graph")


class _TakenBack(Exception):
    """Whoever asked does not want it any more."""


def work(
    graph: Graph,
    requests: Requests,
    ending: threading.Event,
    say: Callable[[str], None],
    once: bool = False,
    pause: float = 2.0,
) -> int:
    """Rebuild what is asked for until told to end.

    Args:
        graph: Of the store whose queue it is; on this machine.
        requests: The queue.
        ending: Set to end before the next request.
        say: Tells a person what is done.
        once: End when nothing waits.
        pause: Seconds to wait before looking again when nothing waits.

    Returns:
        How many requests were worked on.
    """
    count = 0
    with requests.worker() as worker:
        while not ending.is_set():
            request = worker.take()
            if request is None:
                if once:
                    break
                ending.wait(pause)
                continue
            say(f"rebuild {name_of(request.target)} ({request.id}), attempt {request.attempts}")
            say(_done(graph, worker, request))
            count += 1
    return count


def _done(graph: Graph, worker: Worker, request: Request) -> str:
    """Do one rebuild; whatever becomes of it is in the queue when this ends."""

    def told(done: int, total: int, what: str = "") -> None:
        if not worker.tell(request.id, done, total, what):
            raise _TakenBack

    try:
        rebuild = graph.rebuild(request.target, from_scratch=request.from_scratch, progress=told)
    except _TakenBack:
        worker.cancelled(request.id)
        return "cancelled"
    except LineageGraphError as error:
        worker.fail(request.id, error)
        return f"failed: {error}"
    except Exception as error:
        log.exception("The rebuild %s failed", request.id)
        worker.fail(request.id, error)
        return f"failed: {type(error).__name__}"
    except BaseException:
        worker.put_back(request.id)
        raise
    worker.finish(request.id, rebuild)
    return str(rebuild.verdict)
