"""What events mean is worked out in a thread that a fault does not end."""

from __future__ import annotations

import threading

from lineage_graph.errors import StoreUnavailable
from lineage_graph.server.deriving import Deriving


def test_the_next_events_are_worked_out_after_a_fault() -> None:
    outcomes = iter([KeyError("a fault"), StoreUnavailable("no room"), None])
    tried, done = threading.Semaphore(0), threading.Event()

    def derive() -> None:
        tried.release()
        if (error := next(outcomes)) is not None:
            raise error
        done.set()

    deriving = Deriving(derive)
    for _ in range(3):
        deriving.events_came()
        assert tried.acquire(timeout=30)
    assert done.wait(30)
    deriving.stop()
    deriving.join()
