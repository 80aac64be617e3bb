"""What a page about a dataset or a model says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lineage_graph.declarations import is_absolute_iri
from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph
from lineage_graph.identity import NAMESPACE, kind_of, name_of, named
from lineage_graph.licensing import LicenseTerms
from lineage_graph.licensing.showing import bindings, closing
from lineage_graph.lineage import Lineage
from lineage_graph.privacy import Status
from lineage_graph.privacy.values import Label

DEPTH: Final = 5
"""Steps that a page follows unless it is asked to go further."""
SHOWN: Final = 200
"""Rows of a table on a page."""
THINGS: Final = ("dataset", "model")
VERSIONS: Final = ("version", "model-version")
UNKNOWN: Final = "Nothing is known under this name, or you may not see it."


class Facts(dict[str, Any]):
    """What is known, by name; what is not known is None."""

    def __missing__(self, name: str) -> None:
        return None


@dataclass(frozen=True)
class Entity:
    """A dataset or model, and the version of it that is looked at.

    Attributes:
        iri: What was asked for.
        kind: ``dataset`` or ``model``.
        name: What people call it.
        facts: What is known about the version, as ``Graph.describe`` says it.
        versions: The versions there are, the newest first.
        types: What each column holds, by the name of the column.
        up: Where the version came from.
        down: What came of it.
        terms: What binds it.
        status: What it is under data protection law.
        reports: The reports that can be asked about it.
    """

    iri: str
    kind: str
    name: str
    facts: Facts
    versions: list[dict[str, Any]]
    types: Mapping[str, Label]
    up: Lineage
    down: Lineage
    terms: LicenseTerms
    status: Status
    reports: list[dict[str, Any]]

    @property
    def plain(self) -> str:
        """The name of the dataset or model, without a number."""
        return str(self.facts["name"]).rpartition("@")[0]

    @property
    def columns(self) -> list[dict[str, str]]:
        """Its columns, each once: one that comes from several is several facts."""
        return list({one["name"]: one for one in self.facts["columns"] or ()}.values())

    @property
    def closing(self) -> list[str]:
        """What is said below its terms."""
        return closing(self.terms)

    @property
    def bindings(self) -> list[tuple[str, ...]]:
        """What binds it: source, licence, level, duties, prohibitions, path and lowest step."""
        return bindings(self.terms)


def known(graph: Graph, name: str) -> str:
    """Return the IRI that an address names.

    Args:
        graph: Over what may be seen.
        name: IRI of any node, or ``dataset/NAME`` or ``model/NAME``.

    Raises:
        NotFound: There is no such thing; the words are the same whether or not there is one
            that may not be seen.
    """
    kind, slash, rest = name.partition("/")
    if slash and kind in THINGS:
        # The name of a thing may look like a name with a number.
        whole = named(kind, rest)
        return whole if _is_thing(graph, whole) else _found(graph, f"{kind}:{rest}")
    if not is_absolute_iri(name):
        raise NotFound(UNKNOWN)
    if kind_of(name) in VERSIONS or (kind_of(name) in THINGS and not _is_thing(graph, name)):
        return _found(graph, name)
    return name


def _is_thing(graph: Graph, iri: str) -> bool:
    return bool(graph.query("records/newest", thing=iri))


def _found(graph: Graph, name: str) -> str:
    """Return a version, or what a dataset is that had another name."""
    try:
        found = graph.thing(name)
    except NotFound:
        # No name that is near: it would tell what else there is.
        raise NotFound(UNKNOWN) from None
    if kind_of(found) in THINGS and not _is_thing(graph, found):
        raise NotFound(UNKNOWN)
    return found


def entity(graph: Graph, iri: str, depth: int, lang: str) -> Entity | None:
    """Return what a page about a dataset or model says; None when it has no version.

    Args:
        graph: Over what may be seen.
        iri: The dataset or model, or a version of it.
        depth: Most steps of its lineage.
        lang: Of the names of reports.
    """
    try:
        version = graph.resolve(iri)
    except NotFound:
        return None
    facts = Facts(graph.describe(version))
    name = facts["name"].rpartition("@")[0]
    kind = facts["kind"]
    types = graph.semantic_types(version) if kind == "dataset" else []
    return Entity(
        iri=iri,
        kind=kind,
        name=facts["name"] if kind_of(iri) in VERSIONS else name,
        facts=facts,
        versions=graph.versions(named(kind, name))[::-1],
        types={one.column: one for one in types},
        up=graph.lineage(version, "up", depth),
        down=graph.lineage(version, "down", depth),
        terms=graph.license_terms(version),
        status=graph.privacy(version),
        reports=[one for one in graph.reports(lang) if kind in one["parameters"]],
    )


def thing_of(iri: str) -> str:
    """Return what a person calls a node of ours, or the IRI of another one."""
    return name_of(iri) if iri.startswith(NAMESPACE) else iri
