"""What is said about a column: the values that recognition gives and propagation takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

LabelStatus = Literal["accepted", "suggested", "unknown", "confirmed", "rejected"]
HOLDING: Final = ("accepted", "suggested", "confirmed")
"""Statuses under which a column is taken to hold its type: suggested counts until rejected."""


@dataclass(frozen=True)
class Label:
    """What one column holds, and why.

    Attributes:
        column: Name of the column.
        semantic_type: IRI of the type; None when it is unknown.
        status: How sure that is.
        value_share: Which part of the sampled values fits, 0 to 1; None for a person's word.
        header: The entry of the lexicon that the column's name matched.
        validators: Names of the checks that the values passed.
        sample_size: How many values that are not null were looked at.
        seed: By which they were drawn.
        recogniser: Digest of the rules.
        author: IRI of the person who said so; None for the recogniser.
        because: Why, in that person's words.
    """

    column: str
    semantic_type: str | None
    status: LabelStatus
    value_share: float | None = None
    header: str | None = None
    validators: tuple[str, ...] = ()
    sample_size: int = 0
    seed: int | None = None
    recogniser: str | None = None
    author: str | None = None
    because: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the column is taken to hold the type."""
        return self.semantic_type is not None and self.status in HOLDING

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**vars(self), "validators": list(self.validators)}
