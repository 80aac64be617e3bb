"""Where hostile text is read: in worker processes that can be killed.

Nothing bounds the time or the memory of an RDF engine, and some texts of a few kilobytes end
the process that reads them. So SPARQL and RDF of strangers are read by a process of its own
with limits of the operating system. It has nothing but a frozen folder to read, and whoever
asked learns which limit was hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineage_graph.stores import Applied

MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Attributes:
        seconds: Until the worker is killed.
        memory: Bytes a worker may have.
        rows: Most rows or statements of an answer.
        size: Most bytes of an answer.
    """

    seconds: float = 10.0
    memory: int = 1024 * MEBIBYTE
    rows: int = 100_000
    size: int = 64 * MEBIBYTE


@dataclass(frozen=True)
class Checkpoint:
    """A projection that lies in a folder, as far as it had come at some moment.

    Attributes:
        folder: Of the projection.
        applied: How far it had come.
    """

    folder: Path
    applied: Applied


@dataclass(frozen=True)
class Answer:
    """What a query was answered with.

    Attributes:
        form: ``SELECT``, ``ASK`` or ``CONSTRUCT`` (also for DESCRIBE).
        body: The document; None when no format was given for an answer of this form.
    """

    form: str
    body: bytes | None
