"""How a worker and its parent speak: frames of a header in JSON and a body of bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

_LENGTHS = struct.Struct(">IQ")

Frame = tuple[dict[str, Any], bytes]


def packed(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    head = json.dumps(header).encode()
    return b"".join((_LENGTHS.pack(len(head), len(body)), head, body))


def unpacked(exactly: Callable[[int], bytes]) -> Frame:
    """Read one frame.

    Args:
        exactly: Reads a number of bytes.

    Raises:
        EOFError: The other end has gone.
    """
    head, body = _LENGTHS.unpack(exactly(_LENGTHS.size))
    header: dict[str, Any] = json.loads(exactly(head))
    return header, exactly(body)
