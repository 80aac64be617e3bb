"""Statements as N-Triples text, written in one go: a parser is faster than objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from lineage_graph.declarations import Declarations, utc_text


class Statements:
    """N-Triples in our terms.

    Args:
        declarations: Where terms meet IRIs.
    """

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self._lines: list[str] = []
        self._terms: dict[str, str] = {}

    def term(self, name: str) -> str:
        """Return a term or compact name between angle brackets."""
        if name not in self._terms:
            self._terms[name] = f"<{self._declarations.iri(name)}>"
        return self._terms[name]

    def link(self, subject: str, property_: str, value: str) -> None:
        """Say that something has to do with another thing, given by its IRI."""
        self._lines.append(f"<{subject}> {self.term(property_)} <{value}> .\n")

    def kind(self, subject: str, name: str) -> None:
        """Say of what kind something is, by the kind's term."""
        self._lines.append(f"<{subject}> {self.term('rdf:type')} {self.term(name)} .\n")

    def links(self, property_: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Say the same of many pairs of IRIs."""
        how = self.term(property_)
        self._lines.extend(f"<{one}> {how} <{other}> .\n" for one, other in pairs)

    def text(self, subject: str, property_: str, value: str | None) -> None:
        """Say a text; none is not said."""
        if value:
            self._lines.append(f'<{subject}> {self.term(property_)} "{_escaped(value)}" .\n')

    def value(
        self, subject: str, property_: str, value: bool | int | date | datetime | None
    ) -> None:
        """Say a number, a truth, a day or a time; none is not said."""
        match value:
            case None:
                return
            case bool():
                text, kind = str(value).lower(), "xsd:boolean"
            case int():
                text, kind = str(value), "xsd:integer"
            case datetime():
                text, kind = utc_text(value), "xsd:dateTime"
            case date():
                text, kind = value.isoformat(), "xsd:date"
        self._lines.append(f'<{subject}> {self.term(property_)} "{text}"^^{self.term(kind)} .\n')

    def ntriples(self) -> bytes:
        """Return everything that was said."""
        return "".join(self._lines).encode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
