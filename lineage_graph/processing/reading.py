"""From what is written to what is declared: every value checked, every fault told at once.

A fault says where it is and what to write; it does not repeat a value, which can be somebody's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lineage_graph.identity import is_text, kind_of, name_of, named
from lineage_graph.processing.durations import day, duration
from lineage_graph.processing.forms import SECTIONS, Form, Key
from lineage_graph.processing.things import Facts, Part, Thing, Value, ordered, part_form
from lineage_graph.processing.words import Unfit, Words
from lineage_graph.processing.written import Faults, Fields, Items, Scalar, Spot, Written

_REQUEST: Final = re.compile(
    r"([A-Z]{1,4}[-/.])?(20[0-9]{2}[-/.])?[0-9]{1,7}"
    r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
)
"""A running number, too short for one of a person, or a UUID."""
_OUTCOMES: Final = ("anonymous", "not anonymous")
_LONGEST_NAME: Final = 300


@dataclass(frozen=True)
class Known:
    """What there is already.

    Attributes:
        recorded: Tells whether a dataset or model of a name is recorded.
        version: Gives the IRI of a version by kind and ``name@2``, or None.
        declared: Names that are declared now, by kind.
    """

    recorded: Callable[[str, str], bool]
    version: Callable[[str, str], str | None]
    declared: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Entry:
    """One thing as it is written.

    Attributes:
        forms: What it may be; the key that is there tells which.
        fields: Its keys and values.
        iri: The thing, where the file says it; None where its name does.
    """

    forms: tuple[Form, ...]
    fields: Fields
    iri: str | None = None


@dataclass
class Reading:
    """Reads entries.

    Attributes:
        notes: What a person should look at, although it can be applied.
    """

    words: Words
    known: Known
    faults: Faults
    notes: list[str] = field(default_factory=list)
    _names: dict[str, set[str]] = field(default_factory=dict)
    _unrecorded: dict[tuple[str, str], Spot] = field(default_factory=dict)

    def things(self, entries: Iterable[Entry]) -> tuple[Thing, ...]:
        """Return what is declared, sorted by IRI; faults are noted, not raised."""
        entries = list(entries)
        self._names = {kind: set(names) for kind, names in self.known.declared.items()}
        for entry in entries:
            first = entry.forms[0].keys[0].name
            name = entry.fields.values.get(first)
            said = name_of(entry.iri) if entry.iri else getattr(name, "text", None)
            if said:
                self._names.setdefault(entry.forms[0].kind, set()).add(said)
        found: dict[str, Thing] = {}
        places: dict[str, Spot] = {}
        for entry in entries:
            thing = self._thing(entry)
            if thing is None:
                continue
            if thing.iri in found:
                self.faults.add(
                    entry.fields.spot,
                    f"the same name is there twice, first at {places[thing.iri]}; say it once",
                )
            found[thing.iri] = thing
            places[thing.iri] = entry.fields.spot
        for (kind, missing), spot in self._unrecorded.items():
            self.notes.append(f"no {kind} {missing!r} is recorded yet (first named at {spot})")
        return tuple(found[iri] for iri in sorted(found))

    def _thing(self, entry: Entry) -> Thing | None:
        form = self._form(entry)
        if form is None:
            return None
        before = len(self.faults.found)
        facts = dict(self._facts(entry.fields, form))
        if len(self.faults.found) > before:
            return None
        first = form.keys[0]
        if len(str(facts[first.term][0])) > _LONGEST_NAME and not entry.iri:
            self.faults.add(
                entry.fields.spot, f"its name is longer than {_LONGEST_NAME} characters"
            )
            return None
        iri = entry.iri or self._named(form, first, facts, entry.fields)
        facts.pop("declaration_of", None)
        return Thing(iri, form.kind, facts)

    def _form(self, entry: Entry) -> Form | None:
        """Return the form whose first key is there."""
        for form in entry.forms:
            if form.keys[0].name in entry.fields.values or (entry.iri and len(entry.forms) == 1):
                return form
        wanted = " or ".join(repr(form.keys[0].name) for form in entry.forms)
        if not any(form.keys[0].name in entry.fields.keys for form in entry.forms):
            self.faults.add(entry.fields.spot, f"has no {wanted}; add it")
        return None

    def _named(self, form: Form, first: Key, facts: Facts, fields: Fields) -> str:
        written = fields.values[first.name]
        assert isinstance(written, Scalar)
        value = facts[first.term][0]
        if first.kind == "dataset":
            assert isinstance(value, str)
            return value
        return named(form.kind, written.text)

    def _facts(self, fields: Fields, form: Form) -> dict[str, tuple[Value, ...]]:
        found: dict[str, list[Value]] = {}
        for name, spot in fields.keys.items():
            key = form.key(name)
            if key is None:
                self._unknown_key(spot, name, form)
            elif name in fields.values:
                found[key.term] = self._values(key, fields.values[name])
        for key in form.keys:
            if key.needed and key.name not in fields.keys:
                self.faults.add(fields.spot, f"has no {key.name!r}; add it")
        if form.either and not any(name in fields.keys for name in form.either):
            self.faults.add(fields.spot, f"says neither {' nor '.join(map(repr, form.either))}")
        self._require_order(fields)
        return ordered(found)

    def _require_order(self, fields: Fields) -> None:
        """Refuse a period that ends before it begins."""
        ends = [fields.values.get(name) for name in ("valid_from", "valid_until")]
        first, last = (getattr(end, "text", "") for end in ends)
        if first and last and last < first:
            self.faults.add(fields.spot, f"ends on {last}, before it begins on {first}")

    def _unknown_key(self, spot: Spot, name: str, form: Form) -> None:
        known = [key.name for key in form.keys]
        self.faults.add(spot, f"unknown key {name!r}{_near(name, known)}")

    def _values(self, key: Key, written: Written) -> list[Value]:
        many = isinstance(written, Items)
        if isinstance(written, Items) and not key.many:
            self.faults.add(written.spot, f"{key.name!r} takes one value, not a list")
            return []
        ones = written.values if isinstance(written, Items) else (written,)
        if many and not ones:
            self.faults.add(written.spot, "the list is empty; leave the key out")
        read = (self._value(key, one) for one in ones)
        return [value for value in read if value is not None]

    def _value(self, key: Key, written: Written) -> Value | None:
        form = part_form(key)
        if form is not None:
            return self._part(form, written)
        if not isinstance(written, Scalar):
            self.faults.add(written.spot, f"{key.name!r} takes plain text, not a list or keys")
            return None
        if written.kind == "nothing" or not written.text:
            self.faults.add(written.spot, "has no value; leave the key out if it is not known")
            return None
        if key.kind == "truth":
            if written.kind == "truth":
                return str(written.text.casefold() in ("true", "yes", "on")).lower()
            self.faults.add(written.spot, "is neither true nor false")
            return None
        try:
            return self._read(key.kind, written)
        except Unfit as problem:
            self.faults.add(written.spot, str(problem))
            return None

    def _part(self, form: Form, written: Written) -> Part | None:
        """Read what has keys of its own; the first of them may stand alone."""
        if isinstance(written, Scalar) and form.either:
            first = form.keys[0].name
            written = Fields({first: written}, {first: written.spot}, written.spot)
        if not isinstance(written, Fields):
            names = ", ".join(key.name for key in form.keys)
            self.faults.add(written.spot, f"takes keys: {names}")
            return None
        facts = self._facts(written, form)
        return tuple(
            (term, tuple(value for value in values if isinstance(value, str)))
            for term, values in facts.items()
        )

    def _read(self, kind: str, written: Scalar) -> str:
        text = written.text
        if not is_text(text) or "\x00" in text:
            raise Unfit("holds a character that is no text")
        match kind:
            case "basis" | "mechanism" | "conservation":
                return self.words.basis(kind, text)
            case "country":
                return self.words.country(text)
            case "duration":
                return _fit(duration, text, "is no period; write P5Y or '5 years', or an 'event'")
            case "day":
                return _fit(day, text, "is no day; write it as 2026-12-31")
            case "purpose" | "measure":
                return self._own_words(kind, written)
            case "organisation" | "process":
                return self._declared(kind, text)
            case "dataset" | "model":
                return self._recorded(kind, written)
            case "dataset-version" | "model-version":
                return self._version(kind.partition("-")[0], text)
            case "subject" | "category" | "involvement" | "scale" | "role":
                return self._term(kind, text)
            case "outcome" if text not in _OUTCOMES:
                raise Unfit(f"is no outcome; write {' or '.join(map(repr, _OUTCOMES))}")
            case "request":
                return _request(text)
        return text

    def _term(self, kind: str, text: str) -> str:
        found = self.words.find(kind, text)
        if found is None:
            raise Unfit(f"is no {kind} that is declared{self.words.near(kind, text)}")
        return found

    def _own_words(self, kind: str, written: Scalar) -> str:
        text = written.text
        found = self.words.find(kind, text)
        if found is not None:
            return found
        if kind_of(text) == kind:
            return text
        if self.words.is_iri(text):
            raise Unfit(f"is no {kind} that is declared{self.words.near(kind, text)}")
        _require_name(text)
        near = self.words.near(kind, text)
        self.notes.append(
            f"{written.spot}: {text!r} is kept in your words, as no {kind} of DPV{near}"
        )
        return named(kind, text)

    def _declared(self, kind: str, text: str) -> str:
        name = name_of(text) if kind_of(text) == kind else text
        known = self._names.get(kind, set())
        if name not in known:
            section = "organisations" if kind == "organisation" else "processes"
            raise Unfit(
                f"is no {kind} of this file, nor declared before; add it under"
                f" '{section}:'{_near(name, known)}"
            )
        return named(kind, name)

    def _recorded(self, kind: str, written: Scalar) -> str:
        name = name_of(written.text) if kind_of(written.text) == kind else written.text
        _require_name(name)
        bare, at, number = name.rpartition("@")
        if not self.known.recorded(kind, name):
            if at and number.isdigit() and self.known.recorded(kind, bare):
                raise Unfit(f"is one version; name the {kind}: {bare!r}")
            self._unrecorded.setdefault((kind, name), written.spot)
        return named(kind, name)

    def _version(self, kind: str, text: str) -> str:
        found = self.known.version(kind, text)
        if found is None:
            raise Unfit(f"is no recorded version of a {kind}; write it as 'name@2'")
        return found


def sections(top: Fields, faults: Faults) -> list[Entry]:
    """Return the entries of a file that has sections."""
    entries = []
    for name, spot in top.keys.items():
        forms = SECTIONS.get(name)
        if forms is None:
            faults.add(spot, f"unknown section {name!r}{_near(name, SECTIONS)}")
            continue
        listed = top.values.get(name)
        if not isinstance(listed, Items):
            faults.add(spot, "takes a list; begin each entry with '- '")
            continue
        for one in listed.values:
            if isinstance(one, Fields):
                entries.append(Entry(forms, one))
            else:
                faults.add(one.spot, f"takes keys; begin with '{forms[0].keys[0].name}: ...'")
    return entries


def _request(text: str) -> str:
    if not _REQUEST.fullmatch(text):
        raise Unfit(
            "is no id of a request; write a UUID, or a running number of at most 7 digits, after"
            " up to 4 capital letters and a year if you like, such as R-2026-17: nothing that"
            " tells who asked"
        )
    return text


def _require_name(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        raise Unfit(f"has {len(name)} characters; at most {_LONGEST_NAME}")


def _fit(read: Callable[[str], str], text: str, otherwise: str) -> str:
    try:
        return read(text)
    except ValueError:
        # Not chained: what could not be read can be of a person, and a traceback would show it.
        raise Unfit(otherwise) from None


def _near(name: str, known: Iterable[str]) -> str:
    listed = list(known)
    close = difflib.get_close_matches(name, listed, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(sorted(listed))}" if listed and len(listed) <= 40 else ""
