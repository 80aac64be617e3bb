"""Asks a running server as a principal of each role, and as nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from lineage_graph.access.roles import Roles
from lineage_graph.access.tokens import Tokens
from lineage_graph.declarations import bundled
from lineage_graph.graph.declared import Declared
from lineage_graph.server.authorize import PUBLIC, needed, routes
from lineage_graph.server.graphql.sockets import PROTOCOL

WEBSOCKET = "WEBSOCKET"
_REFUSED = {401: "unauthenticated", 403: "forbidden"}
REFUSALS = {*_REFUSED.values(), "cross-origin"}
NOBODY = "nobody"


def declared_roles() -> Roles:
    """Return the roles of ``ontology/access.ttl``."""
    return Roles.declared(Declared(bundled()).rows("access/roles"))


def token_of_each_role(store: Path) -> dict[str, str]:
    """Make a token of each role, with every label."""
    tokens = Tokens(store / "access")
    made = {
        role: tokens.create(role, [role], clearances=None)[0] for role in declared_roles().grants
    }
    tokens.close()
    return made


def asked_for(app: FastAPI) -> Iterator[tuple[str, str, str | None]]:
    """Yield method, template and declared permission of every route."""
    for route in routes(app):
        for method in sorted(route.methods or {WEBSOCKET}):
            yield method, str(route.path), needed(route)


def expected(permission: str | None, role: str, roles: Roles) -> str:
    """Return what the declarations promise: let in, forbidden or unauthenticated."""
    if permission == PUBLIC:
        return "let in"
    if role == NOBODY:
        return "unauthenticated"
    return "let in" if permission in roles.granted([role]) else "forbidden"


def happens(
    address: str,
    method: str,
    template: str,
    secret: str | None,
    sent: Mapping[str, str] | None = None,
) -> str:
    """Ask over HTTP, and return what became of it.

    Args:
        address: Where the server listens.
        method: Of the request, or ``WEBSOCKET``.
        template: Of the route's path.
        secret: A token; None for nobody.
        sent: Headers that say so in another way than as Bearer.
    """
    path = re.sub(r"\{[^}]*\}", "x", template)
    bearer = {"Authorization": f"Bearer {secret}"} if secret else {}
    headers = bearer if sent is None else dict(sent)
    if method == WEBSOCKET:
        return _connected(address.replace("http", "ws", 1) + path, headers, secret)
    with httpx2.stream(method, address + path, headers=headers, timeout=30) as answer:
        if answer.status_code in _REFUSED and method == "HEAD":
            return _REFUSED[answer.status_code]
        if answer.status_code in _REFUSED:
            code = json.loads(answer.read())["code"]
            return str(code) if code in REFUSALS else "let in"
        return "failed" if answer.status_code == 500 else "let in"


def _connected(address: str, headers: Mapping[str, str], secret: str | None) -> str:
    try:
        with connect(address, additional_headers=headers, subprotocols=[Subprotocol(PROTOCOL)]):
            return "let in"
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        return "forbidden" if secret else "unauthenticated"
