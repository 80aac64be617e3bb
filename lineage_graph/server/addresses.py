"""Which addresses a request may name: the server's own, and paths that are what they seem.

Sources: RFC 9110 sections 7.2 (Host), 7.4 (misdirected requests) and 15.5.15, RFC 3986 sections
2.4 and 6.2.2 (when a path is decoded, and dot segments), RFC 6454 (Origin).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from lineage_graph.server.failures import Refused
from lineage_graph.server.problems import refusal
from lineage_graph.server.settings import Settings

LONGEST_PATH: Final = 8 << 10
LONGEST_QUERY: Final = 32 << 10
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DECODINGS: Final = 4
_CONTROL: Final = re.compile(r"[\\\x00-\x1f\x7f]")


class Addresses:
    """Refuses requests that are addressed in a way no honest client uses.

    Args:
        app: What answers the others.
        settings: What the operator decided.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._named = frozenset(name.lower() for name in settings.allowed_hosts)
        self._any = not settings.loopback and not self._named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] in ("http", "websocket"):
            try:
                self._check(scope)
            except Refused as no:
                await refusal(no, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host = self._host(scope)
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        # A page of another site can send what needs no leave of ours; it cannot hide where
        # it comes from.
        if scope.get("method") not in _READING and any(
            origin.partition(b"://")[2].decode("latin-1").lower() != host for origin in origins
        ):
            raise Refused(403, "cross-origin", "A page of another site may not send this.")
        check_path(scope["raw_path"])
        if len(scope["query_string"]) > LONGEST_QUERY:
            raise Refused(414, "query", f"The query is longer than {LONGEST_QUERY} bytes.")

    def _host(self, scope: Scope) -> str:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            raise Refused(400, "host", "A request names one Host.")
        host: str = hosts[0].decode("latin-1").lower()
        name, colon, port = host.rpartition(":")
        alone = name if colon and port.isdigit() else host
        listens = scope["server"][1]
        own = alone in LOOPBACK and (port if host != alone else "80") == str(listens)
        if not (self._any or own or host in self._named or alone in self._named):
            raise Refused(
                421,
                "host",
                "The server is not called so. Its operator can allow the name with --allow-host.",
            )
        return host


def check_path(raw: bytes) -> None:
    """Refuse a path that means another one to somebody who decodes it once more, or once less.

    Raises:
        Refused: 400 for dot segments, backslashes, control characters or what is no UTF-8,
            plain or encoded any number of times; 414 for one that is too long.
    """
    if len(raw) > LONGEST_PATH:
        raise Refused(414, "path", f"The path is longer than {LONGEST_PATH} bytes.")
    try:
        text = raw.decode("ascii")
        if "%" in text:
            unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Refused(400, "path", "The path is not UTF-8, percent-encoded.") from None
    for _ in range(_DECODINGS):
        segments = (segment.partition(";")[0] for segment in text.split("/"))
        if any(segment in (".", "..") for segment in segments):
            raise Refused(400, "path", "The path has a dot segment.")
        if _CONTROL.search(text):
            raise Refused(400, "path", "The path has a backslash or a control character.")
        if "%" not in text:
            return
        text = unquote(text)
