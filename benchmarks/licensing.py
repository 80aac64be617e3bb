"""Times questions about licences, beside the same questions as SPARQL property paths.

``python -m benchmarks.licensing --entities 200000``
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import licensed_store, paths
from benchmarks.figures import Figure, runs, show, spread, stopwatch
from benchmarks.licensed_store import AUTHOR, LICENSES, LicensedWarehouse
from lineage_graph.declarations import bundled
from lineage_graph.graph import Graph, connect
from lineage_graph.identity import fresh, part
from lineage_graph.licensing import SHOWING, Licensing
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import DatasetVersion, Derivation, LicenseStatement, Record

ENDING = "ODbL-1.0"
"""The licence whose impact is asked for."""
ARTIFACTS = 20
SHOWN = 50
RECORDED = 30
LIMIT = 300.0
"""Seconds after which a question in SPARQL is ended."""


@dataclass
class Lasting:
    """How long something took that is done once.

    Attributes:
        seconds: By the clock.
        processor: On the processor, in this process.
    """

    seconds: float = 0.0
    processor: float = 0.0

    def __str__(self) -> str:
        """Return both; other work on the machine makes only the first one longer."""
        return f"{self.seconds:.1f} s, {self.processor:.1f} s of processor time"


@contextmanager
def lasting() -> Iterator[Lasting]:
    """Time a block that is too long to be run again; read the seconds after it."""
    found, before = Lasting(), time.process_time()
    with stopwatch() as watch:
        yield found
    found.seconds, found.processor = watch.seconds, time.process_time() - before


def measure(entities: int = 200_000, store: Path | None = None) -> list[Figure]:
    """Return the figures of a warehouse of so many entities, and of one a tenth of it.

    Args:
        entities: How many.
        store: One of that size that is there already; a copy of it is asked.
    """
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        fewer = licensed_store.build(small, entities // 10)
        recorded_beside_few = list(_recorded(small, fewer))
        if store is None:
            with lasting() as built:
                warehouse = licensed_store.build(large, entities)
            began = [Figure("record them, each bundle validated", str(built)), _applied(large)]
        else:
            shutil.copytree(store, large)
            warehouse, began = licensed_store.warehouse_of(entities), []
        return [
            Figure("entities, of which sources", f"{entities:,}, {warehouse.sources:,}"),
            *began,
            _rebuilt(large),
            *_asked(large, warehouse),
            *_from_the_shell(large, warehouse),
            *recorded_beside_few,
            *_recorded(large, warehouse),
            *_beside(large, warehouse, Path(folder) / "peer"),
        ]


def _applied(folder: Path) -> Figure:
    with _open(folder) as graph:
        with lasting() as applied:
            graph._queries.up_to_date()
        quads = sum(entry.body.count(b"\n") for entry in graph._ledger.entries())
    return Figure(f"make the graph that SPARQL asks, {quads:,} statements", str(applied))


def _rebuilt(folder: Path) -> Figure:
    """Time what answers about licences need beside that graph, made anew."""
    shutil.rmtree(folder / "index", ignore_errors=True)
    with _open(folder) as graph:
        graph._queries.up_to_date()
        with lasting() as needed:
            edges = graph._index.edges
            said = len(graph._licensing.statements.subjects)
    what = f"rebuild the index, {edges:,} edges, and read {said:,} licence statements"
    return Figure(what, str(needed), "60 s")


def _asked(folder: Path, warehouse: LicensedWarehouse) -> Iterator[Figure]:
    with _open(folder) as graph:
        some = _some(warehouse)
        first = runs(lambda: graph.license_terms(some[-1]).to_dict(), 1)
        processor = time.process_time()
        new = [runs(partial(_terms, graph, one), 1)[0] for one in some]
        processor = (time.process_time() - processor) / len(some) * 1000
        again = [min(runs(partial(_terms, graph, one), 3)) for one in some]
        bound = [len(graph.license_terms(one).judgement.bound) for one in some]
    what = (
        f"effective terms of one of {ARTIFACTS} artifacts with {min(bound)} to {max(bound)} sources"
    )
    yield Figure("effective terms, the first answer of an open store", spread(first, "ms"))
    once = f"{spread(new, 'ms')}, {processor:.0f} ms of processor time each"
    yield Figure(f"{what}, each for the first time", once, "100 ms")
    yield Figure(f"{what}, again", spread(again, "ms"), "100 ms")
    with _open(folder) as graph:
        cold = runs(lambda: len(graph.license_impact(ENDING)), 1)
        rows = len(graph.license_impact(ENDING))
        warm = runs(lambda: len(graph.license_impact(ENDING)), 7)
        shown = runs(lambda: graph.license_impact(ENDING).rows(SHOWN), 5)
        levels = graph.license_impact(ENDING).levels
    said = ", ".join(f"{count:,} {level}" for level, count in levels.items())
    yield Figure(f"impact of {ENDING}, the first answer of an open store", spread(cold, "ms"))
    yield Figure(f"impact of {ENDING}, {rows:,} rows ({said})", spread(warm, "ms"), "500 ms")
    yield Figure(f"the same with the first {SHOWN} rows by name", spread(shown, "ms"))


def _from_the_shell(folder: Path, warehouse: LicensedWarehouse) -> Iterator[Figure]:
    artifact = _some(warehouse)[0]
    asked = (("terms", artifact, "NAME", 3), ("impact", ENDING, ENDING, 1))
    for question, about, shown, times in asked:
        command = [sys.executable, "-m", "lineage_graph", "--quiet", "license", question, about]
        surroundings = {**os.environ, "LINEAGE_GRAPH_STORE": str(folder)}
        ask = partial(
            subprocess.run, command, env=surroundings, check=True, stdout=subprocess.DEVNULL
        )
        label = f"lineage-graph license {question} {shown}, a whole process"
        yield Figure(label, spread(runs(ask, times)))


def _recorded(folder: Path, warehouse: LicensedWarehouse) -> Iterator[Figure]:
    """Time what a new activity costs: to record it, and to have it in answers about licences."""
    of = f"{warehouse.entities:,} entities"
    chance = random.Random(5)
    with _open(folder) as graph:
        bundles = Bundles(graph._ledger, bundled(), AUTHOR)
        graph.license_terms(warehouse.version(warehouse.entities - 1))
        steps: dict[str, list[float]] = {"append": [], "index": [], "statements": [], "said": []}
        for _ in range(RECORDED):
            made = _activity(warehouse, chance)
            steps["append"] += runs(lambda made=made: bundles.append(made), 1)  # type: ignore[misc]
            steps["index"] += runs(graph._index.refresh, 1)
            steps["statements"] += runs(lambda: graph._licensing.statements, 1)
        for _ in range(RECORDED // 3):
            bundles.append([_statement(warehouse, chance.randrange(warehouse.sources))])
            steps["said"] += runs(lambda: graph._licensing.statements, 1)
    keys = ("append", "index", "statements")
    whole = [sum(times) for times in zip(*(steps[key] for key in keys), strict=True)]
    yield Figure(f"record an activity beside {of}, all up to date", spread(whole, "ms"))
    parts = ", ".join(f"{key} {min(steps[key]) * 1000:.2f} ms" for key in keys)
    yield Figure("of that, at best", parts)
    yield Figure(f"take in one new statement beside {of}", spread(steps["said"], "ms"))


def _activity(warehouse: LicensedWarehouse, chance: random.Random) -> list[Record]:
    """Return the records of one join of two entities."""
    activity, version = fresh("activity"), fresh("version")
    inputs = [warehouse.version(n) for n in chance.sample(range(warehouse.entities), 2)]
    derivations = [
        Derivation(
            id=part(version, "from", slot),
            entity=source,
            had_activity=activity,
            kinds=("Combine",),
        )
        for slot, source in enumerate(inputs)
    ]
    made = DatasetVersion(
        id=version,
        generated_by=activity,
        derived_from=tuple(inputs),
        qualified_derivation=tuple(one.id for one in derivations),
    )
    return [*licensed_store.activity_of(activity, licensed_store.BEGUN), made, *derivations]


def _statement(warehouse: LicensedWarehouse, source: int) -> LicenseStatement:
    """Return one more statement that says what was said already."""
    said = next(r for r in warehouse.entity(source, "") if isinstance(r, LicenseStatement))
    return LicenseStatement(**{**vars(said), "id": fresh("license-statement")})


def _beside(folder: Path, warehouse: LicensedWarehouse, peer: Path) -> Iterator[Figure]:
    """Ask the same of SPARQL property paths over the same graph, and compare the answers."""
    with _open(folder) as graph:
        graph._queries.up_to_date()
    shutil.copytree(folder / "graph" / "oxigraph", peer)
    some = _some(warehouse)[:5]
    with _open(folder) as graph:
        families = _families(graph._licensing)
        ours = _pairs(graph)
        bound = [_bound(graph, one) for one in some]
    ask = partial(_timed, peer)
    yield ask("impact", [paths.impact(ENDING)], [{row[:2] for row in ours}])
    yield ask(
        "sources of an artifact",
        list(map(paths.sources, some)),
        [{row[:1] for row in b} for b in bound],
    )
    with lasting() as written:
        paths.carry(peer, families)
    yield Figure(
        f"SPARQL: edges for each level, {len(families)} families that differ, written once",
        str(written),
    )
    own = next(family for family in families if ENDING in family.licenses)
    yield ask("impact with levels, over these edges", [paths.impact_levels(ENDING, own)], [ours])
    questions = [paths.source_levels(one, families) for one in some]
    yield ask("sources of an artifact with levels, over these edges", questions, bound)


def _timed(
    peer: Path, what: str, questions: Sequence[str], expected: Sequence[set[tuple[str, ...]]]
) -> Figure:
    """Return how long questions took; they must be answered as ours were."""
    taken = []
    for question, rows in zip(questions, expected, strict=True):
        answer = paths.asked(peer, question, LIMIT)
        if answer is None:
            return Figure(f"SPARQL: {what}", f"ended after {LIMIT:.0f} s")
        if answer.rows != rows:
            raise AssertionError(f"SPARQL, {what}: {len(answer.rows)} rows, not {len(rows)}")
        taken.append(answer.seconds)
    return Figure(f"SPARQL: {what}", spread(taken, "ms"))


def _pairs(graph: Graph) -> set[tuple[str, ...]]:
    """Return every artifact with the source and the level, as IRIs and text."""
    impact = graph.license_impact(ENDING)
    at, nodes, levels = (column.tolist() for column in impact._pairs)
    iris = graph._index.iris(nodes)
    source = [one.stated.version for one in impact._sources]
    return {
        (iris[node], source[position], str(level))
        for position, node, level in zip(at, nodes, levels, strict=True)
    }


def _bound(graph: Graph, artifact: str) -> set[tuple[str, ...]]:
    """Return every source with the highest level at which it is left."""
    levels: dict[str, int] = {}
    for one in graph.license_terms(artifact).judgement.bound:
        levels[one.source] = max(one.level, levels.get(one.source, 0))
    return {(source, str(level)) for source, level in levels.items()}


def _families(licensing: Licensing) -> list[paths.Family]:
    """Return the licences that are used, those together that steps treat alike."""
    algebra = licensing.algebra
    policy = algebra.policy(SHOWING)
    alike: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for license_ in LICENSES:
        family = licensing.licenses.get(license_).family
        strengths = tuple(
            (bundled().iri(kind), algebra.strength(policy, family, (kind,)))
            for kind in sorted(algebra.known_kinds)
        )
        alike.setdefault(strengths, []).append(license_)
    return [
        paths.Family(f"family-{number}", tuple(licenses), dict(strengths))
        for number, (strengths, licenses) in enumerate(alike.items())
    ]


def _some(warehouse: LicensedWarehouse) -> list[str]:
    """Return artifacts to ask about, and one more to ask first."""
    chance = random.Random(3)
    made = range(warehouse.sources, warehouse.entities)
    return [warehouse.version(number) for number in chance.sample(made, ARTIFACTS)]


def _terms(graph: Graph, artifact: str) -> dict[str, Any]:
    return graph.license_terms(artifact).to_dict()


def _open(folder: Path) -> Graph:
    return connect(folder, quiet=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--warehouse", type=Path, help="a store that is there already")
    asked = parser.parse_args()
    show("Licences", measure(asked.entities, asked.warehouse))


if __name__ == "__main__":
    main()
