"""What somebody may not see makes no answer of theirs more permissive, also from far away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import lineage_graph
from lineage_graph.access.tokens import Tokens
from lineage_graph.errors import VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.guarded import Recorded


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
