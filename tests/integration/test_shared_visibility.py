"""What somebody may not see makes no answer of theirs more permissive, also from far away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

import lineage_graph
from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.guarded import Recorded
from tests.producers import DATABASE, Event, dataset, facet, run, schema, static, symlink

RUNS = [f"01941b29-7c00-7000-8000-00000000000{n}" for n in (1, 2)]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Recorded]:
    with closing(Recorded(tmp_path / "store")) as company:
        yield company


@pytest.fixture
def reader(company: Recorded, tmp_path: Path) -> Iterator[Graph]:
    pay = company.made("pay")
    company.made("averages", pay)
    company.made("sales")
    company.graph.state_license("pay", "CC-BY-NC-4.0")
    company.graph.state_license("sales", "MIT")
    company.graph.label_visibility("pay", ["hr"], because="a test")
    company.graph.declassify("averages", ["hr"], because="a test")
    with closing(Tokens(company.folder / "access")) as tokens:
        secret, _ = tokens.create("reader", ["reader"])
    with (
        serving(Settings(company.folder, port=0)) as address,
        lineage_graph.connect(address, token=secret, working=tmp_path / "far") as graph,
    ):
        yield graph


def test_terms_are_not_settled_where_a_source_is_not_seen(reader: Graph) -> None:
    assert {row["name"] for row in reader.datasets()} == {"averages", "sales"}
    assert reader.license_terms("averages").unseen
    assert not reader.privacy("averages").settled
    assert not reader.license_terms("sales").unseen


def test_who_is_connected_hears_that_what_they_may_see_has_changed(
    reader: Graph, company: Recorded
) -> None:
    assert len(reader.lineage("sales").nodes) == 1
    company.graph.label_visibility("sales", ["hr"], because="a test")
    with pytest.raises(VisibilityChanged, match="Connect again"):
        reader.datasets()


def test_a_dataset_is_hidden_by_whichever_name_an_event_gives_it(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with closing(Tokens(store / "access")) as tokens:
        admin, _ = tokens.create("admin", ["admin"], clearances=None)
        contributor, _ = tokens.create("contributor", ["contributor"])
    described = facet(description="What all earn")
    pay = dataset("hr.salaries", schema=schema("salary"), documentation=described)
    with serving(Settings(store, port=0)) as address:
        post(address, admin, run(RUNS[0], outputs=[pay]))
        with lineage_graph.connect(address, token=admin, working=tmp_path / "admin") as graph:
            graph.label_visibility(f"{DATABASE} hr.salaries", ["hr"], because="a test")
        place = facet(
            identifiers=[{"namespace": DATABASE, "name": "hr.salaries", "type": "LOCATION"}]
        )
        post(address, contributor, run(RUNS[1], outputs=[dataset("mine", symlinks=place)]))
        with lineage_graph.connect(address, token=contributor, working=tmp_path / "far") as graph:
            assert graph.datasets() == []
            assert b"earn" not in graph.queries.dump()
            assert b"salary" not in graph.queries.dump()


@pytest.mark.parametrize("kind", ["TABLE", "LOCATION"])
def test_another_name_does_not_make_hidden_data_what_was_declassified(
    tmp_path: Path, kind: str
) -> None:
    store = tmp_path / "store"
    with closing(Tokens(store / "access")) as tokens:
        admin, _ = tokens.create("admin", ["admin"], clearances=None)
        contributor, _ = tokens.create("contributor", ["contributor"])
    total = f"{DATABASE} total"
    with serving(Settings(store, port=0)) as address:
        post(address, admin, run(RUNS[0], at="10:00:00", outputs=["salaries"]))
        outputs = [dataset("bonuses", schema=schema("bonus")), dataset("total")]
        post(address, admin, run(RUNS[1], inputs=["salaries"], outputs=outputs))
        with lineage_graph.connect(address, token=admin, working=tmp_path / "admin") as graph:
            graph.label_visibility(f"{DATABASE} salaries", ["hr"], because="a test")
            graph.declassify(total, ["hr"], because="a sum says nothing of a person")
        with lineage_graph.connect(address, token=contributor, working=tmp_path / "near") as graph:
            assert [row["name"] for row in graph.datasets()] == [total]
        called = static(dataset=dataset("total", symlinks=symlink("bonuses", DATABASE, kind)))
        post(address, contributor, called)
        with lineage_graph.connect(address, token=admin, working=tmp_path / "admin") as graph:
            # Whoever looks next brings what the event means into the ledger.
            (now,) = {row["name"] for row in graph.datasets()} - {f"{DATABASE} salaries"}
        with lineage_graph.connect(address, token=contributor, working=tmp_path / "far") as graph:
            assert graph.datasets() == []
            assert b"bonus" not in graph.queries.dump()
        with lineage_graph.connect(address, token=admin, working=tmp_path / "admin") as graph:
            graph.declassify(now, ["hr"], because="both are harmless")
        with lineage_graph.connect(address, token=contributor, working=tmp_path / "last") as graph:
            assert [row["name"] for row in graph.datasets()] == [now]


def post(address: str, token: str, event: Event) -> None:
    answer = httpx2.post(
        f"{address}/api/v1/lineage", json=event, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201
