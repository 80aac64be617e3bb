"""Records what a file changes: one bundle, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from lineage_graph.identity import fresh, kind_of, name_of, part
from lineage_graph.processing import Difference, FileRead, InForce, Processing, own_words
from lineage_graph.processing.forms import Form, Key
from lineage_graph.processing.things import Thing, part_form
from lineage_graph.recording import Recorder
from lineage_graph.recording.descriptions import act, agents
from lineage_graph.records import Invalidated, Record
from lineage_graph.records.processing import Measure, Purpose

_OWN: Final[Mapping[str, type[Purpose] | type[Measure]]] = {
    "purpose": Purpose,
    "measure": Measure,
}


def apply(
    processing: Processing, recorder: Recorder, read: FileRead, label: str, prune: bool = False
) -> Difference:
    """Record what differs from what is declared.

    Args:
        processing: What is declared.
        recorder: Appends to the ledger.
        read: What is wanted.
        label: What is applied, for people.
        prune: Whether what is not wanted any more is ended.

    Returns:
        What was changed; when nothing differs, nothing was written.

    Raises:
        InvalidRecord: A shape is broken; nothing was written.
    """
    differs = processing.difference(read, prune)
    if not differs:
        return differs
    begun, activity = datetime.now(UTC), fresh("activity")
    current = processing.current()
    changed = [t for t in read.things if t.iri not in current or current[t.iri].thing != t]
    gone = {t.iri for t in changed} & current.keys()
    if prune:
        gone |= current.keys() - {thing.iri for thing in read.things}
    records: list[Record] = [*act(activity, f"apply {label}", begun, recorder.author)]
    for thing in changed:
        records += _declared(thing, activity, recorder.author)
    wanted = {thing.iri for thing in read.things}
    records += _ended(processing, current, gone, wanted, activity)
    shared = [*agents(recorder.author), *_described(changed)]
    return replace(differs, seq=recorder.append(records, shared=shared))


def _ended(
    processing: Processing,
    current: Mapping[str, InForce],
    gone: set[str],
    wanted: set[str],
    activity: str,
) -> Iterator[Record]:
    """Yield the end of what is replaced or removed, and of what was declared beside it."""
    holding = processing.things_in_force()
    for declaration, thing in sorted(holding.items()):
        if thing in gone:
            why = "a newer declaration" if thing in wanted else "it is no longer declared"
            yield Invalidated(id=declaration, invalidated_by=activity, because=why)
        elif declaration != current[thing].declaration:
            yield Invalidated(
                id=declaration, invalidated_by=activity, because="a newer declaration"
            )


def _declared(thing: Thing, activity: str, author: str) -> list[Record]:
    """Return the records of one declaration."""
    iri = fresh("declaration")
    parts: list[Record] = []
    values: dict[str, Any] = {}
    for key in thing.form.keys:
        said = thing.facts.get(key.term)
        if not said or key.term == "declaration_of":
            continue
        form = part_form(key)
        if form is not None:
            records = [
                form.record(id=part(iri, key.kind, number), **_fields(form, dict(one)))
                for number, one in enumerate(said)
                if not isinstance(one, str)
            ]
            parts += records
            values[key.term] = tuple(record.id for record in records)
        else:
            values[key.term] = _value(key, said)
    about: dict[str, Any] = {
        "declaration_of": thing.iri,
        "generated_at": datetime.now(UTC),
        "generated_by": activity,
        "attributed_to": author,
    }
    return [thing.form.record(id=iri, **about, **values), *parts]


def _fields(form: Form, said: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {key.term: _value(key, said[key.term]) for key in form.keys if key.term in said}


def _value(key: Key, said: tuple[Any, ...]) -> Any:
    if key.kind == "truth":
        return said[0] == "true"
    return said if key.many else said[0]


def _described(things: list[Thing]) -> Iterator[Record]:
    """Yield what things are, and the words that people use of their own."""
    for thing in things:
        if thing.form.thing is not None:
            yield thing.form.thing(id=thing.iri)
        for word in own_words(thing):
            yield _OWN[str(kind_of(word))](id=word, label=name_of(word))
