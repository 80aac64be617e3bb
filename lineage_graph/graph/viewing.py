"""The parts of a store as somebody sees them who is cleared for some labels only.

A graph over these parts does not contain what may not be seen, so no door of it can show it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from lineage_graph.declarations import Declarations
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.opening import Opened
from lineage_graph.ledger import Ledger
from lineage_graph.query import Queries
from lineage_graph.stores import open_store
from lineage_graph.visibility import Visibility
from lineage_graph.visibility.artifacts import VisibleArtifacts
from lineage_graph.visibility.ledger import VisibleLedger
from lineage_graph.visibility.store import WatchedStore
from lineage_graph.visibility.view import UNFILTERED, View

KEPT: Final = 32
"""Sets of clearances of which it stays known what is seen, beside those that are in use."""
UNUSED_SECONDS: Final = 30 * 24 * 3600
"""After that the projections for a set of clearances are removed; they are made again."""


@dataclass(frozen=True)
class ViewFolders(Folders):
    """The folders of a store, with projections of what somebody sees.

    Attributes:
        projections: Where these projections lie.
    """

    projections: Path = Path()

    @property
    def graph(self) -> Path:
        """The projection that SPARQL asks."""
        return self.projections / "graph"

    @property
    def index(self) -> Path:
        """The projection that answers reachability."""
        return self.projections / "index"

    @property
    def past(self) -> Path:
        """Projections of earlier moments: what is hidden now was never there."""
        return self.projections / "past"


class Viewing:
    """What is known of who may see what in one store; threads share it.

    Args:
        ledger: The whole ledger; it stays open as long as this is used.
        folders: Those of the store.

    Attributes:
        alive: What is seen with the clearances that somebody uses.
    """

    def __init__(self, ledger: Ledger, folders: Folders) -> None:
        self._ledger = ledger
        self._folders = folders
        self._folder = folders.root / "views"
        self._visibility = Visibility(ledger, kept=folders.visibility)
        self._recent: OrderedDict[frozenset[str], View] = OrderedDict()
        self._lock = threading.Lock()
        self.alive: WeakValueDictionary[frozenset[str], View] = WeakValueDictionary()

    def view(self, clearances: frozenset[str]) -> View:
        """Return what is seen with some clearances: one for all who have them.

        It is kept while a graph over it is open, or it is one of those used last.
        """
        with self._lock:
            found = self.alive.get(clearances)
            if found is None:
                found = View(self._visibility, self._ledger, clearances, self._folder)
                self.alive[clearances] = found
                self._sweep()
            found.use()
            self._recent[clearances] = found
            self._recent.move_to_end(clearances)
            if len(self._recent) > KEPT:
                self._recent.popitem(last=False)
            return found

    def _sweep(self) -> None:
        """Remove the projections that nobody, in any process, used for long."""
        if not self._folder.is_dir():
            return
        alive = {view.root for view in self.alive.values()}
        for left in self._folder.iterdir():
            # Another process may remove it at this moment.
            with suppress(FileNotFoundError):
                if left not in alive and time.time() - left.stat().st_mtime > UNUSED_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)

    def seen(self, clearances: frozenset[str] | None) -> tuple[Ledger, Folders]:
        """Return the ledger as somebody sees it, and where projections of that lie.

        Args:
            clearances: Labels that somebody is cleared for; None for everything there is.
        """
        if clearances is None:
            return self._ledger, self._folders
        return self.seen_of(self._ledger, clearances)

    def seen_of(self, ledger: Ledger, clearances: frozenset[str]) -> tuple[VisibleLedger, Folders]:
        """Return what :meth:`seen` does, over a handle of one's own on the same ledger."""
        view = self.view(clearances)
        shown = VisibleLedger(ledger, view)
        if shown.generation == UNFILTERED:
            return shown, self._folders
        folders = self._folders
        return shown, ViewFolders(folders.root, folders.view, view.folder(shown.generation))


def visible(
    opened: Opened, clearances: frozenset[str] | None, viewing: Viewing | None = None
) -> Opened:
    """Return the parts of a store as somebody sees them.

    While nothing is hidden from them, the projections are those of the store. When a graph
    over the parts raises VisibilityChanged, and whenever it says that it is ``outdated``, it has
    to be closed and another one opened.

    Args:
        opened: All of the store; closed with what is returned.
        clearances: Labels that somebody is cleared for; None for everything there is.
        viewing: Shared by all who see something of this store in this process.
    """
    if clearances is None:
        return opened
    viewing = viewing or Viewing(opened.ledger, opened.folders)
    ledger, folders = viewing.seen_of(opened.ledger, clearances)
    if ledger.generation == UNFILTERED:
        seen = replace(opened, ledger=ledger, store=WatchedStore(opened.store, ledger))
    else:
        opened.store.close()
        seen = replace(opened, ledger=ledger, store=open_store(folders.graph), folders=folders)
    queries = Queries(seen.ledger, seen.store, Declarations())
    return replace(seen, artifacts=VisibleArtifacts(opened.folders.artifacts, queries))
