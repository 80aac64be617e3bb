"""Open graphs over what somebody may see, lent to one request at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from lineage_graph.access.principals import Principal
from lineage_graph.errors import VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.opening import opened
from lineage_graph.graph.viewing import Viewing, visible
from lineage_graph.ledger import Ledger
from lineage_graph.server.settings import Settings
from lineage_graph.server.turns import Turns

T = TypeVar("T")

AT_ONCE: Final = 16
"""Graphs that are asked at the same time."""
SHARE: Final = 4
"""How many of them by one principal."""
KEPT: Final = 16
"""Graphs that stay open for whoever comes next."""
IDLE_SECONDS: Final = 600.0
"""How long."""
ATTEMPTS: Final = 5

Clearances = frozenset[str] | None


def steadily(read: Callable[[], T]) -> T:
    """Read something, and again when what may be seen changed meanwhile.

    Args:
        read: Asks a graph that it borrows, and changes nothing.

    Raises:
        VisibilityChanged: It changed each time.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(VisibilityChanged):
            return read()
    return read()


def require_unchanged(graph: Graph) -> None:
    """Refuse an answer that was read from a graph's folder by somebody else.

    Nobody looks whether that is still right while it is read: others project into the folder
    of those from whom nothing is hidden, also what was hidden meanwhile.

    Args:
        graph: It may have been given back.

    Raises:
        VisibilityChanged: What it was over may be seen no more, or not only.
    """
    if graph.outdated:
        raise VisibilityChanged("What you may see has changed meanwhile. Ask again.")


class Views:
    """Graphs for requests: a graph is for one thread at a time, so each is lent and given back.

    Args:
        settings: Where the store is.
        viewing: What is known of who may see what in it.
    """

    def __init__(self, settings: Settings, viewing: Viewing) -> None:
        self._settings = settings
        self._viewing = viewing
        self._turns = Turns(AT_ONCE, SHARE)
        self._looks = Turns(AT_ONCE, SHARE)
        self._free: list[tuple[float, Clearances, Graph]] = []
        self._closed = False
        self._lock = threading.Lock()

    async def ask(self, principal: Principal, question: Callable[[Graph], T]) -> T:
        """Ask a graph over what the principal may see, in a thread, and return the answer.

        Args:
            principal: Who asks.
            question: It is asked again when what may be seen changes meanwhile, so it writes
                nothing, or does so when it has asked everything.

        Raises:
            StoreUnavailable: It was not the principal's turn in time.
            VisibilityChanged: What may be seen changed each time that it was asked.
        """
        return await self._turns.take(
            principal, partial(steadily, partial(self._asked, principal, question))
        )

    async def record(self, principal: Principal, decide: Callable[[Graph], T]) -> T:
        """Record in a graph what is decided, as the principal's word; in a thread.

        Raises:
            StoreUnavailable: It was not the principal's turn in time.
        """
        return await self._turns.take(principal, partial(self._recorded, principal, decide))

    async def look(self, principal: Principal, question: Callable[[Ledger, Folders], T]) -> T:
        """Ask the ledger what somebody may see of it, and no graph; in a thread.

        Raises:
            StoreUnavailable: It was not the principal's turn in time.
        """

        def looked() -> T:
            return question(*self._viewing.seen(principal.clearances))

        return await self._looks.take(principal, partial(steadily, looked))

    @contextmanager
    def borrow(self, principal: Principal) -> Iterator[Graph]:
        """Lend a graph to ask, over what the principal may see.

        Nobody waits here: whoever calls it has a turn at something.
        """
        graph = self._taken(principal.clearances)
        try:
            # What follows from accepted events is derived before anybody is answered.
            graph.opened.derive()
            yield graph
        finally:
            self._give_back(principal.clearances, graph)

    def close(self) -> None:
        """Close every graph, those that are lent when they are given back."""
        with self._lock:
            self._closed = True
        self._tidy()

    def _asked(self, principal: Principal, question: Callable[[Graph], T]) -> T:
        with self.borrow(principal) as graph:
            return question(graph)

    def _recorded(self, principal: Principal, decide: Callable[[Graph], T]) -> T:
        graph = self._open(principal.clearances, principal.agent)
        try:
            return decide(graph)
        finally:
            graph.close()

    def _taken(self, clearances: Clearances) -> Graph:
        """Return a graph that nobody else has; one over what is seen no more is closed."""
        while (graph := self._idle(clearances)) is not None:
            if not graph.outdated:
                return graph
            graph.close()
        return self._open(clearances, None)

    def _idle(self, clearances: Clearances) -> Graph | None:
        with self._lock:
            for at in reversed(range(len(self._free))):
                if self._free[at][1] == clearances:
                    return self._free.pop(at)[2]
        return None

    def _give_back(self, clearances: Clearances, graph: Graph) -> None:
        with self._lock:
            self._free.append((time.monotonic(), clearances, graph))
        self._tidy()

    def _tidy(self) -> None:
        """Close graphs that nobody asked for long, and those asked longest ago beyond a few."""
        with self._lock:
            kept = 0 if self._closed else KEPT
            old = time.monotonic() - IDLE_SECONDS
            some = max(0, len(self._free) - kept, sum(since < old for since, *_ in self._free))
            closing, self._free = self._free[:some], self._free[some:]
        for *_, graph in closing:
            graph.close()

    def _open(self, clearances: Clearances, agent: str | None) -> Graph:
        parts = visible(opened(self._settings.store), clearances, self._viewing)
        if agent is not None:
            parts = replace(parts, author=lambda: agent)
        return Graph(parts, self._settings.declarations, quiet=True)
