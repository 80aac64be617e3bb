"""What a dataset or a model is under data protection law, and what in it makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lineage_graph.drawing import Table

NOT_ADVICE: Final = (
    "Computed from what is recorded and from declared readings of the law. Not legal advice."
)
UNSEEN: Final = "Part of what this came from is not visible to you; ask a steward."
PERSONAL: Final = frozenset(
    (
        "Identified",
        "Pseudonymised",
        "IndirectlyIdentifiable",
        "ContainsPersonalData",
        "MayContainPersonalData",
    )
)
"""Statuses under which something is treated as personal data."""
WHOLE: Final = "(any column)"
"""Stands for a column where it is not recorded which one it is."""
_SHOWN: Final = 50


@dataclass(frozen=True)
class Holding:
    """Personal data in one column, and how it came there.

    Attributes:
        column: Name of the column; ``(any column)`` where it is not recorded which one.
            For a model the column it learnt from.
        semantic_type: IRI of what was found at the beginning of the path; None when only
            the category is known.
        categories: IRIs of the categories it is now, in DPV's words, sorted.
        role: Term of how it leads to a person now, such as ``DirectIdentifier``.
        label_status: Status of the label at the beginning of the path; None for what was
            inferred without one.
        rule: IRI of the last rule that changed it, or of the one for labels.
        path: From the column where it was found, step by step.
        inferred: Whether a model made it up about persons.
    """

    column: str
    semantic_type: str | None
    categories: tuple[str, ...]
    role: str
    label_status: str | None
    rule: str
    path: str
    inferred: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**vars(self), "categories": list(self.categories)}


@dataclass(frozen=True)
class Status:
    """What a version is, why, and by which path.

    Attributes:
        version: IRI of the version.
        name: What people call it, such as ``flights@3``.
        status: Term of the status without prefix, such as ``Pseudonymised``.
        label: The status in English.
        rule: IRI of the rule that gave it.
        path: How what decides it came in, step by step; empty when nothing does.
        why: In a sentence or two; also says what is not known.
        holdings: The personal data that is in it, the most identifying first.
        min_group: Fewest rows of a group, as far as that is recorded.
        unexamined: Names of columns of which nobody has looked at what they hold, sorted.
        settled: False where part of what it came from is not visible to who asks.
    """

    version: str
    name: str
    status: str
    label: str
    rule: str
    path: str
    why: str
    holdings: tuple[Holding, ...] = ()
    min_group: int | None = None
    unexamined: tuple[str, ...] = ()
    settled: bool = True

    @property
    def personal(self) -> bool:
        """Whether it is treated as personal data."""
        return self.status in PERSONAL

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **vars(self),
            "personal": self.personal,
            "holdings": [holding.to_dict() for holding in self.holdings],
            "unexamined": list(self.unexamined),
            "disclaimer": NOT_ADVICE,
        }

    def table(self, limit: int | None = _SHOWN) -> Table:
        """Return the personal data that is in it as a table.

        Args:
            limit: Most rows; None for all.
        """
        rows = [
            (
                h.column,
                _local(h.semantic_type),
                ", ".join(map(_local, h.categories)),
                h.role,
                h.label_status or "-",
                h.path,
                _local(h.rule),
            )
            for h in self.holdings[:limit]
        ]
        more = len(self.holdings) - len(rows)
        caption = f"Personal data in {self.name}" + (f", {more:,} more" if more else "")
        head = ("Column", "Type", "Categories", "Role", "Label", "Path", "Rule")
        return Table(caption, head, rows)

    def __str__(self) -> str:
        """Return the answer as text."""
        from lineage_graph.drawing.table import as_text

        lines = [f"{self.name}: {self.label}", f"  {self.why}"]
        lines += [f"  path: {self.path}"] if self.path else []
        lines += [f"  rule: {_local(self.rule)}"]
        lines += [as_text(self.table())] if self.holdings else []
        return "\n".join([*lines, NOT_ADVICE])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from lineage_graph.drawing.html import table_element

        said = Table(
            f"Privacy of {self.name}",
            ("What", "Answer"),
            [
                ("Status", self.label),
                ("Why", self.why),
                ("Path", self.path or "-"),
                ("Rule", _local(self.rule)),
                ("Note", NOT_ADVICE),
            ],
        )
        shown = [said, *([self.table()] if self.holdings else [])]
        return {"text/plain": str(self), "text/html": "\n".join(map(table_element, shown))}


def _local(iri: str | None) -> str:
    """Return the last part of an IRI, as a person reads it."""
    return iri.replace("#", "/").rpartition("/")[2] if iri else "-"
