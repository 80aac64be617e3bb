"""Answers a report: every query once for all subjects, every value with its origin.

What no row answers is "not recorded", in the words of the field; nothing is filled in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Final, Protocol, cast

from lineage_graph.compliance.definitions import (
    STRENGTHS,
    FieldDefinition,
    FindingDefinition,
    ReportDefinition,
    SectionDefinition,
    said_in,
)
from lineage_graph.compliance.report import (
    Answer,
    Cell,
    Entry,
    Finding,
    Gap,
    Origin,
    Report,
    Section,
    Sources,
)
from lineage_graph.compliance.wording import Wording, local_name
from lineage_graph.declarations import Query
from lineage_graph.errors import DeclarationError
from lineage_graph.stores import Iri, Row

STATED: Final = ("declared", "derived", "inferred", "not-applicable")
"""Origins that a query may give; what it does not answer is not recorded."""
REASONS: Final = 3
"""Most reasons shown for one value."""
NAMED: Final = 5
"""Most things named in one gap."""
_ITSELF: Final = ""


class Assessed(Protocol):
    """Answers declared queries over an assessment."""

    def query(self, name: str) -> Query:
        """Return a declared query."""
        ...

    def rows(self, name: str, **values: Any) -> list[Row]:
        """Return the rows of a query."""
        ...

    def described(self, things: Collection[str]) -> bytes:
        """Return what is stated of some things, as N-Triples."""
        ...


@dataclass
class _Values:
    """The reasons for each value of one field and subject, in the order they were met."""

    reasons: dict[tuple[str, str, str | None], dict[str, None]] = field(default_factory=dict)

    def add(self, value: str, origin: str, iri: str | None, because: str) -> None:
        known = self.reasons.setdefault((value, origin, iri), {})
        if because:
            known[because] = None


@dataclass
class _Missing:
    """What one query did not answer.

    Attributes:
        first: The field that met it first.
        about: Names of the subjects.
        refs: The provisions.
        unlocks: How many answers need it.
    """

    first: FieldDefinition
    about: dict[str, None] = field(default_factory=dict)
    refs: dict[str, None] = field(default_factory=dict)
    unlocks: int = 0


class Answering:
    """Answers one report in one language.

    Args:
        definition: The report.
        assessed: What is asked.
        wording: The language.
        bound: Parameters for queries by name.
    """

    def __init__(
        self,
        definition: ReportDefinition,
        assessed: Assessed,
        wording: Wording,
        bound: Mapping[str, Any],
    ) -> None:
        self._definition = definition
        self._assessed = assessed
        self._wording = wording
        self._bound = {"law": definition.law_iri, "lang": wording.lang, **bound}
        self._answered: dict[str, Mapping[str, _Values]] = {}
        self._missing: dict[str, _Missing] = {}
        self._empty: list[SectionDefinition] = []
        self._satisfied = self._applicable = 0

    def report(self, sources: Sources, parameters: Mapping[str, str]) -> Report:
        """Return the report.

        Args:
            sources: What it is made from.
            parameters: What was asked, as it may be shown.

        Raises:
            DeclarationError: A query or a text of the report cannot be used.
        """
        known = self._definition
        sections = tuple(self._section(one) for one in known.sections)
        findings = tuple(row for one in known.findings for row in self._findings(one))
        return Report(
            name=known.name,
            law=known.law,
            lang=self._wording.lang,
            title=self._said(known.labels, known.iri),
            legal_basis=known.legal_ref,
            sections=sections,
            findings=findings,
            gaps=self._gaps(),
            satisfied=self._satisfied,
            applicable=self._applicable,
            sources=sources,
            disclaimer=self._wording.words["disclaimer"],
            words=self._wording.words,
            parameters=parameters,
            described=partial(self._assessed.described, _subjects(sections)),
        )

    def _said(self, texts: Mapping[str, str], iri: str) -> str:
        return said_in(texts, self._wording.lang, iri)

    def _rows(self, name: str) -> list[Row]:
        query = self._assessed.query(name)
        given = {p.name: self._bound[p.name] for p in query.parameters if p.name in self._bound}
        return self._assessed.rows(name, **given)

    def _section(self, known: SectionDefinition) -> Section:
        entries = []
        for subject, title in self._subjects(known).items():
            answers = tuple(self._answer(one, subject, title) for one in known.fields)
            entries.append(Entry(title, answers, subject or None))
        if not entries and any(one.strength == STRENGTHS[0] for one in known.fields):
            # Nothing to be about is a gap, or an empty graph would look complete.
            self._applicable += 1
            self._empty.append(known)
        return Section(
            title=self._said(known.labels, known.iri),
            entries=tuple(entries),
            columns=tuple(self._said(one.labels, one.iri) for one in known.fields),
            layout=known.layout,
            text=self._said(known.comments, known.iri) if known.comments else "",
            empty=self._said(known.empty, known.iri) if known.empty else "",
        )

    def _subjects(self, known: SectionDefinition) -> dict[str, str]:
        """Return the subjects of a section with what people call them."""
        if known.subjects is None:
            return {_ITSELF: self._said(self._definition.labels, self._definition.iri)}
        found: dict[str, str] = {}
        for row in self._rows(known.subjects):
            title = self._wording.say(row["title"]) or self._wording.say(row["subject"])
            found.setdefault(str(row["subject"]), title)
        return found

    def _answer(self, known: FieldDefinition, subject: str, title: str) -> Answer:
        values = self._values(known.query)
        # What a report asks of itself is answered by every row, whatever it is about.
        mine = values.get(subject) if subject else _together(values.values())
        cells = self._cells(mine) if mine is not None else ()
        label = self._said(known.labels, known.iri)
        if not cells:
            cells = (self._unanswered(known, subject, title),)
        self._applicable += 1
        self._satisfied += all(cell.origin != "not-recorded" for cell in cells)
        return Answer(known.iri, label, known.legal_ref, cells)

    def _values(self, name: str) -> Mapping[str, _Values]:
        """Return what a query says of every subject, asked once."""
        if name not in self._answered:
            found: defaultdict[str, _Values] = defaultdict(_Values)
            for row in self._rows(name):
                if row["value"] is not None:
                    self._add(found[str(row["subject"] or "")], row, name)
            self._answered[name] = dict(found)
        return self._answered[name]

    def _add(self, values: _Values, row: Row, name: str) -> None:
        origin, value = row["origin"], row["value"]
        if origin not in STATED:
            raise DeclarationError(
                f"{self._assessed.query(name).path} gives the origin {origin!r}; it has to be one"
                f" of: {', '.join(STATED)}"
            )
        iri = row.get("iri") or (value if isinstance(value, Iri) else None)
        because = self._wording.say(row["because"])
        if origin == "declared" and not because:
            because = self._declared_by.get(str(row["subject"] or ""), "")
        values.add(self._wording.say(value), origin, str(iri) if iri else None, because)

    def _cells(self, values: _Values) -> tuple[Cell, ...]:
        return tuple(
            Cell(value, cast(Origin, origin), self._wording.several(list(reasons), REASONS), iri)
            for (value, origin, iri), reasons in values.reasons.items()
        )

    def _unanswered(self, known: FieldDefinition, subject: str, title: str) -> Cell:
        for name in (known.name, local_name(known.iri)):
            if (subject, name) in self._exempt:
                because = self._exempt[subject, name]
                return Cell(self._wording.words["not-applicable"], "not-applicable", because)
        missing = self._missing.setdefault(known.query, _Missing(known))
        missing.about[title] = None
        missing.refs[known.legal_ref] = None
        missing.unlocks += 1
        return Cell(self._said(known.missing, known.iri), "not-recorded")

    @cached_property
    def _exempt(self) -> Mapping[tuple[str, str], str]:
        """Why a field does not apply to something, by subject and name of the field."""
        rows = self._assessed.rows("reports/not_applicable")
        return {(str(row["subject"]), str(row["field"])): row["because"] for row in rows}

    @cached_property
    def _declared_by(self) -> Mapping[str, str]:
        """Who declared each process, and when, as one text."""
        return {
            str(row["subject"]): self._wording.words["declared-by"].format(
                author=self._wording.say(row["author"]), date=self._wording.day(row["at"])
            )
            for row in self._assessed.rows("reports/declared_by")
            if isinstance(row["at"], datetime)
        }

    def _findings(self, known: FindingDefinition) -> Iterable[Finding]:
        text, title = self._said(known.texts, known.iri), self._said(known.labels, known.iri)
        found: dict[Finding, None] = {}
        for row in self._rows(known.query):
            about = self._wording.say(row["title"]) or self._wording.say(row["about"])
            said = text.format(about=about, why=self._wording.say(row["why"]))
            iri = str(row["about"]) if isinstance(row["about"], Iri) else None
            one = Finding(known.severity, title, said, known.legal_ref, about, iri)
            found[one] = None
        return found

    def _gaps(self) -> tuple[Gap, ...]:
        """Return what is missing: empty sections, what answers most, what the law insists on."""
        missing = sorted(
            self._missing.values(),
            key=lambda one: (-one.unlocks, STRENGTHS.index(one.first.strength)),
        )
        return (*map(self._gap_of_section, self._empty), *map(self._gap, missing))

    def _gap_of_section(self, known: SectionDefinition) -> Gap:
        return Gap(
            label=self._said(known.labels, known.iri),
            about=self._said(self._definition.labels, self._definition.iri),
            text=self._said(known.empty, known.iri),
            legal_ref="; ".join(dict.fromkeys(one.legal_ref for one in known.fields)),
            unlocks=len(known.fields),
        )

    def _gap(self, missing: _Missing) -> Gap:
        return Gap(
            label=self._said(missing.first.labels, missing.first.iri),
            about=self._wording.several(list(missing.about), NAMED),
            text=self._said(missing.first.missing, missing.first.iri),
            legal_ref="; ".join(missing.refs),
            unlocks=missing.unlocks,
        )


def _subjects(sections: Iterable[Section]) -> list[str]:
    """Return what a report is about, once each."""
    entries = (entry.iri for section in sections for entry in section.entries)
    return list(dict.fromkeys(iri for iri in entries if iri is not None))


def _together(values: Iterable[_Values]) -> _Values:
    """Return the values of several subjects as those of one."""
    both = _Values()
    for one in values:
        for (value, origin, iri), reasons in one.reasons.items():
            both.reasons.setdefault((value, origin, iri), {}).update(reasons)
    return both
