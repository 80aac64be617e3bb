"""Sends what is recorded to an OpenLineage endpoint, beside the job and never in its way.

An activity is handed over when it is durable in the ledger. A thread makes its events and
sends them. What cannot be sent is dropped and counted; the record has it.
"""

from __future__ import annotations

import atexit
import http.client
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from lineage_graph.errors import LineageGraphError, VisibilityChanged
from lineage_graph.ledger import Ledger
from lineage_graph.openlineage.endpoint import Endpoint, NotTaken
from lineage_graph.openlineage.outgoing import Event, Outgoing
from lineage_graph.records import Association, Record

log = logging.getLogger("lineage_graph")

ADDRESS_VARIABLE: Final = "LINEAGE_GRAPH_OPENLINEAGE_URL"
TOKEN_VARIABLE: Final = "LINEAGE_GRAPH_OPENLINEAGE_TOKEN"
NAMESPACE_VARIABLE: Final = "LINEAGE_GRAPH_OPENLINEAGE_NAMESPACE"
LABELS_VARIABLE: Final = "LINEAGE_GRAPH_OPENLINEAGE_LABELS"
"""Visibility labels, with commas between: what has no other ones may be told."""
NAMESPACE: Final = "lineage-graph"
WAITING: Final = 1000
"""Activities that may wait to be sent; one more is dropped."""
PATIENCE_SECONDS: Final = 5.0
"""How long the end waits for what was not sent yet."""


class Emission:
    """What sends; one for each open store.

    Args:
        endpoint: Where to.
        outgoing: Gives what makes the events of what may be told by now; used by this object's
            thread alone.
        waiting: How many activities may wait.
    """

    def __init__(
        self, endpoint: Endpoint, outgoing: Callable[[], Outgoing], waiting: int = WAITING
    ) -> None:
        self._endpoint = endpoint
        self._outgoing = outgoing
        self._queue: queue.Queue[int | None] = queue.Queue(waiting)
        self._lock = threading.Lock()
        self._unsettled = 0
        self._dropped = 0
        self._why = ""
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="openlineage", daemon=True)
        self._thread.start()
        # A script that ends without closing its graph has its last events sent, too.
        atexit.register(self.close)

    @property
    def problems(self) -> list[str]:
        """What was not sent; empty when all was."""
        with self._lock:
            return [self._told()] if self._dropped else []

    def take(self, records: Sequence[Record], seq: int) -> None:
        """Take over what was recorded, if it followed a plan; never waits, never raises.

        Args:
            records: What was recorded.
            seq: Of the same in the ledger.
        """
        if not any(isinstance(one, Association) and one.had_plan for one in records):
            return
        with self._lock:
            self._unsettled += 1
            is_closed = self._closed
        if is_closed:
            self._settle("recorded after the end")
            return
        try:
            self._queue.put_nowait(seq)
        except queue.Full:
            self._settle("too many were waiting")

    def close(self, patience: float = PATIENCE_SECONDS) -> None:
        """Wait a little for what was not sent yet, and drop the rest; a second call does nothing.

        Args:
            patience: Seconds to wait.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self.close)
        until = time.monotonic() + patience
        try:
            self._queue.put(None, timeout=patience)
            self._thread.join(max(0.0, until - time.monotonic()))
        except queue.Full:
            pass
        with self._lock:
            left, self._unsettled = self._unsettled, 0
        if left:
            self._drop(left, f"the end came before they were sent, {patience:g} s were waited")

    def _work(self) -> None:
        while (seq := self._queue.get()) is not None:
            self._settle(self._sent(seq))

    def _sent(self, seq: int) -> str | None:
        """Send the events of an entry; return why they could not be sent."""
        try:
            for event in self._made(seq):
                self._endpoint.send(event)
        except NotTaken as error:
            return str(error)
        except (OSError, http.client.HTTPException, LineageGraphError) as error:
            # Its text could name what nobody may read.
            return type(error).__name__
        except Exception as error:
            log.debug("events were not made", exc_info=error)
            return type(error).__name__
        return None

    def _made(self, seq: int) -> list[Event]:
        try:
            return self._outgoing().events_at(seq)
        except VisibilityChanged:
            # A label came meanwhile: what it hides was not told yet.
            return self._outgoing().events_at(seq)

    def _settle(self, why: str | None) -> None:
        """Count one activity as sent, or as dropped."""
        with self._lock:
            if self._unsettled == 0:
                return
            self._unsettled -= 1
        if why is not None:
            self._drop(1, why)

    def _drop(self, number: int, why: str) -> None:
        with self._lock:
            is_first = not self._dropped
            self._dropped += number
            self._why = why
            told = self._told()
        if is_first:
            log.warning("%s Your job was not affected; graph.problems goes on counting.", told)

    def _told(self) -> str:
        return (
            f"OpenLineage events of {self._dropped} recorded activities were not sent to "
            f"{self._endpoint.shown} (last: {self._why}). They are in the record."
        )


def emission_to(
    address: str | None, telling: Callable[[frozenset[str]], Callable[[], Ledger]]
) -> Emission | None:
    """Return what sends what is recorded, as the environment says; None when nothing does.

    Args:
        address: Of the endpoint; None for ``LINEAGE_GRAPH_OPENLINEAGE_URL``, empty for none.
        telling: Gives what opens the record as somebody sees it who is cleared for some labels.

    Raises:
        InvalidRecord: It is no address.
        PolicyRefused: The token would travel unencrypted to another machine.
    """
    address = os.environ.get(ADDRESS_VARIABLE) if address is None else address
    if not address:
        return None
    endpoint = Endpoint(address, os.environ.get(TOKEN_VARIABLE))
    namespace = os.environ.get(NAMESPACE_VARIABLE) or NAMESPACE
    labels = os.environ.get(LABELS_VARIABLE, "").split(",")
    seen = telling(frozenset(filter(None, map(str.strip, labels))))
    return Emission(endpoint, lambda: Outgoing(seen(), namespace))
