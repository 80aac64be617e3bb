"""Artifacts on a server, with a copy on this machine of each that was used here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from lineage_graph.artifacts import BLOCK, Artifacts
from lineage_graph.errors import ArtifactBroken, NotFound
from lineage_graph.remote.connection import Connection

_LARGE_BYTES: Final = 1 << 20


class RemoteArtifacts(Artifacts):
    """Content-addressed files of a server, kept below a folder of this machine.

    What is put is on the server when it returns, so a ledger entry never names what the
    server lacks. What is read and not here is fetched, and checked against its name.

    Args:
        root: The folder.
        connection: The way to the server.
    """

    def __init__(self, root: Path, connection: Connection) -> None:
        super().__init__(root)
        self._connection = connection
        self._sent: set[str] = set()

    def put_bytes(self, data: bytes) -> str:
        """Store bytes here and on the server, and return their digest."""
        digest = super().put_bytes(data)
        self._send(digest)
        return digest

    def put_file(self, path: Path) -> str:
        """Store a copy of a file here and on the server, and return its digest."""
        digest = super().put_file(path)
        self._send(digest)
        return digest

    def path(self, digest: str) -> Path:
        """Return where an artifact lies on this machine, fetching it when it does not yet.

        Raises:
            ArtifactBroken: The server does not have it either.
        """
        self._fetch(digest)
        return self._place(digest)

    def holds(self, digest: str) -> bool:
        """Return whether it is here, or the server has it and we may see it."""
        return self._here(digest) or self._has(digest)

    def _send(self, digest: str) -> None:
        if digest in self._sent:
            return
        place = self._place(digest)
        large = place.stat().st_size > _LARGE_BYTES
        if not (large and self._has(digest)):
            self._connection.send("PUT", _path(digest), content=lambda: _blocks(place))
        self._sent.add(digest)

    def _has(self, digest: str) -> bool:
        return self._connection.send("HEAD", _path(digest), absent=True).is_success

    @contextmanager
    def _opened(self, digest: str) -> Iterator[BufferedReader]:
        self._fetch(digest)
        with super()._opened(digest) as file:
            yield file

    def _fetch(self, digest: str) -> None:
        if self._here(digest):
            return
        try:
            found = self._connection.download(_path(digest), self._store)
        except NotFound as error:
            raise ArtifactBroken(
                f"The server {self._connection.address} has no artifact {digest} that you may "
                "see. Ask whoever recorded it, or its operator."
            ) from error
        self._require_same(digest, found)


def _path(digest: str) -> str:
    return f"/api/artifacts/{digest}"


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
