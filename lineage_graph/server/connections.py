"""One connection: how long and how large the head of a request may be.

uvicorn limits neither: a client could send a head slowly, or without an end, for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 << 10
"""Bytes of a request's line and headers together."""
HEAD_SECONDS: Final = 10.0
"""Seconds for these to arrive, from the first connection or the first byte on."""


class Connection(HttpToolsProtocol):
    """Reads requests from a socket, and gives up on heads that are too slow or too large."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head: int | None = 0
        self._fields = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head."""
        if self._head is not None:
            self._head += len(data)
        super().data_received(data)
        if self._head is not None and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Begin to count, and to wait, for the head of another request."""
        super().on_message_begin()
        self._fields = 0
        if self._deadline is None:
            self._head = 0
            self._expect()

    def on_url(self, url: bytes) -> None:
        """Count the request's line."""
        super().on_url(url)
        self._count(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        super().on_header(name, value)
        self._count(name + value)

    def _count(self, read: bytes) -> None:
        self._fields += len(read)
        if self._fields > LARGEST_HEAD:
            # The parser stops, and the answer is that of any head that cannot be read.
            raise ValueError("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        """Let the request be answered."""
        self._arrived()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop waiting for the rest of a body that nobody asked for."""
        self._arrived()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give what is left of a body that was answered before its end the time of a head."""
        super().on_response_complete()
        if self.cycle.more_body and self._deadline is None and not self.transport.is_closing():
            self._expect()

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _arrived(self) -> None:
        self._head = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._head is None:
            self.transport.close()
        elif not self.transport.is_closing():
            self.send_400_response("The head of the request took too long.")
