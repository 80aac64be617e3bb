"""Where something came from, and what came of it.

The lineage index walks, so the cost follows the size of the answer, not of the graph.
What it finds is a plain value that turns into a tree, a picture, a networkx graph, a
table or RDF.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from lineage_graph.drawing import Arrow, Box, Picture, Table, dot, html, svg, tree
from lineage_graph.errors import MissingExtra
from lineage_graph.identity import name_of
from lineage_graph.ledger import Edge, Level

if TYPE_CHECKING:
    import networkx
    import pandas
    import rdflib

    from lineage_graph.index import LineageIndex

DRAWN = 60
"""Boxes in a picture unless more are asked for: about what fits on a printed page."""

_DRAWN_OF_A_HOP = 20
_NOTEBOOK_ROWS = 200

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class NodeLabel:
    """How a node is shown.

    Attributes:
        iri: The node.
        name: What a person calls it, such as ``flights@3``.
        kind: ``dataset``, ``model``, ``file``, ``column`` or ``content``.
    """

    iri: str
    name: str
    kind: str


@dataclass(frozen=True)
class Node(NodeLabel):
    """A node of a lineage.

    Attributes:
        depth: Fewest hops from the start; the start is 0.
    """

    depth: int


Labels = Callable[[Collection[str]], Mapping[str, NodeLabel]]


@dataclass(frozen=True)
class Lineage:
    """What a walk found.

    Attributes:
        direction: ``up`` to sources, ``down`` to what was derived.
        depth: Hops that were allowed; None for all.
        roots: IRIs the walk started from.
        nodes: Every node once, the nearest first.
        edges: Every derivation between them; two ways from one node to another
            are two edges.
    """

    direction: Direction
    depth: int | None
    roots: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def node(self) -> Mapping[str, Node]:
        """The nodes by IRI."""
        return {node.iri: node for node in self.nodes}

    @property
    def limited(self) -> bool:
        """Whether the depth limit was reached, so that there may be more."""
        return bool(self.nodes) and self.nodes[-1].depth == self.depth

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "direction": self.direction,
            "depth": self.depth,
            "limited": self.limited,
            "roots": list(self.roots),
            "nodes": [
                {"iri": n.iri, "name": n.name, "kind": n.kind, "depth": n.depth} for n in self.nodes
            ],
            "edges": [
                {
                    "derived": e.derived,
                    "source": e.source,
                    "kinds": list(e.kinds),
                    "activity": e.activity,
                }
                for e in self.edges
            ],
        }

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Return a ``networkx.MultiDiGraph`` of IRIs.

        Edges run from a source to what was derived from it, so ``ancestors`` is
        what it came from. Nodes have ``name``, ``kind`` and ``depth``, edges
        ``kinds`` and ``activity``.
        """
        graph = _needed("networkx").MultiDiGraph(roots=self.roots)
        for n in self.nodes:
            graph.add_node(n.iri, name=n.name, kind=n.kind, depth=n.depth)
        for e in self.edges:
            graph.add_edge(e.source, e.derived, kinds=e.kinds, activity=e.activity)
        return graph

    def to_pandas(self) -> pandas.DataFrame:
        """Return the edges as a ``pandas.DataFrame``, one row for each derivation."""
        columns = [
            *("source", "source_name", "source_kind"),
            *("derived", "derived_name", "derived_kind", "kinds", "activity"),
        ]
        rows = [
            (s.iri, s.name, s.kind, d.iri, d.name, d.kind, _kinds(e), e.activity)
            for e in self.edges
            for s, d in [(self.node[e.source], self.node[e.derived])]
        ]
        return _needed("pandas").DataFrame(rows, columns=columns)

    def to_rdflib(self) -> rdflib.Graph:
        """Return PROV-O: ``prov:wasDerivedFrom`` and, for each edge, a qualified derivation."""
        from lineage_graph.declarations import bundled

        _needed("rdflib")
        from rdflib import RDF, BNode, Graph, Literal, URIRef

        declared = bundled()

        def term(name: str) -> URIRef:
            return URIRef(declared.iri(name))

        graph = Graph()
        for prefix, namespace in declared.prefixes.items():
            graph.bind(prefix, namespace)
        for node in self.nodes:
            graph.add((URIRef(node.iri), RDF.type, term("Entity")))
            graph.add((URIRef(node.iri), term("label"), Literal(node.name)))
        for edge in self.edges:
            derived, source, how = URIRef(edge.derived), URIRef(edge.source), BNode()
            graph.add((derived, term("derived_from"), source))
            graph.add((derived, term("qualified_derivation"), how))
            graph.add((how, term("entity"), source))
            graph.add((how, term("had_activity"), URIRef(edge.activity)))
            for kind in ("Derivation", *edge.kinds):
                graph.add((how, RDF.type, term(kind)))
        return graph

    def tree(self, *, ascii_only: bool = False) -> list[str]:
        """Return lines for a terminal.

        A node that is reached twice is shown in full once and referred to after
        that. Far down the depth is written as a number instead of more indentation.
        """

        def said(iri: str) -> str:
            return f"{self.node[iri].name} ({self.node[iri].kind})"

        return list(tree.draw(_tops(self), _below(self), said, ascii_only=ascii_only))

    def to_dot(self) -> str:
        """Return Graphviz DOT of the whole answer."""
        return dot.draw(self._picture(None))

    def to_svg(self, limit: int = DRAWN) -> str:
        """Return a static SVG, sources on the left.

        Args:
            limit: Boxes to draw, nearest first; the picture says how many it left out.
        """
        return svg.draw(self._picture(limit))

    def to_html(self, limit: int = DRAWN) -> str:
        """Return one self-contained page: the picture and the whole answer as tables.

        Args:
            limit: Boxes to draw, nearest first.
        """
        return html.page(self._picture(limit), self._tables(None))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        fragment = html.fragment(self._picture(DRAWN), self._tables(_NOTEBOOK_ROWS))
        return {"text/plain": str(self), "text/html": fragment}

    def __str__(self) -> str:
        """Return the tree as one text."""
        return "\n".join(self.tree())

    def _picture(self, limit: int | None) -> Picture:
        drawn = _nearest(self, limit)
        labels: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        more: dict[str, set[str]] = defaultdict(set)
        for edge in self.edges:
            if edge.source in drawn and edge.derived in drawn:
                labels[edge.source, edge.derived][_kinds(edge)] = None
            else:
                more[edge.source].add(edge.derived)
                more[edge.derived].add(edge.source)
        predicted = {edge.derived for edge in self.edges if "Inference" in edge.kinds}
        return Picture(
            title=self._title(),
            description=self._description(),
            boxes=[self._box(iri, iri in predicted, len(more[iri])) for iri in drawn],
            arrows=[Arrow(*ends, " | ".join(found)) for ends, found in labels.items()],
            hidden=len(self.nodes) - len(drawn),
        )

    def _box(self, iri: str, predicted: bool, more: int) -> Box:
        node = self.node[iri]
        kind = "prediction" if predicted and node.kind == "dataset" else node.kind
        return Box(key=iri, name=node.name, kind=kind, root=iri in self.roots, more=more)

    def _title(self) -> str:
        names = [self.node[iri].name for iri in self.roots[:3]]
        if len(self.roots) > 3:
            names.append(f"{len(self.roots) - 3} more")
        what = "came from" if self.direction == "up" else "led to"
        return f"What {', '.join(names) or 'nothing'} {what}"

    def _description(self) -> str:
        limit = f" The walk stopped after {_count(self.depth, 'hop')}." if self.limited else ""
        return (
            f"{_count(len(self.nodes), 'node')} and {_count(len(self.edges), 'derivation')}. "
            f"Arrows run from a source to what was derived from it.{limit}"
        )

    def _tables(self, limit: int | None) -> list[Table]:
        derivations = [
            (self.node[e.source].name, _kinds(e), self.node[e.derived].name, name_of(e.activity))
            for e in self.edges[:limit]
        ]
        nodes = [(n.name, n.kind, str(n.depth), n.iri) for n in self.nodes[:limit]]
        return [
            Table(
                _caption("Derivations", len(derivations), len(self.edges)),
                ("Source", "How", "Derived", "Activity"),
                derivations,
            ),
            Table(
                _caption("Nodes", len(nodes), len(self.nodes)),
                ("Name", "Kind", "Hops from the start", "IRI"),
                nodes,
            ),
        ]


def walk(
    index: LineageIndex,
    start: Sequence[str],
    *,
    labels: Labels,
    downstream: bool = False,
    depth: int | None = None,
    columns: bool = False,
    as_of: int | None = None,
) -> Lineage:
    """Follow derivations from some versions, or from some columns.

    What was invalidated is left out, except where the walk starts from it; what lies
    beyond it is not.

    Args:
        index: What walks; it is brought up to date.
        start: IRIs to start from.
        labels: Returns how IRIs are shown; called once, with every IRI found. One
            it does not know is shown by the last part of its IRI.
        downstream: False for what the start came from, True for what came of it.
        depth: Most hops to go, 0 for the start alone; None for all.
        columns: Walk between columns instead of between versions.
        as_of: Seq of the last ledger entry to consider; None for all.
    """
    index.refresh()
    level: Level = "column" if columns else "entity"
    roots = tuple(dict.fromkeys(start))
    closure = index.closure(
        index.ids(roots).values(), downstream=downstream, level=level, depth=depth, as_of=as_of
    )
    found = closure.edges()
    iris = index.iris({*closure.nodes.tolist(), *(edge.activity for edge in found)})
    hops = zip(closure.nodes.tolist(), closure.depths.tolist(), strict=True)
    reached = sorted((hop, iris[node]) for node, hop in hops)
    depths = dict.fromkeys(roots, 0) | {iri: hop for hop, iri in reached}
    edges = [
        Edge(iris[e.derived], iris[e.source], index.kind_sets[e.kinds], iris[e.activity], level)
        for e in found
    ]
    edges.sort(key=lambda e: (depths[e.source if downstream else e.derived], _edge_order(e)))
    return Lineage(
        direction="down" if downstream else "up",
        depth=depth,
        roots=roots,
        nodes=tuple(_nodes(depths, labels(depths), level)),
        edges=tuple(edges),
    )


def _nearest(lineage: Lineage, limit: int | None) -> dict[str, None]:
    """Return the nodes to draw: near ones, few of each hop, each linked to one drawn before."""
    if limit is None:
        return dict.fromkeys(lineage.node)
    below = _below(lineage)
    drawn: dict[str, None] = {}
    hop: Iterable[str] = _tops(lineage)
    while hop and len(drawn) < limit:
        taken = [iri for iri in hop if iri not in drawn][: min(_DRAWN_OF_A_HOP, limit - len(drawn))]
        drawn.update(dict.fromkeys(taken))
        hop = dict.fromkeys(iri for near in taken for iri in below[near] if iri not in drawn)
    return drawn


def _tops(lineage: Lineage) -> list[str]:
    """Return the roots, and what only an invalidated version links to them."""
    below = _below(lineage)
    tops: dict[str, None] = dict.fromkeys(lineage.roots)
    met: set[str] = set()
    for iri in (*lineage.roots, *lineage.node):
        if iri not in met:
            tops[iri] = None
        waiting = [iri]
        while waiting:
            near = waiting.pop()
            if near not in met:
                met.add(near)
                waiting += below.get(near, ())
    return list(tops)


def _nodes(
    depths: Mapping[str, int], labels: Mapping[str, NodeLabel], unknown: str
) -> Iterator[Node]:
    for iri, depth in depths.items():
        label = labels.get(iri) or NodeLabel(iri, name_of(iri), unknown)
        yield Node(iri, label.name, label.kind, depth)


def _edge_order(edge: Edge) -> tuple[str, str, str, tuple[str, ...]]:
    return edge.derived, edge.source, edge.activity, edge.kinds


def _kinds(edge: Edge) -> str:
    return ", ".join(edge.kinds)


def _count(number: int | None, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _caption(noun: str, shown: int, total: int) -> str:
    return noun if shown == total else f"{noun}, the first {shown:,} of {total:,}"


def _needed(package: str) -> Any:
    """Import an optional package.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            f"{missing.name} is not installed; type: pip install 'lineage-graph[graph]'"
        ) from missing


def _below(lineage: Lineage) -> Mapping[str, dict[str, str]]:
    """Return, for each node, its neighbours away from the start and how it got to them."""
    below: dict[str, dict[str, str]] = defaultdict(dict)
    for edge in lineage.edges:
        near, far = edge.derived, edge.source
        if lineage.direction == "down":
            near, far = far, near
        known = below[near].get(far)
        kinds = _kinds(edge)
        below[near][far] = kinds if known in (None, kinds) else f"{known} | {kinds}"
    return below
