"""Recording: from what an executor did to one bundle in the ledger."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import InputChanged
from lineage_graph.executors import Fingerprint, Operation, Pin, Place
from lineage_graph.identity import (
    canonical_json,
    digested,
    fresh,
    named,
    part,
    sha256,
    without_credentials,
)
from lineage_graph.recording.bundle import Bundles
from lineage_graph.recording.descriptions import (
    Derived,
    activity_fields,
    agents,
    artifact,
    association,
    content_records,
    dataset_version,
    environment_record,
    plan_records,
    usages,
)
from lineage_graph.recording.models import TrainedModel, model_records, training_activity
from lineage_graph.recording.places import KnownPlaces, location_key
from lineage_graph.records import Activity, Agent, Dataset, Record
from lineage_graph.snapshots import Snapshots

__all__ = ["KnownPlaces", "Made", "Recorder", "location_key"]

log = logging.getLogger("lineage_graph")

ReadFingerprint = Callable[[Place], Fingerprint]
Labels = Callable[[str, Fingerprint], Sequence[Record]]
"""Says of a version what its columns mean, by the sample that its fingerprint drew."""
Recorded = Callable[[str, Place, Sequence[Record]], None]
"""Told of a version that was recorded, where it lies, and what its columns mean."""


@dataclass(frozen=True)
class Made:
    """What an activity made, ready to be recorded.

    Attributes:
        version: IRI of the version.
        dataset: What it is a version of.
        pin: Where its bytes are.
        fingerprint: What it contains.
    """

    version: str
    dataset: Dataset
    pin: Pin
    fingerprint: Fingerprint | None


class Recorder:
    """Turns operations into bundles; the ``Sink`` of executors.

    Attributes:
        fingerprint: Reads a source once to know what is in it; None as long as no
            session is open.
        has_content: Whether it is recorded what a version contains.
        labels: Gives what is recorded of what columns mean.
        recorded: Called when a version was recorded, with where it lies and what was told of
            its columns.
        problems: What could not be captured, newest last.
    """

    def __init__(
        self, bundles: Bundles, artifacts: Artifacts, snapshots: Snapshots, places: KnownPlaces
    ) -> None:
        self._bundles = bundles
        self._artifacts = artifacts
        self._snapshots = snapshots
        self._places = places
        self._settled: set[str] = set()
        self._lock = threading.RLock()
        self.fingerprint: ReadFingerprint | None = None
        self.has_content: Callable[[str], bool] = lambda version: False
        self.labels: Labels = lambda version, fingerprint: ()
        self.recorded: Recorded = lambda version, place, labels: None
        self.problems: list[str] = []

    def blob(self, data: bytes) -> str:
        """Keep uploaded data and return its sha256."""
        return self._artifacts.put_bytes(data)

    def pin(self, place: Place) -> Pin:
        """Fix what an input is, before it is read.

        A folder that the engine published is immutable and was pinned then. What was
        registered as a reference stays one: nobody asked for a copy.
        """
        known = self._places.version_in(place) or self._places.is_reference(place)
        snapshot = "reference" if known else None
        return self._snapshots.pin(place, snapshot)

    def problem(self, what: str, error: BaseException) -> None:
        """Report that something could not be captured; the user's job goes on."""
        text = without_credentials(f"{what}: {type(error).__name__}: {error}")
        self.problems.append(text)
        log.warning("Not recorded: %s. Your job was not affected.", text)
        log.debug("capture failed", exc_info=error)

    def record(self, operation: Operation) -> None:
        """Record an operation; it is durable when this returns."""
        with self._lock:
            made = self._written(operation)
            self.record_activity(
                operation,
                made,
                inputs={slot: self.version_of(pin) for slot, pin in operation.sources.items()},
            )

    def record_activity(
        self,
        operation: Operation,
        made: Made | None,
        inputs: Mapping[str, str],
        extra: Callable[[str], list[Record]] = lambda activity: [],
    ) -> str:
        """Append the bundle of one activity.

        Args:
            operation: What was done.
            made: The dataset version it made, if any.
            inputs: IRI of the version in each slot.
            extra: Further records, given the activity's IRI.

        Returns:
            IRI of the activity.
        """
        activity = fresh("activity")
        self._artifacts.put_bytes(operation.program.body)
        plan = plan_records(operation.program, operation.description, operation.label)
        environment = environment_record(operation.environment)
        who = agents(self._bundles.author)
        new = self._bundles.unknown([*plan, environment, *who])
        further = extra(activity)
        labels = self._labelled(made.version, made.fingerprint) if made else ()
        described = self._made_records(operation, made, activity, inputs)
        records = [*new, *described, *labels, *further]
        if not any(isinstance(record, Activity) for record in further):
            fields = activity_fields(operation, activity, inputs, environment.id)
            records.append(Activity(associated_with=self._bundles.author, **fields))
        records += [*usages(activity, inputs), association(activity, plan[0].id)]
        self._bundles.append(records)
        if made is not None:
            self.recorded(made.version, made.pin.place, labels)
        return activity

    def record_training(
        self, operation: Operation, trained: TrainedModel, inputs: Mapping[str, str]
    ) -> str:
        """Append the bundle of a training and return the activity's IRI."""

        def further(activity: str) -> list[Record]:
            environment = environment_record(operation.environment).id
            fields = activity_fields(operation, activity, inputs, environment)
            return [
                *self._bundles.unknown([trained.model, *self._manifest(trained.pin)]),
                *model_records(trained, operation, activity, inputs),
                training_activity(trained, self._bundles.author, fields),
            ]

        return self.record_activity(operation, None, inputs, further)

    def _made_records(
        self, operation: Operation, made: Made | None, activity: str, inputs: Mapping[str, str]
    ) -> list[Record]:
        if made is None:
            return []
        derived = Derived(activity, inputs, operation.description)
        version = dataset_version(
            made.version, made.dataset, made.pin, made.fingerprint, operation.ended, derived
        )
        new = self._bundles.unknown([made.dataset, *self._manifest(made.pin)])
        return [*new, *version]

    def _labelled(self, version: str, fingerprint: Fingerprint | None) -> Sequence[Record]:
        """Return what columns mean; where it cannot be told, the job goes on without."""
        if fingerprint is None or fingerprint.sample is None:
            return ()
        try:
            return self.labels(version, fingerprint)
        except Exception as error:
            # Its text could quote a value of the sample.
            self.problem("what columns mean was not told", RuntimeError(type(error).__name__))
            return ()

    def _written(self, operation: Operation) -> Made | None:
        if operation.written is None:
            return None
        pin = self._snapshots.pin(operation.written, "reference")
        dataset = self.dataset_at(operation.written)
        version = _version_iri(dataset, pin) if pin.manifest else fresh("version")
        return Made(version, dataset, pin, operation.content)

    def version_of(self, pin: Pin) -> str:
        """Return the dataset version that an input is, recording it when it is new.

        Raises:
            StoreError: The ledger could not be written.
        """
        made = self._places.version_in(pin.place)
        if made is not None:
            return made
        dataset = self.dataset_at(pin.place)
        # Of what was not pinned nobody knows whether it is still the same.
        version = _version_iri(dataset, pin) if pin.manifest else fresh("version")
        self.record_source(dataset, version, pin)
        return version

    def source_version(self, dataset: Dataset, pin: Pin) -> str:
        """Return the IRI of the version of a declared dataset that was pinned."""
        return _version_iri(dataset, pin)

    def source(self, dataset: Dataset, pin: Pin) -> str:
        """Record the version of a declared dataset that was pinned, and return its IRI."""
        version = self.source_version(dataset, pin)
        self.record_source(dataset, version, pin)
        return version

    def record_source(self, dataset: Dataset, version: str, pin: Pin) -> None:
        """Record a version that came from outside, as far as it is not known already."""
        if version in self._settled:
            return
        unknown = {
            n.id for n in self._bundles.unknown([_Node(id=version), _Node(id=_copy(version))])
        }
        is_new = version in unknown
        new_copy = pin.snapshot == "copy" and _copy(version) in unknown
        readable = self.fingerprint is not None and pin.place.format != "table"
        unread = readable and (is_new or not self.has_content(version))
        fingerprint = self._content_of(pin) if unread else None
        if is_new or new_copy or fingerprint is not None:
            at = datetime.now(UTC) if is_new else None
            records = dataset_version(version, dataset, pin, fingerprint, at)
            new = self._bundles.unknown([dataset, *self._manifest(pin)])
            labels = self._labelled(version, fingerprint)
            self._bundles.append([*new, *records, *labels])
            self.recorded(version, pin.place, labels)
        if readable and (fingerprint is not None or not unread):
            self._settled.add(version)

    def _content_of(self, pin: Pin) -> Fingerprint | None:
        """Read what was pinned; None when it is no longer what lies there."""
        if self.fingerprint is None:
            return None
        fingerprint = self.fingerprint(pin.place)
        try:
            if pin.place.format != "local":
                self._snapshots.check(pin)
        except InputChanged:
            return None
        return fingerprint

    def describes(self, iri: str) -> bool:
        """Whether the ledger says something about a version or statement, or has a bundle."""
        return self._bundles.is_recorded(iri)

    def complete(self, version: str, place: Place) -> None:
        """Record what a version contains when it could not be read before.

        Args:
            version: A version that is described already.
            place: Where it can be read.
        """
        if version in self._settled or self.fingerprint is None:
            return
        if not self.has_content(version):
            fingerprint = self.fingerprint(place)
            labels = self._labelled(version, fingerprint)
            self._bundles.append([*content_records(version, fingerprint), *labels])
            self.recorded(version, place, labels)
        self._settled.add(version)

    def append(self, records: Sequence[Record], shared: Sequence[Record] = ()) -> int:
        """Append records as one bundle; see :meth:`Bundles.append`.

        Args:
            records: What is said.
            shared: What is said only when it was not said before.
        """
        new = {record.id: record for record in self._bundles.unknown(shared)}
        return self._bundles.append([*new.values(), *records])

    @property
    def author(self) -> str:
        """IRI of the agent who records."""
        return self._bundles.author

    def dataset_at(self, place: Place) -> Dataset:
        """Return the dataset that lies at a place: the registered one, or one named by it."""
        key = location_key(place)
        known = self._places.datasets.get(key)
        if known is None:
            known = Dataset(id=named("dataset", key), title=key, location=key)
            self._places.datasets[key] = known
        return known

    def register(self, dataset: Dataset) -> None:
        """Record a dataset that somebody declared, or a change to what was declared."""
        self._bundles.append([*self._bundles.unknown(self._agents(dataset)), dataset])
        self.known(dataset)

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that could not be registered.

        Raises:
            InvalidRecord: Something said about it cannot be recorded.
        """
        self._bundles.check([*self._agents(dataset), dataset])

    def _agents(self, dataset: Dataset) -> list[Record]:
        author = Agent(id=self._bundles.author)
        return [author, Agent(id=dataset.attributed_to) if dataset.attributed_to else author]

    def keep(self, place: Place, snapshot: str) -> None:
        """Remember how what lies at a place is to be kept, as somebody said.

        Args:
            place: Where it lies.
            snapshot: ``copy`` or ``reference``.
        """
        change = self._places.references.update
        if snapshot == "copy":
            change = self._places.references.difference_update
        change(place.paths)

    def known(self, dataset: Dataset) -> None:
        """Remember where a dataset lies."""
        if dataset.location:
            self._places.datasets[location_key(Place((dataset.location,), ""))] = dataset

    def _manifest(self, pin: Pin) -> list[Record]:
        if pin.manifest is None:
            return []
        size = self._artifacts.path(pin.manifest).stat().st_size
        return [artifact(pin.manifest, size, "application/json")]


@dataclass(frozen=True, kw_only=True)
class _Node(Record):
    """Only an IRI, to ask whether it is known."""


def _copy(version: str) -> str:
    return part(version, "distribution", "copy")


def _version_iri(dataset: Dataset, pin: Pin) -> str:
    """Name a version that came from outside by its dataset and its bytes.

    The same files are the same version, in every process that reads them.
    """
    what = canonical_json([dataset.id, pin.manifest or "not pinned"])
    return digested("version", sha256(what))
