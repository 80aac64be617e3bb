"""A YAML file as it is written: plain values, each with the line and column where it stands.

Nothing of a file is executed or made into an object: tags, references that multiply and files
too large or too deep to be a list of processes are refused before anything is looked at.

Source: YAML 1.2, chapters 3 and 7; PyYAML's events and nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lineage_graph.errors import DeclarationError

if TYPE_CHECKING:
    import yaml

LARGEST_BYTES: Final = 1_000_000
_DEEPEST: Final = 12
_MOST_VALUES: Final = 50_000
_SHOWN: Final = 20
_KINDS: Final = {
    "str": "text",
    "bool": "truth",
    "null": "nothing",
    "int": "text",
    "float": "text",
    "timestamp": "text",
}


@dataclass(frozen=True)
class Spot:
    """Where something stands.

    Attributes:
        path: Such as ``processes[0].legal_basis[1]``.
        line: From 1; None where the format has none to tell.
        column: From 1.
    """

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Say it as compilers do."""
        at = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"{at}{self.path}"


@dataclass(frozen=True)
class Scalar:
    """One value.

    Attributes:
        text: As it is written.
        kind: ``text``, ``truth`` or ``nothing``.
    """

    text: str
    kind: str
    spot: Spot


@dataclass(frozen=True)
class Items:
    """Several values."""

    values: tuple[Written, ...]
    spot: Spot


@dataclass(frozen=True)
class Fields:
    """Values by key."""

    values: Mapping[str, Written]
    keys: Mapping[str, Spot]
    spot: Spot


Written: TypeAlias = Scalar | Items | Fields


@dataclass
class Faults:
    """What is wrong with a file, all of it at once.

    Attributes:
        source: What to call the file.
    """

    source: str
    found: dict[str, None] = field(default_factory=dict)

    def add(self, spot: Spot, what: str) -> None:
        """Note one fault."""
        self.found.setdefault(f"{spot}: {what}" if spot.path or spot.line else what)

    def require_none(self) -> None:
        """Raise what was noted.

        Raises:
            DeclarationError: Anything was.
        """
        if not self.found:
            return
        lines = [f"  {fault}" for fault in islice(self.found, _SHOWN)]
        if len(self.found) > _SHOWN:
            lines.append(f"  and {len(self.found) - _SHOWN} more")
        raise DeclarationError(
            "\n".join([f"{self.source} cannot be applied; nothing was written:", *lines])
        )


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DeclarationError: It is missing, too large, or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as problem:
        raise DeclarationError(f"{path} cannot be read: {problem.strerror}") from problem
    if len(data) > LARGEST_BYTES:
        raise DeclarationError(
            f"{path} is larger than {LARGEST_BYTES:,} bytes; split it: several files can be applied"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DeclarationError(
            f"{path} is not UTF-8 (byte {problem.start}); save it in that encoding"
        ) from problem


def read_yaml(text: str, faults: Faults) -> Fields | None:
    """Return what is written at the top of a YAML text, or None when it is at fault."""
    import yaml

    try:
        _require_small(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except _TooMuch as problem:
        faults.add(*problem.args)
        return None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        spot = Spot("", mark.line + 1, mark.column + 1) if mark else Spot("")
        faults.add(spot, f"does not parse as YAML: {problem.problem or problem.context}")
        return None
    except yaml.YAMLError as problem:
        faults.add(Spot(""), f"does not parse as YAML: {problem}")
        return None
    if node is None:
        faults.add(Spot(""), "the file is empty; begin with 'processes:'")
        return None
    top = _Reader(faults).read(node, "")
    if isinstance(top, Fields):
        return top
    if top is not None:
        faults.add(top.spot, "the file must begin with sections, such as 'processes:'")
    return None


class _TooMuch(Exception):
    """More levels or values than a file of declarations has: where, and what to do."""


def _require_small(text: str) -> None:
    """Look at depth and number before anything recurses, or notes what is wrong with each."""
    import yaml

    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise _TooMuch(_spot("", event), f"more than {_DEEPEST} levels deep; write it flatter")
        if number > _MOST_VALUES:
            raise _TooMuch(_spot("", event), f"more than {_MOST_VALUES:,} values; split the file")


class _Reader:
    """Walks the nodes; what a reference repeats counts each time."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._left = _MOST_VALUES
        self._within: set[int] = set()

    def read(self, node: yaml.Node, path: str) -> Written | None:
        import yaml

        spot = _spot(path, node)
        self._left -= 1
        if self._left < 0 or id(node) in self._within:
            self._faults.add(spot, "references repeat too much; write the values out")
            # What was said once is enough.
            self._left = -1
            return None
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        self._within.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and kind == "map":
                return self._fields(node, spot)
            if isinstance(node, yaml.SequenceNode) and kind == "seq":
                return Items(tuple(self._items(node, path)), spot)
        finally:
            self._within.discard(id(node))
        if isinstance(node, yaml.ScalarNode) and kind in _KINDS:
            return Scalar(node.value.strip(), _KINDS[kind], spot)
        self._faults.add(spot, f"is written as {node.tag}; plain text, lists and keys only")
        return None

    def _items(self, node: yaml.SequenceNode, path: str) -> Iterator[Written]:
        for number, one in enumerate(node.value):
            read = self.read(one, f"{path}[{number}]") if self._left >= 0 else None
            if read is not None:
                yield read

    def _fields(self, node: yaml.MappingNode, spot: Spot) -> Fields:
        values: dict[str, Written] = {}
        keys: dict[str, Spot] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node.value, str) else "?"
            path = f"{spot.path}.{key}" if spot.path else key
            at = _spot(path, key_node)
            if key in keys:
                self._faults.add(at, f"the key is there twice, first on line {keys[key].line}")
                continue
            keys[key] = at
            read = self.read(value_node, path) if self._left >= 0 else None
            if read is not None:
                values[key] = read
        return Fields(values, keys, spot)


def _spot(path: str, read: Any) -> Spot:
    return Spot(path, read.start_mark.line + 1, read.start_mark.column + 1)
