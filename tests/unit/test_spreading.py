"""A run on two processes has one engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

CONFTEST = """
import os
import pytest

pytest_plugins = ["tests.spreading"]

def pytest_configure(config):
    config.addinivalue_line("markers", "spark: needs the engine")

@pytest.fixture
def engine():
    return None

@pytest.fixture
def through_another(engine):
    return None

@pytest.fixture(autouse=True)
def _say(request):
    kind = "plain" if "plain" in request.node.name else "engine"
    with open("said", "a") as said:
        said.write(f"{kind} {os.getpid()}\\n")
"""

TESTS = """
import pytest

def test_plain():
    pass

@pytest.mark.spark
@pytest.mark.parametrize("name", ["a@b", "c[d]"])
def test_marked(name):
    pass

def test_using(through_another):
    pass
"""


def test_all_that_needs_the_engine_runs_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for number in range(4):
        (tmp_path / f"test_{number}.py").write_text(TESTS)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "16 passed" in run.stdout, run.stdout + run.stderr
    said = [line.split() for line in (tmp_path / "said").read_text().splitlines()]
    engines = {process for kind, process in said if kind == "engine"}
    assert len(engines) == 1
    assert {process for _, process in said} > engines
