"""Events from files, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lineage_graph
from lineage_graph import cli
from lineage_graph.declarations import bundled
from tests.producers import run


@pytest.fixture
def store(tmp_path: Path) -> Path:
    lineage_graph.connect(tmp_path / "store").close()
    return tmp_path / "store"


def typed(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return int(end.value.code or 0)


def test_events_of_files_are_taken_and_asked_about(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, lines = tmp_path / "one.json", tmp_path / "lines.ndjson"
    one.write_text(json.dumps(run("r", inputs=["a"], outputs=["b"])))
    lines.write_text("\n".join(json.dumps(run(f"r{n}", outputs=["c"])) for n in range(3)))
    assert typed("openlineage", one, lines, "--store", store, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["seq"], row["taken"], row["refused"]) for row in found] == [(1, 1, []), (2, 3, [])]
    assert typed("datasets", "--store", store, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["versions"] for row in rows] == [1, 1, 3]


def test_what_is_wrong_is_named_and_the_rest_is_taken(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([run("r"), run("r", "NEVER")]))
    assert typed("openlineage", file, "--store", store) == 1
    shown = capsys.readouterr()
    assert "some.json, event 1: /eventType: " in shown.err
    with lineage_graph.connect(store) as graph:
        kind = bundled().iri("OpenLineageEvent")
        assert len(graph.query(f"SELECT ?event {{ ?event a <{kind}> }}")) == 1


def test_a_file_that_is_not_there_is_wrong_usage(store: Path, tmp_path: Path) -> None:
    assert typed("openlineage", tmp_path / "none.json", "--store", store) == 2
