"""Giving a version to others: its bytes, who is to be named, and what has to be offered with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineage_graph.drawing import Table
from lineage_graph.drawing.table import as_text, mime_bundle
from lineage_graph.errors import InvalidRecord, LineageGraphError, NotFound
from lineage_graph.executors import BASE_PATH, Pin
from lineage_graph.graph.folders import Folders, sync
from lineage_graph.graph.stating import Claim, Stating
from lineage_graph.identity import fresh, part
from lineage_graph.licensing import LicenseTerms, Licensing, Use
from lineage_graph.licensing.gate import Gate
from lineage_graph.recording import Recorder
from lineage_graph.recording.descriptions import ENGINE, engine_agent
from lineage_graph.records import Activity, Agent, Association
from lineage_graph.replay.origins import Record
from lineage_graph.replay.publication import require_free, whole_folder
from lineage_graph.snapshots import Snapshots, files_of

DATA, NOTICE, TERMS, METHOD = "data", "NOTICE.txt", "license-terms.json", "method"


@dataclass(frozen=True)
class Published:
    """What was given to others.

    Attributes:
        name: Of the version.
        folder: Where it lies.
        verdict: The verdict on the use it was published for.
        license: The licence it goes out under; None when none was declared.
        files: How many files of data there are.
        methods: Names of the derivative databases whose method lies beside them.
    """

    name: str
    folder: Path
    verdict: str
    license: str | None
    files: int
    methods: tuple[str, ...]

    def __str__(self) -> str:
        return as_text(self._table())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return what a notebook shows: a table, and text where it cannot show one."""
        return mime_bundle(self._table())

    def _table(self) -> Table:
        rows = [
            ("folder", str(self.folder)),
            ("verdict", self.verdict),
            ("licence", self.license or "not declared"),
            ("files", str(self.files)),
            ("methods offered", ", ".join(self.methods) or "none are owed"),
        ]
        return Table(f"published {self.name}", ("what", "value"), rows)


@dataclass(frozen=True)
class Publishing:
    """Publishes versions of one graph.

    Attributes:
        method: Writes how a version was made into a new folder.
    """

    licensing: Licensing
    gate: Gate
    stating: Stating
    recorder: Recorder
    record: Record
    snapshots: Snapshots
    folders: Folders
    method: Callable[[str, Path], object]

    def publish(
        self, version: str, into: Path, use: Use, license_: str | None, despite: str | None
    ) -> Published:
        """Put a version into a new folder for others; see ``Graph.publish``."""
        require_free(into)
        terms = self.licensing.blocking(version)
        self.gate.before_publishing(terms, use, despite)
        begun = datetime.now(UTC)
        pin = self._pin(version)
        if license_ is not None:
            self._declare(version, license_)
            # What is handed on says under which licence it goes out.
            terms = self.licensing.blocking(version)
        self.stating.require_declared(terms)
        with whole_folder(into) as work, self.folders.scratch() as restored:
            count = self._copy(pin, work / DATA, restored)
            (work / NOTICE).write_text(terms.notice().to_text(), encoding="utf-8")
            text = json.dumps(terms.to_dict(), ensure_ascii=False, indent=2, default=str)
            (work / TERMS).write_text(f"{text}\n", encoding="utf-8")
            for number, database in enumerate(terms.offered):
                self.method(database.version, work / METHOD / f"{number + 1}")
            sync(work)
        self._record(version, terms, use, despite, begun)
        names = tuple(database.name for database in terms.offered)
        return Published(terms.name, into, terms.verdicts[use], license_, count, names)

    def _declare(self, version: str, license_: str) -> None:
        if self.licensing.outgoing(version) is None:
            raise InvalidRecord(
                "It came from outside and goes on under the licence it has. Leave out the "
                "licence, or publish something that was made from it."
            )
        self.stating.state(version, Claim(license_))

    def _pin(self, version: str) -> Pin:
        """Return bytes of a version that are as they were recorded."""
        problems = []
        for pin in self.record.pins(version):
            try:
                self.snapshots.check_copy(pin) if pin.snapshot == "copy" else self.snapshots.check(
                    pin
                )
            except LineageGraphError as problem:
                problems.append(str(problem))
            else:
                return pin
        raise NotFound(
            f"The data of {version} cannot be read: {'; '.join(problems) or 'it was not kept'}"
        )

    def _copy(self, pin: Pin, into: Path, work: Path) -> int:
        place = self.snapshots.restore(pin, work / "restored")
        count = 0
        for name, path in files_of(place.paths, place.options.get(BASE_PATH)):
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            count += 1
        return count

    def _record(
        self, version: str, terms: LicenseTerms, use: Use, despite: str | None, begun: datetime
    ) -> None:
        activity = fresh("activity")
        why = f", despite {terms.verdicts[use]}: {despite}" if despite else ""
        done = Activity(
            id=activity,
            label=f"publish {terms.name} for {use}{why}",
            started_at=begun,
            ended_at=datetime.now(UTC),
            status="completed",
            used=(version,),
            associated_with=self.recorder.author,
            qualified_association=part(activity, "association"),
        )
        agents = [engine_agent(), Agent(id=self.recorder.author)]
        followed = Association(id=done.qualified_association, agent=ENGINE)
        self.recorder.append([done, followed], shared=agents)
