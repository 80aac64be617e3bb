"""What everybody with the same clearances sees, kept up to date, and where its projections lie.

What is projected stays valid while an entry, once projected, is seen as it was then. When that
changes, by a label on what was there already for example, a new generation begins: in a new
folder, so that nobody who is still at the old one can mix the two.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lineage_graph.identity import canonical_json, sha256, uuid7
from lineage_graph.index import files
from lineage_graph.ledger import Ledger
from lineage_graph.stores import open_store
from lineage_graph.visibility import Visibility
from lineage_graph.visibility.sight import Sight, looked

UNFILTERED: Final = ""
"""The generation in which nothing is hidden: what is projected is what everybody sees."""
_CURRENT: Final = "current"
_STATE: Final = "state.json"


@dataclass(frozen=True)
class Looked:
    """What is seen at one moment, and in which generation."""

    sight: Sight
    generation: str


class View:
    """What is seen with some clearances; threads may share it.

    Args:
        visibility: What is known of the whole ledger.
        ledger: The whole ledger.
        clearances: Labels that somebody is cleared for.
        folder: Where the projections of all views lie.

    Attributes:
        visibility: What is known of the whole ledger.
        clearances: Labels that somebody is cleared for.
        root: Where the projections of this view lie.
    """

    def __init__(
        self, visibility: Visibility, ledger: Ledger, clearances: frozenset[str], folder: Path
    ) -> None:
        self.visibility = visibility
        self.clearances = clearances
        self._ledger = ledger
        self.root = folder / sha256(canonical_json(sorted(clearances)))
        self._lock = threading.RLock()
        self._looked: Looked | None = None
        self._stated = 0

    def look(self) -> Looked:
        """Return what is seen of everything that is recorded by now."""
        head = self._ledger.head
        with self._lock:
            if self._looked is None or self._looked.sight.seq < head:
                with self.visibility.lock:
                    self.visibility.refresh()
                    self._looked = self._next()
            return self._looked

    def use(self) -> None:
        """Leave word on the disk that the projections are used, if there are any."""
        with suppress(FileNotFoundError):
            os.utime(self.root)

    def folder(self, generation: str) -> Path:
        """Return where the projections of a generation lie."""
        return self.root / generation

    def state(self) -> None:
        """Write down how entries are seen, before any of them is projected.

        Who opens the folder later sees by it whether what is in there is still right.
        """
        with self._lock:
            looked = self._looked
            if looked is None or looked.sight.seq == self._stated:
                return
            seq = looked.sight.seq
            with self.visibility.lock:
                mark = looked.sight.mark(seq, self.visibility)
            stated = {"seq": seq, "chain": self._ledger.chain_at(seq), "mark": mark}
            folder = self.folder(looked.generation)
            _put(folder / _STATE, canonical_json(stated))
            _put(self.root / _CURRENT, looked.generation.encode())
            self._stated = seq

    def _next(self) -> Looked:
        sight = looked(self.visibility, self._ledger, self.clearances)
        before = self._looked
        if not sight.hidden:
            return Looked(sight, UNFILTERED)
        if before is None:
            return Looked(sight, self._kept(sight) or self._begun())
        if before.sight.hidden and sight.agrees(before.sight, self.visibility):
            return Looked(sight, before.generation)
        return Looked(sight, self._begun())

    def _begun(self) -> str:
        """Begin a generation, and remove what earlier ones left."""
        self._stated = 0
        if self.root.is_dir():
            for left in self.root.iterdir():
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
        return uuid7()

    def _kept(self, sight: Sight) -> str | None:
        """Return the generation in the folder if all that is in it is seen as it was then."""
        try:
            generation = (self.root / _CURRENT).read_text(encoding="ascii")
            stated: dict[str, Any] = json.loads((self.root / generation / _STATE).read_bytes())
            seq, chain, mark = stated["seq"], stated["chain"], stated["mark"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        folder = self.folder(generation)
        index = files.read(folder / "index")
        right = (
            seq <= sight.seq
            and self._ledger.chain_at(seq) == chain
            and sight.mark(seq, self.visibility) == mark
            and open_store(folder / "graph").applied.seq <= seq
            and (index is None or index.applied_seq <= seq)
        )
        return generation if right else None


def _put(file: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_name(f".{file.name}.{uuid7()}")
    try:
        made.write_bytes(data)
        made.replace(file)
    finally:
        with suppress(OSError):
            made.unlink()
