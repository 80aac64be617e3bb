"""Files in which persons are looked up, and the key they are made with."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lineage_graph.errors import ArtifactBroken, InvalidRecord, StoreError
from lineage_graph.identity import sha256
from lineage_graph.membership import Key, Keyring, Membership, write
from lineage_graph.membership.files import BLOCK, ENTRY, path_of

KEY = Key(bytes(range(32)))


def entries(*pairs: tuple[int, int]) -> Any:
    return np.array(sorted(pairs), ENTRY)


def made(folder: Path, some: Any, key: Key = KEY, chunk: int = 1000) -> str:
    chunks = [some[i : i + chunk] for i in range(0, len(some), chunk)]
    return write(folder, key.id, len(some), chunks)


def test_a_key_is_made_once_belongs_to_its_owner_and_can_be_destroyed(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "membership")
    assert ring.current() is None and ring.destroy() is None
    key = ring.make()
    file = tmp_path / "membership" / "key"
    assert ring.make() == key == ring.current() and len(key.secret) == 32
    assert key.id == sha256(key.secret)[:16] and key.secret.hex() not in repr(key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["key"]
    assert ring.destroy() == key.id
    assert ring.current() is None and ring.make() != key
    file.write_bytes(b"short")
    with pytest.raises(StoreError, match="is no key"):
        ring.current()


def test_an_identifier_stands_as_the_beginning_of_its_hmac() -> None:
    whole = hmac.new(KEY.secret, "cpf|é1".encode(), hashlib.sha256).digest()
    assert KEY.hashed("cpf", "é1") == int.from_bytes(whole[:8], "big")
    assert KEY.hashed("cpf", "é1") != KEY.hashed("email", "é1")


def test_a_row_stands_as_the_beginning_of_its_hmac_and_never_as_an_identifier() -> None:
    whole = hmac.new(KEY.secret, b"|-7", hashlib.sha256).digest()
    assert KEY.row(-7) == int.from_bytes(whole[:8], "big", signed=True)
    assert KEY.row(-7) != Key(bytes(32)).row(-7)
    assert KEY.row(7) % 2**64 != KEY.hashed("", "7x")


def test_whoever_is_in_a_file_is_found_as_often_as_they_are_and_nobody_else(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(7)
    subjects = random.integers(0, 2**64, 5 * BLOCK + 13, np.uint64)
    some = np.empty(subjects.size + 2 * BLOCK + 5, ENTRY)
    often = int(subjects[4])
    some["subject"][: subjects.size] = subjects
    some["subject"][subjects.size :] = often
    some["row"] = np.arange(some.size) - 40
    some.sort(order=["subject", "row"])
    index = Membership(tmp_path, made(tmp_path, some), KEY.id)
    index.verify()
    assert len(index) == some.size
    assert len(index.rows(often)) == 2 * BLOCK + 6
    asked = [int(s) for s in subjects[::97]] + [int(some["subject"][0]), int(some["subject"][-1])]
    for subject in asked:
        wanted = some["row"][some["subject"] == np.uint64(subject)].tolist()
        assert index.rows(subject) == wanted
    for other in (0, 1, 2**63, 2**64 - 1, often + 1, often - 1):
        assert index.rows(other) == []
    assert made(tmp_path, some, chunk=333) == made(tmp_path, some)


def test_an_empty_file_holds_nobody(tmp_path: Path) -> None:
    index = Membership(tmp_path, made(tmp_path, entries()), KEY.id)
    index.verify()
    assert len(index) == 0 and index.rows(5) == []


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    some = entries(*[(n * 2**52, n) for n in range(BLOCK + 7)])
    digest = made(tmp_path, some)
    path = path_of(tmp_path, digest)
    whole = path.read_bytes()
    path.chmod(0o600)
    head = len(whole) - some.nbytes
    for at in (0, 8, 12, 16, 24, 33, 45, head - 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ArtifactBroken, match=digest):
            Membership(tmp_path, digest, KEY.id)
    for at, subject in ((head + 3, 2**52), (len(whole) - 1, (BLOCK + 2) * 2**52)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        index = Membership(tmp_path, digest, KEY.id)
        with pytest.raises(ArtifactBroken, match="was altered"):
            index.rows(subject)
        with pytest.raises(ArtifactBroken, match="was altered"):
            index.verify()
    for cut in (0, 10, head, len(whole) - 16):
        path.write_bytes(whole[:cut])
        with pytest.raises(ArtifactBroken, match=digest):
            Membership(tmp_path, digest, KEY.id)
    path.unlink()
    with pytest.raises(ArtifactBroken, match="is missing"):
        Membership(tmp_path, digest, KEY.id)


def test_a_file_of_another_key_is_refused_by_name(tmp_path: Path) -> None:
    digest = made(tmp_path, entries((1, 2)), Key(bytes(32)))
    with pytest.raises(ArtifactBroken, match=f"made with key {Key(bytes(32)).id}"):
        Membership(tmp_path, digest, KEY.id)
    other = made(tmp_path, entries((1, 3)))
    path_of(tmp_path, digest).rename(path_of(tmp_path, other))
    with pytest.raises(ArtifactBroken, match="its head was altered"):
        Membership(tmp_path, other, KEY.id)


def test_what_is_not_in_order_or_not_whole_leaves_nothing_behind(tmp_path: Path) -> None:
    backwards = np.array([(2, 0), (1, 0)], ENTRY)
    for total, chunks in (
        (2, [backwards]),
        (2, [backwards[:1], backwards[1:]]),
        (3, [entries((1, 1), (2, 2))]),
    ):
        with pytest.raises(InvalidRecord):
            write(tmp_path, KEY.id, total, chunks)
    assert list(tmp_path.iterdir()) == []
