"""dbt with OpenLineage's wrapper, as they are, on a small project: what reaches the graph."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings

DBT = Path(__file__).parents[2] / ".venv" / "dbt" / "bin"
PROJECT = Path(__file__).with_name("dbt_project")
ASKED = """query Asked($of: String!, $columns: Boolean!) {
  lineage(of: $of, columns: $columns) { nodes { iri name } edges { source derived } }
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(tmp_path_factory.mktemp("dbt") / "store", port=0)) as address:
        yield address


@pytest.fixture(scope="module")
def database(address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the project once; return what OpenLineage calls the database."""
    assert (DBT / "dbt-ol").exists(), "./check installs dbt"
    folder = tmp_path_factory.mktemp("project") / "flights"
    shutil.copytree(PROJECT, folder)
    file = folder / "flights.duckdb"
    done = subprocess.run(
        [DBT / "dbt-ol", "build", "--profiles-dir", ".", "--project-dir", "."],
        cwd=folder,
        env={
            "PATH": f"{DBT}:{os.environ['PATH']}",
            "HOME": str(folder),
            "FLIGHTS_DATABASE": str(file),
            "OPENLINEAGE_URL": address,
            "OPENLINEAGE_NAMESPACE": "checks",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Emitted" in done.stdout + done.stderr, done.stdout + done.stderr
    return f"duckdb://{file}"


def edges(address: str, of: str, columns: bool) -> set[tuple[str, str]]:
    """Return source and derived of a lineage, by the names of tables or columns alone."""
    asked = {"query": ASKED, "variables": {"of": of, "columns": columns}}
    answer: Any = httpx2.post(f"{address}/graphql", json=asked, timeout=60).json()
    assert "errors" not in answer, answer
    found = answer["data"]["lineage"]
    name = {one["iri"]: one["name"].rpartition("flights.main.")[2] for one in found["nodes"]}
    return {
        (name[one["source"]].replace("@1", ""), name[one["derived"]].replace("@1", ""))
        for one in found["edges"]
    }


def test_the_tables_of_a_project_are_linked_as_dbt_made_them(address: str, database: str) -> None:
    assert edges(address, f"{database} flights.main.airlines", columns=False) == {
        ("flights", "departures"),
        ("departures", "airlines"),
    }


def test_every_column_leads_to_the_columns_it_was_made_from(address: str, database: str) -> None:
    assert edges(address, f"{database} flights.main.airlines", columns=True) == {
        ("departures.airline", "airlines.airline"),
        ("departures.delay", "airlines.mean_delay"),
        ("flights.carrier", "departures.airline"),
        ("flights.dep_delay", "departures.delay"),
        ("flights.arr_delay", "departures.delay"),
    }


def test_a_page_shows_the_table(address: str, database: str) -> None:
    name = f"dataset/{database} flights.main.airlines"
    answer = httpx2.get(f"{address}/id", params={"iri": name}, timeout=60)
    assert answer.status_code == 200
    assert "flights.main.departures" in answer.text
