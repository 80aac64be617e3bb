"""What a file would change: things that are new, that differ, and that the file no longer names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_graph.declarations import Declarations
from lineage_graph.drawing.table import aligned
from lineage_graph.drawing.text import printable
from lineage_graph.processing.things import Thing, Value, part_form, shown


@dataclass(frozen=True)
class Change:
    """One field of one thing that becomes another.

    Attributes:
        change: ``added``, ``changed`` or ``removed``.
        kind: Such as ``process``.
        name: What people call the thing.
        field: As it is written in a file; None when all of the thing is removed.
        old: What was declared.
        new: What will be.
    """

    change: str
    kind: str
    name: str
    field: str | None
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Difference:
    """What applying a file changes, or changed.

    Attributes:
        changes: Field by field.
        notes: What a person should look at, although it can be applied.
        unchanged: How many things of the file are declared just so already.
        kept: Names of things that are declared and not in the file; they stay.
        seq: The ledger entry that holds it; None when nothing was written.
    """

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0
    kept: tuple[str, ...] = ()
    seq: int | None = None

    def __bool__(self) -> bool:
        """Whether there is a difference."""
        return bool(self.changes)

    def __len__(self) -> int:
        """How many fields differ."""
        return len(self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "changes": [vars(change) for change in self.changes],
            "notes": list(self.notes),
            "unchanged": self.unchanged,
            "kept": list(self.kept),
            "seq": self.seq,
        }

    def __str__(self) -> str:
        """Show it as a table."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.changes:
            rows = [tuple(one or "-" for one in vars(change).values()) for change in self.changes]
            header = ("change", "kind", "name", "field", "old", "new")
            yield from aligned([header, *([printable(cell) for cell in row] for row in rows)])
        else:
            yield f"Nothing differs: {self.unchanged} declared just so already."
        if self.kept:
            yield f"Declared and not in the file, kept: {', '.join(map(printable, self.kept))}"
        for note in self.notes:
            yield f"Note: {printable(note)}"


def difference(
    current: Mapping[str, Thing],
    wanted: Iterable[Thing],
    declarations: Declarations,
    prune: bool = False,
    notes: Iterable[str] = (),
) -> Difference:
    """Return what differs.

    Args:
        current: What is declared now, by IRI.
        wanted: What a file says.
        declarations: Gives values the names that people read.
        prune: Whether what the file does not name is removed.
        notes: What was noticed while reading.
    """
    things = {thing.iri: thing for thing in wanted}
    changes: list[Change] = []
    same = 0
    for iri, thing in sorted(things.items()):
        found = list(_changes(current.get(iri), thing, declarations))
        changes += found
        same += not found
    gone = [thing for iri, thing in sorted(current.items()) if iri not in things]
    if prune:
        changes += [Change("removed", one.kind, one.name, None, "all of it", None) for one in gone]
    kept = () if prune else tuple(f"{thing.kind} {thing.name}" for thing in gone)
    return Difference(tuple(changes), tuple(notes), same, kept)


def _changes(old: Thing | None, new: Thing, declarations: Declarations) -> Iterator[Change]:
    before = old.facts if old else {}
    # A dataset of which nothing is said beside its name is declared all the same.
    if old is None and not new.facts:
        yield Change("added", new.kind, new.name, None, None, "nothing beside its name")
    for key in new.form.keys:
        was, is_ = before.get(key.term, ()), new.facts.get(key.term, ())
        if was != is_:
            change = "added" if old is None else "changed"
            form = part_form(key)
            texts = (_text(values, declarations, form) for values in (was, is_))
            yield Change(change, new.kind, new.name, key.name, *texts)


def _text(values: tuple[Value, ...], declarations: Declarations, form: Any) -> str | None:
    return "; ".join(shown(value, declarations, form) for value in values) or None
