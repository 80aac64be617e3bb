"""Artifacts for clients: sent before the bundle that names them, read by who sees one that does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse

from lineage_graph.artifacts import BLOCK
from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph import Graph
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import BY_SETTING, FileBody
from lineage_graph.server.served import Here

router = APIRouter(prefix="/api", tags=["artifacts"])

_TYPE: Final = "application/octet-stream"
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {_TYPE: {}}}}
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.put(
    "/artifacts/{digest}", openapi_extra=needs("record"), status_code=204, max_body_size=BY_SETTING
)
async def put(here: Here, caller: Caller, digest: Digest, body: FileBody) -> Response:
    """Keep a file under its digest; it is on the disk when this is answered.

    Raises:
        InvalidRecord: It has another digest; it is not kept.
    """

    def keep() -> None:
        if _digest_of(body) != digest:
            raise InvalidRecord("What was sent does not have this digest. Send it again, whole.")
        body.seek(0)
        here.opened.artifacts.put_blocks(_blocks(body))
        here.receiving.uploads.sent(caller.agent, digest)

    await here.writing.take(caller, keep)
    return Response(status_code=204)


@router.get(
    "/artifacts/{digest}", openapi_extra=needs("read"), response_class=Response, responses=_FILE
)
@router.head(
    "/artifacts/{digest}", openapi_extra=needs("read"), response_class=Response, responses=_FILE
)
async def get(here: Here, caller: Caller, digest: Digest) -> Response:
    """Return a file that something the caller may see mentions.

    Raises:
        NotFound: There is none, or nothing that may be seen mentions it.
        ArtifactBroken: It was altered.
    """
    artifacts = here.opened.artifacts

    def require_whole(graph: Graph) -> None:
        named = here.receiving.uploads.named(graph, digest)
        if not named or not artifacts.holds(digest):
            raise NotFound(f"There is no artifact {digest} that you may see.")
        artifacts.verify(digest)

    await here.views.ask(caller, require_whole)
    return FileResponse(
        artifacts.path(digest),
        media_type=_TYPE,
        filename=digest,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _digest_of(file: IO[bytes]) -> str:
    hasher = hashlib.sha256()
    for block in _blocks(file):
        hasher.update(block)
    return hasher.hexdigest()


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
