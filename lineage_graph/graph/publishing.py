"""Giving a version to others: its bytes, who is to be named, and what has to be offered with it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage_graph.drawing import Table
from lineage_graph.drawing.table import as_text, mime_bundle
from lineage_graph.errors import InvalidRecord, LineageGraphError, NotFound, PolicyRefused
from lineage_graph.executors import BASE_PATH, Pin
from lineage_graph.graph.folders import Folders, sync
from lineage_graph.graph.stating import Claim, Stating
from lineage_graph.identity import fresh
from lineage_graph.licensing import LicenseTerms, Licensing, Use
from lineage_graph.licensing.gate import Gate
from lineage_graph.licensing.licenses import NOTHING
from lineage_graph.licensing.values import NOT_ADVICE
from lineage_graph.recording import Recorder
from lineage_graph.recording.descriptions import act, agents
from lineage_graph.replay.origins import Record
from lineage_graph.replay.privacy import Here
from lineage_graph.replay.publication import require_free, whole_folder
from lineage_graph.snapshots import Snapshots, files_of

DATA, NOTICE, TERMS = "data", "NOTICE.txt", "license-terms.json"
LICENSES, METHOD = "licenses", "method"
SHARE_ALIKE = "shareAlike"
DIGITS = 16
"""How much of its sha256 the file of a licence's text is named by."""


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

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = {"folder": str(self.folder), "methods": list(self.methods)}
        return {**vars(self), **plain, "disclaimer": NOT_ADVICE}

    def _table(self) -> Table:
        rows = [
            ("folder", str(self.folder)),
            ("verdict", self.verdict),
            ("licence", self.license or "not declared"),
            ("files", str(self.files)),
            ("methods offered", ", ".join(self.methods) or "none are owed"),
            ("note", NOT_ADVICE),
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
        terms = self.licensing.blocking(version, together=use != "share")
        self.gate.before_publishing(terms, use, despite)
        claim = Claim(license_) if license_ is not None else None
        under = self._outbound(version, terms, claim)
        here, begun = Here(_recorded_paths(terms)), datetime.now(UTC)
        pin = self._pin(version)
        why = f", despite {terms.verdicts[use]}: {despite}" if despite else ""
        label = here.public(f"publish {terms.name} for {use}{why}")
        with whole_folder(into) as work, self.folders.scratch() as restored:
            count = self._copy(pin, work / DATA, restored)
            self._hand_on(work, terms, under, here)
            sync(work)
            self._record(version, claim, label, begun)
        names = tuple(database.name for database in terms.offered)
        return Published(terms.name, into, terms.verdicts[use], under, count, names)

    def _outbound(self, version: str, terms: LicenseTerms, claim: Claim | None) -> str | None:
        """Return the licence it goes out under, before anything is written.

        Raises:
            PolicyRefused: The sources do not allow it, or demand that one is declared.
            InvalidRecord: It came from outside, so that it is not ours to give.
            RecordConflict: Another one was declared.
        """
        ours = self.licensing.is_ours(version)
        if claim is not None:
            if not ours:
                raise InvalidRecord(
                    "It came from outside and goes on under the licence it has. Leave out the "
                    "licence, or publish something that was made from it."
                )
            expression = self.stating.read(claim)[0]
            self.stating.require_allowed(version, expression)
            return expression.text
        self.stating.require_declared(terms)
        if terms.declared:
            said = self.licensing.statements.said_of(version, version).expression.text
            return None if said == NOTHING else said
        alike = [t for t in terms.terms if t.modality == "duty" and t.action.endswith(SHARE_ALIKE)]
        if alike and ours:
            allowed = ", ".join(terms.outbound or (alike[0].license,))
            raise PolicyRefused(
                f"{terms.name}: {alike[0].source} ({alike[0].license}) demands that it is shared "
                f"under a licence it accepts. Say which: {allowed}. {NOT_ADVICE}"
            )
        return None

    def _hand_on(self, work: Path, terms: LicenseTerms, under: str | None, here: Here) -> None:
        """Write what goes along: who is to be named, licence texts, terms and methods.

        Names that are paths of this machine are told by their last part.
        """
        notice = replace(terms.notice(), under=under).to_text()
        (work / NOTICE).write_text("\n".join(map(here.public, notice.split("\n"))), "utf-8")
        declared = {"declared": [under], "declared_allowed": True} if under else {}
        facts = _public(terms.to_dict() | declared, here)
        text = json.dumps(facts, ensure_ascii=False, indent=2, default=str)
        (work / TERMS).write_text(f"{text}\n", encoding="utf-8")
        for digest in sorted(terms.evidence):
            (work / LICENSES).mkdir(exist_ok=True)
            kept = work / LICENSES / f"{digest[:DIGITS]}.txt"
            kept.write_bytes(self.stating.artifacts.get(digest))
        for number, database in enumerate(terms.offered):
            self.method(database.version, work / METHOD / f"{number + 1}")

    def _pin(self, version: str) -> Pin:
        """Return bytes of a version that are as they were recorded."""
        problems = []
        for pin in self.record.pins(version):
            try:
                self.snapshots.verify(pin)
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

    def _record(self, version: str, claim: Claim | None, label: str, begun: datetime) -> None:
        """Record the publication, and the licence that was given with it, as one bundle."""
        said = self.stating.draw_up(version, claim) if claim is not None else None
        statement, shared = (said.records, said.shared) if said is not None else ((), ())
        author = self.recorder.author
        done = act(fresh("activity"), label, begun, author, (version,))
        self.recorder.append([*done, *statement], shared=[*agents(author), *shared])


def _recorded_paths(terms: LicenseTerms) -> set[str]:
    """Return the paths that what an answer names is called by: nobody gave it another name."""
    judgement = terms.judgement
    bound = {*judgement.bound, *(one for reason in judgement.reasons for one in reason.bound)}
    iris = {terms.version}
    for one in bound:
        iris |= {one.source, one.stated.said_of or one.source}
        iris |= {iri for step in one.way.steps for iri in (step.source, step.derived)}
    names = [*map(terms.named, iris), *(database.name for database in terms.offered)]
    parts = (one for name in names for one in name.split("; "))
    found = (re.sub(r"@\d+$", "", re.sub(r"^file:/+", "/", one)) for one in parts)
    return {path for path in found if path.startswith("/")}


def _public(value: Any, here: Here) -> Any:
    """Return plain values whose texts name no place of this machine."""
    if isinstance(value, dict):
        return {key: _public(inner, here) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_public(inner, here) for inner in value]
    return here.public(value) if isinstance(value, str) else value
