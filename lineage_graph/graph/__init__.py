"""The object a user holds: ``graph = lineage_graph.connect()`` and verbs on it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_graph.errors import InvalidRecord
from lineage_graph.graph.datasets import SavedDataset, require_name
from lineage_graph.graph.folders import SERVERS, TOKEN_VARIABLE, named_store, store_folder
from lineage_graph.graph.models import TrainedVersion
from lineage_graph.graph.opening import Opened, opened, opened_at, telling
from lineage_graph.graph.progress import Progress
from lineage_graph.graph.rebuilding import rebuilt
from lineage_graph.graph.renewing import Renewing
from lineage_graph.graph.reporting import Reporting
from lineage_graph.graph.stating import Claim
from lineage_graph.graph.writing import Writing, place_at, registered
from lineage_graph.identity import named
from lineage_graph.licensing import BLOCKING
from lineage_graph.licensing.gate import Mode
from lineage_graph.openlineage.acceptance import Batch, accept_batch
from lineage_graph.openlineage.documents import read_events
from lineage_graph.records import Model
from lineage_graph.replay import TOLERANCE, Rebuild, Rebuilder
from lineage_graph.replay.renewal import Renewal

if TYPE_CHECKING:
    from lineage_graph.executors.spark.session import RecordedFrame, RecordedSpark


def connect(
    store: str | Path | None = None,
    *,
    token: str | None = None,
    working: str | Path | None = None,
    graph: str | None = None,
    declarations: str | Path | None = None,
    quiet: bool = False,
    license_gate: Mode = "warn",
    license_policy: str = BLOCKING,
    openlineage: str | None = None,
) -> Graph:
    """Open a store: in a folder, made when there is none, or on a server.

    Over a server the verbs are the same. Spark runs here, what is saved lies here, and the
    record is there; see ``docs/server.md``.

    Args:
        store: Folder, or ``http(s)://`` address of a server; by default
            ``LINEAGE_GRAPH_STORE``, else ``.lineage``.
        token: Says to a server who asks; by default ``LINEAGE_GRAPH_TOKEN``.
        working: Folder of this machine for what a store on a server needs here, such as
            saved data; by default ``LINEAGE_GRAPH_WORKING``, else one in the user's folder.
        graph: Where the projection lives when not in the store: ``memory:`` or the
            address of a SPARQL 1.1 server.
        declarations: Folder of one's own ``ontology/`` and ``queries/``.
        quiet: Do not show how far a question has come that has to wait until much that
            was recorded meanwhile is in the graph.
        license_gate: What happens when something is saved or trained that its sources'
            licences would not let you share: ``warn`` or ``refuse``. What is published
            is refused in any case.
        license_policy: Which reading of unsettled questions stops something:
            ``permissive``, ``balanced`` or ``conservative``.
        openlineage: Address to send what is recorded to, as OpenLineage events; by default
            ``LINEAGE_GRAPH_OPENLINEAGE_URL``, else nobody is told.

    Raises:
        LedgerBroken: The ledger is damaged; nothing is opened.
        StoreUnavailable: The folder cannot be used, or no server answers.
        PolicyRefused: The server does not know the token, or it would travel unencrypted.
        InvalidRecord: ``graph`` was given for a store that is on a server, or ``openlineage``
            is no address.
    """
    organisation = Path(declarations) if declarations else None
    parts = telling(_parts(named_store(store), token, working, graph), openlineage)
    return Graph(parts, organisation, quiet, license_gate, license_policy)


def _parts(store: str, token: str | None, working: str | Path | None, graph: str | None) -> Opened:
    if not store.startswith(SERVERS):
        return opened(store_folder(store), graph)
    if graph is not None:
        raise InvalidRecord("A server has its own projection. Leave out graph=...")
    folder = Path(working).expanduser().absolute() if working else None
    return opened_at(store, token or os.environ.get(TOKEN_VARIABLE), folder)


class Graph(Reporting):
    """A store and what can be asked and done with it; made by :func:`connect`."""

    _writing: Writing | None = None

    def __enter__(self) -> Graph:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _writer(self) -> Writing:
        """What is needed to record; a question never makes it."""
        if self._writing is None:
            self._writing = Writing(
                self._ledger,
                self._declarations,
                self._declared,
                self._catalogue,
                self._record,
                self._snapshots,
                self._artifacts,
                self.folders,
                self._author(),
                self._gate,
                self._privacy,
                self._queries,
                self.opened.elsewhere is None,
            )
            if self.opened.emission is not None:
                self._writing.bundles.appended = self.opened.emission.take
        return self._writing

    def spark(
        self, address: str | None = None, *, master: str | None = None, memory: str | None = None
    ) -> RecordedSpark:
        """Return a Spark session in which ordinary code is recorded.

        Args:
            address: ``sc://host:port`` of a Spark Connect server, or ``spark://`` of a
                cluster; by default an engine of our own on this machine.
            master: Master of our own engine, such as ``local[2]``.
            memory: Heap of our own engine, such as ``4g``.

        Raises:
            MissingExtra: Spark or Java is not installed.
            ExecutorUnavailable: Spark did not start or does not answer.
        """
        return self._writer.open(address, master, memory).spark

    @property
    def problems(self) -> list[str]:
        """What could not be captured, or sent, in this process; empty when all was."""
        captured = self._writing.recorder.problems if self._writing else []
        return [*captured, *(self.opened.emission.problems if self.opened.emission else ())]

    def dataset(
        self,
        name: str,
        location: str | Path | None = None,
        *,
        format: str | None = None,
        license: str | None = None,
        evidence: str | Path | None = None,
        attribution: str | None = None,
        address: str | None = None,
        owner: str | None = None,
        description: str | None = None,
        snapshot: str = "copy",
        schema: str | None = None,
        **options: Any,
    ) -> str:
        """Register a dataset, and pin the version that lies there now.

        Args:
            name: What people call it.
            location: Its files: a path, a folder or a glob.
            format: Spark's format; by default the file's ending.
            license: SPDX id or expression, a common title or the address of its text, for
                the version that lies there now; left out, it is recorded as not recorded.
            evidence: File whose text says so; it is kept.
            attribution: Who is to be named, in the licensor's words.
            address: Where the licensor publishes it.
            owner: Who answers for it; only a pseudonym is kept.
            description: For people.
            snapshot: ``copy`` keeps the bytes, ``reference`` only their digests, also when a
                job reads it.
            schema: DDL to read it with.
            **options: Reader options, such as ``header=True``.

        Returns:
            IRI of the pinned version, or of the dataset when there is no location.

        Raises:
            InvalidRecord: The name, the snapshot or the licence cannot be used.
            InputChanged: Nothing lies at the location.
            RecordConflict: It says otherwise already.
        """
        dataset = registered(name, location, description, owner)
        where = dataset.location
        place = place_at(where, format, schema, options) if where is not None else None
        claim = Claim(license, evidence, None, attribution, address) if license else None
        return self._writer.register(dataset, place, snapshot, claim)

    def read(self, name: str, version: int | None = None) -> RecordedFrame:
        """Return a recorded dataset as a DataFrame of the recorded session.

        Raises:
            NotFound: There is no such dataset or version, or its data was not kept.
            InputChanged: Its files were altered since.
        """
        found = self._catalogue.version(name, version, "dataset")
        self._writer.open()
        return self._writer.datasets.read(found)

    def save(self, data: Any, name: str, *, description: str | None = None) -> SavedDataset:
        """Write a new immutable version of a dataset and record how it was made.

        Args:
            data: A DataFrame of the recorded session, or pandas, pyarrow or rows.
            name: Of the dataset.
            description: For people.

        Raises:
            InvalidRecord: The name or the data cannot be used.
            StepFailed: Spark failed; that is recorded, and nothing was published.
        """
        with self._writer.watched(f"save {name}"):
            return self._writer.datasets.save(data, name, description)

    def fit(
        self,
        estimator: Any,
        data: Any,
        *,
        name: str,
        label: str | None = None,
        features: Sequence[str] | None = None,
        evaluate: Any = None,
        order_by: Sequence[str] = (),
        description: str | None = None,
    ) -> TrainedVersion:
        """Train a model on a recorded dataset version and record it.

        Rows are given to the estimator in an order that depends on their content
        alone, so the model is a function of the version.

        Args:
            estimator: Of scikit-learn or of Spark ML, or a pipeline of them.
            data: Name of a dataset, or data, which is saved first.
            name: Of the model.
            label: Column to predict.
            features: Columns to learn from; by default all others.
            evaluate: Name of a dataset, or data, to measure it on.
            order_by: Columns to sort rows by first, where order matters.
            description: For people.

        Raises:
            PolicyRefused: The estimator's class is not one that can be kept safely.
            InvalidRecord: A column does not exist.
            StepFailed: The training raised; that is recorded.
        """
        require_name(name)
        about = Model(id=named("model", name), title=name, description=description)
        return self._writer.fit(estimator, data, evaluate, about, features, label, order_by)

    def predict(
        self,
        model: str | TrainedVersion,
        data: Any,
        *,
        name: str,
        keep: Sequence[str] | None = None,
    ) -> SavedDataset:
        """Apply a recorded model and record the predictions as a dataset version.

        Args:
            model: Name of a model, ``name@2`` for its second version, or a trained one.
            data: Name of a dataset, or data, which is saved first.
            name: Of the predictions.
            keep: Columns of the data to keep beside the prediction; None for all.
        """
        require_name(name)
        given = model.version if isinstance(model, TrainedVersion) else model
        version = self._catalogue.version(given, None, "model")
        with self._writer.watched(f"predict {name}"):
            rows = self._writer.version_of(data, f"{name} input")
            return self._writer.models.predict(version, rows, name, keep)

    def rebuild(
        self,
        name: str,
        version: int | None = None,
        *,
        into: str | Path | None = None,
        dry_run: bool = False,
        from_scratch: bool = False,
        tolerance: float = TOLERANCE,
        progress: Progress | None = None,
    ) -> Rebuild:
        """Execute the record of a dataset or model again and compare.

        Args:
            name: Name, ``name@2`` or IRI.
            version: Number of the version; the newest by default.
            into: New folder to leave the outputs in; by default only outputs that
                differ are kept.
            dry_run: Only say what would be done.
            from_scratch: Run every plan on the way instead of reusing what it made.
            tolerance: Largest relative difference of a number that is equivalent.
            progress: Told about each step; by default a person who is watching is.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: There is something in ``into``; nothing was started.
            StepFailed: A step raised; that is recorded, and nothing is left behind.
        """
        rebuilder = Rebuilder(
            self._record,
            self._artifacts,
            self._snapshots,
            self._catalogue.name_of,
            self.folders.work,
            tolerance,
        )
        target = self._catalogue.version(name, version)
        return rebuilt(
            rebuilder, target, lambda: self._writer, into, dry_run, from_scratch, progress
        )

    def renew(
        self, name: str, replacing: Mapping[str, str], *, progress: Progress | None = None
    ) -> Renewal:
        """Make what came from replaced versions anew, as new versions, by its recorded plans.

        What did not come from them is an input as it was recorded. A version that the
        same plan made from the same inputs already is used, not made twice.

        Args:
            name: Name, ``name@2`` or IRI of what to make anew; without a number, its
                newest version that came from all that is replaced.
            replacing: Version to the one that takes its place, such as
                ``{"routes@1": "routes@2"}``.
            progress: Told about each step; by default a person who is watching is.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: What is replaced is not upstream, or not of the same kind.
            PlanIncomplete: A plan on the way cannot be replayed; nothing was started.
            InputChanged: The bytes of an input are gone or altered; nothing was started.
            StepFailed: A step raised; that is recorded, and what was made before it stays.
        """
        renewing = Renewing(
            self._record,
            self._artifacts,
            self._snapshots,
            self._catalogue,
            lambda: self._writer,
        )
        return renewing.renew(name, replacing, progress)

    def take_openlineage(self, body: bytes) -> Batch:
        """Take OpenLineage events of other producers into the record.

        What is right is durable when this returns, also beside what is wrong; what it means
        is in every answer from then on.

        Args:
            body: JSON: an event, an array of them, or one on each line.

        Raises:
            InvalidRecord: The text is no JSON that every program reads alike.
            MissingExtra: The package that checks events is not installed.
        """
        return accept_batch(self._ledger, self._author(), read_events(body))

    def close(self) -> None:
        """End Spark, if it was started, and let the store go."""
        if self._writing is not None:
            self._writing.engines.close()
        if self.opened.emission is not None:
            self.opened.emission.close()
        super().close()
