"""The command line as a person and a script meet it."""

from __future__ import annotations

import fcntl
import importlib.util
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pyoxigraph
import pytest

import lineage_graph
from lineage_graph import cli

COMMANDS = (
    "datasets", "models", "versions", "show", "lineage", "query", "export", "rebuild", "replay",
    "verify", "validate",
)  # fmt: skip
VOOS = "voos \u2708\ufe0f S\u00e3o Paulo"


def run(
    *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lineage_graph", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        input=stdin,
        env={**os.environ, **(env or {})},
        timeout=120,
    )


def leave(*arguments: str | Path) -> int:
    """Run the program in this process and return its exit status."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


def on_terminal(code: str, columns: int) -> str:
    """Run Python code with stdout on a terminal of some width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=theirs, env={**env, "TERM": "xterm", "NO_COLOR": "1"}
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert child.wait(60) == 0
    return written.decode().replace("\r\n", "\n")


def written_by(name: str) -> ModuleType:
    """Load a script of ``docs/``."""
    path = Path(__file__).parents[2] / "docs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"docs_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(command, "--help") == 0
    said = capsys.readouterr().out
    assert f"lineage-graph {command}" in said.split("Examples:")[1]
    assert "--json" in said


def test_the_page_about_the_command_line_is_what_it_says() -> None:
    generate = written_by("generate")
    assert generate.TARGET.read_text(encoding="utf-8") == generate.cli_page(), (
        "run python docs/generate.py"
    )


def test_the_page_about_the_vocabulary_is_what_the_ontology_says() -> None:
    generate = written_by("generate")
    assert generate.VOCABULARY.read_text(encoding="utf-8") == generate.vocabulary_page(), (
        "run python docs/generate.py"
    )


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("--version") == 0
    assert capsys.readouterr().out == f"lineage-graph {lineage_graph.__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lineage_graph import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pyspark', 'sklearn', 'pandas', 'networkx', 'pyoxigraph', 'rdflib'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["show"],
        ["lineage", "x", "--format", "pdf"],
        ["lineage", "x", "--depth", "-1"],
        ["lineage", "x", "--format", "svg", "--json"],
        ["export", "--format", "trig", "--json"],
        ["query", "x", "--param", "novalue"],
        ["query", "no-such-file.rq"],
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Error: " in said.err


@pytest.mark.parametrize("command", ["datasets", "verify", "validate", "export"])
def test_a_question_never_creates_a_store(command: str, store: Path) -> None:
    ended = run(command, "--store", store)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(store) in ended.stderr
    assert "lineage_graph.connect" in ended.stderr
    assert not store.exists()


def test_a_folder_that_is_no_store_is_left_as_it_was(store: Path) -> None:
    store.mkdir()
    assert run("datasets", "--store", store).returncode == 1
    assert list(store.iterdir()) == []


def test_with_json_a_failure_is_one_json_line_on_stderr(store: Path) -> None:
    ended = run("--json", "datasets", "--store", store)
    failure = json.loads(ended.stderr)
    assert failure["code"] == "store-unavailable"
    assert failure["exit_status"] == ended.returncode == 1


class BrokenStdin(io.StringIO):
    """Input that fails while it is read, the way a program or a person can make it fail."""

    def __init__(self, failure: BaseException) -> None:
        super().__init__()
        self.failure = failure

    def read(self, size: int | None = -1, /) -> str:
        raise self.failure


def test_an_unexpected_failure_is_one_line_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", BrokenStdin(RuntimeError("kaput\n\x1b[31mtwice")))
    assert leave("query", "-") == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: RuntimeError: kaput \\x1b[31mtwice")
    assert "--debug" in said
    assert said.count("\n") == 1


def test_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", BrokenStdin(RuntimeError("kaput")))
    assert leave("query", "-", "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_a_quiet_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", BrokenStdin(KeyboardInterrupt()))
    assert leave("query", "-") == 130
    assert capsys.readouterr().err == "Interrupted.\n"


ROWS = (
    "rows = [{'name': 'flights', 'title': 'A rather long title with S\u00e3o Paulo \u2708\ufe0f',"
    " 'license': None, 'rows': 336776, 'path': '/data/' + 'x' * 40}] * 2\n"
    "from lineage_graph.cli.output import write_table\nwrite_table(rows)"
)


def test_a_pipe_gets_whole_lines_without_colour() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ROWS], capture_output=True, encoding="utf-8", check=True
    )
    header, first, second = ended.stdout.splitlines()
    assert header.split() == ["name", "title", "license", "rows", "path"]
    assert first == second
    assert first.endswith("336776  /data/" + "x" * 40)
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize("columns", [30, 60, 100, 200])
def test_a_terminal_of_any_width_shows_everything(columns: int) -> None:
    shown = on_terminal(ROWS, columns)
    assert shown.replace("\n", "").replace(" ", "").count("flights") == 2
    assert "336776" in shown
    assert "..." not in shown and "\u2026" not in shown


def test_a_narrow_terminal_shows_a_block_for_each_row() -> None:
    assert on_terminal(ROWS, 30).splitlines()[0].split() == ["name", "flights"]


@pytest.fixture
def shop(store: Path, tmp_path: Path) -> Path:
    """A store that holds two registered datasets."""
    table = tmp_path / "voos.csv"
    table.write_text("origem,atraso\nGRU,12\nCGH,3\n", encoding="utf-8")
    graph = lineage_graph.connect(store)
    graph.dataset(VOOS, table, license="CC0-1.0")
    graph.dataset("planes", table)
    graph.close()
    return store


def answer(store: Path, *arguments: str) -> Any:
    ended = run(*arguments, "--json", "--store", store)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_datasets_are_listed_with_their_names_as_written(shop: Path) -> None:
    assert {row["name"] for row in answer(shop, "datasets")} == {VOOS, "planes"}
    assert VOOS in run("datasets", "--store", shop).stdout


def test_an_empty_list_is_an_empty_json_list(shop: Path) -> None:
    assert answer(shop, "models") == []
    ended = run("models", "--store", shop)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr != ""
    assert run("models", "--quiet", "--store", shop).stderr == ""


def test_options_of_every_command_may_stand_before_it(shop: Path) -> None:
    before = run("--json", "--store", shop, "datasets")
    assert json.loads(before.stdout) == answer(shop, "datasets")
    named = run("datasets", "--json", env={"LINEAGE_GRAPH_STORE": str(shop)})
    assert named.stdout == before.stdout


def test_show_says_what_is_not_recorded(shop: Path) -> None:
    shown = run("show", "planes", "--store", shop).stdout
    assert "license" in shown
    assert "not recorded" in shown
    assert answer(shop, "show", VOOS)["license"].endswith("CC0-1.0")


def test_an_ascii_terminal_gets_escapes_and_valid_json(shop: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii"}
    listed = run("datasets", "--store", shop, env=env)
    assert "S\\xe3o Paulo" in listed.stdout
    as_json = run("datasets", "--json", "--store", shop, env=env)
    assert as_json.stdout.isascii()
    assert json.loads(as_json.stdout) == answer(shop, "datasets")
    tree = run("lineage", VOOS, "--store", shop, env=env)
    assert (tree.returncode, tree.stdout.isascii()) == (0, True)


def test_an_unknown_name_is_status_4_with_a_suggestion(shop: Path) -> None:
    for command in ("show", "versions", "lineage", "rebuild"):
        ended = run(command, "plane", "--store", shop)
        assert (ended.returncode, ended.stdout) == (4, "")
        assert "planes" in ended.stderr


def test_lineage_is_written_in_every_format(shop: Path, tmp_path: Path) -> None:
    assert answer(shop, "lineage", VOOS)["nodes"][0]["depth"] == 0
    assert VOOS in run("lineage", VOOS, "--store", shop).stdout
    for kind, start in (("svg", "<svg "), ("html", "<!DOCTYPE html>"), ("dot", "digraph ")):
        out = tmp_path / f"picture.{kind}"
        ended = run("lineage", VOOS, "--format", kind, "--out", out, "--store", shop)
        assert (ended.returncode, ended.stdout) == (0, "")
        assert str(out) in ended.stderr
        assert out.read_text(encoding="utf-8").startswith(start)


def test_what_cannot_be_written_is_said_in_one_line(shop: Path, tmp_path: Path) -> None:
    ended = run("export", "--out", tmp_path / "no" / "folder", "--store", shop)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: FileNotFoundError")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", ["trig", "turtle"])
def test_an_export_is_rdf_that_says_the_same(shop: Path, kind: str) -> None:
    exported = run("export", "--format", kind, "--store", shop)
    assert exported.returncode == 0, exported.stderr
    form = {"trig": pyoxigraph.RdfFormat.TRIG, "turtle": pyoxigraph.RdfFormat.TURTLE}[kind]
    read = {quad.triple for quad in pyoxigraph.parse(exported.stdout, format=form)}
    assert VOOS in {triple.object.value for triple in read if hasattr(triple.object, "value")}


def test_an_export_with_json_is_json(shop: Path) -> None:
    assert answer(shop, "export")
    assert "prefix" in answer(shop, "export", "planes", "--format", "prov-json")


def test_a_query_is_asked_by_name_from_a_file_and_from_stdin(shop: Path, tmp_path: Path) -> None:
    text = "SELECT (COUNT(DISTINCT ?s) AS ?things) WHERE { ?s ?p ?o }"
    file = tmp_path / "things.rq"
    file.write_text(text, encoding="utf-8")
    from_file = answer(shop, "query", str(file))
    assert int(from_file[0]["things"]) > 2
    piped = run("query", "-", "--json", "--store", shop, stdin=text)
    assert json.loads(piped.stdout) == from_file
    assert run("query", "no/such/query", "--store", shop).returncode == 4


def test_a_sound_store_verifies_and_conforms(shop: Path) -> None:
    assert run("verify", "--store", shop).returncode == 0
    assert answer(shop, "validate") == []


def test_an_altered_ledger_fails_to_verify(shop: Path) -> None:
    ledger = shop / "ledger.db"
    ledger.write_bytes(ledger.read_bytes()[:-4096] + b"\x00" * 4096)
    ended = run("verify", "--store", shop)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")


def test_a_reader_that_goes_away_is_not_a_failure_to_talk_about(shop: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    ended = subprocess.run(
        [sys.executable, "-m", "lineage_graph", "export", "--store", shop],
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (141, b"")
