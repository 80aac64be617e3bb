"""Which dataset lies where, and which of them were registered as references."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lineage_graph.executors import Place
from lineage_graph.identity import digested, sha256, without_credentials
from lineage_graph.records import Dataset
from lineage_graph.snapshots import is_local, plain_path


@dataclass
class KnownPlaces:
    """Which dataset lies where.

    Attributes:
        own: Folders whose subfolders are named by the version they hold.
        datasets: Location key (see :func:`location_key`) to dataset.
        references: Where datasets lie of which only digests are kept, as somebody said.
    """

    own: tuple[Path, ...]
    datasets: dict[str, Dataset] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)

    def version_in(self, place: Place) -> str | None:
        """Return the version that a folder of the engine's holds."""
        if len(place.paths) != 1 or not is_local(place.paths[0]):
            return None
        path = Path(plain_path(place.paths[0]))
        for folder in self.own:
            if path.is_relative_to(folder) and path != folder:
                return digested("version", path.relative_to(folder).parts[0])
        return None

    def is_reference(self, place: Place) -> bool:
        """Tell whether a place has in it, or is in, what was registered as a reference."""
        if place.format in ("local", "table"):
            return False
        read = list(_folders(place.paths))
        return any(
            one.is_relative_to(other) or other.is_relative_to(one)
            for other in _folders(self.references)
            for one in read
        )


def location_key(place: Place) -> str:
    """Return what tells places apart: absolute paths, table names, or uploaded data."""
    if place.format == "local":
        return f"in memory {sha256(json.dumps(place.paths).encode())[:16]}"
    if place.format == "table":
        return f"table {place.paths[0]}"
    return "; ".join(
        plain_path(path) if is_local(path) else without_credentials(path) for path in place.paths
    )


def _folders(paths: tuple[str, ...] | set[str]) -> Iterator[Path]:
    """Yield what lies on this machine without links, and of a pattern the folder it is in."""
    for path in filter(is_local, paths):
        plain = Path(plain_path(path))
        while glob.has_magic(str(plain)) and not os.path.lexists(plain):
            plain = plain.parent
        yield Path(os.path.realpath(plain))
