"""A report as plain values, in one language; every cell says where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

Origin = Literal["declared", "derived", "inferred", "not-recorded", "not-applicable"]
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Cell:
    """One value of a field.

    Attributes:
        value: What is shown; for ``not-recorded`` the sentence that names the article.
        origin: Where it comes from.
        because: Who declared it and when, the path, the rule, or the reason.
        iri: What it is about in the graph, such as a DPV term or a version.
    """

    value: str
    origin: Origin
    because: str = ""
    iri: str | None = None


@dataclass(frozen=True)
class Answer:
    """A field of a report, answered for one subject.

    Attributes:
        field: IRI of the field.
        label: What the field is called.
        legal_ref: Such as ``GDPR Art. 30(1)(f)``.
        cells: At least one.
    """

    field: str
    label: str
    legal_ref: str
    cells: tuple[Cell, ...]

    @property
    def recorded(self) -> bool:
        """Whether the graph holds it, or says why it does not apply."""
        return all(cell.origin != "not-recorded" for cell in self.cells)


@dataclass(frozen=True)
class Entry:
    """All fields of one subject: a process, a dataset, a model, or the report itself.

    Attributes:
        title: What people call it.
        answers: One for each field.
        iri: The subject; None for the report itself.
    """

    title: str
    answers: tuple[Answer, ...]
    iri: str | None = None


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        title: Its heading.
        entries: Its subjects; none is said, never hidden.
        columns: Labels of the fields, in order.
        layout: ``fields`` shows each entry as a list of fields, ``table`` all in one table.
        text: A sentence of introduction.
        empty: What is said when there is no entry.
    """

    title: str
    entries: tuple[Entry, ...]
    columns: tuple[str, ...]
    layout: Literal["fields", "table"] = "fields"
    text: str = ""
    empty: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that the law asks for and that is otherwise in the graph.

    Attributes:
        severity: How grave.
        title: What it is.
        text: What was found, with its path.
        legal_ref: The provision.
        about: What it is about, as people call it.
        iri: The same in the graph.
    """

    severity: Severity
    title: str
    text: str
    legal_ref: str
    about: str
    iri: str | None = None


@dataclass(frozen=True)
class Gap:
    """Something that is not recorded.

    Attributes:
        label: The field.
        about: Of what, as people call it.
        text: The sentence that says so, with the article.
        legal_ref: The provision.
        unlocks: How many fields of the report need it.
    """

    label: str
    about: str
    text: str
    legal_ref: str
    unlocks: int = 1


@dataclass(frozen=True)
class Sources:
    """What a report was made from.

    Attributes:
        seq: Last entry of the ledger that it considers.
        chain: That entry's chain, which names the whole ledger up to it.
        ontology: Name of an ontology file to its digest.
        policy: Name of a setting to its value, such as the least size of a group.
        made_at: When, as shown.
        software: Name and release.
    """

    seq: int
    chain: str
    ontology: Mapping[str, str]
    policy: Mapping[str, str]
    made_at: str
    software: str


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        name: Such as ``ropa``.
        law: Such as ``gdpr``.
        lang: ``en`` or ``pt-BR``.
        title: Its heading.
        legal_basis: The provisions it answers.
        sections: Its parts.
        findings: What is otherwise than the law asks.
        gaps: What is not recorded, what unlocks most first.
        satisfied: How many fields are recorded or do not apply.
        applicable: Of how many.
        sources: What it was made from.
        disclaimer: That it is not legal advice.
        words: Headings and words of the language, by name, such as ``findings``.
        parameters: What was asked, by name.
        described: Gives what is recorded of its subjects, as N-Triples.
    """

    name: str
    law: str
    lang: str
    title: str
    legal_basis: str
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    satisfied: int
    applicable: int
    sources: Sources
    disclaimer: str
    words: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    described: Callable[[], bytes] = field(default=bytes, repr=False, compare=False)

    @property
    def completeness(self) -> float | None:
        """Share of the fields that are recorded or do not apply; None when none applies."""
        return self.satisfied / self.applicable if self.applicable else None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "described"}
        for name in ("sections", "findings", "gaps"):
            said[name] = [asdict(one) for one in said[name]]
        said["sources"] = asdict(self.sources)
        said["words"], said["parameters"] = dict(self.words), dict(self.parameters)
        return said | {"completeness": self.completeness}

    def to_html(self) -> str:
        """Return it as one page of HTML that needs no other file.

        Raises:
            MissingExtra: A package of the ``report`` extra is not installed.
        """
        from lineage_graph.compliance.rendering import html

        return html(self)

    def save(self, path: str | Path, format: str | None = None) -> Path:
        """Write it into a file, whole or not at all.

        Args:
            path: The file; its ending chooses the format.
            format: ``html``, ``pdf``, ``xlsx``, ``md``, ``csv``, ``json``, ``jsonld`` or ``text``.

        Raises:
            InvalidRecord: The ending stands for no format, or the path is a folder.
            StoreUnavailable: The file cannot be written.
            MissingExtra: A package of the ``report`` extra is not installed.
        """
        from lineage_graph.compliance.writing import save

        return save(self, Path(path), format)

    def __str__(self) -> str:
        """Return it as a person reads it in a terminal."""
        from lineage_graph.compliance.writing.plain import text

        return text(self)

    def _repr_html_(self) -> str:
        return self.to_html()
