"""Where a store keeps what."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from lineage_graph.errors import InvalidRecord, StoreUnavailable
from lineage_graph.identity import uuid7

DEFAULT = ".lineage"
SERVERS = ("http://", "https://")
VARIABLE = "LINEAGE_GRAPH_STORE"
TOKEN_VARIABLE = "LINEAGE_GRAPH_TOKEN"
WORKING_VARIABLE = "LINEAGE_GRAPH_WORKING"
ABANDONED_AFTER = 7 * 24 * 3600


def named_store(store: str | Path | None) -> str:
    """Return which store is meant: the given one, the variable's, or ``.lineage``."""
    return str(store or os.environ.get(VARIABLE) or DEFAULT)


def store_folder(store: str | Path | None) -> Path:
    """Return the absolute folder of a store that lies on this machine.

    Raises:
        InvalidRecord: It is the address of a server.
    """
    name = named_store(store)
    if name.startswith(SERVERS):
        raise InvalidRecord(
            f"The store {name} is on a server, and this is done where the store lies. Type it on "
            "that machine, with --store FOLDER."
        )
    return Path(name).expanduser().absolute()


def working_folder(address: str) -> Path:
    """Return where this machine keeps what belongs to a store on a server.

    ``LINEAGE_GRAPH_WORKING``, else the user's folder for state (XDG Base Directory
    Specification); below it one folder for each server.
    """
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    root = Path(os.environ.get(WORKING_VARIABLE) or state / "lineage-graph")
    parts = urlsplit(address)
    name = quote(parts.netloc.lower() + parts.path, safe="-._~")
    return (root.expanduser() / name).absolute()


@dataclass(frozen=True)
class Folders:
    """The folders of one store.

    Attributes:
        root: The store; for one on a server, what this machine keeps of it.
        view: What tells one thing that may be seen of a store from another.
    """

    root: Path
    view: str = ""

    @property
    def ledger(self) -> Path:
        """The truth."""
        return self.root / "ledger.db"

    @property
    def graph(self) -> Path:
        """The projection that SPARQL asks."""
        return self.root / "graph"

    @property
    def past(self) -> Path:
        """Projections of earlier moments, a few of them."""
        return self.root / "past"

    @property
    def index(self) -> Path:
        """The projection that answers reachability."""
        return self.root / "index" / self.view

    @property
    def openlineage(self) -> Path:
        """The projection that knows what OpenLineage's events add up to."""
        return self.root / "openlineage.db"

    @property
    def visibility(self) -> Path:
        """The projection that knows what each entry mentions that may be hidden."""
        return self.root / "visibility.db"

    @property
    def artifacts(self) -> Path:
        """Content-addressed files."""
        return self.root / "artifacts"

    @property
    def data(self) -> Path:
        """Published dataset versions, one folder each."""
        return self.root / "data"

    @property
    def pinned(self) -> Path:
        """Pinned sources under their own file names, linked to artifacts."""
        return self.root / "pinned"

    @property
    def work(self) -> Path:
        """What is not finished."""
        return self.root / "work"

    @property
    def membership(self) -> Path:
        """Who is in which rows as keyed hashes, and the key; never in the graph."""
        return self.root / "membership"

    @property
    def access(self) -> Path:
        """Tokens of a server, and the key its pseudonyms are made with; never in the graph."""
        return self.root / "access"

    @property
    def agents(self) -> Path:
        """Which pseudonym a person of this machine has; never in the graph."""
        return self.root / "agents"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a new folder that is removed at the end, whatever happens."""
        folder = self.work / uuid7()
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def prepare(self) -> None:
        """Make the store's folder, and tidy up in one that exists.

        Raises:
            StoreUnavailable: It cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"The store {self.root} cannot be made: {error.strerror}. Name another folder."
            ) from error
        self._sweep()

    def _sweep(self) -> None:
        """Remove what killed processes left behind a week ago or earlier."""
        if not self.work.is_dir():
            return
        for left in self.work.iterdir():
            # Another process may have finished with it meanwhile.
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > ABANDONED_AFTER:
                    shutil.rmtree(left, ignore_errors=True)

    def author(self) -> str:
        """Return this person's pseudonym, the same in every process."""
        self.agents.mkdir(parents=True, exist_ok=True)
        file = self.agents / str(os.getuid() if hasattr(os, "getuid") else "user")
        if not file.exists():
            drawn = self.agents / f".{uuid7()}"
            drawn.write_text(uuid7(), encoding="ascii")
            # A link is made whole or not at all, whoever else makes it at this moment.
            with suppress(FileExistsError):
                os.link(drawn, file)
            drawn.unlink()
        return file.read_text(encoding="ascii")


def sync(folder: Path) -> None:
    """Force a folder's files and entries to the disk (fsync), deepest first."""
    for inside, _, names in os.walk(folder, topdown=False):
        for path in (*[Path(inside, name) for name in names], Path(inside)):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
