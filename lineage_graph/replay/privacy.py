"""Keeping what names a place of this machine out of what leaves it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from lineage_graph.drawing.text import printable
from lineage_graph.identity import without_credentials

SYSTEM = ("bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr")
_PATH = re.compile(r"(?<![\w./:-])/[^\s/'\"`,;()|*<>]+(?:/[^\s/'\"`,;()|*<>]*)+")
_PATH_IN_BYTES = re.compile(rb"/[\w.+@ -]+(?:/[\w.+@-]+)+")
_QUOTED_PATH = re.compile(r"`(?:file:)?(/[^`]+)`")
_FILE_SCHEME = re.compile(r"\bfile:/+")
# A text in a pickle: its opcode, its length, and what reads as the path of a module.
_CODE_FILE = re.compile(rb"(?:\x8c(?s:.)|X(?s:.{4}))(/[^\x00-\x1f]{1,1000}?/)[^/\x00-\x1f]+?\.py")


class Here:
    """Takes what names a place of this machine out of texts and programs.

    Args:
        recorded: Paths that were recorded.
    """

    def __init__(self, recorded: Iterable[str] = ()) -> None:
        mine = {str(Path.home()), os.getcwd(), *recorded}
        self._known = sorted((path for path in mine if path.count("/") > 1), key=len, reverse=True)

    def public(self, text: str) -> str:
        """Return a text in which a path of this machine is its last part."""
        text = _FILE_SCHEME.sub("/", without_credentials(text))
        text = _QUOTED_PATH.sub(lambda m: f"`{PurePosixPath(m[1]).name}`", text)
        for path in self._known:
            text = re.sub(rf"{re.escape(path)}/(?=\S)", "", text)
            text = re.sub(rf"{re.escape(path)}(?![\w.-])", PurePosixPath(path).name, text)
        return printable(_PATH.sub(lambda m: _last(m[0]) if _is_here(m[0]) else m[0], text))

    def name(self, name: str) -> str:
        """Return a version's name; one that was made of paths keeps their last parts."""
        kept = [_last(part) if part.startswith("/") else part for part in name.split("; ")]
        # Whoever gives a source says NAME=PATH.
        return self.public("; ".join(kept)).replace("=", "_")

    def program(self, body: bytes) -> bytes | None:
        """Return a program without the folders its Python code was written in.

        They are overwritten in place, so that every length in the program still holds.

        Returns:
            None when it names a place of this machine in another way.
        """
        public = _CODE_FILE.sub(_blank, body)
        found = (match.decode() for match in _PATH_IN_BYTES.findall(public) if match.isascii())
        if any(_is_here(path) for path in found) or any(k.encode() in public for k in self._known):
            return None
        return public


def _last(path: str) -> str:
    return PurePosixPath(path).name or path


def _blank(match: re.Match[bytes]) -> bytes:
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    whole = match[0]
    return whole[:start] + b"_" * (end - start) + whole[end:]


def _is_here(path: str) -> bool:
    """Whether a path is one of this machine: it is there, or begins as one that is."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3 or parts[1] in SYSTEM:
        return False
    with suppress(OSError, ValueError):
        if os.path.lexists(path):
            return True
        return len(parts) > 3 and os.path.lexists(os.path.join(*parts[:3]))
    return False
