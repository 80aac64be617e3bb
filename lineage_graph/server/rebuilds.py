"""Asking for rebuilds: a queue that a worker of the operator works off; see ``docs/server.md``.

The functions are what every door calls: :func:`ask`, :func:`cancel`, :func:`get`,
:func:`listed`, and :func:`followed` for a subscription. Each takes :class:`Served` and the
caller, checks what the caller may see, and leaves permissions to the door: ``replay`` to
ask and to cancel, ``read`` for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, replace
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from lineage_graph.access.principals import Principal
from lineage_graph.errors import InvalidRecord, LineageGraphError, NotFound
from lineage_graph.graph import Graph
from lineage_graph.replay.requests import Request, Requests, State
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import JsonBody
from lineage_graph.server.served import Here, Served

router = APIRouter(prefix="/api", tags=["rebuilds"])

PERMISSION: Final = "replay"
"""What asking for a rebuild and cancelling one needs."""
_PAUSE_SECONDS: Final = 0.5
_MOST: Final = 500
_UNTOLD: Final = "Part of what this came from is not visible to you; ask a steward why it failed."
_NAMES: Final = {"target", "from_scratch"}


async def ask(
    served: Served, caller: Principal, target: str, from_scratch: bool = False
) -> Request:
    """Ask for a rebuild; it waits until a worker takes it.

    Args:
        served: The store.
        caller: Who asks; has the permission :data:`PERMISSION`.
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


@router.post("/rebuilds", openapi_extra=needs(PERMISSION), status_code=202)
async def post(here: Here, caller: Caller, body: JsonBody, response: Response) -> dict[str, Any]:
    """Ask for a rebuild of ``target``, ``from_scratch`` or not."""
    if (
        not isinstance(body, dict)
        or body.keys() - _NAMES
        or not isinstance(body.get("target"), str)
        or not isinstance(body.get("from_scratch", False), bool)
    ):
        raise InvalidRecord('Send {"target": "NAME@VERSION", "from_scratch": false}.')
    request = await ask(here, caller, body["target"], body.get("from_scratch", False))
    response.headers["Location"] = f"/api/rebuilds/{request.id}"
    return asdict(request)


@router.get("/rebuilds", openapi_extra=needs("read"))
async def get_all(
    here: Here,
    caller: Caller,
    state: str | None = None,
    first: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> list[dict[str, Any]]:
    """Return the newest requests."""
    for known in get_args(State):
        if state in (None, known):
            found = await listed(here, caller, known if state else None, first)
            return [asdict(one) for one in found]
    raise InvalidRecord(f"There is no such state. Say one of: {', '.join(get_args(State))}.")


@router.get("/rebuilds/{id}", openapi_extra=needs("read"))
async def get_one(here: Here, caller: Caller, id: str) -> dict[str, Any]:
    """Return one request, and how far it has come."""
    return asdict(await get(here, caller, id))


@router.delete("/rebuilds/{id}", openapi_extra=needs(PERMISSION))
async def delete(here: Here, caller: Caller, id: str) -> dict[str, Any]:
    """Take a request back."""
    return asdict(await cancel(here, caller, id))
