"""A walk finds what networkx finds in the same graph, cycles and all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.index import LineageIndex
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.lineage import Lineage, walk

NODES = [f"urn:lineage-graph:version:{number}" for number in range(9)]
KINDS = [("Filter",), ("Combine", "Filter"), ("Training",)]
ACTIVITIES = [f"urn:lineage-graph:activity:{number}" for number in range(3)]
nodes = st.sampled_from(NODES)
edges = st.builds(
    Edge,
    derived=nodes,
    source=nodes,
    kinds=st.sampled_from(KINDS),
    activity=st.sampled_from(ACTIVITIES),
    level=st.sampled_from(["entity", "column"]),
)
histories = st.lists(st.lists(edges, max_size=6), min_size=1, max_size=6)
# Appending waits for the disk, so how long an example takes says nothing.
unhurried = settings(deadline=None)


@contextmanager
def recorded(history: Sequence[Sequence[Edge]]) -> Iterator[tuple[Ledger, LineageIndex]]:
    with TemporaryDirectory() as folder, LedgerFile(Path(folder) / "ledger.db") as ledger:
        record(ledger, history)
        yield ledger, LineageIndex(Path(folder) / "index", ledger)


def record(ledger: Ledger, history: Sequence[Sequence[Edge]]) -> None:
    for number, bundle in enumerate(history, ledger.head + 1):
        ledger.append(
            NewEntry(
                txid=f"t{number}",
                author="urn:x:me",
                bundle=f"urn:x:bundle:{number}",
                body=b"",
                subjects=sorted({edge.derived for edge in bundle}),
                edges=bundle,
            )
        )


def said(history: Sequence[Sequence[Edge]], level: str, as_of: int | None) -> set[Edge]:
    return {edge for bundle in history[:as_of] for edge in bundle if edge.level == level}


def reached(
    stated: set[Edge], start: Sequence[str], depth: int | None, down: bool
) -> dict[str, int]:
    """Return the fewest hops to each node, by networkx."""
    graph = nx.DiGraph((e.source, e.derived) for e in stated)
    graph.add_nodes_from(start)
    nearest: defaultdict[str, int] = defaultdict(lambda: len(NODES))
    for node in start:
        way = graph if down else graph.reverse()
        for end, hops in nx.single_source_shortest_path_length(way, node, cutoff=depth).items():
            nearest[end] = min(nearest[end], hops)
    return dict(nearest)


def hops(found: Lineage) -> dict[str, int]:
    return {node.iri: node.depth for node in found.nodes}


@unhurried
@given(
    history=histories,
    start=st.lists(nodes, min_size=1, max_size=3),
    down=st.booleans(),
    depth=st.none() | st.integers(0, 5),
    as_of=st.none() | st.integers(0, 7),
    columns=st.booleans(),
)
def test_a_walk_finds_the_nodes_the_hops_and_the_edges_that_networkx_finds(
    history: list[list[Edge]],
    start: list[str],
    down: bool,
    depth: int | None,
    as_of: int | None,
    columns: bool,
) -> None:
    with recorded(history) as (_, index):
        found = walk(
            index,
            start,
            labels=lambda iris: {},
            downstream=down,
            depth=depth,
            columns=columns,
            as_of=as_of,
        )
    stated = said(history, "column" if columns else "entity", as_of)
    expected = reached(stated, start, depth, down)
    assert hops(found) == expected
    assert len(found.nodes) == len(expected), "every node is there once"
    expanded = {node for node, far in expected.items() if depth is None or far < depth}
    near = "source" if down else "derived"
    assert set(found.edges) == {edge for edge in stated if getattr(edge, near) in expanded}
    assert len(found.edges) == len(set(found.edges)), "every edge is there once"


@settings(unhurried, max_examples=50)
@given(history=histories, start=nodes)
def test_without_limits_a_walk_is_the_ancestors_or_the_descendants(
    history: list[list[Edge]], start: str
) -> None:
    graph = nx.DiGraph((e.source, e.derived) for e in said(history, "entity", None))
    graph.add_node(start)
    with recorded(history) as (_, index):
        up = walk(index, [start], labels=lambda iris: {}, downstream=False)
        down = walk(index, [start], labels=lambda iris: {}, downstream=True)
    assert set(up.node) == nx.ancestors(graph, start) | {start}
    assert set(down.node) == nx.descendants(graph, start) | {start}


@settings(unhurried, max_examples=50)
@given(history=histories, start=nodes, more=histories)
def test_what_is_recorded_later_changes_no_answer_about_the_past(
    history: list[list[Edge]], start: str, more: list[list[Edge]]
) -> None:
    with recorded(history) as (ledger, index):
        before = walk(index, [start], labels=lambda iris: {})
        record(ledger, more)
        assert walk(index, [start], labels=lambda iris: {}, as_of=len(history)) == before
