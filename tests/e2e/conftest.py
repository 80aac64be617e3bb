"""The command line as a process of its own, and where the shared engine is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def address(engine: Engine) -> str:
    """Where a graph reaches the one engine of the test run."""
    return f"{engine.url}/;token={engine.token}"


@pytest.fixture
def cli(store: Path) -> Run:
    """Run the command line on the test's store; no failure may show a traceback."""

    def run(
        *arguments: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "lineage_graph", "--store", store, *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        assert "was not expected" not in done.stderr
        return done

    return run
