"""The one dependency that lets a request pass: who asks, and may they?

A route declares what it needs with :func:`needs`; one that declares nothing is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request

from lineage_graph.access.principals import Principal
from lineage_graph.server.served import served

PERMISSION: Final = "x-permission"
PUBLIC: Final = "public"
_EVERYTHING: Final = frozenset(
    {"read", "record", "decide", "label", "replay", "subjects", "audit", "administer"}
)


def needs(permission: str | None) -> dict[str, Any]:
    """Return what a route says it needs, for its ``openapi_extra``.

    Args:
        permission: Name of a permission; None for what anybody may ask.
    """
    return {PERMISSION: PUBLIC if permission is None else permission}


def authorize(request: Request) -> None:
    """Recognise who asks, and refuse what they may not do.

    Raises:
        HTTPException: 401 for nobody that is known, 403 for a permission that is lacking.
    """
    extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    permission = extra.get(PERMISSION)
    principal = _recognised(request)
    request.state.principal = principal
    if permission == PUBLIC:
        return
    if permission is None or not principal.may(permission):
        raise HTTPException(403, "You have no permission for this.")


def _recognised(request: Request) -> Principal:
    # Without authentication only this machine is listened to, and whoever sits at it may all.
    author = served(request).opened.author()
    return Principal(author, _EVERYTHING, None, "local")


def caller(request: Request) -> Principal:
    """Return who asks."""
    found: Principal = request.state.principal
    return found


Caller = Annotated[Principal, Depends(caller)]
