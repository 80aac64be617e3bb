"""Who a command is about: identifiers from a file, stdin or a prompt, never repeated."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from lineage_graph.errors import InvalidRecord


def lines_in(file: str) -> list[str]:
    """Return the lines of a file, or of stdin for ``-``.

    Raises:
        InvalidRecord: It cannot be read as text.
    """
    if file == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidRecord(f"--id-file {file!r} cannot be read as text.") from problem


def identities(lines: Iterable[str]) -> dict[str, str]:
    """Return the person's identifiers by the short name of their type.

    Raises:
        InvalidRecord: A line is not TYPE=VALUE, or a type is named twice: only one of the
            two would be looked up. No line is repeated, it may be the value alone.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(filter(str.strip, lines), 1):
        kind, equals, value = (part.strip() for part in line.partition("="))
        if not (kind and equals and value):
            raise InvalidRecord(
                f"Line {number} of who it is about is not TYPE=VALUE, as in cpf=..."
            )
        if kind.lower() in found:
            raise InvalidRecord(
                f"Line {number} of who it is about is of the same type as one before it. Ask "
                "once for each."
            )
        found[kind.lower()] = value
    return found
