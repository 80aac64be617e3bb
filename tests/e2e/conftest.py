"""The command line as a process of its own, a browser, and where the shared engine is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser without a window."""
    program = shutil.which("chromium")
    assert program is not None, "./check installs chromium; type: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


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
