"""Artifacts are what their name says, or an error that says what is wrong."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineage_graph.artifacts import Artifacts, digest_file
from lineage_graph.errors import ArtifactBroken, NotFound, StoreUnavailable

DATA = b"some bytes\n" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()
ABSENT = "0" * 64


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_bytes_read_back_by_their_digest(artifacts: Artifacts) -> None:
    assert artifacts.put_bytes(DATA) == DIGEST
    assert artifacts.get(DIGEST) == DATA
    assert artifacts.holds(DIGEST)
    assert list(artifacts.all()) == [DIGEST]


def test_a_file_is_stored_like_its_bytes(artifacts: Artifacts, source: Path) -> None:
    assert artifacts.put_file(source) == DIGEST
    assert artifacts.get(DIGEST) == DATA
    artifacts.verify(DIGEST)


def test_nothing_is_also_content(artifacts: Artifacts) -> None:
    assert artifacts.get(artifacts.put_bytes(b"")) == b""


def test_what_is_stored_already_is_not_written_again(artifacts: Artifacts, source: Path) -> None:
    artifacts.put_bytes(DATA)
    before = artifacts.path(DIGEST).stat()

    artifacts.put_bytes(DATA)
    artifacts.put_file(source)

    after = artifacts.path(DIGEST).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_stored_files_are_read_only_and_alone_in_the_folder(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    artifacts.put_bytes(DATA)

    (stored,) = files(tmp_path / "artifacts")
    assert stored == artifacts.path(DIGEST) == tmp_path / "artifacts" / DIGEST[:2] / DIGEST
    assert stored.stat().st_mode & 0o777 == 0o444


def test_many_threads_store_the_same_bytes_once(artifacts: Artifacts, tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(artifacts.put_bytes, [DATA] * 64)) == {DIGEST}
    assert files(tmp_path / "artifacts") == [artifacts.path(DIGEST)]
    assert artifacts.get(DIGEST) == DATA


def test_all_lists_artifacts_in_order_and_nothing_else(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    stored = sorted(artifacts.put_bytes(str(number).encode()) for number in range(40))
    (tmp_path / "artifacts" / ".new-left-by-a-kill").write_bytes(b"half")
    (tmp_path / "artifacts" / "ff").mkdir(exist_ok=True)
    (tmp_path / "artifacts" / "ff" / "notes.txt").write_text("not an artifact")

    assert list(artifacts.all()) == stored


def test_a_folder_that_was_never_written_holds_nothing(artifacts: Artifacts) -> None:
    assert list(artifacts.all()) == []
    assert not artifacts.holds(ABSENT)


def test_a_missing_artifact_is_said_to_be_missing(artifacts: Artifacts, tmp_path: Path) -> None:
    with pytest.raises(ArtifactBroken, match="missing"):
        artifacts.get(ABSENT)
    with pytest.raises(ArtifactBroken, match="missing"):
        artifacts.verify(ABSENT)
    with pytest.raises(ArtifactBroken, match="missing"):
        artifacts.link(ABSENT, tmp_path / "linked")


@pytest.mark.parametrize("altered", [DATA[:-1], DATA + b"x", b"X" + DATA[1:], b""])
def test_an_altered_artifact_is_said_to_be_altered(
    artifacts: Artifacts, tmp_path: Path, altered: bytes
) -> None:
    stored = artifacts.path(artifacts.put_bytes(DATA))
    stored.chmod(0o644)
    stored.write_bytes(altered)

    with pytest.raises(ArtifactBroken, match="altered"):
        artifacts.get(DIGEST)
    with pytest.raises(ArtifactBroken, match="altered"):
        artifacts.verify(DIGEST)
    with pytest.raises(ArtifactBroken, match="altered"):
        artifacts.link(DIGEST, tmp_path / "linked")
    assert not (tmp_path / "linked").exists()


def test_an_unreadable_artifact_is_said_to_be_unreadable(artifacts: Artifacts) -> None:
    artifacts.path(ABSENT).mkdir(parents=True)

    with pytest.raises(StoreUnavailable, match="cannot be read"):
        artifacts.get(ABSENT)
    assert not artifacts.holds(ABSENT)


@pytest.mark.parametrize(
    "text",
    ["", "..", "../" * 20 + "etc/passwd", DIGEST[:-1], DIGEST + "0", DIGEST.upper(), DIGEST + "\n"],
)
def test_a_path_is_made_of_a_digest_only(artifacts: Artifacts, text: str) -> None:
    for use in (artifacts.path, artifacts.get, artifacts.holds, artifacts.verify):
        with pytest.raises(ValueError, match="not a sha256 digest"):
            use(text)


def test_a_link_shares_the_stored_bytes_and_is_read_only(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    artifacts.put_bytes(DATA)
    target = tmp_path / "work" / "deep" / "part.csv"

    artifacts.link(DIGEST, target)

    assert target.read_bytes() == DATA
    assert target.samefile(artifacts.path(DIGEST))
    assert target.stat().st_mode & 0o777 == 0o444


def test_where_a_hard_link_cannot_be_a_copy_is_made(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def across_devices(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    artifacts.put_bytes(DATA)
    monkeypatch.setattr(os, "link", across_devices)
    target = tmp_path / "copy"

    artifacts.link(DIGEST, target)

    assert target.read_bytes() == DATA
    assert not target.samefile(artifacts.path(DIGEST))
    assert target.stat().st_mode & 0o777 == 0o444


def test_a_link_never_replaces_a_file(artifacts: Artifacts, source: Path) -> None:
    digest = artifacts.put_bytes(b"other")

    with pytest.raises(StoreUnavailable, match="cannot be written"):
        artifacts.link(digest, source)
    assert source.read_bytes() == DATA


def test_a_source_that_is_not_there_is_not_found(artifacts: Artifacts, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        artifacts.put_file(tmp_path / "absent")
    with pytest.raises(NotFound, match="no file"):
        digest_file(tmp_path / "absent")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        digest_file(tmp_path)


def test_a_file_has_a_digest_and_a_size(source: Path) -> None:
    assert digest_file(source) == (DIGEST, len(DATA))


def test_a_folder_that_cannot_be_made_is_said(source: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        Artifacts(source / "artifacts").put_bytes(DATA)


FULL_DISK = """
import resource, sys
from pathlib import Path
from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import StoreUnavailable
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
try:
    Artifacts(Path(sys.argv[1])).put_file(Path(sys.argv[2]))
except StoreUnavailable as error:
    print(error)
"""


def test_a_write_that_fails_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"

    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder), str(source)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "cannot be written" in ran.stdout
    assert files(folder) == []
