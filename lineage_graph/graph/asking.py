"""The questions a store answers: what is there, where it came from, is it still so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_graph.declarations import Declarations
from lineage_graph.errors import NotFound
from lineage_graph.graph.catalogue import Catalogue, Kind
from lineage_graph.graph.checks import Checks
from lineage_graph.graph.exporting import PICTURES, export, require_format
from lineage_graph.graph.opening import Opened
from lineage_graph.graph.past import moment
from lineage_graph.graph.progress import watched
from lineage_graph.graph.questions import answered
from lineage_graph.lineage import Direction, Lineage, walk
from lineage_graph.query import Queries
from lineage_graph.replay.origins import Record
from lineage_graph.snapshots import Snapshots

if TYPE_CHECKING:
    from lineage_graph.graph.free import Checkpoints
    from lineage_graph.index import LineageIndex
    from lineage_graph.sandbox import Checkpoint
    from lineage_graph.sandbox.pool import Sandbox
    from lineage_graph.stores import Rows
    from lineage_graph.validation import Violation


class Asking:
    """An open store, and the questions it answers; it records nothing.

    Args:
        opened: The open parts of the store; closed with it.
        organisation: Folder with further declarations.
        quiet: Show no progress of what a question has to wait for.

    Attributes:
        opened: The open parts of the store.
    """

    def __init__(
        self,
        opened: Opened,
        organisation: Path | None = None,
        quiet: bool = False,
    ) -> None:
        self.opened = opened
        self.folders = opened.folders
        self._declarations = Declarations(organisation)
        self._ledger = opened.ledger
        self._artifacts = opened.artifacts
        self._snapshots = Snapshots(self._artifacts)
        self._store = opened.store
        self._author = opened.author
        waiting = partial(watched, "bring the graph up to date", quiet)
        self._queries = Queries(
            self._ledger, self._store, self._declarations, waiting, opened.derive
        )
        self._record = Record(self._queries)
        self._catalogue = Catalogue(self._queries, self._ledger)

    @cached_property
    def _index(self) -> LineageIndex:
        """What answers reachability, opened when something asks it."""
        from lineage_graph.index import LineageIndex

        return LineageIndex(self.folders.index, self._ledger)

    @cached_property
    def _checkpoints(self) -> Checkpoints:
        """What free text may be put to."""
        from lineage_graph.graph.free import Checkpoints

        return Checkpoints(self._ledger, self._store, self._queries, self.folders.past)

    @cached_property
    def _sandbox(self) -> Sandbox:
        """What reads free text, started when there is some."""
        from lineage_graph.graph.free import OWN
        from lineage_graph.sandbox.pool import Sandbox

        return Sandbox(OWN, workers=1)

    def resolve(self, name: str, version: int | None = None, kind: Kind | None = None) -> str:
        """Return the IRI of a version.

        Args:
            name: Name, ``name@2`` or IRI.
            version: Its number; None for the one in the name, else the newest.
            kind: ``dataset`` or ``model``, when only that will do.

        Raises:
            NotFound: There is none; names that are close are suggested.
        """
        return self._catalogue.version(name, version, kind)

    def thing(self, name: str, kind: Kind | None = None) -> str:
        """Return the IRI of a dataset or model, or of one version where the name says which.

        Args:
            name: Name, ``name@2`` or IRI.
            kind: ``dataset`` or ``model``, when only that will do.

        Raises:
            NotFound: There is none; names that are close are suggested.
        """
        return self._catalogue.thing(name, kind)

    def lineage(
        self,
        name: str,
        direction: Direction = "up",
        depth: int | None = None,
        columns: bool = False,
        as_of: int | None = None,
    ) -> Lineage:
        """Return what something came from, or what came of it.

        Args:
            name: Name, ``name@2`` or IRI.
            direction: ``up`` to sources, ``down`` to what was derived.
            depth: Most hops; None for all.
            columns: Between columns instead of versions.
            as_of: Seq of the last ledger entry to consider.
        """
        start = [self._catalogue.version(name, None)]
        return walk(
            self._index,
            self._catalogue.columns(start[0]) or start if columns else start,
            labels=self._catalogue.labels,
            downstream=direction == "down",
            depth=depth,
            columns=columns,
            as_of=as_of,
        )

    def datasets(self) -> list[dict[str, Any]]:
        """Return the recorded datasets."""
        return self._catalogue.datasets()

    def models(self) -> list[dict[str, Any]]:
        """Return the recorded models."""
        return self._catalogue.models()

    def versions(self, name: str) -> list[dict[str, Any]]:
        """Return the versions of a dataset or model, the first one first."""
        return self._catalogue.versions(name)

    def describe(self, name: str) -> dict[str, Any]:
        """Return what is known about a dataset or model, as plain values."""
        return self._catalogue.describe(name)

    def query(self, question: str | Path, **parameters: Any) -> list[Mapping[str, Any]]:
        """Answer a question.

        SPARQL that is not declared is asked in a process of its own, with limits of time,
        memory and rows.

        Args:
            question: Name of a declared query, path of a ``.rq`` file, or SPARQL.
            **parameters: Parameters of a declared query.

        Raises:
            NotFound: There is no such declared query or file.
            DeclarationError: It does not parse, or is not a SELECT.
            PolicyRefused: It is more than a question, or costs more than one may.
        """
        return answered(self._queries, self._free, question, parameters)

    def _free(self, sparql: str) -> Rows:
        from lineage_graph.graph.free import selected

        return selected(self._checkpoints, self._sandbox, self._queries, sparql)

    def checkpoint(self, as_of: int | str | date | None = None) -> Checkpoint:
        """Return the folder of a projection that is up to date, for a sandbox to read.

        Args:
            as_of: Seq of the last ledger entry to consider, or a day; None for now.

        Raises:
            InvalidRecord: There is no such entry, or the day has not come.
        """
        if as_of is None:
            return self._checkpoints.now()
        return self._checkpoints.at(moment(self._ledger, as_of, datetime.now(UTC).date())[0])

    def export(self, name: str | None = None, format: str = "trig") -> bytes:
        """Return the record, or one thing with its history, for other tools.

        Args:
            name: Name or IRI; None for everything, which cannot be drawn.
            format: ``trig``, ``turtle``, ``json-ld``, ``nquads``, ``prov-json``, ``prov-n``,
                or a picture of the lineage: ``dot`` or ``svg``.

        Raises:
            InvalidRecord: There is no such format, or a picture of everything is asked for.
            NotFound: There is nothing of that name.
            MissingExtra: PROV's notations need the ``prov`` package.
        """
        require_format(format)
        if name is None:
            return export(self._queries, self._declarations, None, format)
        history = self.lineage(name)
        if format in PICTURES:
            return (history.to_dot() if format == "dot" else history.to_svg()).encode()
        nodes = [node.iri for node in history.nodes]
        return export(self._queries, self._declarations, nodes, format)

    def about(self, iri: str, format: str = "trig") -> bytes:
        """Return the bundles that say something about one node, for other tools.

        Args:
            iri: The node.
            format: ``trig``, ``turtle``, ``json-ld`` or ``nquads``.

        Raises:
            NotFound: None does.
            InvalidRecord: There is no such format.
        """
        if not self._queries.run("records/bundles", node=iri):
            raise NotFound(f"Nothing is recorded about {iri}.")
        return export(self._queries, self._declarations, [iri], format)

    def verify(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Check the ledger's chain, the projection, artifacts and data.

        A server checks its own, and does not tell how far it has come.

        Raises:
            StoreError: The first thing that is wrong, by name.
        """
        if self.opened.elsewhere is not None:
            return self.opened.elsewhere.verify()
        return self._checks().verify(progress)

    @property
    def queries(self) -> Queries:
        """What asks the graph, for other doors to it than these verbs."""
        return self._queries

    def validate(self) -> list[Violation]:
        """Check everything that is recorded against its shapes."""
        return self._checks().validate()

    def _checks(self) -> Checks:
        return Checks(
            self._ledger,
            self._queries,
            self._artifacts,
            self._snapshots,
            self._declarations,
            self.folders,
        )

    def close(self) -> None:
        """Let the store go."""
        if "_index" in vars(self):
            self._index.close()
        if "_sandbox" in vars(self):
            self._sandbox.close()
        self._store.close()
        self._ledger.close()
