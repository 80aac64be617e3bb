"""Every route against what its own description promises, asked by schemathesis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.e2e.awkward_store import CASE

SEED = "20261126"
CONFIG = Path(__file__).with_name("schemathesis.toml")
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.e2e.fuzzed_graphql"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(serve_given: Callable[..., str]) -> str:
    return serve_given(CASE / "given.ttl", dev=True)


def fuzzed(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run schemathesis as it is; what it found is in the message."""
    program = Path(sys.executable).with_name("schemathesis")
    settled = ("--seed", SEED, "--generation-database", "none", "--no-color")
    done = subprocess.run(
        [program, "--config-file", CONFIG, "run", *arguments, *settled],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_no_route_fails_or_answers_otherwise_than_it_says(address: str, tmp_path: Path) -> None:
    fuzzed(tmp_path, f"{address}/openapi.json", "--max-examples", "15")


def test_no_field_of_graphql_fails(address: str, tmp_path: Path) -> None:
    # A schema cannot say what costs too much, nor that a person is named in a variable alone.
    checks = ("--exclude-checks", "not_a_server_error,positive_data_acceptance")
    fuzzed(tmp_path, f"{address}/graphql", "--max-examples", "15", *checks, env=HOOKS)
