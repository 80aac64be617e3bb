"""Bodies of requests that are not small JSON: read with a limit, and large ones to a file."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from typing import IO, Annotated, Final

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from lineage_graph.server.failures import Refused
from lineage_graph.server.served import Here

BY_SETTING: Final = 1 << 50
"""``max_body_size`` of a route whose limit an operator sets."""
_IN_MEMORY: Final = 1 << 20


async def _json_body(request: Request) -> bytes:
    return await request.body()


async def _bundle_body(request: Request, here: Here) -> bytes:
    limit = here.settings.largest_bundle
    return b"".join([piece async for piece in _limited(request, limit)])


async def _file_body(request: Request, here: Here) -> AsyncIterator[IO[bytes]]:
    work = here.opened.folders.work
    await run_in_threadpool(work.mkdir, parents=True, exist_ok=True)
    # The event loop never waits for the disk.
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(work)) as file:
        async for piece in _limited(request, here.settings.largest_artifact):
            await run_in_threadpool(file.write, piece)
        file.seek(0)
        yield file


async def _limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield a body as it arrives.

    Raises:
        Refused: 413 when it is larger than the limit.
    """
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise Refused(413, "too-large", f"At most {limit:,} bytes are taken at once.")
        yield piece


JsonBody = Annotated[bytes, Depends(_json_body)]
BundleBody = Annotated[bytes, Depends(_bundle_body)]
FileBody = Annotated[IO[bytes], Depends(_file_body)]
