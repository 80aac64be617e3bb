"""Open graphs over what somebody may see, lent to one request at a time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, LifoQueue
from typing import Final

from lineage_graph.access.principals import Principal
from lineage_graph.errors import StoreUnavailable, VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.graph.viewing import Viewing, visible
from lineage_graph.server.settings import Settings

PER_CLEARANCE: Final = 4
"""Requests with the same clearances that are answered at the same time."""

PATIENCE_SECONDS: Final = 30.0

Clearances = frozenset[str] | None


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
        self._free: dict[Clearances, LifoQueue[Graph]] = defaultdict(LifoQueue)
        self._made: dict[Clearances, int] = defaultdict(int)
        self._all: set[Graph] = set()
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self, principal: Principal) -> Iterator[Graph]:
        """Lend a graph to ask, over what the principal may see.

        Raises:
            StoreUnavailable: All are lent, and none came back for a while.
        """
        graph = self._take(principal.clearances)
        while graph.outdated:
            self._drop(graph, principal.clearances)
            graph = self._take(principal.clearances)
        try:
            # What follows from accepted events is derived before anybody is answered.
            graph.opened.derive()
            yield graph
        finally:
            self._free[principal.clearances].put(graph)

    @contextmanager
    def recording(self, principal: Principal) -> Iterator[Graph]:
        """Open a graph in which what is decided is recorded as the principal's word."""
        graph = self._open(principal.clearances, principal.agent)
        try:
            yield graph
        finally:
            graph.close()

    def close(self) -> None:
        """Close every graph; none may be lent any more."""
        with self._lock:
            for graph in self._all:
                graph.close()
            self._all.clear()

    def _take(self, clearances: Clearances) -> Graph:
        free = self._free[clearances]
        try:
            return free.get_nowait()
        except Empty:
            pass
        with self._lock:
            may_open = self._made[clearances] < PER_CLEARANCE
            self._made[clearances] += may_open
        if may_open:
            return self._opened(clearances)
        try:
            return free.get(timeout=PATIENCE_SECONDS)
        except Empty as none:
            raise StoreUnavailable(
                f"{PER_CLEARANCE} questions are being answered and none ended within "
                f"{PATIENCE_SECONDS:g} seconds. Ask again later."
            ) from none

    def _opened(self, clearances: Clearances) -> Graph:
        try:
            graph = self._open(clearances, None)
        except BaseException:
            with self._lock:
                self._made[clearances] -= 1
            raise
        with self._lock:
            self._all.add(graph)
        return graph

    def _drop(self, graph: Graph, clearances: Clearances) -> None:
        """Close a graph over what may be seen no more, or not only."""
        with self._lock:
            self._all.discard(graph)
            self._made[clearances] -= 1
        graph.close()

    def _open(self, clearances: Clearances, agent: str | None) -> Graph:
        parts = visible(opened(self._settings.store), clearances, self._viewing)
        if agent is not None:
            parts = replace(parts, author=lambda: agent)
        return Graph(parts, self._settings.declarations, quiet=True)
