"""The one dependency that lets a request pass: who asks, and may they?

A route declares what it needs with :func:`needs`; one that declares nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, WebSocketException
from fastapi.routing import APIRoute, APIWebSocketRoute, RouteContext, iter_route_contexts
from starlette.requests import HTTPConnection

from lineage_graph.access.principals import Principal
from lineage_graph.server.browsers import Browsed
from lineage_graph.server.failures import Refused
from lineage_graph.server.served import Served

PERMISSION: Final = "x-permission"
BROWSER: Final = "x-browser"
PUBLIC: Final = "public"
_POLICY_VIOLATION: Final = 1008


def needs(permission: str | None, browser: Browsed | None = None) -> dict[str, Any]:
    """Return what a route says it needs, for its ``openapi_extra``.

    Args:
        permission: Name of a permission; None for what anybody may ask.
        browser: What it is for browsers, which send a token by themselves: it has to change
            nothing, and to cost little. None for a route that takes no such token.
    """
    needed = {PERMISSION: PUBLIC if permission is None else permission}
    return needed if browser is None else {**needed, BROWSER: browser}


def all_need(router: APIRouter, permission: str) -> None:
    """Say what every route of a router needs, for one whose routes somebody else writes.

    Args:
        router: Its routes are already there, also those for WebSockets.
        permission: Name of a permission.
    """
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.openapi_extra = {**(route.openapi_extra or {}), **needs(permission)}
        elif isinstance(route, APIWebSocketRoute):
            _mark(route.endpoint, permission)


def _mark(endpoint: Callable[..., Any], permission: str) -> None:
    # An endpoint is the only thing of a WebSocket's route that inclusion in another router keeps.
    endpoint.__dict__[PERMISSION] = permission


def needed(route: Any) -> str | None:
    """Return the permission that a route declares, :data:`PUBLIC`, or None for nothing."""
    declared = getattr(route, "openapi_extra", None) or {}
    marked = getattr(getattr(route, "endpoint", None), "__dict__", {})
    found: str | None = declared.get(PERMISSION) or marked.get(PERMISSION)
    return found


def browsed(route: Any) -> Browsed | None:
    """Return what a route is for browsers that send a token by themselves; None for nothing."""
    found: Browsed | None = (getattr(route, "openapi_extra", None) or {}).get(BROWSER)
    return found


def routes(app: FastAPI) -> Iterator[RouteContext]:
    """Yield every route of an application, whichever router it came with."""
    yield from iter_route_contexts(app.routes)


def refuse_unguarded(app: FastAPI) -> None:
    """Refuse an application with a route that no dependency runs before.

    Raises:
        TypeError: A route is mounted, or is not FastAPI's.
    """
    for route in routes(app):
        if not isinstance(route.original_route, APIRoute | APIWebSocketRoute):
            raise TypeError(f"{route.path} is reached without being authorised; make it a route.")


async def authorize(connection: HTTPConnection) -> None:
    """Recognise who asks, and refuse what they may not do.

    Raises:
        Refused: 401 for nobody that is known, 403 for a permission that is lacking.
        WebSocketException: The same for a WebSocket.
    """
    route = connection.scope.get("route")
    permission = needed(route)
    if permission == PUBLIC:
        return
    try:
        connection.state.principal = await _recognised(connection, permission, browsed(route))
    except Refused as no:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(_POLICY_VIOLATION, no.detail) from no
        raise


async def _recognised(
    connection: HTTPConnection, permission: str | None, browser: Browsed | None
) -> Principal:
    served: Served = connection.app.state.served
    principal = await served.recognition.principal(connection, browser)
    if permission is None or not principal.may(permission):
        raise Refused(403, "forbidden", _lacking(permission))
    return principal


def _lacking(permission: str | None) -> str:
    if permission is None:
        return "Nobody may ask for this."
    return f"This needs the permission {permission!r}, which none of your roles grants."


def caller(connection: HTTPConnection) -> Principal:
    """Return who asks."""
    found: Principal = connection.state.principal
    return found


Caller = Annotated[Principal, Depends(caller)]
