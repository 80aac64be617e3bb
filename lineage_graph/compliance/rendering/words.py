"""The words around a report's content, in its own language."""

from __future__ import annotations

import math
from typing import Final

from lineage_graph.compliance.report import Report
from lineage_graph.drawing.text import printable
from lineage_graph.errors import DeclarationError

ORIGINS: Final = ("declared", "derived", "inferred", "not-recorded", "not-applicable")
SEVERITIES: Final = ("error", "warning", "info")

NEEDED: Final = (
    *ORIGINS,
    # What each origin means, one sentence each.
    *(f"{origin}-means" for origin in ORIGINS),
    *SEVERITIES,
    # Headings.
    "asked",
    "completeness",
    "contents",
    "findings",
    "gaps",
    "notice",
    "origins",
    "provisions",
    "report",
    "sources",
    # Sentences; the first two have places for {satisfied}, {applicable} and {percent}, the
    # last for {characters}, how many did not fit into a cell of a workbook.
    "completeness-sentence",
    "completeness-none",
    "no-findings",
    "no-gaps",
    "skip",
    "cut",
    # Headings of columns.
    "about",
    "because",
    "field",
    "found",
    "identifier",
    "name",
    "origin",
    "provision",
    "severity",
    "subject",
    "unlocks",
    "value",
    # What a report was made from.
    "chain",
    "ledger-entry",
    "made-at",
    "ontology",
    "policy",
    "software",
)
"""Names that every language must have."""


def shown(text: str) -> str:
    """Return a text with line ends as line feeds, and nothing else that XML must not hold."""
    return "\n".join(map(printable, text.expandtabs(4).replace("\r\n", "\n").split("\n")))


class Words:
    """What a report calls things; a word that its language lacks is an error, never English.

    Args:
        report: Whose words they are.

    Raises:
        DeclarationError: Its language lacks a word.
    """

    def __init__(self, report: Report) -> None:
        lacking = [name for name in NEEDED if not report.words.get(name)]
        if lacking:
            raise DeclarationError(
                f"Reports in {report.lang} have no words for {', '.join(lacking)}. "
                "Declare them in ontology/reports/, each with a label in that language."
            )
        self._report = report

    def __getitem__(self, name: str) -> str:
        return self._report.words[name]

    def heading(self, name: str) -> str:
        """Return a word as it stands at the beginning of a line."""
        word = self[name]
        return word[:1].upper() + word[1:]

    def completeness(self) -> str:
        """Return how complete the report is, as a sentence.

        Raises:
            MissingExtra: Babel is not installed.
        """
        if self._report.completeness is None:
            return self["completeness-none"]
        return self["completeness-sentence"].format(
            satisfied=self._report.satisfied,
            applicable=self._report.applicable,
            percent=self.percent(self._report.completeness),
        )

    def percent(self, share: float) -> str:
        """Return a share as the language writes it; only what is whole is 100 %.

        Args:
            share: From 0 to 1.

        Raises:
            MissingExtra: Babel is not installed.
        """
        from lineage_graph.compliance.rendering.extra import needed

        with needed():
            from babel import Locale
            from babel.numbers import format_percent

        # Rounded down to whole percents; the small addend undoes what floats lose on the way.
        whole = math.floor(share * 100 + 1e-9) / 100
        return str(format_percent(whole, locale=Locale.parse(self._report.lang, sep="-")))
