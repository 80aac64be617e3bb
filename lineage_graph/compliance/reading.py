"""Reads the declared reports and checks them, file by file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from string import Formatter
from typing import Any, Final, cast

from lineage_graph.compliance.definitions import (
    LAYOUTS,
    REQUIRED_LANGUAGES,
    SEVERITIES,
    STRENGTHS,
    Definitions,
    FieldDefinition,
    FindingDefinition,
    Layout,
    ReportDefinition,
    Rows,
    SectionDefinition,
    Texts,
    canonical,
)
from lineage_graph.compliance.report import Severity
from lineage_graph.declarations import Declarations
from lineage_graph.errors import DeclarationError, NotFound

_PLACES: Final = frozenset({"about", "why"})
Row = Mapping[str, Any]


def read(declared: Rows, declarations: Declarations) -> Definitions:
    """Return the reports that are declared, ours and an organisation's.

    Args:
        declared: Answers queries over ``ontology/``.
        declarations: Where the files are.

    Raises:
        DeclarationError: A report lacks something; it says which file, and what to add.
    """
    return _Reading(declared, declarations).definitions()


class _Reading:
    """One reading of everything that is declared about reports."""

    def __init__(self, declared: Rows, declarations: Declarations) -> None:
        self._rows = declared.rows
        self._declarations = declarations

    def definitions(self) -> Definitions:
        """Return all of them, checked."""
        words: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in self._rows("reports/words"):
            words[canonical(row["lang"])][row["name"]] = row["text"]
        reports = [self._report(row) for row in self._rows("reports/reports")]
        seen: dict[tuple[str, str], str] = {}
        for one in reports:
            other = seen.setdefault((one.name, one.law), one.iri)
            if other != one.iri:
                raise self._wrong(one.iri, f"has the name and law of {other}; give it another name")
            self._require_queries(one)
        return Definitions(reports, words)

    @cached_property
    def _texts(self) -> Mapping[tuple[str, str], Texts]:
        found: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for row in self._rows("reports/texts"):
            found[str(row["node"]), row["role"]][canonical(row["lang"])] = row["text"]
        return found

    @cached_property
    def _sections(self) -> Mapping[str, list[Row]]:
        return _grouped(self._rows("reports/sections"), "report")

    @cached_property
    def _fields(self) -> Mapping[str, list[Row]]:
        return _grouped(self._rows("reports/fields"), "section")

    @cached_property
    def _findings(self) -> Mapping[str, list[Row]]:
        return _grouped(self._rows("reports/findings"), "report")

    @cached_property
    def _parameters(self) -> Mapping[str, list[Row]]:
        return _grouped(self._rows("reports/parameters"), "report")

    def _report(self, row: Row) -> ReportDefinition:
        iri = str(row["report"])
        law = self._said(row, iri, "law", "lg:law with the IRI of a law")
        findings = [self._finding(one) for one in self._findings.get(iri, ())]
        given = self._parameters.get(iri, ())
        return ReportDefinition(
            iri=iri,
            name=self._said(row, iri, "name", "csvw:name").lower(),
            law=self._said(row, law, "law_name", "csvw:name, such as gdpr").lower(),
            law_iri=law,
            legal_ref=self._said(row, iri, "legal_ref", "lg:legalRef"),
            labels=self._text(iri, "label", "rdfs:label"),
            comments=self._text(iri, "comment", "rdfs:comment"),
            sections=tuple(self._section(one) for one in self._sections.get(iri, ())),
            findings=tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.iri))),
            parameters=tuple(dict.fromkeys(one["name"] for one in given)),
            required=tuple(one["name"] for one in given if one["required"]),
        )

    def _section(self, row: Row) -> SectionDefinition:
        iri = str(row["section"])
        subjects = row["subjects"]
        return SectionDefinition(
            iri=iri,
            labels=self._text(iri, "label", "rdfs:label"),
            comments=self._text(iri, "comment", "rdfs:comment", needed=False),
            subjects=subjects,
            layout=cast(Layout, self._one_of(iri, row["layout"] or "fields", LAYOUTS, "lg:layout")),
            empty=self._text(iri, "empty", "lg:whenEmpty", needed=subjects is not None),
            fields=tuple(self._field(one) for one in self._fields.get(iri, ())),
        )

    def _field(self, row: Row) -> FieldDefinition:
        iri = str(row["field"])
        strength = self._said(row, iri, "strength", "lg:strength")
        return FieldDefinition(
            iri=iri,
            name=self._said(row, iri, "name", "csvw:name"),
            labels=self._text(iri, "label", "rdfs:label"),
            legal_ref=self._said(row, iri, "legal_ref", "lg:legalRef"),
            strength=self._one_of(iri, strength, STRENGTHS, "lg:strength"),
            query=self._said(row, iri, "query", "lg:query"),
            missing=self._text(iri, "missing", "lg:whenMissing"),
        )

    def _finding(self, row: Row) -> FindingDefinition:
        iri = str(row["finding"])
        severity = self._said(row, iri, "severity", "lg:severity")
        texts = self._text(iri, "text", "lg:text")
        for lang, text in texts.items():
            self._require_places(iri, lang, text)
        return FindingDefinition(
            iri=iri,
            labels=self._text(iri, "label", "rdfs:label"),
            legal_ref=self._said(row, iri, "legal_ref", "lg:legalRef"),
            severity=cast(Severity, self._one_of(iri, severity, SEVERITIES, "lg:severity")),
            query=self._said(row, iri, "query", "lg:query"),
            texts=texts,
        )

    def _require_places(self, iri: str, lang: str, text: str) -> None:
        try:
            places = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        except ValueError as problem:
            raise self._wrong(iri, f"has an lg:text@{lang} with braces: {problem}") from problem
        if not places <= _PLACES:
            unknown = ", ".join(sorted(places - _PLACES))
            raise self._wrong(
                iri, f"fills in {{{unknown}}} in its lg:text@{lang}; only {{about}} and {{why}} are"
            )

    def _require_queries(self, report: ReportDefinition) -> None:
        for where, name, columns in report.uses():
            try:
                query = self._declarations.query(name)
            except NotFound as unknown:
                raise self._wrong(where, f"asks a query that is not there: {unknown}") from unknown
            lacking = [column for column in columns if column not in query.columns]
            if lacking:
                raise self._wrong(
                    where,
                    f"asks {query.path}, whose '#+ columns:' lack {', '.join(lacking)}; it has to"
                    f" project {' '.join(columns)}",
                )

    def _said(self, row: Row, iri: str, column: str, how: str) -> str:
        if row[column] is None:
            raise self._wrong(iri, f"lacks {how}")
        return str(row[column])

    def _text(self, iri: str, role: str, how: str, needed: bool = True) -> Texts:
        texts = self._texts.get((iri, role), {})
        lacking = [lang for lang in REQUIRED_LANGUAGES if lang not in texts]
        if lacking and (needed or texts):
            tags = " and ".join(f"@{lang}" for lang in lacking)
            raise self._wrong(iri, f"lacks {how} in {tags}")
        return texts

    def _one_of(self, iri: str, said: str, known: tuple[str, ...], how: str) -> str:
        if said not in known:
            raise self._wrong(iri, f"has {how} {said!r}; use one of: {', '.join(known)}")
        return said

    def _wrong(self, iri: str, problem: str) -> DeclarationError:
        return DeclarationError(f"{self._file_of(iri)}: {self._declarations.term(iri)} {problem}")

    def _file_of(self, iri: str) -> str:
        """Return the file that says what a node is; it is read again only to name it."""
        from lineage_graph.stores.oxigraph import MemoryStore

        question = self._declarations.query("reports/nodes").bind(node=iri)
        for path in self._declarations.ontology_files():
            if MemoryStore([path]).ask(question):
                return str(path)
        return "ontology/reports"


def _grouped(rows: Iterable[Row], key: str) -> Mapping[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row[key])].append(row)
    return groups
