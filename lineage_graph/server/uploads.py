"""Whose a file is: knowing its digest gives nobody its bytes.

Who names an artifact in a bundle could read it from then on. So a client names only what it
sent itself, or what something it may see names already.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import LineageGraphError
from lineage_graph.graph import Graph
from lineage_graph.identity import sha256
from lineage_graph.snapshots import Snapshots

_MANIFESTS: Final = 10_000


class Uploads:
    """Remembers who sent which file, for a week after the last one, also over a restart.

    Args:
        artifacts: The files.
        work: Folder whose contents are swept when nobody touched them for a week.
    """

    def __init__(self, artifacts: Artifacts, work: Path) -> None:
        self._artifacts = artifacts
        self._work = work

    def sent(self, agent: str, digest: str) -> None:
        """Take note that somebody sent a file, whole."""
        mark = self._mark(agent, digest)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def lacking(self, view: Graph, agent: str, digests: Iterable[str]) -> set[str]:
        """Return the digests of files that somebody neither sent nor sees named.

        Args:
            view: What they may see.
            agent: IRI of their pseudonym.
            digests: Digests, each with the form of one.
        """
        unsent = {one for one in digests if not self._mark(agent, one).exists()}
        return {one for one in unsent if not self.named(view, one)}

    def named(self, view: Graph, digest: str) -> bool:
        """Tell whether a record names a file, or a manifest that a record names lists it."""
        if view.queries.run("records/artifacts", sha256=digest):
            return True
        return any(
            row["snapshot"] == "copy" and digest in self.listed(row["manifest"])
            for row in view.queries.run("records/manifests")
        )

    def listed(self, manifest: str) -> frozenset[str]:
        """Return the digests in a manifest; one that cannot be read lists nothing."""
        try:
            return _read(self._artifacts, manifest)
        except (LineageGraphError, ValueError, KeyError, TypeError):
            return frozenset()

    def _mark(self, agent: str, digest: str) -> Path:
        return self._work / f"sent-{sha256(agent.encode())[:32]}" / digest


@lru_cache(maxsize=_MANIFESTS)
def _read(artifacts: Artifacts, manifest: str) -> frozenset[str]:
    return frozenset(file.sha256 for file in Snapshots(artifacts).files(manifest))
