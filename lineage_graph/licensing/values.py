"""What an answer about licences is made of, as a person reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineage_graph.identity import kind_of

NOT_ADVICE: Final = (
    "Computed from what is recorded and from declared readings of licences. Not legal advice."
)
UNSEEN: Final = "part of what this came from is not visible to you; ask a steward"


@dataclass(frozen=True)
class NamedStep:
    """One step of a path, as a person reads it.

    Attributes:
        source: What went in.
        derived: What came out.
        kinds: Terms of what was done.
        level: Name of what the step leaves of the source.
        activity: IRI of the activity; None for what is only intended.
    """

    source: str
    derived: str
    kinds: tuple[str, ...]
    level: str
    activity: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.source} -> {self.derived} ({', '.join(self.kinds) or 'kind not known'})"


@dataclass(frozen=True)
class EffectiveTerm:
    """One term of one source's licence that binds the artifact.

    Attributes:
        modality: ``duty``, ``prohibition`` or ``permission``.
        action: Term of the action.
        label: The action in English.
        section: Of the licence's text.
        certainty: How settled that is.
        source: Name of the source.
        license: Id of its licence.
        level: Name of how much of the source is left.
        path: From the source to the artifact; empty for the source itself.
        bottleneck: The step that leaves no more than this level; None when none lowers it.
    """

    modality: str
    action: str
    label: str
    section: str | None
    certainty: str | None
    source: str
    license: str
    level: str
    path: tuple[NamedStep, ...]
    bottleneck: NamedStep | None


@dataclass(frozen=True)
class DerivativeDatabase:
    """A table on the way that has to be offered with what was made from it.

    Attributes:
        name: What people call it.
        version: IRI of the version.
        sources: Names of the sources that demand it.
    """

    name: str
    version: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.name}, made from {', '.join(self.sources)}"


def shape_of(iri: str) -> str:
    """Return the kind of box a version is drawn as."""
    return "model" if kind_of(iri) == "model-version" else "dataset"
