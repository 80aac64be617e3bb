"""Times the lineage index, and three other engines on the same graph with the same answers."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pyoxigraph

from benchmarks.figures import Figure, runs, show, spread, stopwatch
from lineage_graph.declarations import bundled
from lineage_graph.index import LineageIndex, files
from lineage_graph.index.arrays import Added, Array, Base
from lineage_graph.index.overlay import Read, folded
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile

LAYERS = 40
PER_RUN = 5
"""Versions that a run makes, each from two others."""
SETS = [("Filter",), ("Combine", "Filter"), ("Aggregate",), ("Training",), ("Inference",)]
STRENGTHS = (3, 3, 2, 1, 1)
SIZES = (50, 1_000, 1_600_000)
GOALS = ("0.3 ms", "1 ms", "500 ms")
COMPARED = 1_000_000
PAIRS = (200_000, 195_000)
CHAIN = "0" * 64


class Drawn:
    """A layered graph in which few nodes have many edges, as rows that a ledger would have.

    Attributes:
        derived: Number of what came out, for each edge.
        source: Number of what went in.
        kinds: Code of its kind set.
        runs: Its run, which is also its entry: the n-th entry has the n-th run.
        activities: Number of the activity of each run.
    """

    def __init__(self, edges: int) -> None:
        chance = np.random.default_rng(20)
        versions = edges // 2
        count = -(-versions // PER_RUN)
        place = np.repeat(np.arange(versions), 2)
        layer = max(versions // LAYERS, 1)
        before = np.maximum(place // layer - 1, 0) * layer
        hubs = (chance.random(place.size) ** 3 * np.minimum(layer, place + 1)).astype(np.int64)
        # What lies within the first layer has no source; its edges lead to the first version.
        source = np.where(place < layer, 0, np.minimum(before + hubs, place))
        kept = place > source
        self.derived = self._number(place[kept])
        self.source = self._number(source[kept])
        self.kinds = chance.integers(0, len(SETS), self.derived.size).astype(np.int32)
        self.runs = (place[kept] // PER_RUN).astype(np.int32)
        self.activities = (np.arange(count) * (PER_RUN + 1) + 1).astype(np.int32)

    @staticmethod
    def _number(place: Array) -> Array:
        """Return the numbers of versions: each run's activity takes one before its versions."""
        numbers: Array = (place + place // PER_RUN + 2).astype(np.int32)
        return numbers

    def read(self) -> Read:
        """Return everything as what a ledger's entries state."""
        added = Added(self.derived, self.source, self.kinds, self.runs)
        seqs = np.arange(1, self.activities.size + 1, dtype=np.int32)
        return Read((added, Added()), seqs, self.activities, (), self.activities.size)


class Numbers:
    """As much of a ledger as an index needs that is asked by number."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.rows: list[tuple[int, ...]] = []

    def chain_at(self, seq: int) -> str:
        return CHAIN

    def kind_sets(self) -> dict[int, tuple[str, ...]]:
        return dict(enumerate(SETS, 1))

    def index_rows(self, after: int, upto: int) -> Iterator[list[tuple[int, ...]]]:
        yield [row for row in self.rows if after < row[0] <= upto]

    def invalidations(self, after: int, upto: int) -> list[Any]:
        return []


def measure(edges: int = 10_000_000) -> list[Figure]:
    """Return the figures of a graph of so many edges, and of others beside a smaller one."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            *_large(Path(folder) / "large", edges),
            *_pairs(Path(folder) / "pairs", min(edges, 400_000)),
            *_compared(Path(folder) / "compared", min(edges, COMPARED)),
        ]


def _large(folder: Path, edges: int) -> list[Figure]:
    folder.mkdir()
    drawn = Drawn(edges)
    ledger: Any = Numbers(drawn.activities.size)
    with stopwatch() as built:
        base = folded(Base(0, CHAIN), [drawn.read()], CHAIN, len(SETS))
        files.write(folder, base)
    size = (folder / files.NAME).stat().st_size
    with stopwatch() as opened:
        index = LineageIndex(folder, ledger)
    starts = _starts(index, drawn, SIZES)
    of = f"{drawn.derived.size:,} edges"
    return [
        Figure(f"make a base of {of} from arrays, written", f"{built.seconds:.1f} s", "10 s"),
        Figure("open it, each array checked", f"{opened.seconds * 1000:.0f} ms", "200 ms"),
        Figure("size, both directions", f"{size / drawn.derived.size:.1f} B/edge", "24 B/edge"),
        *_closures(index, starts),
        *_others(index, starts),
        *_growing(index, drawn, ledger, starts[-1]),
    ]


def _closures(index: LineageIndex, starts: list[int]) -> list[Figure]:
    figures = []
    for start, size, goal in zip(starts, SIZES, GOALS, strict=True):
        count = index.closure([start], downstream=True).count
        times = 200 if count < 10_000 else 5
        taken = runs(lambda start=start: index.closure([start], downstream=True), times)  # type: ignore[misc]
        label = f"closure of {count:,} nodes, with depths"
        figures.append(Figure(label, spread(taken, "ms"), goal if count > size // 2 else ""))
    return figures


def _starts(index: LineageIndex, drawn: Drawn, sizes: tuple[int, ...]) -> list[int]:
    """Return a node for each size whose downstream closure comes close to it."""
    chance = np.random.default_rng(1)
    some = np.unique(chance.choice(drawn.source, 80)).tolist()
    counts = {node: index.closure([node], downstream=True).count for node in some}
    return [min(counts, key=lambda node: abs(counts[node] - size)) for size in sizes]


def _others(index: LineageIndex, starts: list[int]) -> list[Figure]:
    _, middle, large = starts
    levels = index.reach({large: 3}, STRENGTHS, downstream=True)
    target = int(levels.nodes[-1])
    path = index.shortest_path(large, target)
    as_of = index.refresh() // 2
    below = index.closure([middle], downstream=True).count
    return [
        Figure(
            f"levels of {levels.nodes.size:,} nodes",
            spread(runs(lambda: index.reach({large: 3}, STRENGTHS, downstream=True), 3), "ms"),
        ),
        Figure(
            f"levels, where {below:,} nodes lie downstream",
            spread(runs(lambda: index.reach({middle: 3}, STRENGTHS, downstream=True), 50), "ms"),
        ),
        Figure(
            f"shortest path, {len(path)} steps",
            spread(runs(lambda: index.shortest_path(large, target), 50), "ms"),
        ),
        Figure(
            f"widest path to it, {len(levels.path(target))} steps",
            spread(runs(lambda: levels.path(target), 50), "ms"),
        ),
        Figure(
            "large closure as of half the ledger",
            spread(runs(lambda: index.closure([large], downstream=True, as_of=as_of), 3), "ms"),
        ),
    ]


def _growing(
    index: LineageIndex, drawn: Drawn, ledger: Any, large: int, new: int = 20_000
) -> list[Figure]:
    chance = np.random.default_rng(2)
    sources = chance.choice(drawn.derived, new).tolist()
    highest = int(drawn.derived.max()) + 1
    ledger.rows = [
        (ledger.head + 1 + n // 10, highest + n, source, 1, highest + n // 10, 0)
        for n, source in enumerate(sources)
    ]
    ledger.head += new // 10
    with stopwatch() as added:
        index.refresh()
    over = runs(lambda: index.closure([large], downstream=True), 3)
    with stopwatch() as folding:
        index.fold()
    return [
        Figure(
            f"refresh with {new:,} new edges",
            f"{added.seconds / new * 1e6:.1f} us an edge",
            "50 us an edge",
        ),
        Figure("large closure with these over the base", spread(over, "ms")),
        Figure("fold them into a new base", f"{folding.seconds:.2f} s"),
    ]


def _pairs(folder: Path, edges: int) -> list[Figure]:
    drawn = Drawn(edges)
    folder.mkdir()
    ledger: Any = Numbers(drawn.activities.size)
    files.write(folder, folded(Base(0, CHAIN), [drawn.read()], CHAIN, len(SETS)))
    index = LineageIndex(folder, ledger)
    chance = np.random.default_rng(3)
    found: list[int] = []
    total = 0
    for node in chance.permutation(np.unique(drawn.source)).tolist():
        count = index.closure([node], downstream=True).count
        if count < 5_000:
            found.append(node)
            total += count
        if total > PAIRS[1]:
            break
    rows = index.reach_pairs(found, STRENGTHS)[0].size
    return [
        Figure(
            f"levels of {rows:,} pairs from {len(found):,} sources, {drawn.derived.size:,} edges",
            spread(runs(lambda: index.reach_pairs(found, STRENGTHS), 5), "ms"),
            "200 ms",
        )
    ]


def _compared(folder: Path, edges: int) -> list[Figure]:
    drawn = Drawn(edges)
    with LedgerFile(folder / "ledger.db") as ledger:
        with stopwatch() as recorded:
            _record(ledger, drawn)
        with stopwatch() as built:
            index = LineageIndex(folder / "index", ledger)
        starts = _starts(index, _renumbered(index, drawn), (50, 1_000, 130_000))
        iris = index.iris(starts)
        figures = [
            Figure(
                f"append {drawn.derived.size:,} edges to the ledger", f"{recorded.seconds:.1f} s"
            ),
            Figure("make the index from it", f"{built.seconds:.1f} s"),
        ]
        answers = {
            start: frozenset(index.closure([start], downstream=True).nodes.tolist())
            for start in starts
        }
        engines: dict[str, Callable[[int], frozenset[int]]] = {
            "index": lambda start: frozenset(
                index.closure([start], downstream=True).nodes.tolist()
            ),
            "networkx": _networkx(ledger),
            "SQLite, recursive": _recursive(ledger, folder / "peer.db"),
            "Oxigraph, prov:wasDerivedFrom+": _oxigraph(ledger, iris),
        }
        for start in starts:
            for name, engine in engines.items():
                if engine(start) != answers[start]:
                    raise AssertionError(f"{name} finds other nodes than the index")
                taken = runs(lambda start=start, engine=engine: engine(start), 3)  # type: ignore[misc]
                label = f"{name}: the set of {len(answers[start]):,} nodes downstream"
                figures.append(Figure(label, spread(taken, "ms")))
        index.close()
    return figures


def _iri(number: int) -> str:
    return f"urn:n:{number}"


def _record(ledger: Ledger, drawn: Drawn, at_once: int = 1_000) -> None:
    """Append the edges, many runs an entry so that it does not take all day."""
    columns = (drawn.derived, drawn.source, drawn.kinds, drawn.activities[drawn.runs])
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    for first in range(0, len(rows), at_once):
        ledger.append(
            NewEntry(
                txid=f"t{first}",
                author="urn:benchmark",
                bundle=f"urn:bundle:{first}",
                body=b"",
                subjects=(),
                edges=[
                    Edge(_iri(derived), _iri(source), SETS[kinds], _iri(activity))
                    for derived, source, kinds, activity in rows[first : first + at_once]
                ],
            )
        )


def _renumbered(index: LineageIndex, drawn: Drawn) -> Any:
    """Return the graph with the numbers that the ledger gave."""
    some = np.random.default_rng(4).choice(drawn.source, 3_000)
    drawn.source = np.array(list(index.ids(_iri(n) for n in some.tolist()).values()))
    return drawn


def _rows(ledger: Ledger) -> Iterator[tuple[int, int]]:
    for page in ledger.index_rows(0, ledger.head):
        for row in page:
            yield row[1], row[2]


def _networkx(ledger: Ledger) -> Callable[[int], frozenset[int]]:
    graph = networkx.DiGraph((source, derived) for derived, source in _rows(ledger))
    return lambda start: frozenset(networkx.descendants(graph, start) | {start})


def _recursive(ledger: Ledger, path: Path) -> Callable[[int], frozenset[int]]:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE edge (source integer, derived integer)")
    rows = ((source, derived) for derived, source in _rows(ledger))
    connection.executemany("INSERT INTO edge VALUES (?, ?)", rows)
    connection.execute("CREATE INDEX edge_by_source ON edge (source, derived)")
    connection.commit()
    question = """
    WITH RECURSIVE below (node) AS (
      SELECT ? UNION SELECT e.derived FROM below JOIN edge e ON e.source = below.node)
    SELECT node FROM below
    """

    def ask(start: int) -> frozenset[int]:
        with closing(connection.execute(question, (start,))) as found:
            return frozenset(node for (node,) in found)

    return ask


def _oxigraph(ledger: Ledger, iris: Mapping[int, str]) -> Callable[[int], frozenset[int]]:
    derives = pyoxigraph.NamedNode(bundled().iri("derived_from"))
    store = pyoxigraph.Store()
    nodes = {number: pyoxigraph.NamedNode(_iri(number)) for row in _rows(ledger) for number in row}
    store.bulk_extend(pyoxigraph.Quad(nodes[d], derives, nodes[s]) for d, s in _rows(ledger))

    def ask(start: int) -> frozenset[int]:
        found = store.query(f"SELECT ?node {{ ?node {derives}+ {nodes[start]} }}")
        numbers = (int(row[0].value.rpartition(":")[2]) for row in found)  # type: ignore[union-attr]
        return frozenset(numbers) | {start}

    return ask


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=10_000_000)
    show("Lineage index", measure(parser.parse_args().edges))


if __name__ == "__main__":
    main()
