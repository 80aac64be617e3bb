"""Every request, whatever becomes of it: an id, safe response headers, a line, and a number.

Sources: OWASP Secure Headers, CSP Level 3, Fetch Metadata and Cross-Origin-Resource-Policy.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineage_graph.server.logs import Log, told
from lineage_graph.server.metrics import Metrics
from lineage_graph.server.problems import MEDIA_TYPE, problem

REQUEST_ID: Final = "X-Request-Id"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-store",
}
"""What every answer says unless its route says something else, such as a page about its styles."""

NO_ROUTE: Final = "(none)"
_ABANDONED: Final = 499


class Observed:
    """Watches an application.

    Args:
        app: The application.
        log: Where lines go.
        metrics: Where numbers go.
    """

    def __init__(self, app: ASGIApp, log: Log, metrics: Metrics) -> None:
        self._app = app
        self._log = log
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered, and tell of it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        try:
            await self._app(scope, receive, request.send)
        except Exception as error:
            self._log.error("unexpected", request=request.id, **told(error))
            if request.status is None and scope["type"] == "http":
                await _failed(request.id)(scope, receive, request.send)
        finally:
            self._tell(request)

    def _tell(self, request: _Request) -> None:
        seconds = time.perf_counter() - request.began
        method = request.scope.get("method", "WEBSOCKET")
        route = getattr(request.scope.get("route"), "path", NO_ROUTE)
        status = request.status or _ABANDONED
        state = request.scope.get("state", {})
        if "failure" in state:
            self._log.error("failed", request=request.id, **state["failure"])
        principal = state.get("principal")
        self._metrics.answered(method, route, status, seconds)
        self._log.info(
            "request",
            request=request.id,
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 3),
            principal=principal and principal.name,
        )


class _Request:
    """What is known of one request while it is answered."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = secrets.token_hex(8)
        self.scope = scope
        self.began = time.perf_counter()
        self.status: int | None = None
        self._send = send
        self._replaced = False

    async def send(self, message: Message) -> None:
        """Pass on what is answered, with our headers."""
        kind = message["type"]
        if kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.close" and self.status is None:
            self.status = 403
        elif kind == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            if self.status == 413 and headers.get("content-type") != MEDIA_TYPE:
                await self._too_large()
                return
            self._complete(headers)
        if not self._replaced:
            await self._send(message)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers[REQUEST_ID] = self.id

    async def _too_large(self) -> None:
        """Say in our way what Starlette says of a body whose length is announced."""
        answer = problem(413, "too-large", "The body is larger than this route takes.")
        self._complete(answer.headers)
        self._replaced = True
        start: Message = {
            "type": "http.response.start",
            "status": 413,
            "headers": answer.raw_headers,
        }
        await self._send(start)
        await self._send({"type": "http.response.body", "body": answer.body})


def _failed(request_id: str) -> Any:
    return problem(
        500, "unexpected", f"The server failed. Its log says why, at request {request_id}."
    )
