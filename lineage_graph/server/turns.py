"""Whose turn it is: what may take long has few places, and nobody gets all of them.

Whoever waits for a place waits on the server's loop and keeps no thread from others: the
threads that all routes share are for what is quick.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, WouldBlock, current_time, fail_after, to_thread

from lineage_graph.access.principals import Principal
from lineage_graph.errors import StoreUnavailable

T = TypeVar("T")

PATIENCE_SECONDS: Final = 30.0
WAITING: Final = 100
"""Requests of one principal that may wait for one kind of work."""


class Turns:
    """Places for one kind of work; each principal has a share of them.

    Among those who wait, whoever came first is next.

    Args:
        places: How many work at once.
        share: How many of these work for one principal.
    """

    def __init__(self, places: int, share: int) -> None:
        self._places = CapacityLimiter(places)
        self._threads = CapacityLimiter(places)
        self._share = share
        # A principal is forgotten with the last request of theirs.
        self._shares: WeakValueDictionary[str, CapacityLimiter] = WeakValueDictionary()

    async def take(self, principal: Principal, work: Callable[[], T]) -> T:
        """Do something in a thread when it is the principal's turn, and return what it returns.

        Args:
            principal: For whom.
            work: It waits for no other turn.

        Raises:
            StoreUnavailable: Too much of theirs waits already, or there was no turn in time.
        """
        share = self._shares.setdefault(principal.agent, CapacityLimiter(self._share))
        if share.statistics().tasks_waiting >= WAITING:
            raise StoreUnavailable(
                f"{WAITING} requests of yours wait already. Ask again when some were answered."
            )
        until = current_time() + PATIENCE_SECONDS
        with ExitStack() as places:
            try:
                for place in (share, self._places):
                    await _taken(place, until)
                    places.callback(place.release)
            except TimeoutError:
                raise StoreUnavailable(
                    f"Others are being answered, and for {PATIENCE_SECONDS:g} seconds none of "
                    "them was done. Ask again later."
                ) from None
            return await to_thread.run_sync(work, limiter=self._threads)


async def _taken(place: CapacityLimiter, until: float) -> None:
    try:
        # Mostly it is free, and need not be waited for.
        place.acquire_nowait()
    except WouldBlock:
        with fail_after(until - current_time()):
            await place.acquire()
