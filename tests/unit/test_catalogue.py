"""Names people use for what is recorded, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineage_graph.declarations import Declarations
from lineage_graph.errors import NotFound
from lineage_graph.executors import Fingerprint, Pin, Place
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.identity import digested, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.query import Queries
from lineage_graph.recording.bundle import Bundles
from lineage_graph.recording.descriptions import dataset_version
from lineage_graph.records import Agent, Dataset, Model
from lineage_graph.stores import open_store

AT = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = named("agent", "weather service")
SCHEMA = '{"struct":[["temp","double"],["a.b c","string"]]}'


class Records:
    """Two datasets, of which one has versions, and names that are hard to say."""

    def __init__(self, root: Path) -> None:
        self.ledger = LedgerFile(root / "ledger.db")
        self.bundles = Bundles(self.ledger, Declarations(), named("agent", "test"))
        queries = Queries(self.ledger, open_store("memory:"), Declarations())
        self.catalogue = Catalogue(queries, self.ledger)
        self.bundles.append([Agent(id=named("agent", "test")), Agent(id=OWNER)])
        for number in range(12):
            self.version("weather", number)
        self.version("voos 2025/São Paulo ✈️", 50)
        self.version("both", 60)
        self.bundles.append([Model(id=named("model", "both"), title="both")])
        self.bundles.append([Dataset(id=named("dataset", "planned"), title="planned")])

    def version(self, name: str, number: int) -> str:
        version = digested("version", f"{name.encode().hex()}{number:04x}")
        dataset = Dataset(
            id=named("dataset", name), title=name, description="Hourly", attributed_to=OWNER
        )
        pin = Pin(Place((f"/data/{number}",), "csv"), None, "reference")
        content = Fingerprint(
            f"{number:064x}", "test1", number, SCHEMA, {"temp": "1", "a.b c": "2"}
        )
        at = AT + timedelta(hours=number)
        self.bundles.append([dataset, *dataset_version(version, dataset, pin, content, at)])
        return version


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    made = Records(tmp_path_factory.mktemp("catalogue"))
    yield made
    made.ledger.close()


def numbered(name: str, number: int) -> str:
    return digested("version", f"{name.encode().hex()}{number:04x}")


@pytest.mark.parametrize(
    ("asked", "number", "found"),
    [
        ("weather", None, 11),
        ("weather@2", None, 1),
        ("weather", 10, 9),
        ("weather@2", 3, 2),
        ("dataset:weather@1", None, 0),
        (named("dataset", "weather"), None, 11),
        (f"{named('dataset', 'weather')}@4", None, 3),
        (numbered("weather", 5), None, 5),
    ],
)
def test_a_version_is_found_by_name_number_or_iri(
    records: Records, asked: str, number: int | None, found: int
) -> None:
    assert records.catalogue.version(asked, number) == numbered("weather", found)


def test_a_name_may_hold_spaces_slashes_accents_and_emoji(records: Records) -> None:
    name = "voos 2025/São Paulo ✈️"
    version = records.catalogue.version(f"{name}@1", None)
    assert records.catalogue.name_of(version) == f"{name}@1"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("wether", r"Did you mean 'weather'\?"),
        ("weather@0", "weather has versions 1 to 12, not 0"),
        ("weather@13", "weather has versions 1 to 12, not 13"),
        ("something else", "Type: lineage-graph datasets"),
        ("planned", "no version of it is recorded yet"),
        ("both", "Say dataset:both or model:both"),
        ("model:weather", "There is no"),
        (digested("version", "00"), "Nothing is recorded under"),
        (named("dataset", "absent"), "There is no"),
        ("", "There is no"),
    ],
)
def test_what_is_not_found_is_said_with_what_to_do(
    records: Records, asked: str, message: str
) -> None:
    with pytest.raises(NotFound, match=message):
        records.catalogue.version(asked, None)


def test_a_kind_chooses_between_a_dataset_and_a_model_of_one_name(records: Records) -> None:
    assert records.catalogue.version("both", None, "dataset") == numbered("both", 60)
    assert records.catalogue.version("dataset:both", None) == numbered("both", 60)
    with pytest.raises(NotFound, match="no version of it"):
        records.catalogue.version("both", None, "model")


def test_versions_are_numbered_in_the_order_they_were_made(records: Records) -> None:
    rows = records.catalogue.versions("weather")
    assert [row["n"] for row in rows] == list(range(1, 13))
    assert [row["rows"] for row in rows] == list(range(12))


def test_names_follow_what_is_recorded_meanwhile(records: Records) -> None:
    first = records.version("growing", 70)
    assert records.catalogue.name_of(first) == "growing@1"
    second = records.version("growing", 71)
    assert [records.catalogue.name_of(v) for v in (first, second)] == ["growing@1", "growing@2"]


def test_what_is_not_known_is_not_made_up(records: Records) -> None:
    said = records.catalogue.describe("weather@3")
    assert said["name"] == "weather@3"
    assert (said["license"], said["owner"]) == ("not recorded", "weather service")
    assert (said["rows"], said["versions"], said["description"]) == (2, 12, "Hourly")
    assert said["columns"] == [
        {"name": "temp", "type": "double"},
        {"name": "a.b c", "type": "string"},
    ]
    assert "rebuilds" not in said and "made_by" not in said


def test_nodes_of_a_lineage_are_shown_by_name(records: Records) -> None:
    version = numbered("weather", 1)
    column = part(version, "a.b c")
    labels = records.catalogue.labels([version, column, digested("version", "00")])
    assert set(labels) == {version, column}
    assert (labels[version].name, labels[version].kind) == ("weather@2", "dataset")
    assert (labels[column].name, labels[column].kind) == ("weather@2.a.b c", "column")


def test_datasets_and_models_are_listed_by_title(records: Records) -> None:
    titles = [row["name"] for row in records.catalogue.datasets()]
    assert titles == sorted(titles) and "planned" in titles
    assert [row["name"] for row in records.catalogue.models()] == ["both"]


def test_a_version_keeps_its_number_when_an_older_one_is_recorded_later(tmp_path: Path) -> None:
    records = Records(tmp_path)
    newest, older = numbered("weather", 11), digested("version", "00ff")
    said = dataset_version(
        older,
        Dataset(id=named("dataset", "weather"), title="weather"),
        Pin(Place(("/data/old",), "csv"), None, "reference"),
        None,
        AT - timedelta(days=900),
    )
    records.bundles.append(said)
    assert records.catalogue.name_of(newest) == "weather@12"
    assert records.catalogue.labels([newest])[newest].name == "weather@12"
    assert records.catalogue.version("weather", None) == older
    assert [row["n"] for row in records.catalogue.versions("weather")] == list(range(1, 14))
    records.ledger.close()
