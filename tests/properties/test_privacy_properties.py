"""Privacy statuses keep their promises for any graph, labels and order of recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.declarations import bundled
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, part, uuid7
from lineage_graph.ledger import Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.nquads import nquads
from lineage_graph.privacy import Status
from lineage_graph.privacy.status import WHOLE
from lineage_graph.recording.bundle import edges_of
from lineage_graph.records import Column, Dataset, DatasetVersion, Derivation, Record
from lineage_graph.records.privacy import SemanticLabel

AUTHOR = named("agent", "tester")
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = (
    ("NonPersonal", "NotExamined"),
    ("AnonymisationClaim",),
    ("IndirectlyIdentifiable",),
    ("Pseudonymised",),
    ("Identified",),
)
"""From what is least about a person; where nobody looked nothing is known."""
PERSONAL = ("CPF", "FullName", "PostalCode", "BirthDate", "Race", "City", "UUID")
EFFECTS = (
    ("Identity",),
    ("Transform",),
    ("Generalise", "Transform"),
    ("KeyedHash", "Transform"),
    ("Hash", "Transform"),
    ("Mask", "Transform"),
    ("Aggregate",),
    ("Aggregate", "Count"),
    ("Inference",),
)
BETWEEN = (("Projection",), ("Combine",), ("Aggregate",))
COLUMNS = ("a", "b", "c")
# Recording waits for the disk, so how long an example takes says nothing.
unhurried = settings(deadline=None, max_examples=10)


@dataclass(frozen=True)
class Table:
    """One version: its columns' types, and what they were made from; names, not IRIs."""

    name: str
    types: tuple[str | None, ...]
    made: tuple[tuple[int, str, int, tuple[str, ...]], ...] = ()
    whole: tuple[tuple[str, tuple[str, ...]], ...] = ()


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[Graph, Ledger]]:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        with (
            Graph(opened(path, "memory:"), quiet=True) as graph,
            LedgerFile(path / "ledger.db") as ledger,
        ):
            yield graph, ledger


@st.composite
def warehouses(draw: st.DrawFn) -> list[Table]:
    """Draw tables of which each is made from some of those before it."""
    tables: list[Table] = []
    for number in range(draw(st.integers(2, 5))):
        below = [one.name for one in tables]
        types = tuple(draw(st.sampled_from((None, None, *PERSONAL))) for _ in COLUMNS)
        sources = draw(st.lists(st.sampled_from(below), max_size=2, unique=True)) if below else []
        steps = st.tuples(
            st.integers(0, len(COLUMNS) - 1),
            st.sampled_from(sources or [""]),
            st.integers(0, len(COLUMNS) - 1),
            st.sampled_from(EFFECTS),
        )
        made = tuple(draw(st.lists(steps, max_size=4, unique=True))) if sources else ()
        whole = tuple((source, draw(st.sampled_from(BETWEEN))) for source in sources)
        tables.append(Table(f"t{number}", types, made, whole))
    return tables


class World:
    """Names of its own in a store that is shared: opening one takes longer than asking it."""

    def __init__(self, store: tuple[Graph, Ledger], tables: Sequence[Table]) -> None:
        self.graph, self.ledger = store
        self.prefix = f"w{uuid7()}-"
        for table in tables:
            records = [*self.records(table)]
            bundle = fresh("bundle")
            self.ledger.append(
                NewEntry(
                    txid=fresh("tx"),
                    author=AUTHOR,
                    bundle=bundle,
                    body=nquads(bundle, records),
                    subjects=sorted({record.id for record in records}),
                    edges=edges_of(records),
                )
            )

    def iri(self, name: str) -> str:
        return named("version", self.prefix + name)

    def records(self, table: Table) -> Iterator[Record]:
        version, activity = self.iri(table.name), named("activity", self.prefix + table.name)
        dataset = named("dataset", self.prefix + table.name)
        derivations = []
        for number, (source, kinds) in enumerate(table.whole):
            derivations.append(
                Derivation(
                    id=part(version, "derivation", number),
                    entity=self.iri(source),
                    had_activity=activity,
                    kinds=kinds,
                )
            )
        yield Dataset(id=dataset, title=self.prefix + table.name)
        yield DatasetVersion(
            id=version,
            version_of=dataset,
            generated_at=WHEN,
            qualified_derivation=tuple(one.id for one in derivations),
            column=tuple(part(version, column) for column in COLUMNS),
        )
        yield from derivations
        for order, (column, kind) in enumerate(zip(COLUMNS, table.types, strict=True)):
            own = [
                Derivation(
                    id=part(version, column, "derivation", number),
                    entity=part(self.iri(source), COLUMNS[at]),
                    had_activity=activity,
                    kinds=kinds,
                )
                for number, (into, source, at, kinds) in enumerate(table.made)
                if into == order
            ]
            yield from own
            yield Column(
                id=part(version, column),
                name=column,
                datatype="string",
                order=order,
                qualified_derivation=tuple(one.id for one in own),
            )
            yield SemanticLabel(
                id=fresh("semantic-label"),
                about=part(version, column),
                semantic_type=bundled().iri(f"semantic-type:{kind}") if kind else None,
                label_status="accepted" if kind else "unknown",
                generated_at=WHEN,
                attributed_to=AUTHOR,
            )

    def statuses(self, names: Sequence[str]) -> list[Status]:
        found = self.graph._privacy.statuses([self.iri(name) for name in names])
        return [found[self.iri(name)] for name in names]


def height(status: Status) -> int:
    return next(rank for rank, some in enumerate(ORDER) if status.status in some)


def answer(status: Status) -> tuple[object, ...]:
    """Return all there is to say, but which of several equally good paths is shown."""
    held = {(h.column, h.semantic_type, h.categories, h.role, h.inferred) for h in status.holdings}
    return status.status, status.rule, held


@unhurried
@given(tables=warehouses(), at=st.integers(0, 9), kind=st.sampled_from(PERSONAL), data=st.data())
def test_one_more_personal_column_never_lowers_a_status(
    store: tuple[Graph, Ledger], tables: list[Table], at: int, kind: str, data: st.DataObject
) -> None:
    names = [table.name for table in tables]
    unlabelled = [
        (row, column)
        for row, table in enumerate(tables)
        for column, given_type in enumerate(table.types)
        if given_type is None
    ]
    if not unlabelled:
        return
    row, column = data.draw(st.sampled_from(unlabelled))
    types = list(tables[row].types)
    types[column] = kind
    more = [*tables]
    more[row] = replace(tables[row], types=tuple(types))
    before = World(store, tables).statuses(names)
    after = World(store, more).statuses(names)
    assert [height(a) >= height(b) for a, b in zip(after, before, strict=True)] == [True] * len(
        names
    )


@unhurried
@given(tables=warehouses(), data=st.data())
def test_the_order_of_recording_makes_no_difference(
    store: tuple[Graph, Ledger], tables: list[Table], data: st.DataObject
) -> None:
    names = [table.name for table in tables]
    other = data.draw(st.permutations(tables))
    said = [
        [answer(status) for status in World(store, some).statuses(names)]
        for some in (tables, other)
    ]
    assert said[0] == said[1]


@unhurried
@given(tables=warehouses())
def test_a_copy_is_what_it_was_copied_from(
    store: tuple[Graph, Ledger], tables: list[Table]
) -> None:
    names = [table.name for table in tables]
    copies = [
        Table(
            f"{table.name}-copy",
            (None,) * len(COLUMNS),
            tuple((c, table.name, c, ("Identity",)) for c in range(len(COLUMNS))),
            ((table.name, ("Identity",)),),
        )
        for table in tables
    ]
    world = World(store, [*tables, *copies])
    for original, copy in zip(
        world.statuses(names), world.statuses([one.name for one in copies]), strict=True
    ):
        assert copy.status == original.status
        kept = {(h.column, h.role) for h in original.holdings if h.column != WHOLE}
        assert {(h.column, h.role) for h in copy.holdings} >= kept
