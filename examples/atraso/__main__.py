"""Runs the story, rebuilds it, asks about licences and about persons, then breaks one byte.

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

import lineage_graph
from examples.atraso import licences, passengers, privacy, showing
from examples.atraso.showing import console
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
    showing.models(models)
    with console.status("Rebuilding all of it from the record, in a new process ..."):
        rebuilt = _rebuild(store, *REBUILT)
    showing.verdicts("Rebuilt in a new process", rebuilt)
    as_expected = _ask_about_licences(data, store) and _ask_about_passengers(data, store)
    altered = _alter_one_byte(data / "routes.csv")
    with console.status("Rebuilding after one byte of a source was altered ..."):
        broken = _rebuild(store, "flight-features")
    showing.verdicts("Rebuilt after one byte of a source was altered", broken)
    showing.what_next(FOLDER, altered, time.monotonic() - begun)
    as_recorded = all(row["verdict"] == "identical" for row in rebuilt)
    return 0 if as_recorded and as_expected and broken[0]["verdict"] == "impossible" else 1


def _ask_about_licences(data: Path, store: Path) -> bool:
    """Tell the second half of the story; return whether it ended as it should."""
    with lineage_graph.connect(store) as graph:
        showing.terms(graph, "late-classifier", licences.POLICIES)
        licences.register_postal_codes(graph, data)
        refused = showing.postal_codes(graph, FOLDER / "postal-codes")
        impact = graph.license_impact("routes@1")
        showing.impact(impact)
        (FOLDER / "impact-of-routes.html").write_text(impact.to_html(), encoding="utf-8")
        licences.replace_open_flights(graph, data)
        with console.status("OpenFlights ended: making all of it again from another edition ..."):
            renewals = licences.renew(graph)
        showing.before_and_after(graph, renewals)
        for name in ("late-classifier@1", "late-classifier@2"):
            page = FOLDER / f"terms-of-{name}.html"
            page.write_text(graph.license_terms(name).to_html(), encoding="utf-8")
        notice = graph.attribution("late-classifier@1").to_text("markdown")
        (FOLDER / "NOTICE.md").write_text(notice, encoding="utf-8")
        freed = graph.license_terms("late-classifier@2").verdicts["share"]
    return refused and freed == "permitted"


def _ask_about_passengers(data: Path, store: Path) -> bool:
    """Tell the third part of the story; return whether it ended as it should."""
    cpf = passengers.put(data)
    with lineage_graph.connect(store) as graph:
        with console.status("Recording synthetic passengers, two models and predictions ..."):
            passengers.tell(graph, data)
        return privacy.ask(graph, FOLDER, cpf)


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


if __name__ == "__main__":
    sys.exit(main())
