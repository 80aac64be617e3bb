"""The walk over a real ledger, and what its answer turns into."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import networkx
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.namespace import PROV, RDF

from lineage_graph import identity, lineage
from lineage_graph.declarations import bundled
from lineage_graph.errors import MissingExtra
from lineage_graph.index import LineageIndex
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile

Append = Callable[..., int]
ACTIVITY = identity.named("activity", "one")


def iri(name: str) -> str:
    return identity.named("version", name)


def edge(derived: str, source: str, *kinds: str, activity: str = ACTIVITY) -> Edge:
    return Edge(iri(derived), iri(source), kinds, activity)


def labels(found: Collection[str]) -> Mapping[str, lineage.NodeLabel]:
    names = {i: identity.name_of(i) for i in found}
    return {
        i: lineage.NodeLabel(i, name, "model" if "model" in name else "dataset")
        for i, name in names.items()
    }


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LedgerFile(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def index(ledger: Ledger, tmp_path: Path) -> LineageIndex:
    return LineageIndex(tmp_path / "index", ledger)


@pytest.fixture
def recorded(ledger: Ledger) -> Append:
    """Appends edges to the ledger as one entry."""

    def append(*edges: Edge, invalidates: Sequence[str] = ()) -> int:
        txid = identity.uuid7()
        return ledger.append(
            NewEntry(
                txid=txid,
                author=identity.named("agent", "tester"),
                bundle=identity.fresh("bundle"),
                body=txid.encode(),
                subjects=sorted({e.derived for e in edges}),
                edges=edges,
                invalidates=invalidates,
            )
        )

    return append


STORY = (
    edge("features", "flights", "Filter", "Combine"),
    edge("features", "weather", "Combine"),
    edge("features", "weather", "Aggregate", "Combine"),
    edge("model", "features", "Training"),
    edge("predictions", "model", "Inference"),
    edge("predictions", "features", "Inference"),
    edge("report", "predictions", "Chart"),
)


def names(found: lineage.Lineage) -> set[str]:
    return {node.name for node in found.nodes}


def test_up_reaches_every_source_and_nothing_else(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    found = lineage.walk(index, [iri("predictions")], labels=labels)
    assert names(found) == {"predictions", "model", "features", "flights", "weather"}
    assert len(found.edges) == 6


def test_down_reaches_what_was_derived(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    found = lineage.walk(index, [iri("model")], labels=labels, downstream=True)
    assert names(found) == {"model", "predictions", "report"}


@pytest.mark.parametrize(
    ("depth", "reached", "limited"),
    [
        (0, {"predictions"}, True),
        (1, {"predictions", "model", "features"}, True),
        (2, {"predictions", "model", "features", "flights", "weather"}, True),
        (3, {"predictions", "model", "features", "flights", "weather"}, False),
    ],
)
def test_depth_limits_the_hops_and_says_so(
    index: LineageIndex, recorded: Append, depth: int, reached: set[str], limited: bool
) -> None:
    recorded(*STORY)
    found = lineage.walk(index, [iri("predictions")], labels=labels, depth=depth)
    assert names(found) == reached
    assert found.limited is limited


def test_depth_of_a_node_is_its_fewest_hops(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    found = lineage.walk(index, [iri("predictions")], labels=labels)
    assert found.node[iri("features")].depth == 1
    assert [n.depth for n in found.nodes] == sorted(n.depth for n in found.nodes)


def test_a_cycle_ends_and_is_shown(index: LineageIndex, recorded: Append) -> None:
    recorded(
        edge("a", "b", "Filter"), edge("b", "c", "Filter"), edge("c", "a", "Filter"),
        edge("a", "a", "Identity"),
    )  # fmt: skip
    found = lineage.walk(index, [iri("a")], labels=labels)
    assert names(found) == {"a", "b", "c"}
    assert len(found.edges) == 4
    assert found.tree()[-1].endswith("see above")
    assert found.to_svg().count("<g>") > 0


def test_columns_are_walked_apart_from_versions(index: LineageIndex, recorded: Append) -> None:
    delay = identity.part(iri("features"), "atraso é 'x'")
    departure = identity.part(iri("flights"), "dep")
    recorded(*STORY, Edge(delay, departure, ("Transform",), ACTIVITY, "column"))
    found = lineage.walk(index, [delay], labels=lambda _: {}, columns=True)
    assert [n.iri for n in found.nodes] == [delay, departure]
    assert [n.kind for n in found.nodes] == ["column", "column"]


def test_as_of_an_entry_later_entries_are_not_seen(index: LineageIndex, recorded: Append) -> None:
    first = recorded(edge("b", "a", "Filter"))
    recorded(edge("c", "b", "Filter"))
    then = lineage.walk(index, [iri("a")], labels=labels, downstream=True, as_of=first)
    now = lineage.walk(index, [iri("a")], labels=labels, downstream=True)
    assert names(then) == {"a", "b"}
    assert names(now) == {"a", "b", "c"}


def test_what_was_invalidated_is_left_out_and_what_lies_beyond_is_shown(
    index: LineageIndex, recorded: Append
) -> None:
    recorded(*STORY)
    seq = recorded(invalidates=[iri("features")])
    found = lineage.walk(index, [iri("report")], labels=labels)
    assert names(found) == {"report", "predictions", "model", "flights", "weather"}
    assert found.node[iri("flights")].depth == 3
    assert {(identity.name_of(e.derived), identity.name_of(e.source)) for e in found.edges} == {
        ("report", "predictions"),
        ("predictions", "model"),
    }
    assert [line.split()[0] for line in found.tree(ascii_only=True)] == [
        *("report", "`-", "`-", "flights", "weather")
    ]
    assert all(f">{name}</text>" in found.to_svg() for name in names(found))
    before = lineage.walk(index, [iri("report")], labels=labels, as_of=seq - 1)
    assert "features" in names(before)


def test_one_may_start_from_what_was_invalidated(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    recorded(invalidates=[iri("features")])
    found = lineage.walk(index, [iri("features")], labels=labels)
    assert names(found) == {"features", "flights", "weather"}
    assert len(found.edges) == 3


def test_something_without_edges_is_its_own_lineage(index: LineageIndex) -> None:
    found = lineage.walk(index, [iri("alone"), iri("alone")], labels=labels)
    assert found.roots == (iri("alone"),)
    assert found.tree() == ["alone (dataset)"]


def test_nothing_to_start_from_is_an_empty_lineage(index: LineageIndex) -> None:
    found = lineage.walk(index, [], labels=labels, depth=1)
    assert (found.nodes, found.edges, found.limited) == ((), (), False)
    assert found.tree() == []
    assert "Nothing to draw" in found.to_svg()


def test_labels_are_asked_for_once_with_every_node(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    asked: list[set[str]] = []

    def recorder(iris: Collection[str]) -> Mapping[str, lineage.NodeLabel]:
        asked.append(set(iris))
        return {}

    found = lineage.walk(index, [iri("report")], labels=recorder)
    assert asked == [{n.iri for n in found.nodes}]


def test_the_tree_expands_a_shared_node_once(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    tree = lineage.walk(index, [iri("predictions")], labels=labels).tree(ascii_only=True)
    assert tree == [
        "predictions (dataset)",
        "|- features (dataset) via Inference",
        "|  |- flights (dataset) via Filter, Combine",
        "|  `- weather (dataset) via Aggregate, Combine | Combine",
        "`- model (model) via Inference",
        "   `- features (dataset) via Training, see above",
    ]


def test_a_chain_far_deeper_than_the_stack_has_lines_of_bounded_length(
    index: LineageIndex, recorded: Append
) -> None:
    recorded(*(edge(f"n{i}", f"n{i + 1}", "Filter") for i in range(3000)))
    found = lineage.walk(index, [iri("n0")], labels=labels)
    tree = found.tree()
    assert len(tree) == 3001
    assert max(map(len, tree)) < 200
    assert any(line.startswith("[2400] ") for line in tree)
    assert "2,941 more not drawn" in found.to_svg()


def test_a_terminal_gets_no_control_characters_from_a_name(
    index: LineageIndex, recorded: Append
) -> None:
    recorded(edge("b", "\x1b[2Jgone\u202etxt.exe", "Filter"))
    tree = str(lineage.walk(index, [iri("b")], labels=labels))
    assert "\x1b" not in tree
    assert "\\x1b[2Jgone\\u202etxt.exe" in tree


def test_networkx_edges_run_from_source_to_derived(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    graph = lineage.walk(index, [iri("predictions")], labels=labels).to_networkx()
    assert isinstance(graph, networkx.MultiDiGraph)
    assert networkx.ancestors(graph, iri("model")) == {
        iri(n) for n in ("features", "flights", "weather")
    }
    assert graph.number_of_edges(iri("weather"), iri("features")) == 2
    assert graph.nodes[iri("model")] == {"name": "model", "kind": "model", "depth": 1}


def test_pandas_has_a_row_for_each_derivation(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    frame = lineage.walk(index, [iri("features")], labels=labels).to_pandas()
    assert sorted(frame["kinds"]) == ["Aggregate, Combine", "Combine", "Filter, Combine"]
    assert set(frame["source_name"]) == {"flights", "weather"}
    empty = lineage.walk(index, [iri("flights")], labels=labels).to_pandas()
    assert list(empty.columns) == list(frame.columns)


def test_rdf_says_each_derivation_twice_as_prov_o_does(
    index: LineageIndex, recorded: Append
) -> None:
    recorded(*STORY)
    graph = lineage.walk(index, [iri("predictions")], labels=labels).to_rdflib()
    features = rdflib.URIRef(iri("features"))
    assert set(graph.objects(features, PROV.wasDerivedFrom)) == {
        rdflib.URIRef(iri("flights")),
        rdflib.URIRef(iri("weather")),
    }
    kinds = {
        frozenset(graph.objects(derivation, RDF.type))
        for derivation in graph.objects(features, PROV.qualifiedDerivation)
    }
    filtered, combined = (rdflib.URIRef(bundled().iri(t)) for t in ("Filter", "Combine"))
    assert {PROV.Derivation, filtered, combined} in kinds
    assert len(kinds) == 3


def test_a_dict_is_json_and_says_everything(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    found = lineage.walk(index, [iri("predictions")], labels=labels)
    said = json.loads(json.dumps(found.to_dict()))
    assert said["direction"] == "up"
    assert len(said["nodes"]) == 5
    assert {"derived", "source", "kinds", "activity"} == set(said["edges"][0])


def test_a_notebook_gets_the_tree_beside_the_picture(index: LineageIndex, recorded: Append) -> None:
    recorded(*STORY)
    found = lineage.walk(index, [iri("model")], labels=labels)
    bundle = found._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == str(found)
    assert 'role="img"' in bundle["text/html"]


NODES = st.integers(0, 12)


@settings(deadline=None, max_examples=50)
@given(st.sets(st.tuples(NODES, NODES), max_size=40), NODES, st.booleans())
def test_a_walk_is_what_networkx_says_is_reachable(
    tmp_path_factory: pytest.TempPathFactory, pairs: set[tuple[int, int]], start: int, down: bool
) -> None:
    edges = [edge(str(d), str(s), "Filter") for d, s in pairs]
    folder = tmp_path_factory.mktemp("store")
    with LedgerFile(folder / "ledger.db") as ledger:
        ledger.append(NewEntry(
            txid="t", author="a", bundle=identity.fresh("bundle"), body=b"", subjects=[],
            edges=edges,
        ))  # fmt: skip
        index = LineageIndex(folder / "index", ledger)
        found = lineage.walk(index, [iri(str(start))], labels=labels, downstream=down)
    graph = networkx.DiGraph([(s, d) for d, s in pairs])
    graph.add_node(start)
    away = graph if down else graph.reverse()
    hops = networkx.single_source_shortest_path_length(away, start)
    assert {n.name: n.depth for n in found.nodes} == {str(n): d for n, d in hops.items()}
    assert found.to_networkx().number_of_edges() == sum(away.out_degree(n) for n in hops)
    assert len(found.tree()) == 1 + len({(e.source, e.derived) for e in found.edges})


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    index: LineageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lineage.walk(index, [iri("alone")], labels=labels)
    for package, convert in (
        ("networkx", found.to_networkx),
        ("pandas", found.to_pandas),
        ("rdflib", found.to_rdflib),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingExtra, match="pip install 'lineage-graph"):
            convert()
