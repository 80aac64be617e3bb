"""Is everything still as it was recorded?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.errors import ArtifactBroken, InputChanged, StoreError
from lineage_graph.executors import Pin, Place
from lineage_graph.graph.folders import Folders
from lineage_graph.ledger import Ledger
from lineage_graph.query import Queries
from lineage_graph.snapshots import Snapshots
from lineage_graph.validation import Validator, Violation

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Checks:
    """Checks of one store."""

    ledger: Ledger
    queries: Queries
    artifacts: Artifacts
    snapshots: Snapshots
    declarations: Declarations
    folders: Folders

    def verify(self, progress: Progress | None = None) -> dict[str, Any]:
        """Check chain, projection, artifacts and published data, in this order.

        Returns:
            How much was checked.

        Raises:
            LedgerBroken: The chain does not hold; the first bad entry is named.
            StoreError: The projection is not what the ledger says.
            ArtifactBroken: A recorded file is missing or altered.
        """
        entries = self.ledger.verify(progress)
        self.queries.up_to_date(progress)
        compared = self.queries.verify(progress)
        if compared.differs is not None:
            raise StoreError(
                f"The graph differs from the ledger at {compared.differs}. Delete the folder "
                f"{self.folders.graph} and ask again; it is rebuilt from the ledger."
            )
        return {
            "ledger_entries": entries,
            "bundles": compared.entries,
            "artifacts": self._artifacts(progress),
            "published": self._published(),
            "chain": self.ledger.chain_head,
        }

    def _artifacts(self, progress: Progress | None) -> int:
        recorded = [row["sha256"] for row in self.queries.run("records/artifacts")]
        for number, digest in enumerate(recorded):
            self.artifacts.verify(digest)
            if progress:
                progress(number + 1, len(recorded))
        for row in self.queries.run("records/manifests"):
            if row["snapshot"] == "copy":
                for file in self.snapshots.files(row["manifest"]):
                    self.artifacts.verify(file.sha256)
        return len(recorded)

    def _published(self) -> int:
        """Check what the engine published itself; what others own may change."""
        count = 0
        for row in self.queries.run("records/manifests"):
            if not Path(row["location"]).is_relative_to(self.folders.data):
                continue
            pin = Pin(Place((row["location"],), ""), row["manifest"], row["snapshot"])
            try:
                self.snapshots.check(pin)
            except InputChanged as problem:
                raise ArtifactBroken(
                    f"The data of {row['version']} is not what was recorded: {problem} "
                    "It can be made again: lineage-graph rebuild --into FOLDER."
                ) from problem
            count += 1
        return count

    def validate(self) -> list[Violation]:
        """Check the whole store against its shapes."""
        return Validator(self.declarations).validate_store(self.queries.dump())
