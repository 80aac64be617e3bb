"""The record as a PROV document, which the ``prov`` package writes as PROV-JSON and PROV-N.

Sources: PROV-DM; PROV-JSON, W3C Member Submission 24 April 2013; PROV-N, section 3.7.1 (names).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import MissingExtra
from lineage_graph.identity import NAMESPACE
from lineage_graph.stores import Iri, Row

FORMATS: Final = {"prov-json": "json", "prov-n": "provn"}

_LAST_PART: Final = re.compile(r"(.*[/#:])([^/#:]+[/#:]*)")
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_BEGUN_AND_ENDED: Final = ("prov:startedAtTime", "prov:endedAtTime")
_AT: Final = {"generation": "prov:generatedAtTime", "invalidation": "prov:invalidatedAtTime"}
_TIMES: Final = frozenset({*_BEGUN_AND_ENDED, *_AT.values(), "prov:atTime"})
_CLASSES: Final = {
    "entity": ("prov:Entity", "prov:Plan", "prov:Bundle", "prov:Collection"),
    "activity": ("prov:Activity",),
    "agent": ("prov:Agent", "prov:Person", "prov:SoftwareAgent", "prov:Organization"),
}
_IMPLIED: Final = frozenset(
    f"prov:{name}"
    for name in (
        *("Entity", "Activity", "Agent", "Generation", "Usage", "Derivation", "Attribution"),
        *("Association", "Delegation", "Communication", "Invalidation", "Influence"),
    )
)


class _Relation(NamedTuple):
    """How ``prov`` states a relation, and what it is between."""

    method: str
    subject: str
    object: str
    details: tuple[str, ...] = ()


_DERIVED: Final = ("entity", "entity", ("activity",))
_RELATIONS: Final = {
    "generation": _Relation("wasGeneratedBy", "entity", "activity", ("time",)),
    "usage": _Relation("used", "activity", "entity", ("time",)),
    "derivation": _Relation("wasDerivedFrom", *_DERIVED),
    "revision": _Relation("wasRevisionOf", *_DERIVED),
    "quotation": _Relation("wasQuotedFrom", *_DERIVED),
    "primary source": _Relation("hadPrimarySource", *_DERIVED),
    "specialization": _Relation("specializationOf", "entity", "entity"),
    "alternate": _Relation("alternateOf", "entity", "entity"),
    "membership": _Relation("hadMember", "entity", "entity"),
    "attribution": _Relation("wasAttributedTo", "entity", "agent"),
    "association": _Relation("wasAssociatedWith", "activity", "agent", ("plan",)),
    "delegation": _Relation("actedOnBehalfOf", "agent", "agent", ("activity",)),
    "communication": _Relation("wasInformedBy", "activity", "activity"),
    "invalidation": _Relation("wasInvalidatedBy", "entity", "activity", ("time",)),
    "influence": _Relation("wasInfluencedBy", "", ""),
}


def prov_document(statements: bytes, declarations: Declarations, format: str) -> bytes:
    """Return what RDF says in PROV's own words.

    Args:
        statements: N-Triples.
        declarations: Where the queries are.
        format: ``prov-json`` or ``prov-n``.

    Raises:
        MissingExtra: The ``prov`` package is not installed.
    """
    try:
        from prov.model import ProvDocument
    except ImportError as error:
        raise MissingExtra('Type: pip install "lineage-graph[prov]"') from error
    from lineage_graph.stores.oxigraph import MemoryStore

    store = MemoryStore()
    store.load(statements)

    def asked(name: str) -> list[Row]:
        return list(store.select(declarations.query(f"records/{name}").bind()))

    writing = _Writing(ProvDocument(), asked("prov_elements"))
    writing.state(asked("prov"), asked("prov_qualified"))
    text: str = writing.document.serialize(format=FORMATS[format])
    return text.encode()


class _Writing:
    """Puts rows into a document of ``prov``.

    Args:
        document: An empty one.
        elements: Rows of ``records/prov_elements``.
    """

    def __init__(self, document: Any, elements: Iterable[Row]) -> None:
        self.document = document
        self._prefixes: dict[str, str] = {}
        self._alone: set[str] = set()
        self._said: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        for row in elements:
            self._said[str(row["element"])].append((str(row["property"]), row["value"]))

    def state(self, plain: list[Row], qualified: list[Row]) -> None:
        """State all elements, then all relations between them.

        What is described and is neither an element of PROV nor qualifies a relation, such
        as a step of a plan, is an entity, so that nothing named is without its description.

        Args:
            plain: Rows of ``records/prov``.
            qualified: Rows of ``records/prov_qualified``, which say some of them again.
        """
        relations = [*self._only_plain(plain, qualified), *qualified]
        qualifying = Counter(str(row["qualified"]) for row in qualified)
        self._alone = {node for node, count in qualifying.items() if count == 1}
        kinds = self._kinds(relations)
        for node in self._said.keys() - kinds.keys() - qualifying.keys():
            kinds[node] = {"entity"}
        for node, is_a in sorted(kinds.items()):
            for kind in sorted(is_a):
                self._element(node, kind)
        for row in relations:
            self._relation(row)

    def _only_plain(self, plain: list[Row], qualified: list[Row]) -> Iterator[Row]:
        """Yield the relations that are not qualified, also those of which only a time is said."""
        ends = ("relation", "subject", "object")
        again = {tuple(map(row.get, ends)) for row in qualified}
        yield from (row for row in plain if tuple(map(row.get, ends)) not in again)
        stated = {(row["relation"], row["subject"]) for row in (*plain, *qualified)}
        for node in self._said:
            for relation, at in _AT.items():
                if (relation, node) not in stated and self._time(node, at) is not None:
                    yield {"relation": relation, "subject": node, "object": None}

    def _kinds(self, relations: list[Row]) -> dict[str, set[str]]:
        """Return what each node is: by its types, and by the relations it is in."""
        kinds: dict[str, set[str]] = defaultdict(set)
        classes = {bundled().iri(c): kind for kind, some in _CLASSES.items() for c in some}
        rdf_type = bundled().iri("rdf:type")
        for node, said in self._said.items():
            found = {classes[v] for p, v in said if p == rdf_type and v in classes}
            if found:
                kinds[node] |= found
        for row in relations:
            relation = _RELATIONS[row["relation"]]
            for name, kind in (
                ("subject", relation.subject),
                ("object", relation.object),
                ("plan", "entity"),
                ("activity", "activity"),
            ):
                if row.get(name) is not None and kind:
                    kinds[str(row[name])].add(kind)
        return kinds

    def _element(self, node: str, kind: str) -> None:
        attributes = self._attributes(node)
        if kind == "activity":
            started, ended = (self._time(node, name) for name in _BEGUN_AND_ENDED)
            self.document.activity(self._name(node), started, ended, attributes)
        else:
            getattr(self.document, kind)(self._name(node), attributes)

    def _relation(self, row: Row) -> None:
        relation = _RELATIONS[row["relation"]]
        subject, other, named = row["subject"], row["object"], row.get("qualified")
        details: dict[str, Any] = {}
        for name in ("activity", "plan"):
            if name in relation.details and row.get(name) is not None:
                details[name] = self._name(row[name])
        if "time" in relation.details:
            at = _AT.get(row["relation"])
            details["time"] = self._time(subject, at) if at else self._time(named, "prov:atTime")
        if named is not None:
            # One name for two relations would make them one.
            details["identifier"] = self._name(named) if named in self._alone else None
            details["other_attributes"] = self._attributes(named)
        state = getattr(self.document, relation.method)
        state(self._name(subject), None if other is None else self._name(other), **details)

    def _time(self, node: str | None, name: str) -> datetime | None:
        found = (
            value for said, value in self._said.get(node or "", ()) if said == bundled().iri(name)
        )
        return next((value for value in found if isinstance(value, datetime)), None)

    def _attributes(self, node: str) -> list[tuple[Any, Any]]:
        from prov.constants import PROV_LABEL, PROV_TYPE

        own = {bundled().iri("rdf:type"): PROV_TYPE, bundled().iri("rdfs:label"): PROV_LABEL}
        left_out = {bundled().iri(name) for name in _TIMES}
        implied = {bundled().iri(name) for name in _IMPLIED}
        return [
            (own.get(said) or self._name(said), self._value(value))
            for said, value in self._said.get(node, ())
            if said not in left_out and value not in implied
        ]

    def _value(self, value: Any) -> Any:
        from prov.constants import XSD_DECIMAL, XSD_DOUBLE, XSD_INTEGER
        from prov.model import Literal

        match value:
            case Iri():
                return self._name(value)
            case bool() | datetime():
                return value
            case int():
                return Literal(str(value), XSD_INTEGER)
            case float():
                return Literal(repr(value), XSD_DOUBLE)
            case Decimal():
                return Literal(str(value), XSD_DECIMAL)
        return str(value)

    def _name(self, iri: str) -> Any:
        """Return a qualified name, in a namespace that the document declares."""
        space, local = _divided(iri)
        if space not in self._prefixes:
            prefix = self._prefix(space)
            self._prefixes[space] = prefix
            self.document.add_namespace(prefix, space)
        from prov.identifier import Namespace

        return Namespace(self._prefixes[space], space)[local]

    def _prefix(self, space: str) -> str:
        for prefix, known in bundled().prefixes.items():
            if known == space:
                return prefix
        kind = space.removeprefix(NAMESPACE).removesuffix(":")
        if space.startswith(NAMESPACE) and _KIND.fullmatch(kind):
            return kind if kind not in bundled().prefixes else f"{kind}-of"
        return f"ns{len(self._prefixes)}"


def _divided(iri: str) -> tuple[str, str]:
    """Return the namespace and the rest of an IRI; of our own, the kind is the namespace."""
    if iri.startswith(NAMESPACE):
        kind, colon, rest = iri.removeprefix(NAMESPACE).partition(":")
        if colon and rest:
            return f"{NAMESPACE}{kind}:", rest
    for known in bundled().prefixes.values():
        if iri.startswith(known) and len(iri) > len(known):
            return known, iri[len(known) :]
    found = _LAST_PART.fullmatch(iri)
    return (found[1], found[2]) if found else (iri[:1], iri[1:])
