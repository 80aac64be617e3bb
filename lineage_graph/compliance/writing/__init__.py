"""A report as a file: which formats there are, and how a file is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from lineage_graph.compliance.report import Report
from lineage_graph.errors import InvalidRecord, StoreUnavailable

ENDINGS: Final[Mapping[str, str]] = {
    "html": "html",
    "htm": "html",
    "pdf": "pdf",
    "xlsx": "xlsx",
    "md": "md",
    "markdown": "md",
    "csv": "csv",
    "json": "json",
    "jsonld": "jsonld",
    "txt": "text",
}
FORMATS: Final = ("html", "pdf", "xlsx", "md", "csv", "json", "jsonld", "text")


def format_of(path: Path) -> str:
    """Return the format that the ending of a file's name stands for.

    Raises:
        InvalidRecord: It stands for none.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending not in ENDINGS:
        near = get_close_matches(ending, list(ENDINGS), 1, 0.5)
        hint = f"Did you mean .{near[0]}?" if near else f"Use one of: .{', .'.join(ENDINGS)}."
        raise InvalidRecord(f"A report cannot be written to {path.name}. {hint}")
    return ENDINGS[ending]


def write(report: Report, format: str) -> str | bytes:
    """Return a report in a format.

    Args:
        report: The report.
        format: One of :data:`FORMATS`.

    Raises:
        InvalidRecord: There is no such format.
        MissingExtra: A package that the format needs is not installed.
    """
    if format not in FORMATS:
        near = get_close_matches(format, FORMATS, 1, 0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Use one of: {', '.join(FORMATS)}."
        raise InvalidRecord(f"There is no format {format!r} of reports. {hint}")
    return _writer(format)(report)


def save(report: Report, path: Path, format: str | None = None) -> Path:
    """Write a report into a file; what was there is replaced only when all is written.

    Args:
        report: The report.
        path: The file.
        format: One of :data:`FORMATS`; by default what the file's ending stands for.

    Raises:
        InvalidRecord: The ending stands for no format, or the path is a folder.
        StoreUnavailable: The file cannot be written.
    """
    if path.is_dir():
        raise InvalidRecord(f"{path} is a folder. Name a file in it, such as {path / 'ropa.html'}.")
    document = write(report, format or format_of(path))
    put(path, document if isinstance(document, bytes) else document.encode())
    return path


def put(path: Path, data: bytes) -> None:
    """Write bytes into a file, whole or not at all.

    Raises:
        StoreUnavailable: The file cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as problem:
        raise _unwritable(path, problem) from problem
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # A temporary file is its owner's alone; this one is as any other that is made here.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except OSError as problem:
        Path(name).unlink(missing_ok=True)
        raise _unwritable(path, problem) from problem


def _unwritable(path: Path, problem: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path} cannot be written: {problem.strerror}. Name a file in a folder that is there and"
        " that you may write to."
    )


def _writer(format: str) -> Callable[[Report], str | bytes]:
    if format in ("html", "pdf", "xlsx"):
        from lineage_graph.compliance import rendering

        drawn: Callable[[Report], str | bytes] = getattr(rendering, format)
        return drawn
    if format in ("json", "jsonld"):
        from lineage_graph.compliance.writing import linked

        return linked.json_text if format == "json" else linked.jsonld_text
    from lineage_graph.compliance.writing import plain

    return {"csv": plain.csv_text, "md": plain.markdown, "text": plain.text}[format]
