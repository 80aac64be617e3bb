"""Making versions anew: recorded programs on other editions of what they were made from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import cast

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import InvalidRecord, PolicyRefused, RecordError, ReplayError, StepFailed
from lineage_graph.executors import ExecutorName, Place, Program
from lineage_graph.graph.catalogue import KINDS, Catalogue
from lineage_graph.graph.datasets import Datasets
from lineage_graph.graph.engines import Rebuilding
from lineage_graph.graph.models import Models
from lineage_graph.graph.progress import Progress, watched
from lineage_graph.graph.writing import Writing
from lineage_graph.identity import kind_of, name_of
from lineage_graph.records import Dataset, Model
from lineage_graph.replay.ordering import Ordering
from lineage_graph.replay.origins import Record
from lineage_graph.replay.renewal import Renewal, Renewed, Step, Tracing
from lineage_graph.snapshots import Snapshots


@dataclass(frozen=True)
class Verbs:
    """What executes and records, in a session of its own."""

    engines: Rebuilding
    datasets: Datasets
    models: Models


@dataclass(frozen=True)
class Renewing:
    """Makes versions anew; see ``Graph.renew``.

    Attributes:
        record: What the graph knows.
        artifacts: Programs.
        snapshots: Whether pinned bytes are as they were.
        catalogue: Names of versions.
        writer: Gives what records and executes; called only when something has to run.
    """

    record: Record
    artifacts: Artifacts
    snapshots: Snapshots
    catalogue: Catalogue
    writer: Callable[[], Writing]

    def renew(self, name: str, replacing: Mapping[str, str], progress: Progress | None) -> Renewal:
        """Make what came from replaced versions, on the way to a version, anew."""
        name_of_ = self.catalogue.name_of
        editions = self._editions(replacing)
        ordering = Ordering(self.record, self.artifacts, self.snapshots, name_of_, False)
        tracing = Tracing(self.record, ordering, name_of_)
        target = self._target(name, tracing, editions)
        steps = tracing.steps(target, editions)
        replaced = {name_of_(old): name_of_(new) for old, new in editions.items()}
        with ExitStack() as ending:
            told = progress or ending.enter_context(watched(f"renew {name_of_(target)}"))
            outputs = self._run(steps, editions, told, ending)
        return Renewal(target, name_of_(target), replaced, tuple(outputs))

    def _editions(self, replacing: Mapping[str, str]) -> dict[str, str]:
        """Return the versions that are replaced, and by which.

        Raises:
            NotFound: There is no such version.
            InvalidRecord: One cannot take the place of the other.
        """
        if not replacing:
            raise InvalidRecord("Nothing is replaced. Say which version takes the place of which.")
        editions: dict[str, str] = {}
        for old_name, new_name in replacing.items():
            old = self.catalogue.version(old_name, None)
            new = self.catalogue.version(new_name, None)
            if old == new or editions.get(old, new) != new:
                raise InvalidRecord(
                    f"{old_name} cannot be replaced by {new_name}: name two versions, such as "
                    "name@1 and name@2, and each old one once."
                )
            if self._kind(old) != self._kind(new):
                raise InvalidRecord(
                    f"{new_name} cannot take the place of {old_name}: one is a "
                    f"{self._kind(new)}, the other a {self._kind(old)}."
                )
            editions[old] = new
        return editions

    def _kind(self, version: str) -> str:
        """Return what a version is, a model with the format that its programs need."""
        if kind_of(version) != "model-version":
            return "dataset"
        return " ".join(["model", *{pin.place.format for pin in self.record.pins(version)}])

    def _target(self, name: str, tracing: Tracing, editions: Mapping[str, str]) -> str:
        """Return the version that is meant: the newest one that came from what is replaced.

        Once it was made anew, the newest version of all came from the new editions.
        """
        newest = self.catalogue.version(name, None)
        head, _, number = name.rpartition("@")
        if (head and number.isdigit()) or kind_of(name) in KINDS:
            return newest
        versions = [str(row["iri"]) for row in reversed(self.catalogue.versions(name))]
        return next((v for v in versions if tracing.reaches(v, editions)), newest)

    def _run(
        self, steps: Sequence[Step], editions: Mapping[str, str], told: Progress, ending: ExitStack
    ) -> list[Renewed]:
        total = sum(step.existing is None for step in steps)
        now = dict(editions)
        outputs: list[Renewed] = []
        verbs: Verbs | None = None
        done = 0
        for step in steps:
            new, seconds = step.existing, None
            if new is None:
                told(done, total, step.name)
                if verbs is None:
                    verbs = ending.enter_context(_verbs(self.writer()))
                    self._require_readable(steps, editions, verbs)
                begun = time.monotonic()
                inputs = {s: now.get(entity, entity) for s, entity in step.origin.inputs.items()}
                new = self._made(step, inputs, verbs, outputs)
                seconds = round(time.monotonic() - begun, 1)
                done += 1
            now[step.version] = new
            outputs.append(self._compared(step, new, seconds))
        told(total, total, "")
        return outputs

    def _require_readable(
        self, steps: Sequence[Step], editions: Mapping[str, str], verbs: Verbs
    ) -> None:
        """Refuse editions that a plan cannot read, before any is executed.

        Raises:
            InvalidRecord: The plan reads another format.
        """
        for step in steps:
            if step.existing is None and step.origin.executor == "spark":
                filled = {s: editions.get(e, e) for s, e in step.origin.inputs.items()}
                try:
                    self._reread(step, filled, verbs.datasets)
                except InvalidRecord as error:
                    raise InvalidRecord(
                        f"{step.name} cannot be made anew: {error} Nothing was executed."
                    ) from error

    def _reread(self, step: Step, inputs: Mapping[str, str], datasets: Datasets) -> Program:
        """Return a step's plan of Spark's so that it reads its inputs as they are to be read."""
        from lineage_graph.executors.spark.rereading import reread

        readings: dict[str, tuple[list[Place], Place]] = {}
        for slot, old in step.origin.inputs.items():
            if inputs[slot] != old:
                new = inputs[slot]
                # In this order: it also reads what the version contains when that is not known.
                place = datasets.place_of(new)
                now = datasets.as_read(new, place)
                was = [pin.place for pin in self.record.pins(old)]
                was += [datasets.as_read(old, place) for place in was]
                if not self._alike(old, was, new, now):
                    readings[slot] = (was, now)
        return reread(self._program(step), readings)

    def _alike(self, old: str, was: Sequence[Place], new: str, now: Place) -> bool:
        """Whether two versions have the same columns and are read in the same way."""
        before, after = self.record.content(old), self.record.content(new)
        if before is None or after is None or before.schema != after.schema:
            return False
        return (now.format, now.options) in [(place.format, place.options) for place in was]

    def _program(self, step: Step) -> Program:
        body = self.artifacts.get(step.origin.program)
        return Program(cast(ExecutorName, step.origin.executor), body)

    def _made(
        self, step: Step, inputs: Mapping[str, str], verbs: Verbs, earlier: Sequence[Renewed]
    ) -> str:
        """Execute one step and return the version that it made.

        Raises:
            StepFailed: Its program raised, which is recorded; the message says which step.
        """
        made = ", ".join(output.new_name for output in earlier if not output.reused)
        stays = f" What was made before stays: {made}." if made else ""
        try:
            return self._executed(step, inputs, verbs)
        except PolicyRefused as refused:
            raise PolicyRefused(f"{refused}{stays}") from refused
        except (RecordError, ReplayError) as error:
            filled = ", ".join(map(self.catalogue.name_of, inputs.values()))
            raise StepFailed(
                f"{step.name} could not be made anew from {filled}: {error} "
                f"It is recorded as failed, and nothing of it was kept.{stays}"
            ) from error

    def _executed(self, step: Step, inputs: Mapping[str, str], verbs: Verbs) -> str:
        origin, thing = step.origin, self.record.of(step.version)
        title = name_of(thing)
        with verbs.engines.executor(origin.executor).settings(origin.facts):
            if kind_of(thing) == "model":
                model = Model(id=thing, title=title)
                program = self._program(step)
                return verbs.models.refit(program, inputs, model, origin.activity).version
            dataset = Dataset(id=thing, title=title)
            if origin.executor == "spark":
                program = self._reread(step, inputs, verbs.datasets)
                return verbs.datasets.renew(program, inputs, dataset, origin.activity).version
            program, shown = self._program(step), f"renew {title}"
            return verbs.models.apply(program, inputs, dataset, shown, origin.activity).version

    def _compared(self, step: Step, new: str, seconds: float | None) -> Renewed:
        before, after = self.record.content(step.version), self.record.content(new)
        was = before.metrics if before else {}
        is_now = after.metrics if after else {}
        return Renewed(
            old=step.version,
            new=new,
            old_name=step.name,
            new_name=self.catalogue.name_of(new),
            reused=step.existing is not None,
            rows=(before.rows if before else None, after.rows if after else None),
            metrics={name: (was.get(name), is_now.get(name)) for name in {**was, **is_now}},
            fingerprints=(
                before.fingerprint if before else None,
                after.fingerprint if after else None,
            ),
            seconds=seconds,
        )


@contextmanager
def _verbs(writer: Writing) -> Iterator[Verbs]:
    """Give verbs in a fresh session, so that recorded functions hide none of the user's."""
    engines = writer.engines.fresh()
    reading = writer.recorder.fingerprint
    try:
        writer.recorder.fingerprint = engines.session().fingerprint
        datasets = writer.datasets.on(engines)
        yield Verbs(engines, datasets, replace(writer.models, engines=engines, datasets=datasets))
    finally:
        writer.recorder.fingerprint = reading
        engines.close()
