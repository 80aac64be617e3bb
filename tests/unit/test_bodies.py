"""JSON that is refused, with a pointer to the fault, and bodies that are packed."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from starlette.exceptions import HTTPException

from lineage_graph.errors import InvalidRecord
from lineage_graph.server.bodies import DEEPEST, LARGEST, read_json, unpacked

MANY = 100_000
REFUSED = {
    "malformed": (b'{"a": [1, 2,}', '"/a/2" (line 1, column 13)'),
    "malformed, in an object": (b'{"a":[1,{"b":{"c":1}},{"d":}]}', '"/a/2/d"'),
    "cut off": (b'{"a":{"b":tru', '"/a/b"'),
    "nothing": (b"", '"" (line 1'),
    "two documents": (b"[1] 2", '"" (line 1, column 5)'),
    "not UTF-8": (b'{"a":"\xff"}', "byte 6"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "byte 0"),
    "a surrogate as UTF-8": (b'{"a":"\xed\xa0\x80"}', "byte 6"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "NaN": (b'{"a":[1,{"b":NaN}]}', '"/a/1/b" is no number'),
    "infinity": (b'{"a":-Infinity}', '"/a" is no number'),
    "a float beyond floats": (b'{"a":[1e999]}', '"/a/0" is no number'),
    "an integer beyond 2^53": (b'{"a":[0,9007199254740992]}', '"/a/1" is an integer beyond 2^53'),
    "below -2^53": (b'{"a":-9007199254740992}', '"/a" is an integer beyond 2^53'),
    "an endless integer": (b'{"a":' + b"1" * 900_000 + b"}", '"/a" is an integer beyond 2^53'),
    "a key twice": (b'{"a":{"b":1,"c":2,"b":3}}', '"/a" has the key "b" twice'),
    "a key twice, escaped": (b'{"a":1,"\\u0061":2}', '"" has the key "a" twice'),
    "a lone surrogate": (b'{"a":["x","\\ud800"]}', '"/a/1" holds half of a surrogate pair'),
    "a lone surrogate as a key": (b'{"a":{"\\udfff":1}}', '"/a" holds half of a surrogate pair'),
    "NUL": (b'{"a":{"b":"x\\u0000y"}}', '"/a/b" holds the character NUL'),
    "NUL as a key": (b'{"a":{"\\u0000":1}}', '"/a" holds the character NUL'),
    "NUL as it is": (b'{"a":"x\0y"}', '"/a"'),
    "slashes in keys": (b'{"a/b":{"c~d":NaN}}', '"/a~1b/c~0d" is no number'),
    "too deep": (b"[" * 65 + b"]" * 65, '/0" is nested deeper than 64'),
    "too deep in objects": (b'{"a":' * 65 + b"1" + b"}" * 65, '/a" is nested deeper than 64'),
    "much too deep": (b"[" * MANY, "deeper than 64"),
    "much too deep in objects": (b'{"a":' * MANY, "deeper than 64"),
    "a long key": (b'{"' + b"k" * 5_000 + b'":NaN}', "..."),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_programs_would_read_differently_is_refused_where_it_stands(why: str) -> None:
    body, says = REFUSED[why]
    with pytest.raises(InvalidRecord) as refused:
        read_json(body)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEPEST + "]" * DEEPEST,
        '{"a":[9007199254740991,-9007199254740991,1.5e300,null,true,"\\ud83d\\ude00 \\\\ud800"]}',
        '{"é":"São Paulo ✈️"}',
        '"text"',
    ],
)
def test_what_is_json_is_read_as_it_is(text: str) -> None:
    assert read_json(text.encode()) == json.loads(text)


def test_a_packed_body_is_unpacked() -> None:
    assert unpacked(gzip.compress(b"{}"), "gzip") == b"{}"
    assert unpacked(b"{}", None) == unpacked(b"{}", "Identity") == b"{}"
    assert len(unpacked(gzip.compress(bytes(LARGEST)), "gzip")) == LARGEST


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(bytes(LARGEST + 1)), "gzip", 413),
        (gzip.compress(gzip.compress(bytes(200 * LARGEST))) * 2, "br", 415),
        (gzip.compress(bytes(200 * LARGEST)), "gzip", 413),
        (zlib.compress(b"{}"), "deflate", 415),
        (gzip.compress(b"{}"), "gzip, gzip", 415),
    ],
)
def test_a_bomb_and_other_packings_are_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        unpacked(body, encoding)
    assert refused.value.status_code == status


@pytest.mark.parametrize(
    "body", [b"{}", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") * 2, zlib.compress(b"{}"), b""]
)
def test_what_is_not_one_whole_gzip_member_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRecord, match="gzip"):
        unpacked(body, "gzip")
