"""Works out what accepted events mean while nobody asks, so that the next question need not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from lineage_graph.errors import LineageGraphError

log = logging.getLogger("lineage_graph")

QUIET_SECONDS: Final = 0.25
"""How long no event comes before it begins: until then every core is the producers'."""
LATEST_SECONDS: Final = 10.0
"""When it begins in a stream of events that does not pause."""


class Deriving:
    """A thread that derives when events have come; whoever asks meanwhile waits for the rest.

    Args:
        derive: Brings what follows from accepted events into the ledger. When it fails, the
            next who asks learns why: they derive what is left.
    """

    def __init__(self, derive: Callable[[], None]) -> None:
        self._derive = derive
        self._came = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deriving", daemon=True)
        self._thread.start()

    def events_came(self) -> None:
        """Tell that something was accepted."""
        self._came.set()

    def stop(self) -> None:
        """Derive no more; what is under way ends when the ledger is closed."""
        self._closing.set()
        self._came.set()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._came.wait()
            self._wait_for_quiet()
            if self._closing.is_set():
                return
            try:
                self._derive()
            except LineageGraphError as error:
                if not self._closing.is_set():
                    log.warning("What events mean could not be worked out: %s", error)
            except Exception:
                # A fault of ours with one event; the next ones are worked out all the same.
                log.exception("What events mean could not be worked out.")

    def _wait_for_quiet(self) -> None:
        latest = time.monotonic() + LATEST_SECONDS
        while self._came.is_set() and time.monotonic() < latest:
            self._came.clear()
            self._closing.wait(QUIET_SECONDS)
