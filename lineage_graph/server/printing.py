"""Pages laid out as PDF, by a program of its own.

To lay out a page takes a second of one processor and keeps Python busy all the while: beside
it, in a thread, every other request would wait.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from lineage_graph.errors import StoreUnavailable

AT_ONCE: Final = 2
"""Documents that are printed at the same time."""
SECONDS: Final = 60.0
_PROGRAM: Final = (sys.executable, "-m", "lineage_graph.compliance.rendering.paper")
# Nothing that is secret in the server's environment is handed on.
_KEPT: Final = ("PATH", "PYTHONPATH", "HOME", "LANG", "XDG_CACHE_HOME", "FONTCONFIG_PATH")


def print_elsewhere(page: str) -> bytes:
    """Return a page of HTML as a tagged PDF.

    Raises:
        StoreUnavailable: It took too long, or it failed; the message says which.
    """
    done = _printed(page)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise StoreUnavailable(f"The document could not be printed: {(said or ['no word'])[-1]}")
    return done.stdout


def _printed(page: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            _PROGRAM,
            input=page.encode(),
            capture_output=True,
            timeout=SECONDS,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise StoreUnavailable(
            f"The document was not printed within {SECONDS:g} seconds. Ask for html, or for less."
        ) from late
