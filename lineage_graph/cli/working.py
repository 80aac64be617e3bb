"""The command that does the rebuilds that people asked a server for."""

from __future__ import annotations

import signal
import threading
from typing import Annotated, NoReturn

import typer

from lineage_graph.cli.program import Session, command


@command("worker", "worker", "worker --store warehouse", "worker --once")
def worker(
    session: Session,
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits.")] = False,
) -> None:
    """Do the rebuilds that people asked the server for, one at a time.

    They run in this process with Spark, on this machine. Without a worker a request only waits.
    """
    from lineage_graph.graph.folders import store_folder
    from lineage_graph.graph.working import work
    from lineage_graph.replay.requests import Requests

    ending = threading.Event()
    requests = Requests(store_folder(session.store))

    def stop(*_: object) -> NoReturn:
        ending.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    with session.graph() as graph:
        work(graph, requests, ending, session.say, once)
