"""Pictures of graphs: what is drawn, apart from how.

A :class:`Picture` holds boxes and arrows and knows nothing of provenance;
``layout`` decides where they go, ``svg``, ``html`` and ``dot`` write them down.
No binary and no network is needed, and every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """One node of the picture.

    Attributes:
        key: Identity; also shown in full to who points at the box.
        name: What a person reads; elided when it is too long.
        kind: Chooses the shape: ``dataset``, ``prediction``, ``model``, ``file``,
            ``column``; any other kind is a plain rectangle.
        root: Whether the picture is about this box.
        more: Neighbours that are not drawn.
    """

    key: str
    name: str
    kind: str
    root: bool = False
    more: int = 0


@dataclass(frozen=True)
class Arrow:
    """One arrow, from the key of its ``tail`` (left) to that of its ``head`` (right)."""

    tail: str
    head: str
    label: str = ""


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        title: One line, the accessible name.
        description: What a reader who cannot see the picture needs to know.
        boxes: The nodes, most important first.
        arrows: Arrows between keys of ``boxes``, at most one for a pair.
        hidden: How many boxes were left out to keep the picture readable.
    """

    title: str
    description: str
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    hidden: int = 0


@dataclass(frozen=True)
class Table:
    """The same facts as a picture, for reading, printing and screen readers."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
