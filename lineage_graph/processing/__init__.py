"""Processing as it is declared: who processes what for which purpose, on which legal basis.

A file is written once and applied as often as one likes: only what differs from what is
declared already is recorded, as new declarations that take the place of the old ones. The old
ones stay, so who declared what when can be told at any entry of the ledger.

Sources: DPV 2.3; GDPR Art. 30 and LGPD art. 37 for what has to be in a record of processing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lineage_graph.declarations import Declarations
from lineage_graph.errors import DeclarationError
from lineage_graph.identity import NAMESPACE, kind_of, named
from lineage_graph.ledger import Ledger
from lineage_graph.processing.difference import Difference, difference
from lineage_graph.processing.forms import FORMS
from lineage_graph.processing.reading import Entry, Known, Reading, sections
from lineage_graph.processing.things import Thing, Value, is_own_word, ordered, part_form, shown
from lineage_graph.processing.words import Rows, Words
from lineage_graph.processing.written import LARGEST_BYTES, Faults, Spot, read_yaml, text_of
from lineage_graph.query import Queries
from lineage_graph.stores import Row

__all__ = ["Difference", "FileRead", "InForce", "Processing", "Thing"]

_PREFIX: Final = f"{NAMESPACE}declaration:"
_TURTLE: Final = (".ttl", ".nt")


@dataclass(frozen=True)
class InForce:
    """A declaration that holds.

    Attributes:
        declaration: Its IRI.
        thing: What it says.
        at: When it was declared.
        author: IRI of who declared it.
    """

    declaration: str
    thing: Thing
    at: datetime
    author: str


@dataclass(frozen=True)
class FileRead:
    """A file that can be applied.

    Attributes:
        things: What it declares.
        notes: What a person should look at.
    """

    things: tuple[Thing, ...]
    notes: tuple[str, ...]


class Processing:
    """What is declared in a store.

    Args:
        ledger: Tells which declarations there are, and which were replaced.
        queries: Gives what they say.
        declarations: Where names meet IRIs.
        declared: Answers queries over ``ontology/``.
        version: Gives the IRI of a version by kind and ``name@2``, or None.
    """

    def __init__(
        self,
        ledger: Ledger,
        queries: Queries,
        declarations: Declarations,
        declared: Rows,
        version: Callable[[str, str], str | None],
    ) -> None:
        self._ledger = ledger
        self._queries = queries
        self._declarations = declarations
        self._declared = declared
        self._version = version

    @cached_property
    def words(self) -> Words:
        """The terms that a file may name."""
        return Words(self._declared, self._declarations)

    def in_force(self, as_of: int | None = None) -> list[str]:
        """Return the declarations that hold, those of things that are named twice included.

        Args:
            as_of: Seq of the last ledger entry to consider.
        """
        seq = self._ledger.head if as_of is None else as_of
        if seq <= 0:
            return []
        every = self._ledger.described_between(_PREFIX, 0, seq)
        ended = {gone.node for gone in self._ledger.invalidations(0, seq)}
        return sorted(
            iri for iri in every - set(self._ledger.iris_of(ended).values()) if "#" not in iri
        )

    def current(self, as_of: int | None = None) -> dict[str, InForce]:
        """Return the newest declaration of each thing by the thing's IRI.

        Args:
            as_of: Seq of the last ledger entry to consider.
        """
        holding = self.in_force(as_of)
        if not holding:
            return {}
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._queries.run("processing/facts", declaration=holding):
            rows[row["declaration"]].append(row)
        # Their names sort by time, so of two the newer one stays.
        read = (self._read(one, rows[one]) for one in sorted(rows))
        return {found.thing.iri: found for found in read}

    def things_in_force(self) -> dict[str, str]:
        """Return what each declaration that holds is about, by the declaration."""
        holding = self.in_force()
        rows = self._queries.run("processing/facts", declaration=holding) if holding else ()
        return {str(row["declaration"]): str(row["thing"]) for row in rows}

    def triples(self, as_of: int | None = None) -> bytes:
        """Return what is declared as statements about the things, as sorted N-Triples.

        Args:
            as_of: Seq of the last ledger entry to consider.
        """
        holding = [found.declaration for found in self.current(as_of).values()]
        if not holding:
            return b""
        query = self._declarations.query("processing/as_declared")
        return self._queries.construct(query.bind(declaration=holding))

    def _read(self, declaration: str, rows: list[Row]) -> InForce:
        thing = str(rows[0]["thing"])
        form = FORMS[str(kind_of(thing))]
        plain: defaultdict[str, list[Value]] = defaultdict(list)
        links: dict[str, str] = {}
        parts: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            term = self._declarations.term(str(row["property"]))
            if row["part"] is not None:
                links[row["part"]] = self._declarations.term(str(row["link"]))
                parts[row["part"]][term].append(row["value"])
            elif (key := form.of_term(term)) and term != "declaration_of" and not part_form(key):
                plain[term].append(row["value"])
        for part, said in parts.items():
            fields = ((term, tuple(sorted(values))) for term, values in sorted(said.items()))
            plain[links[part]].append(tuple(fields))
        author = str(rows[0]["author"])
        return InForce(declaration, Thing(thing, form.kind, ordered(plain)), rows[0]["at"], author)

    def read(self, path: Path) -> FileRead:
        """Read a YAML or Turtle file; a Turtle file ends in ``.ttl``.

        Raises:
            DeclarationError: Names every fault with its place; nothing was written.
        """
        faults = Faults(str(path))
        text = text_of(path)
        if path.suffix.casefold() in _TURTLE:
            from lineage_graph.processing.turtle import entries

            assert len(text) <= LARGEST_BYTES
            found = entries(path, self._declarations, faults)
        else:
            top = read_yaml(text, faults)
            found = sections(top, faults) if top else []
        return self._read_sections(found, faults)

    def _read_sections(self, found: list[Entry], faults: Faults) -> FileRead:
        reading = Reading(self.words, self._known(), faults)
        things = reading.things(found)
        if not things and not faults.found:
            faults.add(Spot(""), "declares nothing; begin with 'processes:'")
        faults.require_none()
        return FileRead(things, tuple(dict.fromkeys(reading.notes)))

    def read_text(self, text: str, name: str) -> FileRead:
        """Read YAML that is in no file.

        Args:
            text: The YAML.
            name: What it is called in messages.

        Raises:
            DeclarationError: Names every fault with its place; nothing was written.
        """
        faults = Faults(name)
        if len(text.encode()) > LARGEST_BYTES:
            raise DeclarationError(
                f"{name} is larger than {LARGEST_BYTES:,} bytes. Declare fewer processes at once."
            )
        top = read_yaml(text, faults)
        return self._read_sections(sections(top, faults) if top else [], faults)

    def _known(self) -> Known:
        names: defaultdict[str, set[str]] = defaultdict(set)
        for found in self.current().values():
            names[found.thing.kind].add(found.thing.name)
        return Known(
            self._is_recorded,
            self._version,
            {kind: frozenset(ones) for kind, ones in names.items()},
        )

    def _is_recorded(self, kind: str, name: str) -> bool:
        return bool(self._ledger.described([named(kind, name)]))

    def difference(self, read: FileRead, prune: bool = False) -> Difference:
        """Return what applying a file would change.

        Args:
            read: The file.
            prune: Whether what the file does not name is removed.
        """
        current = {iri: found.thing for iri, found in self.current().items()}
        return difference(current, read.things, self._declarations, prune, read.notes)

    def shown(self, found: InForce) -> dict[str, Any]:
        """Return a declaration with the keys of a file, values as people write them."""
        thing = found.thing
        said: dict[str, Any] = {"name": thing.name, "iri": thing.iri}
        for key in thing.form.keys[1:]:
            values = thing.facts.get(key.term)
            if not values:
                continue
            form = part_form(key)
            texts = [self._plain(value, form) for value in values]
            said[key.name] = texts if key.many else texts[0]
        return {**said, "declared_at": found.at, "declared_by": found.author}

    def _plain(self, value: Value, form: Any) -> Any:
        if isinstance(value, str):
            return shown(value, self._declarations)
        keys: Mapping[str, str] = {key.term: key.name for key in form.keys}
        return {
            keys[term]: ", ".join(shown(one, self._declarations) for one in values)
            for term, values in value
        }


def own_words(thing: Thing) -> list[str]:
    """Return the IRIs of purposes and measures that a thing names in somebody's own words."""
    return [
        value
        for values in thing.facts.values()
        for value in values
        if isinstance(value, str) and is_own_word(value)
    ]
