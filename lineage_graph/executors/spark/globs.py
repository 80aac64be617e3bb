"""File names that Spark would take for patterns.

Spark expands ``{}[]*?`` in every path it reads, also where a file is called so; a
backslash takes their meaning away.
"""

from __future__ import annotations

import os
import re

_SPECIAL = re.compile(r"[\\{}\[\]*?]")
_ESCAPED = re.compile(r"\\([\\{}\[\]*?])")


def as_pattern(path: str) -> str:
    """Return a path so that Spark reads the file called so, where there is one."""
    return _SPECIAL.sub(r"\\\g<0>", path) if _is_there(path) else path


def as_path(pattern: str) -> str:
    """Return the file that an escaped pattern means; any other pattern as it is."""
    path = _ESCAPED.sub(r"\1", pattern)
    return path if not _is_there(pattern) and _is_there(path) else pattern


def _is_there(path: str) -> bool:
    return os.path.lexists(path.removeprefix("file:"))
