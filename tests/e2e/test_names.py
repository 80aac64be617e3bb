"""Whatever people call things: every name that is accepted works everywhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyoxigraph
import pytest

from lineage_graph.errors import InvalidRecord
from lineage_graph.graph import Graph, connect

Run = Callable[..., subprocess.CompletedProcess[str]]

NAMES = {
    "spaces": "sales of  May",
    "accents": "pre\u00e7os da S\u00e9 (a\u0303o)",
    "emoji": "\u2708\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "quotes": 'it\'s "so" `called`',
    "slashes": "../raw/2024\\05",
    "percent": "50%25 {off} #1 ?x=<y>",
    "right to left": "\u05d8\u05d9\u05e1\u05d5\u05ea \u0646\u0645\u06cc\u200c\u062e\u0648\u0627",
    "an at sign": "me@home@3rd",
    "an option": "--into",
    "very long": "\u00fc" * 400,
}
REFUSED = (
    "", "   ", "two\nlines", "tab\there", "nul\0", "\x1b[31mred", "back\u202ewards", "half \ud800",
    "flights@3", "dataset:flights", "model:flights", "urn:lineage-graph:dataset:flights",
)  # fmt: skip


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_name_nobody_could_ask_for_is_refused(store: Path, name: str) -> None:
    with connect(store) as graph:
        with pytest.raises(InvalidRecord, match="cannot be a name"):
            graph.dataset(name)
        assert graph.verify()["ledger_entries"] == 0


def file_called(name: str, folder: Path) -> Path:
    """Write a source whose own name is as strange, as far as a file may be called so."""
    path = folder / f"{name.replace('/', '-')[:100]}.csv"
    path.write_text("city,fare\n" + "".join(f"c{n % 2},{n}\n" for n in range(8)), encoding="utf-8")
    return path


@pytest.mark.spark
def test_every_other_name_works_from_source_to_rebuild(
    recorded: Graph, tmp_path: Path, cli: Run
) -> None:
    from sklearn.linear_model import LinearRegression

    name = " & ".join(NAMES[kind] for kind in NAMES if kind != "very long")
    source = file_called(name, tmp_path)
    source_name = f"{name} (source)"
    recorded.dataset(source_name, source, header=True, inferSchema=True, owner=name)
    column = "fare of 'May' [\u20ac]"
    rows = recorded.read(source_name).withColumnRenamed("fare", column)
    recorded.save(rows.selectExpr("*", f"`{column}` * 2 AS price"), name, description=name)
    recorded.fit(LinearRegression(), name, name=name, label="price", features=[column])
    guesses = f"guesses {name}"
    recorded.predict(f"{name}@1", name, name=guesses)

    assert recorded.read(name).count() == 8
    into = tmp_path / "again"
    rebuilt = recorded.rebuild(guesses, into=into, from_scratch=True)
    assert rebuilt.verdict == "identical"
    assert [o.name for o in rebuilt.outputs if o.action == "run"] == [
        f"{name}@1",
        f"{name}@1",
        f"{guesses}@1",
    ]
    assert len(list(into.iterdir())) == 3
    reached = {node.name for node in recorded.lineage(guesses).nodes}
    assert reached == {f"{n}@1" for n in (name, source_name, guesses)}
    assert recorded.problems == []
    assert recorded.verify()["published"] == 2
    assert recorded.validate() == []

    shown = json.loads(cli("show", "--json", "--", f"dataset:{name}").stdout)
    assert shown["name"] == f"{name}@1"
    assert shown["description"] == name
    tree = cli("lineage", "--", guesses).stdout
    assert f"{source_name}@1" in tree
    exported = cli("export", "--", guesses)
    assert exported.returncode == 0
    assert len(list(pyoxigraph.parse(exported.stdout.encode(), pyoxigraph.RdfFormat.TRIG))) > 10


@pytest.mark.spark
def test_each_kind_of_name_is_kept_read_and_rebuilt(
    recorded: Graph, tmp_path: Path, cli: Run
) -> None:
    for kind, name in NAMES.items():
        recorded.dataset(name, file_called(kind, tmp_path), header=True)
    listed = json.loads(cli("datasets", "--json").stdout)
    assert {row["name"] for row in listed} == set(NAMES.values())
    for kind in ("slashes", "very long"):
        name = f"{NAMES[kind]} by city"
        recorded.save(recorded.read(NAMES[kind]).groupBy("city").count(), name)
        into = tmp_path / kind
        assert recorded.rebuild(name, into=into).verdict == "identical"
        (folder,) = into.iterdir()
        assert list(folder.glob("*.parquet"))
        assert cli("versions", "--", name).returncode == 0
        assert cli("lineage", "--format", "svg", "--", name).stdout.startswith("<svg")
    assert recorded.verify()["published"] == 2
