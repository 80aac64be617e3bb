"""Artifacts for clients: sent before the bundle that names them, read by who sees one that does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse

from lineage_graph.artifacts import BLOCK, Artifacts
from lineage_graph.errors import InvalidRecord, LineageGraphError, NotFound
from lineage_graph.graph import Graph
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.sending import BY_SETTING, FileBody
from lineage_graph.server.served import Here
from lineage_graph.snapshots import Snapshots

router = APIRouter(prefix="/api", tags=["artifacts"])

_MANIFESTS: Final = 10_000
_TYPE: Final = "application/octet-stream"
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {_TYPE: {}}}}
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.put(
    "/artifacts/{digest}", openapi_extra=needs("record"), status_code=204, max_body_size=BY_SETTING
)
def put(here: Here, digest: Digest, body: FileBody) -> Response:
    """Keep a file under its digest; it is on the disk when this is answered.

    Raises:
        InvalidRecord: It has another digest; it is not kept.
    """
    if _digest_of(body) != digest:
        raise InvalidRecord("What was sent does not have this digest. Send it again, whole.")
    body.seek(0)
    here.opened.artifacts.put_blocks(_blocks(body))
    return Response(status_code=204)


@router.get(
    "/artifacts/{digest}", openapi_extra=needs("read"), response_class=Response, responses=_FILE
)
@router.head(
    "/artifacts/{digest}", openapi_extra=needs("read"), response_class=Response, responses=_FILE
)
def get(here: Here, caller: Caller, digest: Digest) -> Response:
    """Return a file that something the caller may see mentions.

    Raises:
        NotFound: There is none, or nothing that may be seen mentions it.
        ArtifactBroken: It was altered.
    """
    artifacts = here.opened.artifacts
    with here.views.borrow(caller) as graph:
        mentioned = _mentioned(graph, artifacts, digest)
    if not mentioned or not artifacts.holds(digest):
        raise NotFound(f"There is no artifact {digest} that you may see.")
    artifacts.verify(digest)
    return FileResponse(
        artifacts.path(digest),
        media_type=_TYPE,
        filename=digest,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _mentioned(graph: Graph, artifacts: Artifacts, digest: str) -> bool:
    """Whether a record names a file, or a manifest that a record names lists it."""
    if graph.queries.run("records/artifacts", sha256=digest):
        return True
    return any(
        row["snapshot"] == "copy" and digest in _listed(artifacts, row["manifest"])
        for row in graph.queries.run("records/manifests")
    )


def _listed(artifacts: Artifacts, manifest: str) -> frozenset[str]:
    """Return the digests in a manifest; one that cannot be read lists nothing."""
    try:
        return _read(artifacts, manifest)
    except (LineageGraphError, ValueError, KeyError, TypeError):
        return frozenset()


@lru_cache(maxsize=_MANIFESTS)
def _read(artifacts: Artifacts, manifest: str) -> frozenset[str]:
    return frozenset(file.sha256 for file in Snapshots(artifacts).files(manifest))


def _digest_of(file: IO[bytes]) -> str:
    hasher = hashlib.sha256()
    for block in _blocks(file):
        hasher.update(block)
    return hasher.hexdigest()


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
