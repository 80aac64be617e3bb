"""Answers about licences keep their promises for any graph, licence and order of recording."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord
from lineage_graph.graph import Graph
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, uuid7
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.licensing import USES, LicenseTerms
from lineage_graph.licensing.algebra import VERDICTS, Algebra, Policy
from lineage_graph.licensing.impact import Affected
from lineage_graph.licensing.licenses import Licenses
from lineage_graph.nquads import nquads
from lineage_graph.records import Dataset, DatasetVersion, Invalidated, LicenseStatement, Record

LICENSES = Licenses(bundled())
ALGEBRA = Algebra(Declared(bundled()), bundled())
POLICIES = [policy.name for policy in ALGEBRA.policies]
IDS = [one.id for one in LICENSES.all()]
AUTHOR = "urn:lineage-graph:agent:tester"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = [f"S{number}" for number in range(4)]
MADE = [f"M{number}" for number in range(3)]
VERSION = "urn:lineage-graph:version:"
# Recording waits for the disk, so how long an example takes says nothing.
unhurried = settings(deadline=None, max_examples=40)


@dataclass(frozen=True)
class Entry:
    """One bundle: what it states, and which statements it ends; names, not IRIs."""

    versions: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    said: tuple[tuple[str, str, str], ...] = ()
    ended: tuple[str, ...] = ()


class World:
    """Names of its own in a store that is shared: opening one takes longer than asking it."""

    def __init__(self, graph: Graph, ledger: Ledger, entries: Iterable[Entry]) -> None:
        self.graph, self.ledger = graph, ledger
        self.prefix = f"w{uuid7()}-"
        for entry in entries:
            self.append(entry)

    def iri(self, name: str) -> str:
        return f"{VERSION}{self.prefix}{name}"

    def name(self, iri: str) -> str:
        return iri.removeprefix(VERSION + self.prefix)

    def append(self, entry: Entry) -> None:
        bundle, records = fresh("bundle"), [*self.records(entry)]
        self.ledger.append(
            NewEntry(
                txid=fresh("tx"),
                author=AUTHOR,
                bundle=bundle,
                body=nquads(bundle, records),
                subjects=sorted({record.id for record in records}),
                edges=[
                    replace(edge, derived=self.iri(edge.derived), source=self.iri(edge.source))
                    for edge in entry.edges
                ],
                invalidates=[record.id for record in records if isinstance(record, Invalidated)],
            )
        )

    def records(self, entry: Entry) -> Iterator[Record]:
        for name in entry.versions:
            dataset = named("dataset", self.prefix + name)
            yield Dataset(id=dataset, title=self.prefix + name)
            yield DatasetVersion(id=self.iri(name), version_of=dataset, generated_at=WHEN)
        for key, about, text in entry.said:
            expression = LICENSES.parse(text)
            yield LicenseStatement(
                id=self.statement(key),
                about=self.iri(about),
                license=tuple(sorted(map(LICENSES.iri, expression.ids))),
                license_expression=expression.text,
                generated_at=WHEN,
                attributed_to=AUTHOR,
                attribution_name=f"Maker of {about}",
            )
        for key in entry.ended:
            yield Invalidated(id=self.statement(key), invalidated_by=AUTHOR)

    def statement(self, key: str) -> str:
        return f"urn:lineage-graph:license-statement:{self.prefix}{key}"

    def terms(self, name: str, policy: str = "balanced") -> LicenseTerms:
        return self.graph.license_terms(self.iri(name), policy)

    def ends(self, name: str, policy: str = "balanced") -> list[Affected]:
        """Return what ends with a thing; nothing, with reason, where it has no licence to end."""
        try:
            return self.graph.license_impact(self.iri(name), policy=policy).rows()
        except InvalidRecord as made_here:
            assert "was made here" in str(made_here)
            return []

    def levels(self, terms: LicenseTerms) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for bound in terms.judgement.bound:
            key = self.name(bound.source), bound.license.id
            found.setdefault(key, []).append(bound.level)
        return found

    def answers(self, graph: Graph | None = None) -> Any:
        """Return all there is to say, but which of several equally good paths is shown."""
        other = World(graph or self.graph, self.ledger, ())
        other.prefix = self.prefix
        said = {name: answer(other.terms(name)) for name in (*SOURCES, *MADE)}
        ends = {
            name: sorted((r.artifact, r.license, r.level, r.remedy) for r in other.ends(name))
            for name in (*SOURCES, *MADE)
        }
        return json.loads(json.dumps([said, ends]).replace(self.prefix, ""))


def answer(terms: LicenseTerms) -> dict[str, Any]:
    said = terms.to_dict()
    for term in said["terms"]:
        del term["path"], term["bottleneck"]
    for credit in (*said["attributions"]["owed"], *said["attributions"]["recommended"]):
        del credit["path"]
    for use in USES:
        del said["verdicts"][use]["depends_on"]
        for reason in said["verdicts"][use]["reasons"]:
            for source in reason["sources"]:
                del source["path"]
    return said


Begin = Callable[[Iterable[Entry]], World]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begin]:
    folder = tmp_path_factory.mktemp("licensing")
    with LedgerFile(folder / "ledger.db") as ledger, Graph(opened(folder, "memory:")) as graph:
        yield lambda entries: World(graph, ledger, entries)


# ---- random histories ----

kinds = st.one_of(
    st.sampled_from([("Identity",), ("Filter",), ("Transform",), ("Training",)]),
    st.lists(st.sampled_from(sorted(ALGEBRA.known_kinds)), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from([*sorted(ALGEBRA.known_kinds), "Unheard"]), max_size=3, unique=True),
).map(lambda some: tuple(sorted(some)))
# Licences and kinds that differ from level to level are drawn more often than others.
TELLING = ["CC-BY-ND-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC0-1.0", "ODbL-1.0", "NONE"]
one_license = st.sampled_from(TELLING) | st.sampled_from(IDS)
together = st.lists(one_license, min_size=1, max_size=2, unique=True).map(" AND ".join)
choices = st.one_of(
    one_license,
    together,
    st.lists(one_license, min_size=2, max_size=2, unique=True).map(" OR ".join),
    st.tuples(one_license, one_license, one_license).map(
        lambda t: f"{t[0]} AND ({t[1]} OR {t[2]})"
    ),
)


@dataclass(frozen=True)
class Story:
    """What is said of each source, and what was made from what."""

    said: Mapping[str, Sequence[str]]
    edges: Sequence[Edge]

    def entries(self) -> list[Entry]:
        return [
            Entry(versions=(*SOURCES, *MADE)),
            *(Entry(edges=(edge,)) for edge in self.edges),
            *(
                Entry(said=((f"{name}-{number}", name, text),))
                for name, texts in self.said.items()
                for number, text in enumerate(texts)
            ),
        ]

    @property
    def made(self) -> list[str]:
        """What has a source, and so is not one."""
        return [name for name in MADE if any(edge.derived == name for edge in self.edges)]


@st.composite
def edges(draw: st.DrawFn, cyclic: bool) -> Edge:
    number = draw(st.integers(0, len(MADE) - 1))
    sources = SOURCES + (MADE if cyclic else MADE[:number])
    source = draw(st.sampled_from(sources))
    activity = f"urn:lineage-graph:activity:{draw(st.integers(0, 2))}"
    return Edge(MADE[number], source, draw(kinds), activity)


def stories(licenses: st.SearchStrategy[str] = choices) -> st.SearchStrategy[Story]:
    some = licenses.map(lambda one: [one]) | st.lists(licenses, max_size=2)
    said = st.fixed_dictionaries(
        {name: some for name in SOURCES}, optional={name: some for name in MADE[1:]}
    )
    steps = st.booleans().flatmap(
        lambda cyclic: st.lists(edges(cyclic), min_size=2, max_size=8, unique=True)
    )
    return st.builds(Story, said, steps)


@st.composite
def one_more(draw: st.DrawFn) -> tuple[Story, Edge]:
    """Draw a story and one more derivation of something that has a source already."""
    story = draw(stories())
    artifact = draw(st.sampled_from(story.made))
    near = [edge.source for edge in story.edges if edge.source != artifact]
    others = [name for name in (*SOURCES, *MADE) if name != artifact]
    further = draw(st.sampled_from(near or others) | st.sampled_from(others))
    return story, Edge(artifact, further, draw(kinds), "urn:lineage-graph:activity:9")


def step(derived: str, source: str, kind: str) -> Edge:
    return Edge(derived, source, (kind,), "urn:lineage-graph:activity:0")


# ---- the same, in plain Python ----


def plain_levels(story: Story, of: str, policy: Policy, family: str) -> dict[str, set[int]]:
    """Return for each node the lowest step of every walk to it from an artifact."""
    found: dict[str, set[int]] = {of: {3}}
    before = -1
    while before != sum(map(len, found.values())):
        before = sum(map(len, found.values()))
        for edge in story.edges:
            strength = ALGEBRA.strength(policy, family, edge.kinds)
            arrived = {min(level, strength) for level in found.get(edge.derived, ())} - {0}
            if arrived:
                found.setdefault(edge.source, set()).update(arrived)
    return found


def expected_levels(
    story: Story, name: str, policy: Policy, choice: Mapping[str, Any]
) -> dict[tuple[str, str], list[int]]:
    families = {one.family for one in LICENSES.all()}
    by_family = {f: plain_levels(story, name, policy, f) for f in families}
    expected = {}
    for source in (*SOURCES, *MADE):
        said = sorted({LICENSES.parse(text).text for text in story.said.get(source, ())})
        if source in story.made and (not said or source == name):
            continue
        together = LICENSES.parse(" AND ".join(f"({text})" for text in said) or "NOASSERTION")
        for id_ in choice.get(together.text, together.alternatives[0]):
            levels = by_family[LICENSES.get(id_).family].get(source)
            if levels:
                expected[source, id_] = sorted(levels)
    return expected


# ---- the promises ----


@settings(unhurried, max_examples=150)
@given(told=one_more())
@example(  # a copy beside an adaptation that may not be shared
    told=(
        Story({"S0": ["CC-BY-ND-4.0"]}, [step("M0", "S0", "Transform")]),
        step("M0", "S0", "Filter"),
    )
)
@example(  # a copy beside an adaptation that no licence fits
    told=(
        Story(
            {"S0": ["CC-BY-SA-4.0"], "S1": ["CC-BY-NC-4.0"]},
            [step("M0", "S0", "Combine"), step("M0", "S1", "Combine")],
        ),
        step("M0", "S0", "BundleTogether"),
    )
)
def test_one_more_source_never_makes_a_verdict_freer(
    world: Begin, told: tuple[Story, Edge]
) -> None:
    story, extra = told
    made = world(story.entries())
    before = {policy: made.terms(extra.derived, policy).verdicts for policy in POLICIES}
    made.append(Entry(edges=(extra,)))
    for policy in POLICIES:
        after = made.terms(extra.derived, policy).verdicts
        for use in USES:
            was, is_now = before[policy][use], after[use]
            assert VERDICTS.index(was) <= VERDICTS.index(is_now), (policy, use, was, is_now)


@settings(unhurried, max_examples=25)
@given(story=stories(), data=st.data())
def test_an_answer_does_not_depend_on_the_order_of_recording(
    world: Begin, story: Story, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(story.entries()))
    assert world(story.entries()).answers() == world(shuffled).answers()


@settings(unhurried, max_examples=12)
@given(story=stories(), data=st.data())
def test_asking_after_each_entry_gives_what_a_new_reader_finds(
    story: Story, data: st.DataObject
) -> None:
    entries = data.draw(st.permutations(story.entries()))
    keys = [key for entry in entries for key, _, _ in entry.said]
    entries += [Entry(ended=(key,)) for key in keys[:1]]
    folding = data.draw(st.integers(0, len(entries)))
    ids = {
        id_ for texts in story.said.values() for text in texts for id_ in LICENSES.parse(text).ids
    }
    with TemporaryDirectory() as folder, LedgerFile(Path(folder) / "ledger.db") as ledger:
        with Graph(opened(Path(folder), "memory:")) as kept:
            told = World(kept, ledger, ())
            for number, entry in enumerate(entries):
                told.append(entry)
                if number == folding:
                    kept._index.fold()
                if ledger.described([told.iri(MADE[0])]):
                    told.answers()
                for id_ in ids:
                    kept.license_impact(id_).to_dict()
            grown = told.answers()
            grown_ends = [kept.license_impact(id_).to_dict() for id_ in sorted(ids)]
        shutil.rmtree(Path(folder) / "index", ignore_errors=True)
        with Graph(opened(Path(folder), "memory:")) as new:
            assert grown == told.answers(new)
            assert grown_ends == [new.license_impact(id_).to_dict() for id_ in sorted(ids)]


@unhurried
@given(story=stories())
def test_levels_are_those_of_a_plain_search_and_every_path_has_its_level(
    world: Begin, story: Story
) -> None:
    told = world(story.entries())
    stated = {(e.derived, e.source, e.kinds, e.activity) for e in story.edges}
    for name in MADE:
        for policy in ALGEBRA.policies:
            terms = told.terms(name, policy.name)
            choice = terms.judgement.choice["share"]
            assert told.levels(terms) == expected_levels(story, name, policy, choice)
            for bound in terms.judgement.bound:
                steps = [(told.name(s.derived), told.name(s.source), s) for s in bound.way.steps]
                assert {(d, s, step.kinds, step.activity) for d, s, step in steps} <= stated
                ends = [told.name(bound.source), *(derived for derived, _, _ in steps)]
                assert ends == [*(source for _, source, _ in steps), name]
                assert min([3, *(step.level for _, _, step in steps)]) == bound.level


@unhurried
@given(story=stories(together))
def test_a_stricter_policy_never_leaves_less(world: Begin, story: Story) -> None:
    told = world(story.entries())
    for name in MADE:
        free, middle, strict = (told.levels(told.terms(name, policy)) for policy in POLICIES)
        for less, more in ((free, middle), (middle, strict)):
            assert all(max(levels) <= max(more[key]) for key, levels in less.items())


@settings(unhurried, max_examples=25)
@given(story=stories(together))
def test_what_ends_with_a_source_is_what_has_it_at_that_level(world: Begin, story: Story) -> None:
    told = world(story.entries())
    for policy in POLICIES:
        has = {
            (source, name, license_, ALGEBRA.levels[max(levels)])
            for name in (*SOURCES, *MADE)
            for (source, license_), levels in told.levels(told.terms(name, policy)).items()
        }
        ends = {
            (source, told.name(row.version), row.license, row.level)
            for source in (*SOURCES, *MADE)
            for row in told.ends(source, policy)
        }
        # What is declared for something made here binds others; ending, it ends for itself.
        own = {row for row in ends - has if row[0] == row[1] and row[1] in story.made}
        assert has == ends - own


@settings(unhurried, max_examples=25)
@given(story=stories(), about=st.sampled_from([*SOURCES, *MADE]), texts=st.tuples(choices, choices))
def test_a_statement_that_was_taken_back_never_was(
    world: Begin, story: Story, about: str, texts: tuple[str, str]
) -> None:
    wrong, right = (Entry(said=((f"x{n}", about, text),)) for n, text in enumerate(texts))
    others = story.entries()
    corrected = world([*others, wrong])
    corrected.terms(about)
    for entry in (Entry(ended=("x0",)), right):
        corrected.append(entry)
    assert corrected.answers() == world([*others, right]).answers()
