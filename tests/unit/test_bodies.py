"""Bodies that are packed."""

from __future__ import annotations

import gzip
import zlib

import pytest
from starlette.exceptions import HTTPException

from lineage_graph.errors import InvalidRecord
from lineage_graph.server.bodies import LARGEST, unpacked

# Without a time: every process collects the same tests.
EMPTY = gzip.compress(b"{}", mtime=0)


def test_a_packed_body_is_unpacked() -> None:
    assert unpacked(EMPTY, "gzip") == b"{}"
    assert unpacked(b"{}", None) == unpacked(b"{}", "Identity") == b"{}"
    assert len(unpacked(gzip.compress(bytes(LARGEST)), "gzip")) == LARGEST


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(bytes(LARGEST + 1)), "gzip", 413),
        (gzip.compress(gzip.compress(bytes(200 * LARGEST))) * 2, "br", 415),
        (gzip.compress(bytes(200 * LARGEST)), "gzip", 413),
        (zlib.compress(b"{}"), "deflate", 415),
        (EMPTY, "gzip, gzip", 415),
    ],
)
def test_a_bomb_and_other_packings_are_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        unpacked(body, encoding)
    assert refused.value.status_code == status


@pytest.mark.parametrize("body", [b"{}", EMPTY[:-1], EMPTY * 2, zlib.compress(b"{}"), b""])
def test_what_is_not_one_whole_gzip_member_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRecord, match="gzip"):
        unpacked(body, "gzip")
