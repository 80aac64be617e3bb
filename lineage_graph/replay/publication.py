"""Leaving the outputs of a rebuild behind: all of them or none, with one rename."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from lineage_graph.errors import InvalidRecord, StoreUnavailable
from lineage_graph.executors import Place
from lineage_graph.identity import uuid7
from lineage_graph.replay.results import Rebuilt

LONGEST_NAME = 200


def require_free(folder: Path) -> None:
    """Refuse a folder that somebody uses.

    Raises:
        InvalidRecord: It is a file, or a folder with something in it.
    """
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise InvalidRecord(f"{folder} is there already and not empty. Name a new folder.")


@contextmanager
def whole_folder(into: Path) -> Iterator[Path]:
    """Give a folder that takes the place of ``into`` at the end, unless something is raised.

    Raises:
        StoreUnavailable: It cannot be written.
    """
    into = into.absolute()
    made = [folder for folder in into.parents if not folder.exists()]
    work = into.parent / f".unfinished-{uuid7()}"
    try:
        work.mkdir(parents=True)
        yield work
        os.rename(work, into)
    except OSError as error:
        raise StoreUnavailable(
            f"{into} cannot be written: {error.strerror}. Name a folder that can, on a disk "
            "with space."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


def publish(
    outputs: Sequence[Rebuilt],
    places: Mapping[str, Place],
    work: Path,
    folder: Path,
    everything: bool,
) -> list[Rebuilt]:
    """Move outputs into a new folder, each under its own name.

    Args:
        outputs: Of the rebuild.
        places: Version to where it lies, below ``work``.
        work: Folder on the file system of ``folder``.
        folder: New, or empty.
        everything: All that ran; else only what is not identical.

    Returns:
        The outputs, those that were moved with their place.
    """
    wanted = [o for o in outputs if o.action == "run" and (everything or o.verdict != "identical")]
    if not wanted:
        return list(outputs)
    gathered = work / "kept"
    gathered.mkdir()
    kept: dict[str, str] = {}
    for output in wanted:
        name = _free_name(output.name, gathered)
        os.rename(places[output.version].paths[0], gathered / name)
        kept[output.version] = str(folder / name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Takes the place of an empty folder, never of one that somebody has filled meanwhile.
    os.rename(gathered, folder)
    return [replace(output, place=kept.get(output.version)) for output in outputs]


def _free_name(name: str, folder: Path) -> str:
    """Return a file name for a version's name that nothing in the folder has yet."""
    plain = name.replace("/", "_").replace("\0", "_").encode()[-LONGEST_NAME:]
    wanted = plain.decode(errors="ignore")
    number, free = 1, wanted
    while (folder / free).exists():
        number += 1
        free = f"{wanted} ({number})"
    return free
