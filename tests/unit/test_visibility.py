"""Labels of visibility: put, inherited, taken back and let go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_graph.cli import main
from lineage_graph.errors import InvalidRecord, NotFound
from tests.guarded import Recorded


@pytest.fixture
def recorded(store: Path) -> Iterator[Recorded]:
    made = Recorded(store)
    yield made
    made.close()


def labels(recorded: Recorded, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in recorded.graph.visibility(name):
        found.setdefault(one.label, []).append(one.source)
    return found


def test_derived_data_inherits_all_labels_of_what_it_came_from(recorded: Recorded) -> None:
    salaries, sales = recorded.made("salaries"), recorded.made("sales")
    recorded.made("open")
    both = recorded.made("both", salaries, sales)
    recorded.made("report", both)
    recorded.graph.label_visibility("salaries", ["hr"], because="pay is nobody else's")
    recorded.graph.label_visibility("sales", ["board", "hr"])
    assert labels(recorded, "report") == {"board": ["sales@1"], "hr": ["salaries@1", "sales@1"]}
    assert labels(recorded, "salaries") == {"hr": ["salaries@1"]}
    assert labels(recorded, "open") == {}
    why = {one.because for one in recorded.graph.visibility("salaries")}
    assert why == {"pay is nobody else's"}


def test_a_label_is_on_versions_to_come_and_on_what_is_derived_from_them(
    recorded: Recorded,
) -> None:
    recorded.made("salaries")
    recorded.graph.label_visibility("salaries", ["hr"])
    recorded.made("report", recorded.made("salaries"))
    assert labels(recorded, "salaries@2") == {"hr": ["salaries@2"]}
    assert labels(recorded, "report") == {"hr": ["salaries@2"]}


def test_declassifying_stops_only_the_named_labels_and_only_through_this_version(
    recorded: Recorded,
) -> None:
    salaries, sales = recorded.made("salaries"), recorded.made("sales")
    recorded.graph.label_visibility("salaries", ["hr"])
    recorded.graph.label_visibility("sales", ["board"])
    first = recorded.made("averages", salaries, sales)
    second = recorded.made("averages", salaries, sales)
    recorded.graph.declassify("averages@1", ["hr"], because="no group is below 50")
    recorded.made("chart", first)
    recorded.made("table", second)
    recorded.made("mixed", first, salaries)
    assert labels(recorded, "chart") == {"board": ["sales@1"]}
    assert set(labels(recorded, "table")) == {"board", "hr"}
    assert set(labels(recorded, "mixed")) == {"board", "hr"}
    recorded.graph.declassify("averages", ["hr"], because="it never is")
    assert set(labels(recorded, "table")) == {"board"}


def test_what_was_put_or_let_go_can_be_taken_back(recorded: Recorded) -> None:
    salaries = recorded.made("salaries")
    recorded.made("averages", salaries)
    recorded.graph.label_visibility("salaries", ["hr", "board"])
    said = recorded.graph.declassify("averages@1", ["hr"], because="no group is below 50")
    assert set(labels(recorded, "averages")) == {"board"}
    recorded.graph.invalidate(said, because="a group was")
    assert set(labels(recorded, "averages")) == {"board", "hr"}
    recorded.graph.withdraw_visibility("salaries", ["board"], because="it was published")
    assert set(labels(recorded, "averages")) == {"hr"}
    about = [one for one in recorded.graph.validate() if "visib" in one.node or "decl" in one.node]
    assert about == []


def test_a_derivation_that_was_invalidated_does_not_let_anything_out(recorded: Recorded) -> None:
    report = recorded.made("report", recorded.made("salaries"))
    recorded.graph.label_visibility("salaries", ["hr"])
    bundle = next(recorded.ledger.entries(1, 2)).bundle
    recorded.graph.invalidate(bundle, because="somebody would like to see it")
    assert set(labels(recorded, report)) == {"hr"}


def test_a_bundle_that_no_longer_holds_ends_declassifications_and_no_labels(
    recorded: Recorded,
) -> None:
    recorded.made("report", recorded.made("salaries"))
    recorded.graph.label_visibility("salaries", ["hr"])
    recorded.graph.declassify("report", ["hr"], because="only totals")
    assert labels(recorded, "report") == {}
    put, let_go = (entry.bundle for entry in recorded.ledger.entries(2, 4))
    recorded.graph.invalidate(put, because="somebody would like to see it")
    recorded.graph.invalidate(let_go, because="a mistake")
    assert set(labels(recorded, "report")) == {"hr"}


def test_the_same_label_again_is_not_recorded_again(recorded: Recorded) -> None:
    recorded.made("salaries")
    assert len(recorded.graph.label_visibility("salaries", ["hr", "hr", "board"])) == 2
    head = recorded.ledger.head
    assert recorded.graph.label_visibility("salaries", ["hr"]) == []
    assert recorded.ledger.head == head


def test_what_cannot_be_said_is_refused_with_what_to_do(recorded: Recorded) -> None:
    recorded.made("report", recorded.made("salaries"))
    graph = recorded.graph
    with pytest.raises(InvalidRecord, match="'h r' is no visibility label"):
        graph.label_visibility("salaries", ["h r"])
    with pytest.raises(InvalidRecord, match="at least one"):
        graph.label_visibility("salaries", [])
    with pytest.raises(InvalidRecord, match="Say why"):
        graph.label_visibility("salaries", ["hr"], because=" ")
    with pytest.raises(InvalidRecord, match="name salaries"):
        graph.label_visibility("salaries@1", ["hr"])
    with pytest.raises(NotFound, match="Did you mean 'salaries'"):
        graph.label_visibility("salarys", ["hr"])
    with pytest.raises(InvalidRecord, match="does not inherit the label 'hr'; it has none"):
        graph.declassify("report", ["hr"], because="why not")
    with pytest.raises(NotFound, match="was not put on salaries"):
        graph.withdraw_visibility("salaries", ["hr"], because="why not")
    assert recorded.ledger.head == 2


def test_the_command_line_says_the_same(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.made("report", recorded.made("salaries"))

    def run(*words: str) -> list[str]:
        with pytest.raises(SystemExit) as end:
            main(["--store", str(recorded.folder), "--json", "visibility", *words])
        assert not end.value.code
        found: list[str] = json.loads(capsys.readouterr().out)
        return found

    assert len(run("label", "salaries", "hr", "board")) == 2
    assert len(run("show", "report")) == 2
    assert len(run("declassify", "report", "hr", "--because", "only totals")) == 1
    assert len(run("withdraw", "salaries", "board", "--because", "published")) == 1
    assert run("show", "report") == []
