"""What a graph is made of, wherever it lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lineage_graph.artifacts import Artifacts
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import NAMESPACE
from lineage_graph.ledger import Ledger
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.openlineage.mapping import Mapper
from lineage_graph.stores import Store, open_store


@dataclass(frozen=True)
class Opened:
    """The open parts of a store.

    Attributes:
        ledger: The truth.
        store: Its projection, which answers questions.
        artifacts: The files that are named by their digests.
        folders: Where everything else lies on this machine.
        author: Gives the IRI of the agent who records.
        derive: Brings what follows from accepted events into the whole ledger, before
            anybody is answered.
    """

    ledger: Ledger
    store: Store
    artifacts: Artifacts
    folders: Folders
    author: Callable[[], str]
    derive: Callable[[], None] = lambda: None


def opened(folder: Path, address: str | None = None) -> Opened:
    """Open a store in a folder of this machine, making it when there is none.

    Args:
        folder: Where it is.
        address: Where the projection lives; None for the store's own.

    Raises:
        LedgerBroken: The ledger is damaged; nothing is opened.
        StoreUnavailable: The folder cannot be used.
    """
    folders = Folders(folder)
    folders.prepare()
    ledger = LedgerFile(folders.ledger)
    return Opened(
        ledger,
        open_store(address or folders.graph),
        Artifacts(folders.artifacts),
        folders,
        lambda: f"{NAMESPACE}agent:{folders.author()}",
        Mapper(folders.openlineage, ledger).catch_up,
    )
