"""How long a body may take to arrive; uvicorn waits for ever."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS: Final = 15.0
"""Seconds that any body may take."""
BYTES_PER_SECOND: Final = 16 << 10
"""A body that arrives at least so fast may take longer."""


class BodyTimeout:
    """Gives up on bodies that arrive too slowly.

    Args:
        app: What reads them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = asyncio.get_running_loop().time()
        received = 0
        complete = False

        async def received_in_time() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(began + SECONDS + received / BYTES_PER_SECOND):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408, "The body took too long to arrive.", {"Connection": "close"}
                ) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            return message

        await self._app(scope, received_in_time, send)
