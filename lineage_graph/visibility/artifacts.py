"""Artifacts as far as something that is seen names them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import ArtifactBroken
from lineage_graph.query import Queries


class VisibleArtifacts(Artifacts):
    """The files that what is seen names, and those that were put here.

    One that is hidden is missing, as one that was never there.

    Args:
        root: The folder.
        queries: Over what is seen.
    """

    def __init__(self, root: Path, queries: Queries) -> None:
        super().__init__(root)
        self._whole = Artifacts(root)
        self._queries = queries
        self._seq = 0
        self._named: set[str] = set()
        self._own: set[str] = set()
        self._read: set[str] = set()
        self._listed: set[str] = set()

    def path(self, digest: str) -> Path:
        """Return where an artifact lies.

        Raises:
            ArtifactBroken: It is not seen.
            ValueError: This is not a digest: 64 lower-case hex digits.
        """
        self._require_seen(digest)
        return super().path(digest)

    def all(self) -> Iterator[str]:
        """Yield the digest of every artifact that is seen, in order."""
        return (digest for digest in self._whole.all() if self._is_seen(digest))

    def _here(self, digest: str) -> bool:
        # What is hidden is written again by who has its bytes, as if it had never been there.
        return super()._here(digest) and self._is_seen(digest)

    @contextmanager
    def _opened(self, digest: str) -> Iterator[BufferedReader]:
        self._require_seen(digest)
        with super()._opened(digest) as file:
            yield file

    def _require_seen(self, digest: str) -> None:
        self._place(digest)
        if not self._is_seen(digest):
            raise ArtifactBroken(
                f"Artifact {digest} is missing from {self._root}. Restore it from a backup."
            )

    def _publish(self, written: Path, digest: str) -> None:
        self._own.add(digest)
        super()._publish(written, digest)

    def _is_seen(self, digest: str) -> bool:
        if digest in self._own:
            return True
        seq = self._queries.up_to_date()
        if seq != self._seq:
            self._named = {row["sha256"] for row in self._queries.run("records/artifacts")}
            manifests = {row["manifest"] for row in self._queries.run("records/manifests")}
            for manifest in manifests - self._read:
                self._listed.update(self._files(manifest))
            self._read |= manifests
            self._seq = seq
        return digest in self._named or digest in self._listed

    def _files(self, manifest: str) -> Iterator[str]:
        """Yield the digests in a manifest; one that cannot be read names nothing."""
        try:
            listed = json.loads(self._whole.get(manifest))
        except (ArtifactBroken, ValueError):
            return
        rows = listed.get("files", ()) if isinstance(listed, dict) else ()
        for row in rows:
            if isinstance(row, list) and len(row) > 1 and isinstance(row[1], str):
                yield row[1]
