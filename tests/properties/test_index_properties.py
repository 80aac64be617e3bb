"""The index answers what a plain reading of the same history answers, however it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.index import LineageIndex, Step, closures, reaching
from lineage_graph.ledger import LEVELS, Edge, Ledger, Level, NewEntry, reading
from lineage_graph.ledger.file import LedgerFile

NODES = [f"urn:n:{number}" for number in range(8)]
KINDS = [("Filter",), ("Combine", "Filter"), ("Training",), ()]
ACTIVITIES = [f"urn:a:{number}" for number in range(3)]
# Appending waits for the disk, so how long an example takes says nothing.
unhurried = settings(deadline=None)
few = settings(unhurried, max_examples=50)


class Said(NamedTuple):
    """One entry: what it states and what it invalidates."""

    edges: list[Edge]
    bundles: list[int]
    versions: list[str]
    then: str


nodes = st.sampled_from(NODES)
edges = st.builds(
    Edge,
    derived=nodes,
    source=nodes,
    kinds=st.sampled_from(KINDS),
    activity=st.sampled_from(ACTIVITIES),
    level=st.sampled_from(["entity", "entity", "column"]),
)
entries = st.builds(
    Said,
    edges=st.lists(edges, max_size=7),
    bundles=st.just([]) | st.lists(st.integers(1, 6), max_size=1),
    versions=st.just([]) | st.lists(nodes, max_size=1),
    then=st.sampled_from(["", "", "refresh", "fold", "open"]),
)
histories = st.lists(entries, min_size=1, max_size=6)
starts = st.lists(nodes, min_size=1, max_size=3, unique=True)
moments = st.none() | st.integers(0, 7)
ways = st.sampled_from([(False, False), (True, False), (True, True)])
strengths = st.lists(st.integers(0, 3), min_size=len(KINDS), max_size=len(KINDS))


@contextmanager
def walked(wide_and_sparse: tuple[bool, bool]) -> Iterator[None]:
    """Walk over arrays from the first hop on, or not; read and remember few things at once."""
    wide, sparse = wide_and_sparse
    with ExitStack() as stack:
        stack.enter_context(patch.object(reading, "PAGE", 3))
        stack.enter_context(patch.object(reaching, "CELLS", 20))
        if wide:
            for module in (closures, reaching):
                stack.enter_context(patch.object(module, "SMALL", 0))
                stack.enter_context(patch.object(module, "THIN", 1 if sparse else 0))
        if sparse:
            stack.enter_context(patch.object(closures, "DENSE", 0))
        yield


@contextmanager
def indexed(history: Sequence[Said], fold_at: int | None = None) -> Iterator[LineageIndex]:
    """Record a history, and keep an index meanwhile as the entries say."""
    with TemporaryDirectory() as folder, LedgerFile(Path(folder) / "ledger.db") as ledger:
        place = Path(folder) / "index"
        index = LineageIndex(place, ledger, fold_at=fold_at)
        for seq, said in enumerate(history, 1):
            record(ledger, seq, said)
            if said.then == "open":
                index.close()
                index = LineageIndex(place, ledger, fold_at=fold_at)
            elif said.then:
                assert index.refresh() == seq
            if said.then == "fold":
                index.fold()
        index.refresh()
        yield index
        index.close()


def record(ledger: Ledger, number: int, said: Said) -> None:
    ledger.append(
        NewEntry(
            txid=f"t{number}",
            author="urn:me",
            bundle=f"urn:bundle:{number}",
            body=b"",
            subjects=NODES,
            edges=said.edges,
            invalidates=[*(f"urn:bundle:{bundle}" for bundle in said.bundles), *said.versions],
        )
    )


def holding(history: Sequence[Said], as_of: int | None, level: Level = "entity") -> set[Edge]:
    past = history[:as_of]
    dead = {bundle for said in past for bundle in said.bundles}
    return {
        edge
        for seq, said in enumerate(past, 1)
        if seq not in dead
        for edge in said.edges
        if edge.level == level
    }


def hidden(history: Sequence[Said], as_of: int | None, kept: Sequence[str]) -> set[str]:
    return {node for said in history[:as_of] for node in said.versions} - {*kept}


def graph(stated: set[Edge], down: bool) -> nx.MultiDiGraph:
    found = nx.MultiDiGraph()
    found.add_nodes_from(NODES)
    for e in stated:
        found.add_edge(*((e.source, e.derived) if down else (e.derived, e.source)), edge=e)
    return found


def hops(found: nx.MultiDiGraph, start: Sequence[str], depth: int | None) -> dict[str, int]:
    nearest: dict[str, int] = {}
    for node in start:
        for end, far in nx.single_source_shortest_path_length(found, node, cutoff=depth).items():
            nearest[end] = min(far, nearest.get(end, far))
    return nearest


def as_step(index: LineageIndex, step: Step) -> Edge:
    names = index.iris([step.derived, step.source, step.activity])
    assert index.kind_sets[step.code] == step.kinds
    return Edge(names[step.derived], names[step.source], step.kinds, names[step.activity])


def numbers(index: LineageIndex, iris: Sequence[str]) -> list[int]:
    ids = index.ids(iris)
    return [ids[iri] for iri in iris]


@settings(unhurried, max_examples=150)
@given(
    history=histories,
    fold_at=st.sampled_from([0, 3, None]),
    way=ways,
    start=starts,
    down=st.booleans(),
    level=st.sampled_from(["entity", "column"]),
    depth=st.none() | st.integers(0, 4),
    kinds=st.none() | st.sets(st.sampled_from(["Filter", "Combine", "Training"])),
    runs=st.none() | st.sets(st.sampled_from(ACTIVITIES)),
    as_of=moments,
    invalidated=st.booleans(),
)
def test_a_closure_has_the_nodes_the_depths_and_the_edges(
    history: list[Said],
    fold_at: int | None,
    way: tuple[bool, bool],
    start: list[str],
    down: bool,
    level: Level,
    depth: int | None,
    kinds: set[str] | None,
    runs: set[str] | None,
    as_of: int | None,
    invalidated: bool,
) -> None:
    passing = {
        edge
        for edge in holding(history, as_of, level)
        if (kinds is None or kinds & {*edge.kinds}) and (runs is None or edge.activity in runs)
    }
    reached = hops(graph(passing, down), start, depth)
    gone = set() if invalidated else hidden(history, as_of, start)
    expanded = {node for node, far in reached.items() if depth is None or far < depth} - gone
    expected = {
        (e.derived, e.source, e.kinds, e.activity)
        for e in passing
        if (e.source if down else e.derived) in expanded and not {e.derived, e.source} & gone
    }
    with walked(way), indexed(history, fold_at) as index:
        found = index.closure(
            numbers(index, start),
            downstream=down,
            level=level,
            depth=depth,
            kinds=kinds,
            runs=None if runs is None else index.ids(runs).values(),
            as_of=as_of,
            invalidated=invalidated,
        )
        edges = found.edges()
        names = index.iris({*found.nodes.tolist(), *(n for e in edges for n in (e[0], e[1], e[3]))})
        depths = {names[n]: d for n, d in zip(found.nodes.tolist(), found.depths, strict=True)}
        stated = [
            (names[e.derived], names[e.source], index.kind_sets[e.kinds], names[e.activity])
            for e in edges
        ]
    assert depths == {node: far for node, far in reached.items() if node not in gone}
    assert found.count == len(depths)
    assert found.depths.tolist() == sorted(found.depths.tolist())
    assert sorted(stated) == sorted(expected), "each edge once"


@few
@given(history=histories, ends=st.tuples(nodes, nodes), down=st.booleans(), as_of=moments)
def test_a_shortest_path_is_one_and_as_short_as_any(
    history: list[Said], ends: tuple[str, str], down: bool, as_of: int | None
) -> None:
    stated = holding(history, as_of)
    walked_graph = graph(stated, down)
    with indexed(history) as index:
        source, target = numbers(index, ends)
        path = index.shortest_path(source, target, downstream=down, as_of=as_of)
        steps = [as_step(index, step) for step in path]
    far = hops(walked_graph, ends[:1], None).get(ends[1])
    assert len(steps) == (far or 0)
    require_path(steps, stated, ends, down)


def require_path(steps: list[Edge], stated: set[Edge], ends: tuple[str, str], down: bool) -> None:
    assert {*steps} <= stated
    places = [s.source if down else s.derived for s in steps]
    further = [s.derived if down else s.source for s in steps]
    if steps:
        assert [ends[0], *further] == [*places, ends[1]]


def arriving(
    stated: set[Edge], begun: dict[str, int], of: dict[Any, int], down: bool
) -> dict[str, int]:
    """Return the level of each node, by going over all edges until nothing changes."""
    levels = dict(begun)
    changed = True
    while changed:
        changed = False
        for e in stated:
            near, far = (e.source, e.derived) if down else (e.derived, e.source)
            level = min(levels.get(near, 0), of[e.kinds])
            if level > levels.get(far, 0):
                levels[far], changed = level, True
    return levels


@settings(unhurried, max_examples=150)
@given(
    history=histories,
    fold_at=st.sampled_from([0, 3, None]),
    way=ways,
    begun=st.dictionaries(nodes, st.integers(1, 3), min_size=1, max_size=3),
    strength=strengths,
    down=st.booleans(),
    as_of=moments,
)
def test_what_arrives_is_the_best_path_and_its_weakest_step(
    history: list[Said],
    fold_at: int | None,
    way: tuple[bool, bool],
    begun: dict[str, int],
    strength: list[int],
    down: bool,
    as_of: int | None,
) -> None:
    of = dict(zip(KINDS, strength, strict=True))
    stated = holding(history, as_of)
    expected = arriving(stated, begun, of, down)
    gone = hidden(history, as_of, [*begun])
    with walked(way), indexed(history, fold_at) as index:
        given_levels = {index.ids([iri])[iri]: level for iri, level in begun.items()}
        reach = index.reach(
            given_levels, [of[k] for k in index.kind_sets], downstream=down, as_of=as_of
        )
        ids = index.ids(NODES)
        assert {n: reach.level(ids[n]) for n in NODES} == {
            n: 0 if n in gone else expected.get(n, 0) for n in NODES
        }
        assert reach.levels_of(np.array([ids[n] for n in NODES])).tolist() == [
            reach.level(ids[n]) for n in NODES
        ]
        for iri in set(expected) - gone:
            steps = [as_step(index, step) for step in reach.path(ids[iri])]
            lowering = reach.bottleneck(ids[iri])
            require_widest(steps, iri, begun, of, expected[iri], stated, down)
            require_bottleneck(steps, lowering and as_step(index, lowering), begun, of, down)


def require_widest(
    steps: list[Edge],
    node: str,
    begun: dict[str, int],
    of: dict[Any, int],
    level: int,
    stated: set[Edge],
    down: bool,
) -> None:
    strong = graph({e for e in stated if of[e.kinds] >= level}, down)
    best = hops(strong, [start for start, at in begun.items() if at >= level], None)
    assert len(steps) == best[node]
    if steps:
        start = steps[0].source if down else steps[0].derived
        require_path(steps, stated, (start, node), down)
        assert min(begun[start], *(of[s.kinds] for s in steps)) == level


def require_bottleneck(
    steps: list[Edge], found: Edge | None, begun: dict[str, int], of: dict[Any, int], down: bool
) -> None:
    expected = None
    if steps:
        level = begun[steps[0].source if down else steps[0].derived]
        for step in steps:
            if of[step.kinds] < level:
                level, expected = of[step.kinds], step
    assert found == expected


@few
@given(
    history=histories,
    way=ways,
    sources=st.lists(nodes, max_size=5),
    strength=strengths,
    down=st.booleans(),
    as_of=moments,
)
def test_pairs_are_what_each_source_alone_reaches(
    history: list[Said],
    way: tuple[bool, bool],
    sources: list[str],
    strength: list[int],
    down: bool,
    as_of: int | None,
) -> None:
    of = dict(zip(KINDS, strength, strict=True))
    stated = holding(history, as_of)
    with walked(way), indexed(history) as index:
        arrays = index.reach_pairs(
            numbers(index, sources), [of[k] for k in index.kind_sets], downstream=down, as_of=as_of
        )
        names = index.iris(arrays[1])
        rows = list(zip(*(array.tolist() for array in arrays), strict=True))
    found = [(position, names[node], level) for position, node, level in rows]
    assert sorted(found) == sorted(
        (position, node, level)
        for position, source in enumerate(sources)
        for node, level in arriving(stated, {source: 3}, of, down).items()
        if node not in hidden(history, as_of, [source])
    )


@few
@given(history=histories, as_of=moments, level=st.sampled_from(["entity", "column"]))
def test_roots_and_cycles_are_those_of_the_graph(
    history: list[Said], as_of: int | None, level: Level
) -> None:
    up = graph(holding(history, as_of, level), False)
    with indexed(history) as index:
        ids = numbers(index, NODES)
        roots = index.roots(ids, level=level, as_of=as_of)
        cyclic = [index.in_cycle(node, level=level, as_of=as_of) for node in ids]
    assert roots.tolist() == [up.out_degree(node) == 0 for node in NODES]
    looping = [c for c in nx.strongly_connected_components(up) if len(c) > 1]
    inside = {n for c in looping for n in c} | {n for n in NODES if up.has_edge(n, n)}
    assert cyclic == [node in inside for node in NODES]


def everything(index: LineageIndex, as_of: int | None = None) -> list[Any]:
    """Return all that an index says, by names."""
    found: list[Any] = []
    for level in LEVELS:
        for down in (False, True):
            for iri, node in sorted(index.ids(NODES).items()):
                closure = index.closure([node], downstream=down, level=level, as_of=as_of)
                edges = closure.edges()
                names = index.iris({*closure.nodes.tolist(), *(e.activity for e in edges)})
                depths = zip(closure.nodes.tolist(), closure.depths.tolist(), strict=True)
                found.append((level, down, iri, sorted((names[n], d) for n, d in depths)))
                sets = index.kind_sets
                found.append(
                    sorted(
                        (names[e.derived], names[e.source], sets[e.kinds], names[e.activity])
                        for e in edges
                    )
                )
    return found


@few
@given(history=histories, fold_at=st.sampled_from([0, 3, None]), as_of=moments)
def test_an_index_that_grew_is_one_that_was_made_at_once(
    history: list[Said], fold_at: int | None, as_of: int | None
) -> None:
    at_once = [said._replace(then="") for said in history]
    with indexed(history, fold_at) as grown, indexed(at_once) as made:
        assert everything(grown, as_of=as_of) == everything(made, as_of=as_of)


@few
@given(history=histories, data=st.data())
def test_the_order_of_entries_does_not_matter_in_the_end(
    history: list[Said], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(history))))
    place = {old + 1: new + 1 for new, old in enumerate(order)}
    shuffled = [
        history[old]._replace(bundles=[place.get(b, b) for b in history[old].bundles])
        for old in order
    ]
    with indexed(history) as one, indexed(shuffled, 3) as other:
        assert everything(one) == everything(other)
