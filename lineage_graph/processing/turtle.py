"""A Turtle file in the shape that ``queries/processing/current.rq`` gives, as entries to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lineage_graph.declarations import Declarations
from lineage_graph.identity import kind_of
from lineage_graph.processing.forms import FORMS, Form, Key
from lineage_graph.processing.reading import Entry
from lineage_graph.processing.things import OWN_WORDS, part_form
from lineage_graph.processing.written import Faults, Fields, Items, Scalar, Spot, Written
from lineage_graph.stores import Iri

_EVERYTHING: Final = "SELECT ?s ?p ?o WHERE { ?s ?p ?o } ORDER BY ?s ?p ?o"
_DEEPEST: Final = 2
_SAID_ANEW: Final = frozenset(
    ("type", "rdf:type", "generated_at", "attributed_to", "consent_withdrawal")
)
"""What a graph says of a declaration and nobody has to repeat."""

Graph = dict[str, dict[str, list[object]]]


def entries(path: Path, declarations: Declarations, faults: Faults) -> list[Entry]:
    """Return the things of a Turtle file.

    Raises:
        DeclarationError: It does not parse.
    """
    from lineage_graph.stores.oxigraph import MemoryStore

    graph: Graph = defaultdict(lambda: defaultdict(list))
    for row in MemoryStore([path]).select(_EVERYTHING):
        graph[row["s"]][row["p"]].append(row["o"])
    if not graph:
        faults.add(Spot(""), "the file is empty; describe a dpv:Process")
    reader = _Turtle(graph, declarations, faults)
    return list(reader.entries())


class _Turtle:
    def __init__(self, graph: Graph, declarations: Declarations, faults: Faults) -> None:
        self._graph = graph
        self._declarations = declarations
        self._faults = faults
        self._types = {
            declarations.iri(form.thing.types[-1]): form for form in FORMS.values() if form.thing
        }
        self._type = declarations.iri("rdf:type")
        self._parts = {
            str(value)
            for said in graph.values()
            for values in said.values()
            for value in values
            if isinstance(value, Iri)
        }

    def entries(self) -> Iterable[Entry]:
        """Yield each thing that is described and no part of another."""
        for subject, said in self._graph.items():
            form = self._form(subject, said)
            if form is not None:
                yield Entry((form,), self._fields(subject, form, subject, 1), subject)
            elif not self._is_part(subject):
                known = ", ".join(map(self._declarations.term, self._types))
                self._faults.add(Spot(f"<{subject}>"), f"is none of: {known}, a dataset")

    def _form(self, subject: str, said: dict[str, list[object]]) -> Form | None:
        for type_ in said.get(self._type, ()):
            if str(type_) in self._types:
                return self._types[str(type_)]
        return FORMS["dataset"] if kind_of(subject) == "dataset" and "#" not in subject else None

    def _is_part(self, subject: str) -> bool:
        return subject in self._parts or kind_of(subject) in OWN_WORDS

    def _fields(self, subject: str, form: Form, where: str, depth: int) -> Fields:
        values: dict[str, Written] = {}
        keys: dict[str, Spot] = {}
        for property_, said in self._graph.get(subject, {}).items():
            term = self._declarations.term(property_)
            key = form.of_term(term)
            spot = Spot(f"{where} {term}")
            if key is not None:
                keys[key.name] = spot
                values[key.name] = self._written(key, said, spot, depth)
            elif property_ != self._type and not self._anew(property_, term):
                keys[term] = spot
        spot = Spot(where)
        if form.kind == "dataset":
            name = form.keys[0].name
            values[name], keys[name] = Scalar(subject, "text", spot), spot
        return Fields(values, keys, spot)

    def _anew(self, property_: str, term: str) -> bool:
        compact = self._declarations.iri("lg:consentWithdrawal") == property_
        return compact or term in _SAID_ANEW

    def _written(self, key: Key, said: list[object], spot: Spot, depth: int) -> Written:
        form = part_form(key)
        ones: list[Written] = []
        for value in said:
            if form is not None and isinstance(value, Iri) and depth < _DEEPEST:
                ones.append(self._fields(value, form, spot.path, depth + 1))
            elif isinstance(value, bool):
                ones.append(Scalar(str(value).lower(), "truth", spot))
            else:
                ones.append(Scalar(str(value), "text", spot))
        return ones[0] if len(ones) == 1 else Items(tuple(ones), spot)
