"""Whatever is derived, labelled and let go: what is hidden is what a plain reading says."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.errors import InvalidRecord, VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.graph.viewing import Viewing, visible
from lineage_graph.ledger.file import LedgerFile
from tests.guarded import Recorded

LABELS = ("hr", "board", "legal")
NAMES = tuple(f"{one}{two}-ledger" for one in ("zeta", "iota") for two in ("kappa", "gamma"))


@dataclass(frozen=True)
class Made:
    """A version of a dataset, made from earlier versions."""

    name: str
    sources: frozenset[int]


@dataclass(frozen=True)
class Put:
    """Labels put on a dataset."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class LetGo:
    """Labels that a version, by its position, or a dataset does not inherit."""

    what: int | str
    labels: tuple[str, ...]


Step = Made | Put | LetGo
labels = st.lists(st.sampled_from(LABELS), min_size=1, max_size=2, unique=True).map(tuple)
names = st.sampled_from(NAMES)
steps = st.lists(
    st.one_of(
        st.builds(Made, names, st.frozensets(st.integers(0, 7), max_size=3)),
        st.builds(Made, names, st.frozensets(st.integers(0, 7), max_size=3)),
        st.builds(Put, names, labels),
        st.builds(LetGo, st.integers(0, 7) | names, labels),
    ),
    min_size=1,
    max_size=14,
)


class Plain:
    """The same by brute force: from every version along every path."""

    def __init__(self) -> None:
        self.versions: list[str] = []
        self.names: list[str] = []
        self.sources: list[list[int]] = []
        self.put: set[tuple[str, str]] = set()
        self.let_go: set[tuple[int | str, str]] = set()

    def labels(self, version: int) -> set[str]:
        own = {label for name, label in self.put if name == self.names[version]}
        inherited = set(chain.from_iterable(map(self.labels, self.sources[version])))
        gone = {label for what, label in self.let_go if what in (version, self.names[version])}
        return own | (inherited - gone)

    def seen(self, clearances: Collection[str]) -> set[str]:
        every = range(len(self.versions))
        shown = {v for v in every if self.labels(v) <= set(clearances)}
        return {self.versions[v] for v in shown if self.names.index(self.names[v]) in shown}

    def seen_names(self, clearances: Collection[str]) -> set[str]:
        seen = self.seen(clearances)
        named = {name for v, name in zip(self.versions, self.names, strict=True) if v in seen}
        own = {name for name, label in self.put if label not in clearances}
        return named - own


def carry_out(recorded: Recorded, plain: Plain, step: Step) -> None:
    match step:
        case Made(name, sources):
            known = [v for v in sorted(sources) if v < len(plain.versions)]
            plain.versions.append(recorded.made(name, *(plain.versions[v] for v in known)))
            plain.names.append(name)
            plain.sources.append(known)
        case Put(name, some) if name in plain.names:
            recorded.graph.label_visibility(name, some)
            plain.put |= {(name, label) for label in some}
        case LetGo(what, some) if what in plain.names or what in range(len(plain.versions)):
            called = what if isinstance(what, str) else plain.versions[what]
            try:
                recorded.graph.declassify(called, some, because="it is let go")
            except InvalidRecord:
                return
            plain.let_go |= {(what, label) for label in some}


@settings(max_examples=25, deadline=None)
@given(steps, st.lists(st.sets(st.sampled_from(LABELS), max_size=2), min_size=1, max_size=2))
def test_a_view_is_what_a_plain_reading_says_after_every_step(
    steps: Sequence[Step], clearances: Sequence[set[str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorded, plain = Recorded(Path(folder) / "store"), Plain()
        viewing = Viewing(
            LedgerFile(recorded.folder / "ledger.db"), opened(recorded.folder).folders
        )
        graphs: dict[int, Graph] = {}
        for step in steps:
            carry_out(recorded, plain, step)
            for number, cleared in enumerate(clearances):
                graphs[number] = compared(recorded, plain, viewing, cleared, graphs.get(number))
        for graph in graphs.values():
            graph.close()
        recorded.close()


def compared(
    recorded: Recorded, plain: Plain, viewing: Viewing, cleared: set[str], graph: Graph | None
) -> Graph:
    """Compare what somebody sees, with the graph they had if it is still right."""
    try:
        if graph is not None:
            graph.datasets()
    except VisibilityChanged:
        graph.close() if graph is not None else None
        graph = None
    if graph is None:
        parts = visible(opened(recorded.folder), frozenset(cleared), viewing)
        graph = Graph(parts, quiet=True)
    seen = plain.seen(cleared)
    rows = graph.query("records/version_of")
    assert {str(row["version"]) for row in rows} == seen
    assert {row["name"] for row in graph.datasets()} == plain.seen_names(cleared)
    whole = graph.export(format="nquads") + b"".join(e.body for e in graph._ledger.entries())
    hidden = [v for v in plain.versions if v not in seen]
    secret = set(plain.names) - plain.seen_names(cleared)
    assert [text for text in (*hidden, *secret) if text.encode() in whole] == []
    for version in seen:
        number = plain.versions.index(version)
        near = {node.iri for node in graph.lineage(version, depth=1).nodes} - {version}
        assert near == {plain.versions[s] for s in plain.sources[number]} & seen
        assert {one.label for one in recorded.graph.visibility(version)} == plain.labels(number)
    return graph


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.builds(Made, names, st.frozensets(st.integers(0, 5), max_size=2)), min_size=2),
    st.lists(st.builds(Put, names, labels), max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_labels_are_put_does_not_matter(
    made: Sequence[Made], put: Sequence[Put], random: object
) -> None:
    shuffled = list(put)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = []
    for order in (put, shuffled):
        with tempfile.TemporaryDirectory() as folder:
            recorded, plain = Recorded(Path(folder) / "store"), Plain()
            ordered: tuple[Step, ...] = (*made[:6], *order)
            for step in ordered:
                carry_out(recorded, plain, step)
            found.append(
                [
                    {one.label for one in recorded.graph.visibility(version)}
                    for version in plain.versions
                ]
            )
            recorded.close()
    assert found[0] == found[1]
