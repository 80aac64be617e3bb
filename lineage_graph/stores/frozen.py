"""A folder that is only read: what it holds stays as it is, whatever goes wrong here.

A reader that runs out of memory gets the same errors as one of a damaged folder. So nothing
is dropped here; whoever brings the folder up to date sees for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pyoxigraph as ox

from lineage_graph.errors import CheckpointGone
from lineage_graph.stores import Applied
from lineage_graph.stores.oxigraph import DAMAGE, FolderStore

T = TypeVar("T")


class Frozen(FolderStore):
    """Answers from a snapshot, which is taken again when the folder has moved on."""

    def answer(self, wanted: Applied, work: Callable[[ox.Store], T]) -> T:
        """Do something with a snapshot that holds at least what is wanted.

        Raises:
            CheckpointGone: The folder holds less, or cannot be read.
        """
        if self.applied != wanted:
            self.close()
            if self.applied.seq < wanted.seq:
                raise CheckpointGone("The graph was dropped meanwhile. Ask again.")
        return self._read(work)

    def _read(self, work: Callable[[ox.Store], T]) -> T:
        try:
            return work(self._open_reader())
        except DAMAGE:
            self.close()
        try:
            return work(self._open_reader())
        except DAMAGE as problem:
            raise CheckpointGone("The files of the graph cannot be read. Ask again.") from problem
