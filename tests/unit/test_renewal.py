"""Which steps making something anew takes, what stands in its way, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lineage_graph import cli
from lineage_graph.errors import InputChanged, InvalidRecord, PlanIncomplete
from lineage_graph.replay.ordering import Ordering, Task
from lineage_graph.replay.origins import Origin, Record
from lineage_graph.replay.renewal import Renewal, Renewed, Tracing


class History(Record, Ordering):
    """What was made from what; versions are called by their names, without a store."""

    def __init__(self, made: Mapping[str, Sequence[str]]) -> None:
        self.made = made
        self.stuck: set[str] = set()
        self.gone: set[str] = set()

    def origin(self, version: str) -> Origin | None:
        if version not in self.made:
            return None
        inputs = {f"input:{n}": entity for n, entity in enumerate(self.made[version])}
        plan = f"plan of {self.of(version)}"
        return Origin(version, f"made {version}", "", plan, "spark", "", True, (), {}, inputs)

    def of(self, version: str) -> str:
        return version.partition("@")[0]

    def versions(self, of: str) -> list[str]:
        return [version for version in self.made if self.of(version) == of]

    def reuse(self, version: str) -> Task | None:
        if version not in self.gone:
            return Task(version, version, "reuse")
        if version in self.made:
            return None
        return Task(version, version, "impossible", reason="its file was altered")

    def obstacle(self, origin: Origin) -> str | None:
        return "it calls nobody knows what" if origin.version in self.stuck else None

    def steps(self, target: str, **replacing: str) -> list[tuple[str, str | None]]:
        """Return what is made anew, ``a_1="b"`` replacing ``a@1`` by ``b@2``."""
        editions = {old.replace("_", "@"): f"{new}@2" for old, new in replacing.items()}
        tracing = Tracing(self, self, lambda version: version)
        return [(s.version, s.existing) for s in tracing.steps(target, editions)]


@pytest.fixture
def diamond() -> History:
    return History(
        {
            "left@1": ["a@1"],
            "right@1": ["b@1"],
            "both@1": ["left@1", "right@1", "left@1"],
            "end@1": ["both@1", "a@1"],
        }
    )


def test_only_what_lies_downstream_is_made_anew_inputs_first(diamond: History) -> None:
    assert diamond.steps("end@1", b_1="b") == [("right@1", None), ("both@1", None), ("end@1", None)]
    assert [v for v, _ in diamond.steps("end@1", a_1="a")] == ["left@1", "both@1", "end@1"]
    assert [v for v, _ in diamond.steps("end@1", a_1="a", b_1="b")] == [
        "left@1", "right@1", "both@1", "end@1",
    ]  # fmt: skip


def test_what_is_replaced_half_way_is_not_made_anew_itself(diamond: History) -> None:
    assert [v for v, _ in diamond.steps("end@1", left_1="left")] == ["both@1", "end@1"]


@pytest.mark.parametrize("other", ["c_1", "end_1"])
def test_what_is_not_upstream_is_refused_with_what_is(diamond: History, other: str) -> None:
    with pytest.raises(InvalidRecord, match="Upstream of it: a@1, left@1, b@1, right@1, both@1"):
        diamond.steps("end@1", **{other: "x"})


def test_what_is_upstream_only_of_something_that_is_replaced_is_refused(diamond: History) -> None:
    with pytest.raises(InvalidRecord, match="right@1 was not made from a@1"):
        diamond.steps("right@1", a_1="a")
    with pytest.raises(InvalidRecord, match="both@1 was not made from b@1"):
        diamond.steps("both@1", b_1="b", right_1="right")


def test_what_was_made_of_the_same_inputs_already_is_used(diamond: History) -> None:
    more = {"right@2": ["b@2"], "both@2": ["left@1", "right@2", "left@1"], "left@2": ["x@9"]}
    history = History({**diamond.made, **more})
    assert history.steps("end@1", b_1="b") == [
        ("right@1", "right@2"),
        ("both@1", "both@2"),
        ("end@1", None),
    ]
    assert history.steps("both@1", a_1="a", b_1="b") == [
        ("left@1", None),
        ("right@1", "right@2"),
        ("both@1", None),
    ]
    history.gone = {"both@2"}
    assert history.steps("both@1", b_1="b") == [("right@1", "right@2"), ("both@1", None)]


def test_everything_that_stands_in_the_way_is_said_at_once(diamond: History) -> None:
    diamond.stuck = {"right@1", "end@1", "left@1"}
    diamond.gone = {"b@2"}
    with pytest.raises(PlanIncomplete) as said:
        diamond.steps("end@1", b_1="b")
    assert str(said.value).splitlines() == [
        "right@1: it calls nobody knows what",
        "end@1: it calls nobody knows what",
        "Make that with its own code. Nothing was executed.",
    ]
    diamond.stuck = set()
    diamond.gone = {"b@2", "left@1", "a@1", "b@1", "right@1"}
    with pytest.raises(InputChanged) as gone:
        diamond.steps("end@1", b_1="b")
    assert str(gone.value).splitlines()[:-1] == [
        "b@2, an input of right@1: its file was altered",
        "left@1, an input of both@1: its recorded bytes are gone or altered",
        "a@1, an input of end@1: its file was altered",
    ]


def test_a_record_that_goes_in_a_circle_is_refused() -> None:
    with pytest.raises(PlanIncomplete, match="made from itself"):
        History({"x@1": ["y@1"], "y@1": ["x@1", "a@1"]}).steps("x@1", a_1="a")


def test_a_chain_may_be_long() -> None:
    chain = {f"v{n}@1": [f"v{n - 1}@1"] for n in range(1, 3000)}
    assert len(History(chain).steps("v2999@1", v0_1="v0")) == 2999


def renewal(**more: Any) -> Renewal:
    made = Renewed("old", "new", "late@1", "late@2", False, **more)
    return Renewal("old", "late@1", {"a@1": "a@2"}, (made,))


def test_a_measure_is_a_line_with_what_it_was_and_is() -> None:
    metrics = {"training/r2": (0.25, 0.5), "evaluation/r2": (None, 0.125)}
    said = renewal(metrics=metrics, fingerprints=("1", "2"))
    assert str(said).splitlines() == [
        "late@1 made anew with a@2 for a@1",
        "  before  after   content    measure        was   is",
        "  late@1  late@2  different  evaluation/r2        0.125",
        "                             training/r2    0.25  0.5",
    ]
    assert json.loads(json.dumps(said.to_dict()))["steps"][0]["metrics"] == {
        "training/r2": [0.25, 0.5],
        "evaluation/r2": [None, 0.125],
    }


@pytest.mark.parametrize(
    ("fingerprints", "said"),
    [(("1", "1"), "the same"), (("1", None), "not known"), ((None, "1"), "not known")],
)
def test_nothing_is_said_of_contents_that_are_not_known(
    fingerprints: tuple[str | None, str | None], said: str
) -> None:
    made = renewal(fingerprints=fingerprints, rows=(1000, None))
    assert [line[2:] for line in made.steps[0].lines()] == [(said, "rows", "1,000", "")]


@pytest.mark.parametrize(
    "options", [["a@1"], ["=a@2"], ["a@1="], ["a@1=a@2", "--dry-run"], ["a@1=a@2", "--into", "x"]]
)
def test_the_command_line_says_how_to_replace(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["rebuild", "late", "--replace", *options])
    assert end.value.code == 2
    assert "--replace" in capsys.readouterr().err
