"""What a report is: its sections, fields and findings, read from ``ontology/reports``.

A report, a field or a law is Turtle and SPARQL. What is declared is checked when it is read:
a report that lacks an article, a query or the words of a language is refused, with the file
and what to add.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from lineage_graph.compliance.report import Severity
from lineage_graph.errors import DeclarationError, InvalidRecord, NotFound

Layout = Literal["fields", "table"]
Texts = Mapping[str, str]
"""Language to text."""

REQUIRED_LANGUAGES: Final = ("en", "pt-BR")
LAYOUTS: Final = ("fields", "table")
STRENGTHS: Final = ("mandatory", "where possible", "good practice")
SEVERITIES: Final = ("error", "warning", "info")
FIELD_COLUMNS: Final = ("subject", "value", "origin", "because")
SUBJECT_COLUMNS: Final = ("subject", "title")
FINDING_COLUMNS: Final = ("about", "title", "why")


class Rows(Protocol):
    """Answers declared queries over ``ontology/``."""

    def rows(self, name: str) -> list[Any]:
        """Return the rows of a named query."""
        ...


@dataclass(frozen=True)
class FieldDefinition:
    """What is asked of each subject of a section.

    Attributes:
        iri: The field.
        name: Short name within the law, such as ``30-1-f``.
        labels: What it is called.
        legal_ref: Such as ``GDPR Art. 30(1)(f)``.
        strength: ``mandatory``, ``where possible`` or ``good practice``.
        query: Name of the query that answers it.
        missing: What is said where nothing is recorded.
    """

    iri: str
    name: str
    labels: Texts
    legal_ref: str
    strength: str
    query: str
    missing: Texts


@dataclass(frozen=True)
class SectionDefinition:
    """A part of a report.

    Attributes:
        iri: The section.
        labels: Its heading.
        comments: A sentence of introduction; may be empty.
        subjects: Name of the query that lists its subjects; None for the report itself.
        layout: How it is shown.
        empty: What is said when there is no subject.
        fields: In order.
    """

    iri: str
    labels: Texts
    comments: Texts
    subjects: str | None
    layout: Layout
    empty: Texts
    fields: tuple[FieldDefinition, ...]


@dataclass(frozen=True)
class FindingDefinition:
    """Something a report looks for.

    Attributes:
        iri: The finding.
        labels: What it is called.
        legal_ref: The provision.
        severity: How grave it is.
        query: Name of the query that finds it.
        texts: The sentence, in which ``{about}`` and ``{why}`` are filled in.
    """

    iri: str
    labels: Texts
    legal_ref: str
    severity: Severity
    query: str
    texts: Texts


@dataclass(frozen=True)
class ReportDefinition:
    """A report that can be asked for.

    Attributes:
        iri: The report.
        name: Such as ``ropa``.
        law: Short name of the law, such as ``gdpr``.
        law_iri: The law.
        legal_ref: The provisions it answers.
        labels: Its title.
        comments: What it is for.
        sections: In order.
        findings: The gravest first.
        parameters: Names of what may be given.
        required: Which of these must be given.
    """

    iri: str
    name: str
    law: str
    law_iri: str
    legal_ref: str
    labels: Texts
    comments: Texts
    sections: tuple[SectionDefinition, ...]
    findings: tuple[FindingDefinition, ...]
    parameters: tuple[str, ...] = field(default=())
    required: tuple[str, ...] = field(default=())

    def to_dict(self, lang: str) -> dict[str, Any]:
        """Return what it is, in a language, as plain values.

        Raises:
            DeclarationError: It says nothing in that language.
        """
        return {
            "name": self.name,
            "law": self.law,
            "title": said_in(self.labels, lang, self.iri),
            "legal_basis": self.legal_ref,
            "parameters": list(self.parameters),
            "about": said_in(self.comments, lang, self.iri),
        }

    def uses(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield what asks which query, and the columns that it has to project."""
        for section in self.sections:
            if section.subjects is not None:
                yield section.iri, section.subjects, SUBJECT_COLUMNS
            for one in section.fields:
                yield one.iri, one.query, FIELD_COLUMNS
        for finding in self.findings:
            yield finding.iri, finding.query, FINDING_COLUMNS


class Definitions:
    """The declared reports.

    Args:
        reports: By name and law.
        words: Language to word to text.
    """

    def __init__(
        self, reports: Iterable[ReportDefinition], words: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._reports = {(one.name, one.law): one for one in reports}
        self._words = words

    def all(self) -> list[ReportDefinition]:
        """Return the reports, sorted by law and name."""
        return sorted(self._reports.values(), key=lambda one: (one.law, one.name))

    def get(self, name: str, law: str) -> ReportDefinition:
        """Return a report.

        Raises:
            NotFound: There is none of that name, or none for that law; near ones are named.
        """
        name, law = name.lower(), law.lower()
        if (name, law) in self._reports:
            return self._reports[name, law]
        names = sorted({one for one, _ in self._reports})
        laws = sorted({one for _, one in self._reports})
        if law not in laws:
            raise NotFound(f"There are no reports for the law {law!r}.{_choose(law, laws)}")
        if name not in names:
            raise NotFound(f"There is no report {name!r}.{_choose(name, names)}")
        having = sorted(one for report, one in self._reports if report == name)
        raise NotFound(f"There is no report {name!r} for {law}. There is one for {_or(having)}.")

    @property
    def languages(self) -> list[str]:
        """The languages that have every word a page needs."""
        needed = {name for said in self._words.values() for name in said}
        return sorted(lang for lang, said in self._words.items() if needed <= said.keys())

    def language(self, text: str) -> str:
        """Return a language as it is written here.

        Raises:
            InvalidRecord: There is none of that name.
        """
        for lang in self.languages:
            if lang.lower() == text.lower().replace("_", "-"):
                return lang
        raise InvalidRecord(
            f"There are no reports in the language {text!r}.{_choose(text, self.languages)} To add"
            " one, add its labels to a Turtle file of your own ontology/reports/."
        )

    def words(self, lang: str) -> Mapping[str, str]:
        """Return the words of a language by name."""
        return self._words[lang]


def canonical(lang: str) -> str:
    """Return a language tag as RFC 5646, 2.1.1 recommends: ``pt-BR``."""
    first, *rest = lang.split("-")
    return "-".join([first.lower(), *(p.upper() if len(p) == 2 else p.title() for p in rest)])


def said_in(texts: Texts, lang: str, what: str) -> str:
    """Return a text in a language.

    Raises:
        DeclarationError: It is not declared in that language.
    """
    if lang not in texts:
        raise DeclarationError(
            f"{what} says nothing in {lang}, only in {_or(sorted(texts)) or 'no language'}."
            f" Add the text with @{lang} to a Turtle file of ontology/reports/."
        )
    return texts[lang]


def _choose(text: str, known: list[str]) -> str:
    near = difflib.get_close_matches(text, known, n=2, cutoff=0.5)
    return f" Did you mean {_or(near)}?" if near else f" Use {_or(known) or 'none: none is there'}."


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)
