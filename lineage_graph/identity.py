"""Names: how things are called in the graph.

Logical things have readable names, ``urn:lineage-graph:<kind>:<percent-encoded
name>``; what happens once gets a UUIDv7 (RFC 9562), which sorts by time; what is
identical by content is named by its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

NAMESPACE = "urn:lineage-graph:"

_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
SECRET = "(secret)"
_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|(^|[._-])pass$|(^|[._-])pwd$|secret|token|credential"
    r"|(api|access|account|private|encryption)[._-]?key|(^|[._-])sas([._-]|$)",
    re.IGNORECASE,
)
_URL_SECRETS = (
    (re.compile(r"(://)[^/@\s:'\"`]*:[^/@\s'\"`]*@"), r"\1"),
    (re.compile(r"((?:https?|ftp)://)[^/@\s'\"`]*@"), r"\1"),
    (re.compile(r"(jdbc:oracle:\w+:)[^@\s'\"`]*/[^@\s'\"`]*@"), r"\1@"),
)
_URL_PARAMETER = re.compile(r"([?;&])([\w.-]+)=([^;&\s'\"`]*)")


def named(kind: str, name: str) -> str:
    """Return the IRI of a logical thing, such as a dataset.

    Args:
        kind: ``dataset``, ``model``, ``agent`` ...
        name: Any text; it is percent-encoded (RFC 3986), so that quotes,
            slashes, accents and emoji are safe in an IRI and on a disk.
    """
    return f"{NAMESPACE}{kind}:{_quoted(name)}"


@lru_cache(maxsize=8192)
def _quoted(text: str) -> str:
    return quote(text, safe="-._~")


def is_text(name: str) -> bool:
    """Tell whether a name can be encoded: bytes of a shell that are no UTF-8 cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def fresh(kind: str) -> str:
    """Return a new IRI for something that happens once."""
    return f"{NAMESPACE}{kind}:{uuid7()}"


def digested(kind: str, digest: str) -> str:
    """Return the IRI of something named by the hex digest of its content."""
    return f"{NAMESPACE}{kind}:{digest}"


def part(iri: str, *path: str | int) -> str:
    """Return the IRI of a part of a thing, such as a column of a version."""
    return f"{iri}#{'/'.join([_quoted(str(p)) for p in path])}"


def kind_of(iri: str) -> str | None:
    """Return the kind in one of our IRIs, or None when it is not ours."""
    if not iri.startswith(NAMESPACE):
        return None
    return iri[len(NAMESPACE) :].partition(":")[0]


def name_of(iri: str) -> str:
    """Return what a person calls the thing: the decoded last part of its IRI."""
    tail = iri.removeprefix(NAMESPACE).partition(":")[2] if iri.startswith(NAMESPACE) else iri
    return unquote(tail)


def is_secret(name: str) -> bool:
    """Tell whether an option of this name holds a secret, as far as a name can say.

    Wider than ``spark.redaction.regex`` of Spark's configuration reference.
    """
    return _SECRET_NAME.search(name) is not None


def without_credentials(text: str) -> str:
    """Return text whose URLs name a place and not who may open it."""
    for pattern, kept in _URL_SECRETS:
        text = pattern.sub(kept, text)
    return _URL_PARAMETER.sub(lambda m: f"{m[1]}{m[2]}={SECRET}" if is_secret(m[2]) else m[0], text)


def without_secrets(options: Mapping[str, str]) -> dict[str, str]:
    """Return options of a reader or writer without the values nobody may read."""
    return {
        name: SECRET if is_secret(name) else without_credentials(value)
        for name, value in options.items()
    }


def sha256(data: bytes) -> str:
    """Return the hex sha256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces, so that equal values are equal bytes.

    Raises:
        ValueError: For NaN and infinities, which JSON cannot say.
    """
    return _CANONICAL.encode(value).encode()


def uuid7() -> str:
    """Return a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
