"""Clients of GraphQL, as they are: the audit of graphql-http, and Relay's compiler."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.e2e.awkward_store import CASE
from tests.integration.given import record

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv" / "clients"
RELAY = Path(__file__).with_name("relay")
AUDITS = 61
_TEXT = "console.log(JSON.stringify(require(process.argv[1]).params.text))"


@pytest.fixture
def address(store: Path) -> Iterator[str]:
    store.mkdir()
    record(store, CASE / "given.ttl")
    # The audit asks for the schema, which is shown to developers alone.
    with serving(Settings(store, port=0, dev=True)) as address:
        yield address


def run(*command: str | Path, cwd: Path, given: str = "") -> str:
    assert (CLIENTS / "node_modules").is_dir(), "./check installs the clients"
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, input=given, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_audit_of_graphql_over_http_is_passed(address: str) -> None:
    script = Path(__file__).with_name("audit.mjs").read_text(encoding="utf-8")
    said = run(
        *("node", "--input-type=module", "-", f"{address}/graphql"), cwd=CLIENTS, given=script
    )
    audits = [json.loads(line) for line in said.splitlines()]
    assert [one for one in audits if one["status"] != "ok"] == []
    assert len(audits) == AUDITS


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """What Relay's compiler makes of our schema and some fragments."""
    project = tmp_path / "relay"
    shutil.copytree(RELAY, project)
    shutil.copy(ROOT / "docs" / "schema.graphql", project)
    run(CLIENTS / "node_modules" / ".bin" / "relay-compiler", cwd=project)
    return project / "src" / "__generated__"


def test_relay_compiles_against_the_schema_and_its_queries_are_answered(
    compiled: Path, address: str
) -> None:
    def ask(operation: str, **variables: Any) -> Any:
        text = json.loads(
            run("node", "-e", _TEXT, compiled / f"{operation}.graphql.js", cwd=compiled)
        )
        answer = httpx2.post(f"{address}/graphql", json={"query": text, "variables": variables})
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    first = ask("DatasetListQuery", first=1)["datasets"]
    assert [edge["node"]["name"] for edge in first["edges"]] == ["A"]
    assert first["pageInfo"]["hasNextPage"]
    after = first["pageInfo"]["endCursor"]
    further = ask("DatasetListPaginationQuery", first=5, after=after)["datasets"]
    assert [edge["node"]["name"] for edge in further["edges"]] == ["T"]
    known = first["edges"][0]["node"]
    again = ask("DatasetNameQuery", id=known["id"])["node"]
    assert (again["__typename"], again["id"], again["name"]) == ("Dataset", known["id"], "A")
    assert ask("DatasetNameRefetchQuery", id=known["id"])["node"]["iri"] == known["iri"]
