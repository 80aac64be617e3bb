"""What a graph is made of, wherever it lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lineage_graph.artifacts import Artifacts
from lineage_graph.graph.folders import Folders, working_folder
from lineage_graph.identity import NAMESPACE
from lineage_graph.ledger import Ledger
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.openlineage.mapping import Mapper
from lineage_graph.stores import Store, open_store

if TYPE_CHECKING:
    from lineage_graph.openlineage.emission import Emission


class Elsewhere(Protocol):
    """What only the machine that has a store can answer, when that is not this one."""

    @property
    def address(self) -> str:
        """Where it is."""

    def verify(self) -> dict[str, Any]:
        """Return how much of the record was checked; see ``Graph.verify``."""

    def looked_up(self, identities: Mapping[str, str]) -> dict[str, tuple[int, list[str], str]]:
        """Return in how many rows of each version a person is, by what, and what is not covered."""


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
        elsewhere: Answers what cannot be answered here; None when the store is here.
        emission: Sends what is recorded to others; None when nobody is told.
    """

    ledger: Ledger
    store: Store
    artifacts: Artifacts
    folders: Folders
    author: Callable[[], str]
    derive: Callable[[], None] = lambda: None
    elsewhere: Elsewhere | None = None
    emission: Emission | None = None


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


def opened_at(address: str, token: str | None, working: Path | None = None) -> Opened:
    """Open a store that a server has.

    Args:
        address: ``http://host:port`` or ``https://...``.
        token: Who asks; None where the server asks nobody.
        working: Folder of this machine for what is saved and fetched here.

    Raises:
        StoreUnavailable: Nothing answers at the address.
        PolicyRefused: The server does not know the token, or it would travel unencrypted.
        StoreError: What answers is no server of this release.
        MissingExtra: The HTTP client is not installed.
    """
    from lineage_graph.remote.answers import RemoteAnswers
    from lineage_graph.remote.artifacts import RemoteArtifacts
    from lineage_graph.remote.connection import Connection
    from lineage_graph.remote.ledger import RemoteLedger
    from lineage_graph.remote.store import RemoteStore

    connection = Connection(address, token)
    try:
        who = connection.who()
        folders = Folders(working or working_folder(connection.address), who.view)
        folders.prepare()
    except BaseException:
        connection.close()
        raise
    return Opened(
        RemoteLedger(connection),
        RemoteStore(connection),
        RemoteArtifacts(folders.artifacts, connection),
        folders,
        lambda: who.agent,
        elsewhere=RemoteAnswers(connection),
    )


def telling(parts: Opened, address: str | None) -> Opened:
    """Return a store that sends what is recorded in it to an OpenLineage endpoint.

    Args:
        parts: The store; closed when that cannot be.
        address: Of the endpoint; None for the environment's, empty for none.

    Raises:
        InvalidRecord: It is no address.
        PolicyRefused: The token for it would travel unencrypted to another machine.
    """
    from lineage_graph.graph.viewing import Viewing
    from lineage_graph.openlineage.emission import emission_to

    def seen(labels: frozenset[str]) -> Callable[[], Ledger]:
        viewing = Viewing(parts.ledger, parts.folders)
        return lambda: viewing.seen(labels)[0]

    try:
        return replace(parts, emission=emission_to(address, seen))
    except BaseException:
        parts.store.close()
        parts.ledger.close()
        raise
