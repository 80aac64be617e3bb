"""Bodies of requests: JSON, packed ones, and large ones, each with a limit.

Source: RFC 1952 (gzip).
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import AsyncIterator
from typing import IO, Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from lineage_graph.errors import InvalidRecord
from lineage_graph.server.failures import Refused
from lineage_graph.server.served import Here
from lineage_graph.strict_json import read_json

LARGEST: Final = 1 << 20
"""Bytes of a body, packed or unpacked."""
BY_SETTING: Final = 1 << 50
"""``max_body_size`` of a route whose limit an operator sets."""

_IN_MEMORY: Final = 1 << 20
_GZIP: Final = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """Return a body as it was before it was packed.

    Args:
        body: As it arrived.
        encoding: The header ``Content-Encoding``; None where there is none.

    Raises:
        HTTPException: 413 when it would be too large, 415 for another packing than gzip.
        InvalidRecord: It is not packed so.
    """
    match (encoding or "identity").strip().lower():
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzipped(body)
    raise HTTPException(
        415, "Send the body as it is, or packed with gzip.", {"Accept-Encoding": "gzip"}
    )


def _gunzipped(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(body, LARGEST + 1)
    except zlib.error:
        raise InvalidRecord("The body is not packed with gzip, as its header says.") from None
    if len(data) > LARGEST:
        raise HTTPException(413, f"The body is larger than {LARGEST} bytes once it is unpacked.")
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidRecord("The body is not one whole gzip member: it ends early, or goes on.")
    return data


async def _json_body(request: Request) -> Any:
    return read_json(await request.body())


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


JsonBody = Annotated[Any, Depends(_json_body)]
BundleBody = Annotated[bytes, Depends(_bundle_body)]
FileBody = Annotated[IO[bytes], Depends(_file_body)]
