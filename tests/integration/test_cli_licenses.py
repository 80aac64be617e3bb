"""The commands about licences as a person and a script meet them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lineage_graph import cli
from lineage_graph.declarations import Declarations
from lineage_graph.errors import LicenseWarning, PolicyRefused
from lineage_graph.graph import Graph, connect
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.licensing import NOT_ADVICE
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset, DatasetVersion, Derivation

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

COMMANDS = (
    "license list", "license show", "license terms", "license impact", "license attribution",
    "license check", "license state", "license statements", "publish", "invalidate",
)  # fmt: skip


@dataclass
class Ended:
    """How a run of the program ended."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program in this process."""

    def ran(*arguments: str | Path) -> Ended:
        with pytest.raises(SystemExit) as end:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ended(int(end.value.code or 0), said.out, said.err)

    return ran


def record(store: Path, name: str, **kinds: str) -> None:
    """Record a version made from the newest versions of others."""
    with Graph(opened(store, "memory:")) as graph, LedgerFile(store / "ledger.db") as ledger:
        version, activity = fresh("version"), fresh("activity")
        ways = [
            Derivation(
                id=part(version, "derivation", source),
                entity=graph.resolve(source),
                had_activity=activity,
                kinds=(kind,),
            )
            for source, kind in kinds.items()
        ]
        made = DatasetVersion(
            id=version,
            version_of=named("dataset", name),
            generated_at=datetime.now(UTC),
            qualified_derivation=tuple(way.id for way in ways),
        )
        author = "urn:lineage-graph:agent:tester"
        head = Dataset(id=named("dataset", name), title=name)
        Bundles(ledger, Declarations(), author).append([head, made, *ways])


@pytest.fixture
def shop(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a joined table, an answer of a model and a table of unknown origin."""
    table = tmp_path / "routes.csv"
    table.write_text("from,to\nGRU,CGH\n")
    with connect(store, quiet=True) as graph:
        graph.dataset("routes", table, license="ODbL-1.0", attribution="OpenFlights", header=True)
        table.write_text("from,to\nGRU,CGH\nCGH,GRU\n")
        graph.dataset("planes", table, license="CC-BY-NC-4.0", header=True)
        table.write_text("from,to\n")
        graph.dataset("found", table, header=True)
    record(store, "joined", routes="Combine", planes="Combine")
    record(store, "cleaned", routes="Transform")
    record(store, "model", cleaned="Training")
    record(store, "guess", found="Transform")
    monkeypatch.setenv("LINEAGE_GRAPH_STORE", str(store))
    return store


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_about_licences_explains_itself_with_examples(command: str, run: Run) -> None:
    ended = run(*command.split(), "--help")
    assert ended.status == 0
    assert f"lineage-graph {command}" in ended.out.split("Examples:")[1]
    assert "--json" in ended.out


def test_the_page_about_the_command_line_has_a_section_for_each() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = {line.removeprefix("## lineage-graph ") for line in page.splitlines()}
    assert {*COMMANDS, "license"} <= sections


def test_a_group_without_a_command_lists_its_commands(run: Run) -> None:
    ended = run("license")
    assert ended.status == 2
    for command in COMMANDS[:8]:
        assert command.split()[1] in ended.out + ended.err


def test_licences_are_listed_without_a_store(run: Run, store: Path) -> None:
    ended = run("license", "list", "--json")
    row = next(row for row in ended.data if row["id"] == "ODbL-1.0")
    assert (row["family"], row["ends"]) == ("OpenDataCommons", "Irrevocable")
    shown = run("license", "list")
    assert shown.out.splitlines()[0].split() == ["id", "title", "family", "ends"]
    assert len(shown.out.splitlines()) == len(ended.data) + 1
    assert not store.exists()


def test_a_licence_is_shown_by_id_name_or_address(run: Run) -> None:
    by_id, by_name, by_address = (
        run("license", "show", text, "--json").data
        for text in ("CC-BY-4.0", "cc by 4.0", "https://creativecommons.org/licenses/by/4.0/")
    )
    assert by_id == by_name == by_address
    (sheet,) = by_id
    assert {term["section"] for term in sheet["terms"] if term["what"] == "give attribution"}
    shown = run("license", "show", "MIT OR ODbL-1.0")
    assert "Open Data" in shown.out and "MIT" in shown.out
    assert sheet["disclaimer"] == NOT_ADVICE and shown.out.count(NOT_ADVICE) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CC-BY-5.0", "did you mean CC-BY-4.0"),
        ("MIT AND", "cannot be read"),
        ("", "the licence is empty"),
    ],
)
def test_a_licence_that_is_not_understood_is_status_1_with_a_way_out(
    text: str, said: str, run: Run, shop: Path
) -> None:
    for arguments in (["license", "show", text], ["license", "state", "found", text]):
        ended = run(*arguments)
        assert (ended.status, ended.out) == (1, "")
        assert said in ended.err
        failure = json.loads(run(*arguments, "--json").err)
        assert (failure["code"], failure["exit_status"]) == ("invalid-record", 1)
        assert said in failure["message"]


def test_terms_say_the_verdicts_the_paths_and_that_it_is_no_advice(run: Run, shop: Path) -> None:
    ended = run("license", "terms", "joined")
    assert ended.status == 0
    assert ended.out.startswith("joined@1: share: conflict; commercial: prohibited.")
    assert "no licence satisfies CC-BY-NC-4.0 and ODbL-1.0" in ended.out
    assert "routes@1 -> joined@1 (Combine)" in ended.out
    assert ended.out.rstrip().endswith(NOT_ADVICE)
    said = run("license", "terms", "joined", "--json").data
    assert said["verdicts"]["share"]["verdict"] == "conflict"
    assert said["verdicts"]["share"]["settled"] is True
    assert all(term["path"] for term in said["terms"])


def test_terms_depend_on_the_policy_and_say_so(run: Run, shop: Path) -> None:
    shown = run("license", "terms", "model").out
    assert "depends on Training x OpenDataCommons" in shown
    assert "To be offered: cleaned@1, made from routes@1" in shown
    strict = run("license", "terms", "model", "--policy", "conservative", "--json").data
    assert strict["outbound"] == ["ODbL-1.0"]


def test_pages_are_written_beside_what_is_said(run: Run, shop: Path, tmp_path: Path) -> None:
    for arguments in (["terms", "joined"], ["impact", "ODbL-1.0"]):
        page = tmp_path / f"{arguments[0]}.html"
        ended = run("license", *arguments, "--html", page, "--json")
        assert ended.status == 0 and ended.data
        assert str(page) in ended.err
        text = page.read_text(encoding="utf-8")
        HTMLParser().feed(text)
        assert text.startswith("<!DOCTYPE html>") and "routes@1" in text


def test_an_impact_lists_what_is_affected_and_what_is_not(run: Run, shop: Path) -> None:
    ended = run("license", "impact", "ODbL-1.0")
    assert "If ODbL-1.0 ends: 4 affected (1 as Copy, 2 as Adapted, 1 as Results)." in ended.out
    assert "Not affected: found@1, guess@1, planes@1" in ended.out
    said = run("license", "impact", "routes", "--at", "2000-01-01", "--json").data
    assert {row["remedy"] for row in said["affected"]} == {"Review"}
    assert said["at"].startswith("2000-01-01")
    short = run("license", "impact", "ODbL-1.0", "--limit", "1")
    assert "3 more rows" in short.err
    assert run("license", "impact", "ODbL-1.0", "--limit", "1", "--json").data == (
        run("license", "impact", "ODbL-1.0", "--json").data
    )
    assert run("license", "impact", "routes", "--at", "tomorrow").status == 2


def test_an_attribution_is_written_in_each_format(run: Run, shop: Path, tmp_path: Path) -> None:
    assert run("license", "attribution", "cleaned").out.startswith("NOTICE for cleaned@1")
    assert "by OpenFlights" in run("license", "attribution", "cleaned").out
    out = tmp_path / "NOTICE.md"
    ended = run("license", "attribution", "cleaned", "--format", "markdown", "--out", out)
    assert (ended.status, ended.out) == (0, "")
    assert out.read_text(encoding="utf-8").startswith("# Notice for cleaned@1")
    assert run("license", "attribution", "cleaned", "--format", "html").out.startswith("<!DOCTYPE")
    said = run("license", "attribution", "cleaned", "--json").data
    assert [one["who"] for one in said["owed"]] == ["OpenFlights"]
    assert said["disclaimer"] == NOT_ADVICE
    assert run("license", "attribution", "cleaned", "--format", "pdf").status == 2


@pytest.mark.parametrize(
    ("arguments", "status", "verdict"),
    [
        (["cleaned", "--for", "share"], 0, "permitted-with-duties"),
        (["cleaned", "--for", "commercial"], 0, "permitted"),
        (["cleaned", "--for", "share", "--as", "ODbL-1.0"], 0, "permitted-with-duties"),
        (["cleaned", "--for", "share", "--as", "MIT"], 5, "conflict"),
        (["guess", "--for", "share"], 1, "unknown"),
        (["joined", "--for", "share"], 5, "conflict"),
        (["joined", "--for", "commercial"], 5, "prohibited"),
    ],
)
def test_a_check_is_an_exit_status(
    arguments: list[str], status: int, verdict: str, run: Run, shop: Path
) -> None:
    ended = run("license", "check", *arguments, "--json")
    assert (ended.status, ended.data["verdict"], ended.err) == (status, verdict, "")
    assert ended.data["policy"] == "conservative"
    shown = run("license", "check", *arguments)
    assert shown.status == status
    assert verdict in shown.out and NOT_ADVICE in shown.out


def test_a_step_to_be_reviewed_is_neither_yes_nor_no(run: Run, shop: Path) -> None:
    record(shop, "learnt", planes="Training")
    arguments = ["license", "check", "learnt", "--for", "commercial", "--policy", "balanced"]
    ended = run(*arguments, "--json")
    assert (ended.status, ended.data["verdict"]) == (1, "review")
    assert run(*arguments[:-1], "permissive").status == 1
    assert run(*arguments[:-1], "conservative").status == 5


def test_a_licence_is_stated_listed_and_taken_back(run: Run, shop: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "NOTICE"
    evidence.write_text("found is CC0")
    none = run("license", "statements", "found")
    assert (none.status, none.out) == (0, "") and "Nothing is said" in none.err
    ended = run(
        "license", "state", "found", "CC0-1.0", "--evidence", evidence, "--by", "NOTICE of x",
        "--credit", "Ana", "--address", "https://example.org/x",
    )  # fmt: skip
    assert ended.status == 0
    statement = ended.out.strip()
    (row,) = run("license", "statements", "found", "--json").data
    assert row["iri"] == statement
    assert (row["said_by"], row["attribution"], row["location"]) == ("NOTICE of x", "Ana", "NOTICE")
    assert "NOTICE of x" in run("license", "statements", "found").out
    assert run("license", "check", "guess", "--for", "share").status == 0
    taken = run("invalidate", statement, "--because", "it is about another file", "--json")
    assert taken.data["activity"].startswith("urn:lineage-graph:activity:")
    assert run("license", "statements", "found", "--json").data == []
    assert run("license", "check", "guess", "--for", "share").status == 1


def test_what_sources_do_not_allow_is_not_stated(run: Run, shop: Path) -> None:
    ended = run("license", "state", "cleaned", "MIT")
    assert (ended.status, ended.out) == (5, "")
    assert "routes@1 (ODbL-1.0), by routes@1 -> cleaned@1 (Transform)" in ended.err
    assert run("license", "statements", "cleaned", "--json").data == []
    assert run("license", "state", "cleaned", "ODbL-1.0", "--json").data["statement"]


def test_what_is_invalidated_needs_a_reason_and_has_to_be_there(run: Run, shop: Path) -> None:
    assert run("invalidate", "routes").status == 2
    assert run("invalidate", "routes", "--because", " ").status == 1
    absent = run("invalidate", "urn:lineage-graph:version:none", "--because", "x")
    assert absent.status == 4 and "Nothing is recorded under" in absent.err
    assert run("invalidate", "routes@1", "--because", "withdrawn").status == 0
    assert "routes@1" not in run("lineage", "cleaned").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["license", "terms", "route"],
        ["license", "impact", "route"],
        ["license", "attribution", "route"],
        ["license", "check", "route", "--for", "share"],
        ["license", "state", "route", "MIT"],
        ["license", "statements", "route"],
        ["publish", "route", "--into", "never"],
        ["invalidate", "route", "--because", "x"],
    ],
)
def test_an_unknown_name_is_status_4_and_a_near_one_is_suggested(
    arguments: list[str], run: Run, shop: Path
) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (4, "")
    assert "routes" in ended.err
    assert json.loads(run(*arguments, "--json").err)["code"] == "not-found"


def test_an_unknown_licence_that_is_to_end_is_status_4_and_a_near_one_is_suggested(
    run: Run, shop: Path
) -> None:
    ended = run("license", "impact", "ODbL-1.1")
    assert ended.status == 4
    assert "ODbL-1.0" in ended.err


@pytest.mark.parametrize("command", ["terms", "impact", "attribution"])
def test_an_unknown_policy_is_refused_with_those_there_are(
    command: str, run: Run, shop: Path
) -> None:
    ended = run("license", command, "routes", "--policy", "strict")
    assert (ended.status, ended.out) == (1, "")
    assert "permissive, balanced, conservative" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["license", "check", "routes", "--for", "sell"],
        ["license", "check", "routes"],
        ["license", "nonsense"],
        ["license", "impact", "routes", "--limit", "0"],
        ["publish", "routes"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], run: Run, shop: Path) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Error: " in ended.err


def test_a_question_about_licences_never_creates_a_store(run: Run, store: Path) -> None:
    for arguments in (["license", "terms", "x"], ["license", "state", "x", "MIT"]):
        assert run(*arguments, "--store", store).status == 1
    assert not store.exists()


def test_a_source_is_published_whole_or_not_at_all(run: Run, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run("publish", "routes", "--into", out, "--json").data
    assert (said["verdict"], said["files"]) == ("permitted-with-duties", 1)
    assert sorted(path.name for path in out.iterdir()) == [
        "NOTICE.txt",
        "data",
        "license-terms.json",
    ]
    assert "OpenFlights" in (out / "NOTICE.txt").read_text(encoding="utf-8")
    assert run("publish", "routes", "--into", out).status == 1
    for name, status in (("joined", 5), ("found", 5), ("cleaned", 4)):
        never = tmp_path / name
        ended = run("publish", name, "--into", never, "--as", "ODbL-1.0")
        assert (ended.status, ended.out) == (status, ""), ended.err
        assert not never.exists()
        assert run("license", "statements", name, "--json").data == []
    assert "record the licence of found@1" in run("publish", "found", "--into", tmp_path / "f").err
    despite = run("publish", "found", "--into", tmp_path / "g", "--despite", "we made it ourselves")
    assert despite.status == 0 and "unknown" in despite.out
    activities = run("query", "records/activity", "--json").data
    assert any("we made it ourselves" in str(row["label"]) for row in activities)
    assert run("publish", "planes", "--into", tmp_path / "p", "--for", "commercial").status == 5


def test_answers_can_be_piped(shop: Path) -> None:
    program = [sys.executable, "-m", "lineage_graph", "license"]
    listed = subprocess.run([*program, "list"], capture_output=True, encoding="utf-8", check=True)
    assert "\x1b" not in listed.stdout and listed.stderr == f"{NOT_ADVICE}\n"
    assert all(line == line.rstrip() for line in listed.stdout.splitlines())
    ours, theirs = os.pipe()
    os.close(ours)
    gone = subprocess.run([*program, "list", "--json"], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert (gone.returncode, gone.stderr) == (141, b"")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ascii_only = subprocess.run(
        [*program, "terms", "joined", "--json"], capture_output=True, env=env, check=True
    )
    assert ascii_only.stdout.isascii() and json.loads(ascii_only.stdout)["name"] == "joined@1"


@pytest.mark.spark
def test_something_made_is_published_with_the_method_it_owes(
    recorded: Graph, run: Run, tmp_path: Path, store: Path
) -> None:
    table = tmp_path / "routes.csv"
    table.write_text("from,to\nGRU,CGH\nCGH,GRU\n")
    recorded.dataset("routes", table, license="ODbL-1.0", header=True)
    recorded.save(recorded.read("routes").selectExpr("upper(`from`) AS place"), "places")
    out = tmp_path / "out"
    ended = run("publish", "places", "--into", out, "--as", "ODbL-1.0", "--store", store)
    assert ended.status == 0, ended.err
    assert "ODbL-1.0" in ended.out
    assert any((out / "data").rglob("*"))
    handed_on = json.loads((out / "license-terms.json").read_text(encoding="utf-8"))
    assert (handed_on["declared"], handed_on["declared_allowed"]) == (["ODbL-1.0"], True)
    assert (
        run("publish", "places", "--into", tmp_path / "x", "--as", "MIT", "--store", store).status
        == 5
    )
    assert not (tmp_path / "x").exists()


@pytest.mark.spark
def test_a_gate_that_refuses_leaves_nothing_behind_and_one_that_warns_lets_it_be(
    engine: Engine, store: Path, tmp_path: Path
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("k,v\n1,2\n")
    with connect(store, license_gate="refuse") as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        graph.dataset("A", table, license="CC-BY-SA-4.0", header=True)
        table.write_text("k,w\n1,3\n")
        graph.dataset("B", table, license="CC-BY-NC-4.0", header=True)
        joined = graph.read("A").join(graph.read("B"), "k")
        head = graph._ledger.head
        with pytest.raises(PolicyRefused, match=r"leave out or replace (A@1 or B@1|B@1 or A@1)"):
            graph.save(joined, "C")
        assert graph._ledger.head == head
        assert not list(graph.folders.data.glob("*"))
    with connect(store) as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        joined = graph.read("A").join(graph.read("B"), "k")
        with pytest.warns(LicenseWarning, match="no licence satisfies"):
            graph.save(joined, "C")
        assert graph.license_terms("C").verdicts["share"] == "conflict"
