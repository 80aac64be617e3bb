"""Requests for rebuilds, as far as whoever asks may see them; see ``docs/server.md``.

The functions are what every door calls: :func:`ask`, :func:`cancel`, :func:`get`,
:func:`listed`, and :func:`followed` for a subscription. Each takes :class:`Served` and the
caller, checks what the caller may see, and leaves permissions to the door: ``replay`` to
ask and to cancel, ``read`` for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Final

from fastapi.concurrency import run_in_threadpool

from lineage_graph.access.principals import Principal
from lineage_graph.errors import LineageGraphError, NotFound
from lineage_graph.graph import Graph
from lineage_graph.replay.requests import Request, Requests, State
from lineage_graph.server.served import Served

_PAUSE_SECONDS: Final = 0.5
_UNTOLD: Final = "Part of what this came from is not visible to you; ask a steward why it failed."


async def ask(
    served: Served, caller: Principal, target: str, from_scratch: bool = False
) -> Request:
    """Ask for a rebuild; it waits until a worker takes it.

    Args:
        served: The store.
        caller: Who asks; has the permission ``replay``.
        target: Name, ``name@2`` or IRI of a version that the caller may see.
        from_scratch: Whether everything on the way is run too.

    Raises:
        NotFound: There is no such version for the caller.
        StoreUnavailable: Too many wait already.
    """

    def asked(graph: Graph) -> Request:
        return served.rebuilds.add(graph.resolve(target), caller.agent, from_scratch)

    return await served.views.ask(caller, asked)


async def get(served: Served, caller: Principal, id: str) -> Request:
    """Return a request, as far as the caller may see it.

    Raises:
        NotFound: There is none, or it is about what the caller may not see.
    """
    return await served.views.ask(caller, lambda graph: visible(graph, served.rebuilds.get(id)))


async def listed(
    served: Served, caller: Principal, state: State | None = None, first: int = 100
) -> list[Request]:
    """Return the newest requests about what the caller may see.

    Args:
        served: The store.
        caller: Who asks.
        state: Only those in a state.
        first: How many at most.
    """
    return await served.views.ask(
        caller, lambda graph: newest(graph, served.rebuilds, state, first)
    )


async def cancel(served: Served, caller: Principal, id: str) -> Request:
    """Take a request back; one that runs ends before its next step.

    Raises:
        NotFound: There is none for the caller.
    """
    await get(served, caller, id)
    await run_in_threadpool(served.rebuilds.cancel, id)
    return await get(served, caller, id)


async def followed(served: Served, caller: Principal, id: str) -> AsyncIterator[Request]:
    """Yield a request now and whenever something about it changed, until it has ended.

    For a subscription; it may be left at any time.

    Raises:
        NotFound: There is none for the caller, also when it may not be seen any more.
    """
    last: Request | None = None
    while last is None or not last.has_ended:
        now = await get(served, caller, id)
        if now != last:
            yield now
        last = now
        await asyncio.sleep(0 if now.has_ended else _PAUSE_SECONDS)


def visible(graph: Graph, request: Request) -> Request:
    """Return a request without what a view has not.

    Raises:
        NotFound: The view has not what it is about.
    """
    found = seen(graph, [request])
    if not found:
        raise NotFound(f"There is no request {request.id!r} for a rebuild.")
    return found[0]


def newest(graph: Graph, rebuilds: Requests, state: State | None, first: int) -> list[Request]:
    """Return the newest requests about what a view has; others do not count."""
    found: list[Request] = []
    before = None
    while len(found) < first:
        page = rebuilds.all(state, first, before)
        found += seen(graph, page)
        if len(page) < first:
            break
        before = page[-1].id
    return found[:first]


def seen(graph: Graph, requests: Iterable[Request]) -> list[Request]:
    """Return requests about what a view has, without what it has not."""
    every = list(requests)
    iris = {one.target for one in every} | {out["version"] for one in every for out in one.outputs}
    known = graph.opened.ledger.described(iris)
    return [
        replace(
            one,
            outputs=tuple(out for out in one.outputs if out["version"] in known),
            step=one.step if one.step and _resolves(graph, one.step) else None,
            # Why it failed may name what the target came from.
            error=_UNTOLD if one.error and graph.opened.ledger.partial(one.target) else one.error,
        )
        for one in every
        if one.target in known
    ]


def _resolves(graph: Graph, name: str) -> bool:
    try:
        graph.resolve(name)
    except LineageGraphError:
        return False
    return True
