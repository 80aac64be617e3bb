"""Asking for rebuilds over HTTP; a worker of the operator does them, see ``docs/server.md``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Response

from lineage_graph.errors import InvalidRecord
from lineage_graph.replay.requests import State
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import JsonBody
from lineage_graph.server.rebuild_requests import ask, cancel, get, listed
from lineage_graph.server.served import Here

router = APIRouter(prefix="/api", tags=["rebuilds"])

PERMISSION: Final = "replay"
"""What asking for a rebuild and cancelling one needs."""
_MOST: Final = 500
_NAMES: Final = {"target", "from_scratch"}


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
