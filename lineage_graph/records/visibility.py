"""The nouns of visibility: a label that has to be cleared for, and what is let go without it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineage_graph.records import Record


@dataclass(frozen=True, kw_only=True)
class VisibilityLabel(Record):
    """That a dataset or model may be seen only by those who are cleared for a label.

    Attributes:
        about: IRI of the dataset or model; the label is on all its versions.
        visibility_label: Name of the label.
        description: Why, in a person's words.
    """

    types = ("Entity", "VisibilityLabel")
    about: str
    visibility_label: str
    generated_at: datetime
    attributed_to: str
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Declassification(Record):
    """That something derived does not inherit some labels.

    Attributes:
        about: IRI of the version; of the dataset or model for all its versions.
        visibility_label: Names of the labels that are not inherited.
        description: Why, in a person's words.
    """

    types = ("Entity", "Declassification")
    about: str
    visibility_label: tuple[str, ...]
    generated_at: datetime
    attributed_to: str
    description: str
