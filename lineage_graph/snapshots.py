"""Manifests: which files an input was made of, and their digests.

A manifest is an artifact, JSON of ``{"files": [[name, sha256, bytes], ...]}``,
sorted by name. The name is the path below the folder that was read, below the
number of the folder when several were read together. With ``snapshot="copy"`` the
files are artifacts too.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from lineage_graph.artifacts import Artifacts, digest_file
from lineage_graph.errors import InputChanged, StoreUnavailable
from lineage_graph.executors import BASE_PATH, Pin, Place
from lineage_graph.identity import canonical_json

AUTOMATIC_COPY_LIMIT = 256 * 1024 * 1024


@dataclass(frozen=True)
class PinnedFile:
    """One file of a manifest."""

    name: str
    sha256: str
    size: int


class Snapshots:
    """Pins inputs, and puts what was pinned back for a rebuild.

    Args:
        artifacts: Where manifests and copies are kept.
    """

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._digests: dict[tuple[str, int, int, int], str] = {}

    def pin(self, place: Place, snapshot: str | None = None) -> Pin:
        """Fix what lies at a place now.

        Args:
            place: Files, folders or globs on this machine, or uploaded data.
            snapshot: ``copy``, ``reference``, or None to copy up to 256 MiB.

        Returns:
            The pin; without a manifest when the place is not on this machine.
        """
        if place.format == "local":
            return self._pin_uploaded(place)
        if any(not is_local(path) for path in place.paths) or place.format == "table":
            return Pin(place, None, "reference")
        found = list(files_of(place.paths, place.options.get(BASE_PATH)))
        size = sum(path.stat().st_size for _, path in found)
        if snapshot is None:
            snapshot = "copy" if size <= AUTOMATIC_COPY_LIMIT else "reference"
        files = [
            PinnedFile(name, self._digest(path, snapshot == "copy"), path.stat().st_size)
            for name, path in found
        ]
        return Pin(place, self._write(files), snapshot, size)

    def _pin_uploaded(self, place: Place) -> Pin:
        digests = [*place.paths, *filter(None, [place.options.get("schema")])]
        files = [
            PinnedFile(f"{n:05d}", digest, self._artifacts.path(digest).stat().st_size)
            for n, digest in enumerate(digests)
        ]
        return Pin(place, self._write(files), "copy", sum(f.size for f in files))

    def _write(self, files: list[PinnedFile]) -> str:
        rows = [[f.name, f.sha256, f.size] for f in sorted(files, key=lambda f: f.name)]
        return self._artifacts.put_bytes(canonical_json({"files": rows}))

    def _digest(self, path: Path, copy: bool) -> str:
        facts = path.stat()
        key = (str(path), facts.st_size, facts.st_mtime_ns, facts.st_ino)
        digest = self._digests.get(key)
        if digest is None or (copy and not self._artifacts.holds(digest)):
            if copy:
                digest = self._artifacts.put_file(path)
            else:
                digest, _ = digest_file(path)
            self._digests[key] = digest
        return digest

    def files(self, manifest: str) -> list[PinnedFile]:
        """Return what a manifest lists.

        Raises:
            ArtifactBroken: The manifest is missing or altered.
        """
        rows = json.loads(self._artifacts.get(manifest))["files"]
        return [PinnedFile(*row) for row in rows]

    def restore(self, pin: Pin, into: Path) -> Place:
        """Put the pinned bytes where a program can read them.

        Copies are linked into a new folder under their own names, which decide
        how Spark splits them. References are checked and read where they lie.

        Raises:
            InputChanged: A file is missing or altered; it is named.
            ArtifactBroken: A kept copy is missing or altered.
        """
        if pin.place.format == "local" or pin.manifest is None:
            return pin.place
        files = self.files(pin.manifest)
        if pin.snapshot == "reference":
            self.check(pin)
            return pin.place
        for file in files:
            self._artifacts.link(file.sha256, into / file.name)
        return self.place_below(pin, into)

    def place_below(self, pin: Pin, folder: Path) -> Place:
        """Return how restored files are read."""
        files = self.files(pin.manifest) if pin.manifest else []
        if BASE_PATH in pin.place.options:
            options = {k: v for k, v in pin.place.options.items() if k != BASE_PATH}
            return Place((str(folder),), pin.place.format, options, pin.place.schema)
        paths = _folders(pin.place.paths, files, folder)
        return Place(paths, pin.place.format, pin.place.options, pin.place.schema)

    def verify(self, pin: Pin) -> None:
        """Verify the bytes that a pin stands for: the kept copies, or what lies at its place.

        Raises:
            ArtifactBroken: A copy is missing or altered.
            InputChanged: A file at the place is missing, altered or new.
        """
        if pin.snapshot == "reference" and pin.place.format != "local":
            self.check(pin)
        else:
            self.check_copy(pin)

    def check_copy(self, pin: Pin) -> None:
        """Verify the kept copies of what was pinned.

        Raises:
            ArtifactBroken: One is missing or altered.
        """
        if pin.manifest is not None:
            for file in self.files(pin.manifest):
                self._artifacts.verify(file.sha256)

    def check(self, pin: Pin) -> None:
        """Compare what lies at a place with what was pinned.

        Raises:
            InputChanged: A file is missing, altered or new; the first is named.
        """
        if pin.manifest is None:
            return
        recorded = {file.name: file for file in self.files(pin.manifest)}
        where = ", ".join(pin.place.paths)
        try:
            present = dict(files_of(pin.place.paths, pin.place.options.get(BASE_PATH)))
        except InputChanged as missing:
            raise InputChanged(f"{missing} It was read when this was recorded.") from missing
        for name, file in recorded.items():
            if name not in present:
                raise InputChanged(f"{where}: {name} is gone. Put the file back and try again.")
            digest, size = digest_file(present[name])
            if digest != file.sha256:
                raise InputChanged(
                    f"{present[name]} was altered after it was recorded: "
                    f"sha256 {digest[:12]} ({size} bytes) instead of {file.sha256[:12]} "
                    f"({file.size} bytes). Put the recorded file back and try again."
                )
        for name in present.keys() - recorded.keys():
            raise InputChanged(f"{present[name]} was not there when this was recorded.")


def is_local(path: str) -> bool:
    """Whether a path lies on this machine's file system."""
    return urlparse(path).scheme in ("", "file")


def plain_path(path: str) -> str:
    """Return an absolute path for one that may be relative or a ``file:`` URL."""
    parsed = urlparse(path)
    return os.path.abspath(unquote(parsed.path) if parsed.scheme == "file" else path)


def files_of(paths: Iterable[str], base: str | None = None) -> Iterator[tuple[str, Path]]:
    """Yield the files that Spark would read, with their names below each path.

    Names that begin with ``_`` or ``.`` are Spark's own and left out. Links are
    followed, as Spark does.

    Args:
        paths: Files, folders or globs.
        base: Folder that names shall be below instead; its subfolders are partitions.

    Raises:
        InputChanged: Nothing lies at a path, or something that is not a file.
        StoreUnavailable: A folder cannot be listed.
    """
    matches = [match for path in paths for match in _matches(plain_path(path))]
    if base is not None:
        files = [file for match in matches for _, file in _below(Path(match))]
        yield from ((os.path.relpath(file, plain_path(base)), file) for file in files)
        return
    for number, match in enumerate(matches):
        prefix = f"{number}/" if len(matches) > 1 else ""
        yield from ((prefix + name, file) for name, file in _below(Path(match)))


def _matches(path: str) -> list[str]:
    found = [path] if os.path.lexists(path) else sorted(glob.glob(path))
    if not found:
        raise InputChanged(f"There is nothing at {path}. Check the path.")
    return found


def _folders(paths: tuple[str, ...], files: list[PinnedFile], into: Path) -> tuple[str, ...]:
    """Return what Spark should read of restored files.

    One file is read by itself; the files of one folder by the folder, whose
    subfolders may be partitions; several folders each by its number.
    """
    if len(files) == 1 and "/" not in files[0].name:
        return (str(into / files[0].name),)
    numbers = {file.name.partition("/")[0] for file in files}
    several = len(paths) > 1 or any(glob.has_magic(path) for path in paths)
    if several and all(number.isdigit() for number in numbers):
        return tuple(str(into / number) for number in sorted(numbers, key=int))
    return (str(into),)


def _below(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, _regular(path)
        return
    for folder, folders, names in os.walk(path, onerror=_refuse_folder, followlinks=True):
        folders[:] = sorted(f for f in folders if not _hidden(f))
        for inside in folders:
            _require_no_circle(Path(folder, inside))
        for name in sorted(names):
            if not _hidden(name):
                file = _regular(Path(folder, name))
                yield file.relative_to(path).as_posix(), file


def _hidden(name: str) -> bool:
    """Whether Spark leaves a name out: its own files, but not partitions by ``_column=``."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _regular(path: Path) -> Path:
    """Refuse what would block a reader, or end in the middle of nowhere."""
    if path.is_file():
        return path
    what = "a link that leads nowhere" if path.is_symlink() and not path.exists() else "no file"
    raise InputChanged(f"{path} is {what}. Put a file there, or name another path.")


def _refuse_folder(problem: OSError) -> None:
    raise StoreUnavailable(
        f"The folder {problem.filename} cannot be listed: {problem.strerror}. "
        "Check who may read it."
    ) from problem


def _require_no_circle(folder: Path) -> None:
    if folder.is_symlink() and folder.absolute().is_relative_to(folder.resolve()):
        raise InputChanged(f"{folder} is a link to a folder it lies in. Take it away.")
