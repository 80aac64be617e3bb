"""Processing that is declared, as verbs on a graph."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from lineage_graph.errors import NotFound
from lineage_graph.graph.private import Private
from lineage_graph.processing import Difference, FileRead, Processing


class Processed(Private):
    """A store that knows which processing is declared."""

    @cached_property
    def _processing(self) -> Processing:
        return Processing(
            self._ledger,
            self._queries,
            self._declarations,
            self._declared,
            self._numbered,
        )

    def _numbered(self, kind: str, name: str) -> str | None:
        """Return the IRI of a version that is named by its number or its IRI, or None."""
        _, _, number = name.rpartition("@")
        if not number.isdigit() and not name.startswith("urn:"):
            return None
        try:
            return self._catalogue.version(name, None, "model" if kind == "model" else "dataset")
        except NotFound:
            return None

    def apply(self, file: str | Path, dry_run: bool = False, prune: bool = False) -> Difference:
        """Declare which processing there is, as a file says; only what differs is recorded.

        Args:
            file: YAML, or Turtle by its ending ``.ttl``; see ``docs/processing.md``.
            dry_run: Only show what would change.
            prune: End what is declared and not in the file; else it stays as it is.

        Returns:
            What changed, or would.

        Raises:
            DeclarationError: The file is at fault; every fault is named with its place, and
                nothing was written.
        """
        path = Path(file)
        return self._applied(self._processing.read(path), path.name, dry_run, prune)

    def declare(self, text: str, dry_run: bool = False, prune: bool = False) -> Difference:
        """Declare which processing there is, as YAML says; only what differs is recorded.

        Args:
            text: YAML; see ``docs/processing.md``.
            dry_run: Only show what would change.
            prune: End what is declared and not in the text; else it stays as it is.

        Returns:
            What changed, or would.

        Raises:
            DeclarationError: The text is at fault; every fault is named with its place, and
                nothing was written.
        """
        name = "the text"
        return self._applied(self._processing.read_text(text, name), name, dry_run, prune)

    def _applied(self, read: FileRead, name: str, dry_run: bool, prune: bool) -> Difference:
        if dry_run:
            return self._processing.difference(read, prune)
        from lineage_graph.processing.applying import apply

        return apply(self._processing, self._writer.recorder, read, name, prune)

    def processes(self, as_of: int | None = None) -> list[dict[str, Any]]:
        """Return the processes that are declared, with the keys of a file.

        Args:
            as_of: Seq of the last ledger entry to consider.
        """
        found = self._processing.current(as_of).values()
        return [self._processing.shown(one) for one in found if one.thing.kind == "process"]
