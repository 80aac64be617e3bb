"""The writing half of a graph, made when something is first recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.errors import InputChanged, InvalidRecord, RecordConflict
from lineage_graph.executors import Pin, Place
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.graph.datasets import Datasets, SavedDataset, require_name
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.engines import Engines
from lineage_graph.graph.folders import Folders
from lineage_graph.graph.indexing import Indexing
from lineage_graph.graph.labelling import Labelling
from lineage_graph.graph.models import Models, TrainedVersion
from lineage_graph.graph.progress import watched
from lineage_graph.graph.stating import Claim, Stating
from lineage_graph.identity import kind_of, name_of, named
from lineage_graph.ledger import Ledger
from lineage_graph.licensing.gate import Gate
from lineage_graph.privacy import Privacy
from lineage_graph.query import Queries
from lineage_graph.recording import KnownPlaces, Recorder
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset, Model
from lineage_graph.replay.origins import Record
from lineage_graph.snapshots import Snapshots, files_of, is_local, plain_path

if TYPE_CHECKING:
    from lineage_graph.executors.spark.session import RecordedSession

TOLD = {
    "description": "description",
    "location": "location",
    "attributed_to": "owner",
}
"""What is said about a dataset: the field of its record, and what people call that."""


class Writing:
    """Records, and starts what executes.

    Attributes:
        bundles: Appends to the ledger.
        recorder: Turns what happened into bundles.
        engines: Spark and scikit-learn.
        datasets: Dataset verbs.
        models: Model verbs.
        stating: What is said about licences.
        labelling: What is said about columns.
        indexing: Makes it possible to look persons up.
    """

    def __init__(
        self,
        ledger: Ledger,
        declarations: Declarations,
        declared: Declared,
        catalogue: Catalogue,
        record: Record,
        snapshots: Snapshots,
        artifacts: Artifacts,
        folders: Folders,
        author: str,
        gate: Gate,
        privacy: Privacy,
        queries: Queries,
        has_key: bool,
    ) -> None:
        self._record = record
        self._catalogue = catalogue
        self._snapshots = snapshots
        self.bundles = Bundles(ledger, declarations, author)
        self._places = KnownPlaces((folders.data, folders.pinned), catalogue.located())
        self.recorder = Recorder(self.bundles, artifacts, snapshots, self._places)
        self.recorder.has_content = lambda version: record.content(version) is not None
        self.stating = Stating(self.recorder, gate.licensing, artifacts)
        self.labelling = Labelling(self.recorder, privacy.types, declared)
        self.recorder.labels = self.labelling.records
        self.engines = Engines(declared, artifacts, self.recorder)
        self.indexing = Indexing(queries, privacy, self.engines, self.recorder, folders)
        if has_key:
            self.recorder.recorded = self.indexing.recorded
        self.datasets = Datasets(
            self.engines, self.recorder, record, snapshots, folders, gate.before
        )
        self.models = Models(
            self.engines, self.recorder, record, snapshots, artifacts, folders, self.datasets
        )

    def open(
        self, address: str | None = None, master: str | None = None, memory: str | None = None
    ) -> RecordedSession:
        """Return the session, telling the recorder how to read in it."""
        session = self.engines.session(address, master, memory)
        if self.recorder.fingerprint is None:
            self._places.references |= self._catalogue.references()
        self.recorder.fingerprint = session.fingerprint
        return session

    @contextmanager
    def watched(self, title: str) -> Iterator[None]:
        """Open the session, and show its tasks to a person while something long runs."""
        session = self.open()
        with watched(title) as progress, session.telling(progress):
            yield

    def fit(
        self,
        estimator: Any,
        data: Any,
        evaluate: Any,
        model: Model,
        features: Sequence[str] | None,
        label: str | None,
        order_by: Sequence[str],
    ) -> TrainedVersion:
        """Train on data, which is saved first when it is no version yet; see ``Graph.fit``."""
        with self.watched(f"fit {model.title}"):
            training = self.version_of(data, f"{model.title} training data")
            evaluation = (
                None
                if evaluate is None
                else self.version_of(evaluate, f"{model.title} evaluation data")
            )
            return self.models.fit(
                estimator, training, evaluation, model, features, label, order_by
            )

    def register(
        self, dataset: Dataset, place: Place | None, snapshot: str, claim: Claim | None
    ) -> str:
        """Record a dataset, pin what lies there, and its licence; see ``Graph.dataset``."""
        if snapshot not in ("copy", "reference"):
            raise InvalidRecord(f"snapshot={snapshot!r}: say 'copy' or 'reference'.")
        said = self._catalogue.declared(dataset.id)
        given = {key: getattr(dataset, key) for key in TOLD if getattr(dataset, key) is not None}
        for key, value in given.items():
            if said.get(key, value) != value:
                raise _conflict(dataset, TOLD[key], said[key], value)
        self.recorder.check(dataset)
        if claim is not None:
            self.stating.read(claim)
        if place is not None:
            _require_files(place)
        pin = self._snapshots.pin(place, snapshot) if place else None
        about = self.recorder.source_version(dataset, pin) if pin else self._newest(dataset)
        if pin is not None:
            self._require_same_reading(dataset, pin)
        if claim is not None:
            self._require_same_license(dataset, about, claim)
        if not said or any(key not in said for key in given):
            self.recorder.register(dataset)
        else:
            self.recorder.known(dataset)
        if pin is not None:
            self.recorder.keep(pin.place, snapshot)
            self.recorder.source(dataset, pin)
        if claim is not None:
            self.stating.state(about, claim)
        return about if pin else dataset.id

    def _newest(self, dataset: Dataset) -> str:
        """Return the newest version of a dataset, or the dataset while it has none."""
        versions = self._catalogue.versions_of([dataset.id]).get(dataset.id)
        return versions[-1] if versions else dataset.id

    def _require_same_license(self, dataset: Dataset, about: str, claim: Claim) -> None:
        """Refuse another licence for the same bytes: that is a contradiction, to be said so."""
        given = self.stating.read(claim)[0]
        licenses = self.stating.licensing.licenses
        for statement in self.stating.licensing.statements.of(about):
            if licenses.parse(statement.expression).means != given.means:
                raise RecordConflict(
                    f"{dataset.title}: the licence of this version is recorded as "
                    f"{statement.expression!r}, not {given.text!r}. Withdraw that statement with "
                    f"graph.invalidate({statement.iri!r}, because=...), record that somebody "
                    "says otherwise with graph.state_license, or use another name."
                )

    def _require_same_reading(self, dataset: Dataset, pin: Pin) -> None:
        """Refuse a second way of reading the same bytes."""
        for known in self._record.pins(self.recorder.source_version(dataset, pin)):
            for what in ("format", "options", "schema"):
                was, is_now = getattr(known.place, what), getattr(pin.place, what)
                if known.place.paths == pin.place.paths and was != is_now:
                    raise _conflict(dataset, f"the reader's {what}", was, is_now)

    def version_of(self, data: Any, name: str) -> str:
        """Return the version that data is; what is not a version yet is saved.

        Args:
            data: Name of a dataset, a saved one, a DataFrame, or rows.
            name: Of the dataset that is saved.
        """
        if isinstance(data, str):
            return self._catalogue.version(data, None, "dataset")
        if isinstance(data, SavedDataset):
            return data.version
        return self.datasets.version_of(data) or self.datasets.save(data, name).version


def _require_files(place: Place) -> None:
    if all(map(is_local, place.paths)) and not any(files_of(place.paths)):
        where = ", ".join(place.paths)
        raise InputChanged(f"There is no file in {where}. Put the data there first.")


def _conflict(dataset: Dataset, what: str, was: Any, is_now: Any) -> RecordConflict:
    return RecordConflict(
        f"{dataset.title}: {what} is recorded as {_shown(was)}, not {_shown(is_now)}. "
        "Register it under another name, or say what is recorded."
    )


def _shown(value: Any) -> str:
    return repr(name_of(value) if isinstance(value, str) and kind_of(value) else value)


def registered(
    name: str,
    location: str | Path | None,
    description: str | None,
    owner: str | None,
) -> Dataset:
    """Return a dataset as somebody declares it, its location absolute.

    Raises:
        InvalidRecord: The name cannot be one.
    """
    require_name(name)
    return Dataset(
        id=named("dataset", name),
        title=name,
        location=plain_path(str(location)) if location is not None else None,
        description=description,
        attributed_to=named("agent", owner) if owner else None,
    )


def place_at(
    where: str, format_: str | None, schema: str | None, options: Mapping[str, Any]
) -> Place:
    """Return how Spark reads a location; ``True`` is ``true`` in its options."""
    texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in options.items()}
    return Place((where,), format_ or _format_of(where), texts, schema)


def _format_of(location: str) -> str:
    endings = [e.lstrip(".").lower() for e in Path(location).suffixes if not e.endswith(".gz")]
    return endings[-1] if endings and endings[-1] in ("csv", "json", "orc", "text") else "parquet"
