"""README's example does what README says, typed as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_graph.graph import connect
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """Return the fenced block of a language that contains some text."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return next(found for found in blocks if containing in found)


@pytest.mark.spark
def test_the_example_records_and_its_commands_rebuild(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = tmp_path / "example.py"
    script.write_text(block("python", "lineage_graph.connect"), encoding="utf-8")
    subprocess.run([sys.executable, script], cwd=tmp_path, env=environment, check=True)
    script.unlink()
    said = []
    for line in block("sh", "rebuild jets").strip().splitlines():
        command = [sys.executable, "-m", *line.replace("lineage-graph", "lineage_graph", 1).split()]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        said.append(done.stdout)
    lineage, rebuild, shown = said
    assert "seats-model@1" in lineage
    assert "planes@1" in lineage
    assert rebuild.count("identical") == 6
    assert "LinearRegression" in shown


def test_the_server_answers_as_it_is_asked(tmp_path: Path) -> None:
    jets = tmp_path / "jets.csv"
    jets.write_text("tailnum\nN10156\n", encoding="utf-8")
    with connect(tmp_path / "quickstart") as graph:
        graph.dataset("jets", jets, license="CC0-1.0")
    with serving(Settings(tmp_path / "quickstart", port=0)) as address:
        asked = block("sh", "curl").replace("http://127.0.0.1:8321", address).splitlines()
        graphql, sparql = (subprocess.check_output(line, shell=True) for line in asked[:2])
    verdicts = json.loads(graphql)["data"]["licenseTerms"]["verdicts"]
    assert {one["verdict"] for one in verdicts} == {"permitted"}
    assert json.loads(sparql)["head"] == {"vars": ["run"]}
