"""Exports, as other tools read them: rdflib and prov."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rdflib
from prov.model import ProvDerivation, ProvDocument

from tests.integration.test_server_exporting import GIVEN, NAME, got


@pytest.fixture(scope="module")
def exports(serve_given: Callable[..., str]) -> str:
    return f"{serve_given(GIVEN)}/api/export"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib.*")
def test_rdf_is_what_was_recorded(exports: str) -> None:
    wanted = set(rdflib.Graph().parse(GIVEN))
    assert set(rdflib.Graph().parse(data=got(exports, "turtle"), format="turtle")) == wanted
    kinds = {"trig": "trig", "nquads": "nquads", "json-ld": "json-ld"}
    for format, kind in kinds.items():
        dataset = rdflib.Dataset()
        dataset.parse(data=got(exports, format), format=kind)
        assert {quad[:3] for quad in dataset.quads()} == wanted


def test_prov_reads_both_notations_and_finds_the_derivations(exports: str) -> None:
    notations = {"prov-json": "json", "prov-n": "provn"}
    documents = [
        ProvDocument.deserialize(content=got(exports, format), format=kind)
        for format, kind in notations.items()
    ]
    assert documents[0] == documents[1]
    found = {
        tuple(value.uri for _, value in record.formal_attributes[:2])
        for record in documents[0].get_records(ProvDerivation)
    }
    sources = {f"urn:lineage-graph:version:{source}" for source in "AB"}
    assert found == {(NAME, source) for source in sources}
