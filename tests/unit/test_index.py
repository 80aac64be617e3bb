"""The index over a real ledger: what becomes of its base, and of what is invalidated."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from lineage_graph.errors import InvalidRecord
from lineage_graph.index import LineageIndex, files
from lineage_graph.index.arrays import Added, Side, merged
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile

Append = Callable[..., int]


def edge(derived: str, source: str, *kinds: str, activity: str = "urn:run") -> Edge:
    return Edge(derived, source, kinds or ("Filter",), activity)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LedgerFile(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def appended(ledger: Ledger, *edges: Edge, invalidates: Sequence[str] = ()) -> int:
    number = ledger.head + 1
    return ledger.append(
        NewEntry(
            txid=f"t{number}",
            author="urn:me",
            bundle=f"urn:bundle:{number}",
            body=b"",
            subjects=sorted({e.derived for e in edges}),
            edges=edges,
            invalidates=invalidates,
        )
    )


def chain_of(ledger: Ledger, length: int, prefix: str = "urn:") -> None:
    for n in range(length):
        appended(ledger, edge(f"{prefix}{n + 1}", f"{prefix}{n}", activity=f"{prefix}run:{n}"))


def below(index: LineageIndex, iri: str, **when: int) -> set[str]:
    nodes = index.closure(index.ids([iri]).values(), downstream=True, **when).nodes  # type: ignore[arg-type]
    return set(index.iris(nodes).values())


def folded(folder: Path, ledger: Ledger) -> None:
    index = LineageIndex(folder, ledger)
    index.fold()
    index.close()
    assert (folder / files.NAME).exists()


def test_an_empty_ledger_has_an_index_without_answers(ledger: Ledger, folder: Path) -> None:
    index = LineageIndex(folder, ledger)
    assert index.refresh() == 0
    assert index.kind_sets == ()
    assert index.closure([], downstream=True).count == 0
    assert index.closure([], downstream=True).edges() == []
    assert [array.size for array in index.reach_pairs([], [])] == [0, 0, 0]
    assert index.reach({}, [], downstream=True).nodes.size == 0
    assert index.roots([]).size == 0
    index.fold()
    assert not (folder / files.NAME).exists(), "there is nothing to keep"


def test_unknown_numbers_and_names_lead_nowhere(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 2)
    index = LineageIndex(folder, ledger)
    assert index.ids(["urn:nobody"]) == {}
    assert index.iris([10**6]) == {}
    for number in (10**6, 0):
        assert index.closure([number], downstream=True).nodes.tolist() == [number]
        assert index.closure([number], downstream=False).edges() == []
        assert index.reach({number: 2}, [3], downstream=True).level(number) == 2
        assert index.shortest_path(number, 1) == ()
        assert index.roots([number]).tolist() == [True]
        assert not index.in_cycle(number)


def test_a_small_store_keeps_no_base(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 3)
    LineageIndex(folder, ledger).close()
    assert not folder.exists()


def test_the_base_is_made_when_much_lies_over_it(ledger: Ledger, folder: Path) -> None:
    index = LineageIndex(folder, ledger, fold_at=2)
    chain_of(ledger, 2)
    index.refresh()
    assert not (folder / files.NAME).exists()
    appended(ledger, edge("urn:x", "urn:0"))
    index.refresh()
    base = files.read(folder)
    assert base is not None
    assert (base.applied_seq, base.edges, base.chain) == (3, 3, ledger.chain_head)
    assert below(index, "urn:0") == {"urn:0", "urn:1", "urn:2", "urn:x"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"garbage" * 1000,
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
        lambda data: data[:72] + b"\xff" * 8 + data[80:],
        lambda data: bytes(len(data)),
    ],
    ids=["empty", "garbage", "stub", "cut", "longer", "heading", "array", "length", "zeros"],
)
def test_a_damaged_base_is_made_again(
    ledger: Ledger, folder: Path, spoil: Callable[[bytes], bytes]
) -> None:
    chain_of(ledger, 20)
    folded(folder, ledger)
    base = folder / files.NAME
    base.write_bytes(spoil(base.read_bytes()))

    assert files.read(folder) is None
    index = LineageIndex(folder, ledger, fold_at=0)

    assert len(below(index, "urn:0")) == 21
    mended = files.read(folder)
    assert mended is not None and mended.applied_seq == 20


def test_every_flipped_byte_is_noticed(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 5)
    folded(folder, ledger)
    base = folder / files.NAME
    whole = base.read_bytes()
    for at in range(len(whole)):
        base.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert files.read(folder) is None, f"byte {at}"


def test_a_folder_in_place_of_the_base_is_no_base(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 3)
    (folder / files.NAME).mkdir(parents=True)
    index = LineageIndex(folder, ledger, fold_at=0)
    assert len(below(index, "urn:0")) == 4


def test_a_base_that_is_gone_is_made_again(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 3)
    index = LineageIndex(folder, ledger, fold_at=0)
    (folder / files.NAME).unlink()
    assert len(below(index, "urn:0")) == 4, "it is still mapped"
    appended(ledger, edge("urn:x", "urn:0"))
    index.refresh()
    assert len(below(index, "urn:0")) == 5
    assert files.read(folder) is not None


def test_the_base_of_another_ledger_is_not_used(tmp_path: Path, folder: Path) -> None:
    with LedgerFile(tmp_path / "other.db") as other:
        chain_of(other, 9, "urn:other:")
        folded(folder, other)
    with LedgerFile(tmp_path / "ledger.db") as ledger:
        chain_of(ledger, 9)
        index = LineageIndex(folder, ledger)
        assert len(below(index, "urn:0")) == 10
        assert below(index, "urn:other:0") == set()
        index.fold()
        kept = files.read(folder)
        assert kept is not None and kept.chain == ledger.chain_head


def test_the_base_of_a_ledger_that_was_longer_is_not_used(tmp_path: Path, folder: Path) -> None:
    with LedgerFile(tmp_path / "ledger.db") as ledger:
        chain_of(ledger, 2)
    backup = (tmp_path / "ledger.db").read_bytes()
    with LedgerFile(tmp_path / "ledger.db") as ledger:
        appended(ledger, edge("urn:lost", "urn:0"))
        folded(folder, ledger)
    (tmp_path / "ledger.db").write_bytes(backup)
    with LedgerFile(tmp_path / "ledger.db") as ledger:
        assert below(LineageIndex(folder, ledger), "urn:0") == {"urn:0", "urn:1", "urn:2"}


def test_a_base_that_cannot_be_written_stays_in_memory(ledger: Ledger, tmp_path: Path) -> None:
    chain_of(ledger, 5)
    (tmp_path / "file").write_text("in the way")
    index = LineageIndex(tmp_path / "file" / "index", ledger, fold_at=0)
    assert len(below(index, "urn:0")) == 6


def test_who_does_not_get_the_lock_goes_on_without_it(ledger: Ledger, folder: Path) -> None:
    index = LineageIndex(folder, ledger, fold_at=1)
    folder.mkdir()
    with (folder / files.LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for length in (3, 9):
            chain_of(ledger, length, f"urn:{length}:")
            index.refresh()
            assert len(below(index, f"urn:{length}:0")) == length + 1
        assert files.read(folder) is None
    index.fold()
    appended(ledger, edge("urn:x", "urn:3:0"))
    assert index.refresh() == 13
    assert len(below(index, "urn:3:0")) == 5


def test_what_killed_processes_left_is_removed(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 2)
    folder.mkdir()
    (folder / f".{files.NAME}.left").write_text("half")
    folded(folder, ledger)
    assert {path.name for path in folder.iterdir()} == {files.NAME, files.LOCK}


def test_a_base_that_another_made_is_taken_and_the_old_one_still_answers(
    ledger: Ledger, folder: Path
) -> None:
    chain_of(ledger, 4)
    mine = LineageIndex(folder, ledger, fold_at=100)
    mine.fold()
    early = mine.reach({mine.ids(["urn:0"])["urn:0"]: 3}, [2], downstream=True)
    chain_of(ledger, 3, "urn:b:")
    LineageIndex(folder, ledger, fold_at=0).close()

    assert len(below(mine, "urn:b:0")) == 1, "it was not refreshed"
    assert mine.refresh() == 7
    assert len(below(mine, "urn:b:0")) == 4
    last = mine.ids(["urn:4"])["urn:4"]
    assert (early.level(last), len(early.path(last))) == (2, 4)


def test_an_answer_does_not_change_when_more_is_recorded(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 3)
    index = LineageIndex(folder, ledger)
    ids = index.ids([f"urn:{n}" for n in range(4)])
    closure = index.closure([ids["urn:0"]], downstream=True)
    reach = index.reach({ids["urn:0"]: 3}, [3], downstream=True)
    appended(ledger, edge("urn:3", "urn:0"), invalidates=["urn:bundle:1", "urn:2"])
    index.refresh()
    assert len(closure.edges()) == 3
    assert [step.derived for step in reach.path(ids["urn:3"])] == [
        ids[f"urn:{n}"] for n in (1, 2, 3)
    ]


WRITER = """
import sys
from pathlib import Path
from lineage_graph.index import LineageIndex
from lineage_graph.ledger import Edge, NewEntry
from lineage_graph.ledger.file import LedgerFile

path, folder, name, count = sys.argv[1:]
with LedgerFile(Path(path)) as ledger:
    index = LineageIndex(Path(folder), ledger, fold_at=7) if folder else None
    for n in range(int(count)):
        made = f"urn:{name}:{n + 1}"
        ledger.append(NewEntry(
            txid=f"{name}{n}",
            author="urn:a",
            bundle=f"urn:{name}:bundle:{n}",
            body=b"",
            subjects=[],
            edges=[
                Edge(made, f"urn:{name}:{n}", ("Filter",), "urn:r"),
                Edge(made, "urn:all", ("Combine",), "urn:r"),
            ],
            invalidates=[f"urn:{name}:bundle:{n - 5}"] if n % 10 == 9 else [],
        ))
        if index:
            index.refresh()
"""


def writer(path: Path, folder: Path | str, name: str, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), str(folder), name, str(count)]
    return subprocess.Popen(command)


def said(ledger: Ledger, upto: int) -> set[tuple[int, int]]:
    """Return the edges that hold as of an entry, from the ledger's rows."""
    dead = {gone.entry for gone in ledger.invalidations(0, upto)}
    return {
        (row[1], row[2])
        for page in ledger.index_rows(0, upto)
        for row in page
        if row[0] not in dead
    }


@pytest.mark.parametrize("folding", [(), ("a", "b")], ids=["appends", "folds"])
def test_answers_hold_while_other_processes_append_and_fold(
    ledger: Ledger, folder: Path, tmp_path: Path, folding: Sequence[str]
) -> None:
    index = LineageIndex(folder, ledger, fold_at=10**6 if folding else 11)
    writers = [writer(tmp_path / "ledger.db", folder, name, 60) for name in folding]
    writers += [writer(tmp_path / "ledger.db", "", "w", 120)]
    compared = seq = 0
    writing = True
    while writing:
        # Once more when nobody writes any more: then everything is compared.
        writing = any(each.poll() is None for each in writers)
        before, seq = seq, index.refresh()
        assert seq >= before
        assert index.edges == sum(len(page) for page in ledger.index_rows(0, seq))
        start = [*index.ids(["urn:all", "urn:w:0"]).values()]
        found = index.closure(start, downstream=True).edges()
        expected = said(ledger, seq)
        reached = {*start}
        while more := {d for d, s in expected if s in reached} - reached:
            reached |= more
        assert {(e.derived, e.source) for e in found} == {
            (d, s) for d, s in expected if s in reached
        }
        compared += 1
    assert [each.returncode for each in writers] == [0] * len(writers)
    assert compared > 1 and seq == 120 + 60 * len(folding)


def test_processes_that_fold_at_the_same_time_agree(
    ledger: Ledger, folder: Path, tmp_path: Path
) -> None:
    writers = [writer(tmp_path / "ledger.db", folder, name, 60) for name in ("a", "b", "c")]
    assert [each.wait() for each in writers] == [0, 0, 0]
    base = files.read(folder)
    assert base is not None and ledger.chain_at(base.applied_seq) == base.chain
    index = LineageIndex(folder, ledger)
    fresh = LineageIndex(tmp_path / "fresh", ledger)
    assert index.edges == fresh.edges == 360
    start = [*index.ids(["urn:all"]).values()]
    assert (
        index.closure(start, downstream=True).edges()
        == fresh.closure(start, downstream=True).edges()
    )


def test_threads_may_ask_while_one_refreshes(ledger: Ledger, folder: Path) -> None:
    index = LineageIndex(folder, ledger, fold_at=3)
    start = 1
    problems: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            closure = index.closure([start], downstream=True)
            if len(closure.edges()) != closure.count - 1:
                problems.append(f"{closure.count} nodes")

    chain_of(ledger, 1)
    start = index.ids(["urn:0"])["urn:0"]
    asking = threading.Thread(target=ask)
    asking.start()
    for n in range(1, 40):
        appended(ledger, edge(f"urn:{n + 1}", f"urn:{n}"))
        index.refresh()
    over.set()
    asking.join()
    assert problems == []


def test_more_kind_sets_than_a_byte_can_number(ledger: Ledger, folder: Path) -> None:
    chain = [edge(f"urn:{n + 1}", f"urn:{n}", f"Kind{n:03}") for n in range(300)]
    appended(ledger, *chain[:200])
    index = LineageIndex(folder, ledger, fold_at=10)
    appended(ledger, *chain[200:])
    index.refresh()
    again = LineageIndex(folder, ledger)
    for each in (index, again):
        assert len(each.kind_sets) == 300
        ids = each.ids(["urn:0", "urn:300"])
        path = each.shortest_path(ids["urn:0"], ids["urn:300"])
        assert [step.kinds for step in path] == [e.kinds for e in chain]
        strength = [2 if terms == ("Kind280",) else 3 for terms in each.kind_sets]
        reach = each.reach({ids["urn:0"]: 3}, strength, downstream=True)
        lowering = reach.bottleneck(ids["urn:300"])
        assert lowering is not None and lowering.kinds == ("Kind280",)
    base = files.read(folder)
    assert base is not None
    assert base.sides["entity", True].kinds.dtype == np.uint16


def test_an_invalidated_bundle_states_nothing_from_then_on(ledger: Ledger, folder: Path) -> None:
    appended(ledger, edge("urn:b", "urn:a"), edge("urn:c", "urn:a"))
    appended(ledger, edge("urn:c", "urn:a"))
    seq = appended(ledger, invalidates=["urn:bundle:1"])
    index = LineageIndex(folder, ledger)
    assert below(index, "urn:a") == {"urn:a", "urn:c"}, "another entry states it too"
    assert below(index, "urn:a", as_of=seq - 1) == {"urn:a", "urn:b", "urn:c"}
    assert below(index, "urn:a", as_of=seq) == {"urn:a", "urn:c"}
    assert index.roots([index.ids(["urn:b"])["urn:b"]]).tolist() == [True]


def test_a_bundle_may_be_invalidated_before_it_is_there(ledger: Ledger, folder: Path) -> None:
    index = LineageIndex(folder, ledger, fold_at=0)
    appended(ledger, edge("urn:b", "urn:a"), invalidates=["urn:bundle:2"])
    index.refresh()
    appended(ledger, edge("urn:c", "urn:a"))
    index.refresh()
    assert below(index, "urn:a") == {"urn:a", "urn:b"}
    assert below(LineageIndex(folder, ledger), "urn:a") == {"urn:a", "urn:b"}


def test_an_invalidated_version_is_left_out_and_walked_through(
    ledger: Ledger, folder: Path
) -> None:
    chain_of(ledger, 3)
    seq = appended(ledger, invalidates=["urn:1"])
    index = LineageIndex(folder, ledger)
    ids = index.ids([f"urn:{n}" for n in range(4)])
    assert below(index, "urn:0") == {"urn:0", "urn:2", "urn:3"}
    assert below(index, "urn:1") == {"urn:1", "urn:2", "urn:3"}, "one may ask about it"
    assert below(index, "urn:0", as_of=seq - 1) == {f"urn:{n}" for n in range(4)}
    closure = index.closure([ids["urn:0"]], downstream=True)
    assert closure.depths.tolist() == [0, 2, 3]
    assert [(e.derived, e.source) for e in closure.edges()] == [(ids["urn:3"], ids["urn:2"])]
    reach = index.reach({ids["urn:0"]: 3}, [3], downstream=True)
    assert [reach.level(ids[f"urn:{n}"]) for n in range(4)] == [3, 0, 3, 3]
    assert len(reach.path(ids["urn:2"])) == 2, "the way leads through it"
    assert reach.path(ids["urn:1"]) == ()


def test_strengths_that_are_missing_or_wrong_are_refused(ledger: Ledger, folder: Path) -> None:
    chain_of(ledger, 2)
    index = LineageIndex(folder, ledger)
    with pytest.raises(InvalidRecord, match="Read kind_sets again"):
        index.reach({1: 3}, [], downstream=True)
    with pytest.raises(InvalidRecord, match="strength"):
        index.reach_pairs([1], [4])
    with pytest.raises(InvalidRecord, match="start"):
        index.reach({1: 0}, [3], downstream=True)


def test_a_chain_far_deeper_than_the_stack_is_walked(ledger: Ledger, folder: Path) -> None:
    appended(ledger, *(edge(f"urn:{n + 1}", f"urn:{n}") for n in range(4000)))
    index = LineageIndex(folder, ledger)
    ids = index.ids(["urn:0", "urn:4000"])
    closure = index.closure([ids["urn:0"]], downstream=True)
    assert (closure.count, int(closure.depths.max())) == (4001, 4000)
    reach = index.reach({ids["urn:4000"]: 3}, [2], downstream=False)
    assert len(reach.path(ids["urn:0"])) == 4000
    assert index.reach_pairs([ids["urn:0"]], [1])[0].size == 4001


def test_numbers_beyond_four_bytes_are_kept_whole() -> None:
    many = np.array([2**33, 5, 2**33], np.int64)
    added = Added(np.array([3, 1, 1]), many, np.array([0, 300, 1]), np.array([0, 1, 2]))
    side = merged(Side(), added, False, 301)
    assert side.ends.tolist() == [5, 2**33, 2**33]
    assert side.kinds.tolist() == [300, 1, 0]
    more = merged(side, Added(*(np.array([n]) for n in (1, 7, 2, 3))), False, 301)
    assert more.ends.tolist() == [5, 2**33, 7, 2**33]
    assert more.runs.tolist() == [1, 2, 3, 0]
