"""JSON that is refused, with a pointer to the fault."""

from __future__ import annotations

import json

import pytest

from lineage_graph.errors import InvalidRecord
from lineage_graph.strict_json import DEEPEST, read_json, require_interoperable

MANY = 100_000
REFUSED = {
    "malformed": (b'{"a": [1, 2,}', "/a/2: it is no JSON at line 1, column 13"),
    "malformed, in an object": (b'{"a":[1,{"b":{"c":1}},{"d":}]}', "/a/2/d: it is no JSON"),
    "cut off": (b'{"a":{"b":tru', "/a/b: it is no JSON"),
    "nothing": (b"", "/: it is no JSON at line 1"),
    "two documents": (b"[1] 2", "/: it is no JSON at line 1, column 5"),
    "not UTF-8": (b'{"a":"\xff"}', "byte 6"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "byte 0"),
    "a surrogate as UTF-8": (b'{"a":"\xed\xa0\x80"}', "byte 6"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "NaN": (b'{"a":[1,{"b":NaN}]}', "/a/1/b: it is no number"),
    "infinity": (b'{"a":-Infinity}', "/a: it is no number"),
    "a float beyond floats": (b'{"a":[1e999]}', "/a/0: it is no number"),
    "an integer beyond 2^53": (b'{"a":[0,9007199254740992]}', "/a/1: an integer beyond 2^53"),
    "below -2^53": (b'{"a":-9007199254740992}', "/a: an integer beyond 2^53"),
    "an endless integer": (b'{"a":' + b"1" * 900_000 + b"}", "/a: an integer beyond 2^53"),
    "a key twice": (b'{"a":{"b":1,"c":2,"b":3}}', "/a/b: the key is there twice"),
    "a key twice, escaped": (b'{"a":1,"\\u0061":2}', "/a: the key is there twice"),
    "a lone surrogate": (b'{"a":["x","\\ud800"]}', "/a/1: it holds half of a surrogate pair"),
    "a lone surrogate as a key": (
        b'{"a":{"\\udfff":1}}',
        r"/a/\udfff: it holds half of a surrogate pair",
    ),
    "NUL": (b'{"a":{"b":"x\\u0000y"}}', "/a/b: it holds the character NUL"),
    "NUL as a key": (b'{"a":{"\\u0000":1}}', r"/a/\u0000: it holds the character NUL"),
    "NUL as it is": (b'{"a":"x\0y"}', "/a: it is no JSON"),
    "a key twice whose name has a slash": (b'{"x":{"a/b":1,"a/b":1}}', "/x/a~1b: the key"),
    "slashes in keys": (b'{"a/b":{"c~d":NaN}}', "/a~1b/c~0d: it is no number"),
    "too deep": (b"[" * 65 + b"]" * 65, "/0: it is nested deeper than 64"),
    "too deep in objects": (b'{"a":' * 65 + b"1" + b"}" * 65, "/a: it is nested deeper than 64"),
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
    assert str(refused.value).startswith("/")
    assert str(refused.value).isascii()
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEPEST + "]" * DEEPEST,
        '{"a":[9007199254740991,-9007199254740991,1.5e300,null,true,"\\ud83d\\ude00 \\\\ud800"]}',
        '{"é":"São Paulo ✈️"}',
        '"text"',
        '{"a":"[[[["}',
    ],
)
def test_what_is_json_is_read_as_it_is(text: str) -> None:
    assert read_json(text.encode()) == json.loads(text)


def test_values_that_json_cannot_say_are_refused_by_place() -> None:
    for value, place in (({"a": [float("nan")]}, "/a/0: "), ({"a": "\ud800"}, "/a: ")):
        with pytest.raises(InvalidRecord) as refused:
            require_interoperable(value)
        assert str(refused.value).startswith(place)
