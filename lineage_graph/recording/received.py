"""A bundle that somebody sent: what it says, read from its text alone, and who may say it.

Nothing a client claims beside the body is believed. What a bundle describes, derives and
ends is read from it; a node is of the nouns of ``records/`` and has their fields; and each
class needs the permission that ``ontology/receiving.ttl`` declares.

Source: RDF 1.1 N-Quads, section 3.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from lineage_graph import records
from lineage_graph.declarations import Declarations
from lineage_graph.errors import InvalidRecord, PolicyRefused
from lineage_graph.identity import NAMESPACE, kind_of, name_of
from lineage_graph.ledger import Edge
from lineage_graph.recording.descriptions import ENGINE
from lineage_graph.records import Derivation, Record

_IRI: Final = r'<([^\x00-\x20<>"{}|^`\\]+)>'
_LITERAL: Final = (
    r'"([^"\\\n\r]*(?:\\(?:[tbnrf"\'\\]|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})[^"\\\n\r]*)*)"'
    rf"(?:\^\^{_IRI}|@[A-Za-z]+(?:-[A-Za-z0-9]+)*)?"
)
STATEMENT: Final = re.compile(rf"{_IRI} {_IRI} (?:{_IRI}|{_LITERAL}) {_IRI} \.")
_BUNDLE: Final = re.compile(re.escape(f"{NAMESPACE}bundle:") + r"[0-9a-f-]{36}")
_SHOWN: Final = 200

Rows = Callable[[str], Iterable[Mapping[str, Any]]]
"""Answers a named query over what is declared."""
Properties = dict[str, list[str]]


@dataclass(frozen=True)
class Received:
    """What a bundle says.

    Attributes:
        bundle: IRI of its named graph.
        body: Its canonical N-Quads.
        nodes: Each subject with its properties and their values; types by ``type``.
        edges: The derivations it states.
        invalidates: What it says no longer holds.
        artifacts: Digests of the files it describes or refers to.
        manifests: Those that list further files.
    """

    bundle: str
    body: bytes
    nodes: Mapping[str, Properties]
    edges: tuple[Edge, ...]
    invalidates: tuple[str, ...]
    artifacts: frozenset[str]
    manifests: frozenset[str]


class Reader:
    """Reads bundles; safe to share between threads.

    Args:
        declarations: Where terms meet IRIs.
        rows: Answers queries over ``ontology/``.
    """

    def __init__(self, declarations: Declarations, rows: Rows) -> None:
        self._declarations = declarations
        self._terms = {iri: term for term, iri in declarations.terms.items()}
        self._terms[declarations.iri("rdf:type")] = "type"
        self._nouns = [noun for noun in _nouns() if noun.types]
        self._rules = [
            (
                declarations.term(str(row["class"])),
                declarations.term(str(row["property"])) if row["property"] else None,
                row["value"],
                str(row["permission"]),
            )
            for row in rows("access/receiving")
        ]
        self._classes = {class_ for class_, *_ in self._rules}

    def read(self, body: bytes) -> Received:
        """Return what a bundle says.

        Args:
            body: Canonical N-Quads: sorted, each statement once, one graph, no blank node.

        Raises:
            InvalidRecord: It is none, or a node is not one that can be recorded.
        """
        bundle, nodes = self._parsed(body)
        for iri, said in nodes.items():
            self._require_noun(iri, said)
        return Received(
            bundle,
            body,
            nodes,
            tuple(self._edges(nodes)),
            tuple(sorted(iri for iri, said in nodes.items() if "invalidated_by" in said)),
            frozenset(_named_files(nodes)),
            frozenset(name_of(iri) for said in nodes.values() for iri in said.get("manifest", ())),
        )

    def needed(self, received: Received) -> frozenset[str]:
        """Return the names of the permissions that recording a bundle needs."""
        found = set()
        for said in received.nodes.values():
            for class_, property_, value, permission in self._rules:
                if class_ in said["type"] and (
                    property_ is None or value in said.get(property_, ())
                ):
                    found.add(permission)
        for iri in received.invalidates:
            found |= self._needed_to_end(iri)
        return frozenset(found)

    def _needed_to_end(self, iri: str) -> set[str]:
        """Return what is needed to say that something no longer holds."""
        kind = kind_of(iri)
        return {
            permission
            for class_, property_, value, permission in self._rules
            if class_ == "Entity" and property_ == "invalidated_by" and value == kind
        }

    def require_own_word(self, received: Received, agent: str) -> None:
        """Refuse a bundle that speaks for somebody else.

        Args:
            received: The bundle.
            agent: IRI of whoever sent it.

        Raises:
            PolicyRefused: It says that another did or said something.
        """
        for iri, said in received.nodes.items():
            named = set(said.get("associated_with", ()))
            if not {"Dataset", "Model"} & {*said["type"]}:
                named |= {*said.get("attributed_to", ())} - {ENGINE}
            if "Association" in said["type"]:
                named |= {*said.get("agent", ())} - {ENGINE}
            if named - {agent}:
                raise PolicyRefused(
                    f"{iri[:_SHOWN]} speaks for {min(named - {agent})[:_SHOWN]}. Record under your "
                    f"own pseudonym, {agent}: connect with your token and record again."
                )

    def _parsed(self, body: bytes) -> tuple[str, dict[str, Properties]]:
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise InvalidRecord(f"Byte {error.start} of the bundle is not UTF-8.") from error
        if not text.endswith("\n"):
            raise InvalidRecord("The bundle is empty, or its last line has no end.")
        nodes: dict[str, Properties] = {}
        graphs = set()
        previous = ""
        for number, line in enumerate(text[:-1].split("\n"), 1):
            found = STATEMENT.fullmatch(line)
            if found is None or line <= previous:
                raise InvalidRecord(_fault(number, line, found is None))
            previous = line
            subject, predicate, link, literal, _, graph = found.groups()
            graphs.add(graph)
            term = self._terms.get(predicate)
            if term is None:
                raise InvalidRecord(f"Line {number}: {predicate[:_SHOWN]} is no term we record.")
            value = self._declarations.term(link) if term == "type" and link else link or literal
            nodes.setdefault(subject, defaultdict(list))[term].append(value)
        (bundle, *others) = graphs
        if others or not _BUNDLE.fullmatch(bundle):
            raise InvalidRecord(
                f"A bundle is one graph named {NAMESPACE}bundle: and a UUID; this has "
                f"{', '.join(sorted(graph[:_SHOWN] for graph in graphs))}."
            )
        return bundle, {iri: dict(said) for iri, said in nodes.items()}

    def _require_noun(self, iri: str, said: Properties) -> None:
        """Refuse a node that is none of the nouns, or says what they cannot say."""
        types = set(said.get("type", ()))
        nouns = [noun for noun in self._nouns if types.issuperset(noun.types)]
        known = {name for noun in nouns for name in noun.types}
        if any(issubclass(noun, Derivation) for noun in nouns):
            # Its kinds are classes too; a shape says which there are.
            known |= types - self._classes
        if not nouns or types - known or known & types - self._classes - _kinds(nouns, types):
            raise InvalidRecord(
                f"{iri[:_SHOWN]} is of the classes {', '.join(sorted(types))[:_SHOWN] or 'none'}; "
                "nothing that is recorded is."
            )
        may = {field.name for noun in nouns for field in fields(noun)}
        for name in said.keys() - may - {"type"}:
            raise InvalidRecord(f"{iri[:_SHOWN]}: {name} is not said of a {min(types)}.")

    def _edges(self, nodes: Mapping[str, Properties]) -> Iterator[Edge]:
        """Yield the derivations of a bundle, as recording here states them."""
        for iri, said in nodes.items():
            for name in said.get("qualified_derivation", ()):
                path = nodes.get(name, {})
                sources, runs = path.get("entity", []), path.get("had_activity", [])
                if len(sources) != 1 or len(runs) != 1:
                    raise InvalidRecord(
                        f"{iri[:_SHOWN]}: its derivation {name[:_SHOWN]} is not described in the "
                        "same bundle by one entity and one activity."
                    )
                yield Edge(
                    derived=iri,
                    source=sources[0],
                    kinds=tuple(sorted(set(path["type"]) - {"Derivation"})),
                    activity=runs[0],
                    level="column" if "#" in sources[0] else "entity",
                )


def _named_files(nodes: Mapping[str, Properties]) -> Iterator[str]:
    """Yield the digests of artifacts, described or only referred to."""
    for said in nodes.values():
        if "Artifact" in said["type"]:
            yield from said.get("sha256", ())
        for values in said.values():
            yield from (name_of(value) for value in values if kind_of(value) == "artifact")


def _kinds(nouns: Iterable[type[Record]], types: set[str]) -> set[str]:
    return types if any(issubclass(noun, Derivation) for noun in nouns) else set()


def _nouns() -> Iterator[type[Record]]:
    """Yield every noun there is."""
    for module in pkgutil.iter_modules(records.__path__):
        importlib.import_module(f"{records.__name__}.{module.name}")
    waiting: list[type[Record]] = [Record]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += [k for k in kind.__subclasses__() if k.__module__.startswith(records.__name__)]


def _fault(number: int, line: str, unreadable: bool) -> str:
    if unreadable:
        return (
            f"Line {number} of the bundle is no statement of N-Quads with four parts and no blank "
            f"node: {name_of(line)[:_SHOWN]!r}"
        )
    return f"Line {number} of the bundle is not sorted behind the one before it, or repeats it."
