"""What is declared of one thing, in a form in which two declarations can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from lineage_graph.declarations import Declarations
from lineage_graph.identity import NAMESPACE, kind_of, name_of
from lineage_graph.processing.forms import FORMS, PARTS, Form, Key

Part: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
Value: TypeAlias = str | Part
Facts: TypeAlias = Mapping[str, tuple[Value, ...]]

OWN_WORDS: Final = ("purpose", "measure")
"""Kinds of which somebody may write their own words."""


@dataclass(frozen=True)
class Thing:
    """A process, organisation, dataset, assessment or withdrawal, and what is declared of it.

    Attributes:
        iri: The thing.
        kind: A key of :data:`FORMS`.
        facts: For each field of its record the values as text, sorted: the order in which
            a file lists them means nothing. A part is the sorted fields it has.
    """

    iri: str
    kind: str
    facts: Facts

    @property
    def name(self) -> str:
        """What people call it."""
        return name_of(self.iri)

    @property
    def form(self) -> Form:
        """What may be said of it."""
        return FORMS[self.kind]


def ordered(facts: Mapping[str, list[Value]]) -> dict[str, tuple[Value, ...]]:
    """Return facts in the one order in which they are compared, each value once."""
    return {
        term: tuple(sorted(set(values), key=str))
        for term, values in sorted(facts.items())
        if values
    }


def shown(value: Value, declarations: Declarations, form: Form | None = None) -> str:
    """Return a value as a person would write it in a file."""
    if not isinstance(value, str):
        pairs = ((form.of_term(term) if form else None, term, said) for term, said in value)
        return ", ".join(
            f"{key.name if key else term}: {', '.join(shown(one, declarations) for one in said)}"
            for key, term, said in pairs
        )
    if value.startswith(NAMESPACE):
        return name_of(value)
    compact = declarations.term(value)
    prefix, colon, local = compact.partition(":")
    return local if colon and prefix in ("dpv", "loc") and value != compact else compact


def part_form(key: Key) -> Form | None:
    """Return the form of what a key holds, or None when it holds plain values."""
    return PARTS.get(key.kind)


def is_own_word(value: Value) -> bool:
    """Tell whether a value is somebody's own words and no term."""
    return isinstance(value, str) and kind_of(value) in OWN_WORDS
