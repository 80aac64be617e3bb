"""A store whose names are hard to show, and one whose model was trained on licensed data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lineage_graph.declarations import Declarations
from lineage_graph.executors import Fingerprint, Pin, Place
from lineage_graph.graph import connect
from lineage_graph.identity import canonical_json, digested, named, sha256
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.recording.bundle import Bundles
from lineage_graph.recording.descriptions import dataset_version
from lineage_graph.records import Agent, Dataset
from tests.integration.given import record

CASE = Path(__file__).parents[1] / "conformance" / "licensing" / "S05-training-on-share-alike"
AT = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = named("agent", "weather service")

AWKWARD = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=1>',
    "template": "{{ 7 * 7 }}{% raw %}",
    "dots": "..",
    "slashes": "../a/b?c=d#e%2Ff",
    "climbing": "a/../../b\\c;x",
    "right to left": "سجل المسافرين 2026 שלום",
    "emoji": "✈️ 👩🏽‍✈️ ação",
    "an at sign": "me@home@3rd",
    "4 kB": "preço " * 682,
}
COLUMNS = ("cpf", '"><img src=x onerror=2>', "<b>", "مبلغ")


def awkward_store(folder: Path) -> None:
    """Make the store."""
    folder.mkdir(parents=True)
    record(folder, CASE / "given.ttl")
    with LedgerFile(folder / "ledger.db") as ledger:
        bundles = Bundles(ledger, Declarations(), named("agent", "tester"))
        bundles.append([Agent(id=named("agent", "tester")), Agent(id=OWNER)])
        for number, name in enumerate(AWKWARD.values()):
            for version in range(60 if name == AWKWARD["script"] else 1):
                _version(bundles, name, number * 100 + version)
    with connect(folder) as graph:
        graph.dataset("planned & <never> made", description="</title><script>alert(2)</script>")
        for name in AWKWARD.values():
            graph.confirm_type(name, "cpf", "cpf", because="<i>seen</i>")


def _version(bundles: Bundles, name: str, number: int) -> None:
    version = digested("version", sha256(f"{name} {number}".encode())[:32])
    dataset = Dataset(
        id=named("dataset", name), title=name, description=f"About {name}", attributed_to=OWNER
    )
    pin = Pin(Place((f"/data/{number}",), "csv"), None, "reference")
    schema = canonical_json({"struct": [[column, "string"] for column in COLUMNS]}).decode()
    content = Fingerprint(
        f"{number:064x}", "test1", number, schema, dict.fromkeys(COLUMNS, f"{number}")
    )
    at = AT + timedelta(hours=number)
    bundles.append([dataset, *dataset_version(version, dataset, pin, content, at)])
