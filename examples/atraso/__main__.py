"""Runs the story, then rebuilds it in a new process, then breaks one byte.

Usage: ``./demo`` or ``python -m examples.atraso``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import lineage_graph
from examples.atraso.sources import put_sources
from examples.atraso.story import tell

FOLDER = Path("demo-output")
REBUILT = (
    "flight-features",
    "training-flights",
    "new-flights",
    "late-classifier",
    "late-classifier-spark",
    "destinations",
    "destination-groups",
    "late-predictions",
    "late-predictions-spark",
    "grouped-destinations",
)
MEASURES = ("evaluation/roc_auc", "evaluation/areaUnderROC", "training/silhouette")
console = Console()


def main() -> int:
    """Run the demonstration and return its exit status."""
    begun = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    data, store = FOLDER / "data", FOLDER / "store"
    put_sources(data)
    recording = console.status("Recording: Spark features, three models, predictions ...")
    with recording, lineage_graph.connect(store) as graph:
        tell(graph, data)
        models = [graph.describe(f"model:{row['name']}") for row in graph.models()]
    _show_models(models)
    with console.status("Rebuilding all of it from the record, in a new process ..."):
        rebuilt = _rebuild(store, *REBUILT)
    _show_verdicts("Rebuilt in a new process", rebuilt)
    altered = _alter_one_byte(data / "routes.csv")
    with console.status("Rebuilding after one byte of a source was altered ..."):
        broken = _rebuild(store, "flight-features")
    _show_verdicts("Rebuilt after one byte of a source was altered", broken)
    _show_next(altered, time.monotonic() - begun)
    as_recorded = all(row["verdict"] == "identical" for row in rebuilt)
    return 0 if as_recorded and broken[0]["verdict"] == "impossible" else 1


def _rebuild(store: Path, *names: str) -> list[dict[str, Any]]:
    """Rebuild in a process that knows nothing but the store."""
    command = [sys.executable, "-m", "lineage_graph", "--store", str(store), "rebuild", *names]
    done = subprocess.run([*command, "--json"], stdout=subprocess.PIPE, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _alter_one_byte(path: Path) -> Path:
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    return path


def _show_models(models: list[dict[str, Any]]) -> None:
    table = Table(title="Recorded models", title_justify="left")
    for column in ("model", "algorithm", "trained on", "measures"):
        table.add_column(column, overflow="fold")
    for model in models:
        measures = model.get("metrics", {})
        shown = [f"{name} {measures[name]:.3f}" for name in MEASURES if name in measures]
        algorithm, _, release = model["algorithm"].rpartition(" ")
        table.add_row(
            model["name"],
            f"{algorithm.rpartition('.')[2]} {release}",
            model["made_from"]["input:0"],
            ", ".join(shown),
        )
    console.print(table)


def _show_verdicts(title: str, rebuilds: list[dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("what", "verdict", "why"):
        table.add_column(column, overflow="fold")
    for rebuild in rebuilds:
        last = rebuild["outputs"][-1]
        table.add_row(rebuild["name"], rebuild["verdict"], last["explanation"])
    console.print(table)


def _show_next(altered: Path, seconds: float) -> None:
    console.print(f"Done in {seconds:.0f} s. {altered} is still altered; ./demo puts it back.")
    console.print("Now type, for example:")
    store = FOLDER / "store"
    for command in (
        "show late-classifier",
        "lineage late-predictions",
        "lineage routes --down --format html --out demo-output/routes.html",
        "rebuild destination-groups",
        "verify",
    ):
        console.print(f"  .venv/bin/lineage-graph --store {store} {command}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
