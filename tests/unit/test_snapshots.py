"""Pinned inputs: what is listed, what is put back, and which change is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import ArtifactBroken, InputChanged
from lineage_graph.executors import Pin, Place
from lineage_graph.snapshots import Snapshots, files_of, is_local, plain_path


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


@pytest.fixture
def snapshots(artifacts: Artifacts) -> Snapshots:
    return Snapshots(artifacts)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A folder as Spark leaves it: partitions, and files of its own."""
    folder = tmp_path / "table"
    for year in ("2024", "2025"):
        (folder / f"year={year}").mkdir(parents=True)
        (folder / f"year={year}" / "part-0.csv").write_text(f"{year}\n")
    (folder / "_SUCCESS").touch()
    (folder / ".part-0.csv.crc").touch()
    return folder


def names(snapshots: Snapshots, pin: Pin) -> list[str]:
    assert pin.manifest is not None
    return [file.name for file in snapshots.files(pin.manifest)]


def csv(*paths: Path | str) -> Place:
    return Place(tuple(map(str, paths)), "csv")


def test_what_spark_reads_is_listed_and_nothing_else(snapshots: Snapshots, table: Path) -> None:
    pin = snapshots.pin(csv(table))
    assert names(snapshots, pin) == ["year=2024/part-0.csv", "year=2025/part-0.csv"]
    assert (pin.snapshot, pin.size) == ("copy", 10)


def test_the_same_files_elsewhere_have_the_same_manifest(
    snapshots: Snapshots, table: Path, tmp_path: Path
) -> None:
    before = snapshots.pin(csv(table)).manifest
    table.rename(tmp_path / "moved")
    assert snapshots.pin(csv(tmp_path / "moved")).manifest == before


@pytest.mark.parametrize("kind", ["one file", "a folder", "a glob", "two folders"])
def test_copies_are_put_back_as_they_were_read(
    snapshots: Snapshots, table: Path, tmp_path: Path, kind: str
) -> None:
    paths = {
        "one file": [table / "year=2024" / "part-0.csv"],
        "a folder": [table],
        "a glob": [table / "year=*"],
        "two folders": [table / "year=2025", table / "year=2024"],
    }[kind]
    pin = snapshots.pin(csv(*paths), "copy")
    before = [file.read_text() for _, file in files_of(pin.place.paths)]
    for file in table.rglob("part-*"):
        file.write_text("altered")
    place = snapshots.restore(pin, tmp_path / "restored")
    assert [file.read_text() for _, file in files_of(place.paths)] == before
    assert snapshots.place_below(pin, tmp_path / "restored") == place


def test_a_reference_is_read_where_it_lies(
    snapshots: Snapshots, artifacts: Artifacts, table: Path, tmp_path: Path
) -> None:
    pin = snapshots.pin(csv(table), "reference")
    assert len(list(artifacts.all())) == 1, "only the manifest is kept"
    assert snapshots.restore(pin, tmp_path / "restored") == pin.place
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("altered", r"part-0\.csv was altered after it was recorded.*Put the recorded file back"),
        ("gone", r"year=2024/part-0\.csv is gone"),
        ("new", r"part-1\.csv was not there when this was recorded"),
        ("everything gone", r"There is nothing at .*It was read when this was recorded"),
    ],
)
def test_a_change_is_noticed_and_the_file_is_named(
    snapshots: Snapshots, table: Path, tmp_path: Path, change: str, message: str
) -> None:
    pin = snapshots.pin(csv(table), "reference")
    file = table / "year=2024" / "part-0.csv"
    if change == "altered":
        file.write_text("2042\n")
    elif change == "gone":
        file.unlink()
    elif change == "new":
        file.with_name("part-1.csv").touch()
    else:
        table.rename(tmp_path / "moved")
    with pytest.raises(InputChanged, match=message):
        snapshots.check(pin)
    with pytest.raises(InputChanged):
        snapshots.restore(pin, tmp_path / "restored")


def test_a_change_that_keeps_size_and_time_is_noticed(snapshots: Snapshots, table: Path) -> None:
    file = table / "year=2024" / "part-0.csv"
    pin = snapshots.pin(csv(table), "reference")
    facts = file.stat()
    file.write_text("2042\n")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with pytest.raises(InputChanged, match="altered"):
        snapshots.check(pin)


def test_a_kept_copy_that_was_altered_is_never_put_back(
    snapshots: Snapshots, artifacts: Artifacts, table: Path, tmp_path: Path
) -> None:
    pin = snapshots.pin(csv(table), "copy")
    assert pin.manifest is not None
    kept = artifacts.path(snapshots.files(pin.manifest)[0].sha256)
    kept.chmod(0o600)
    kept.write_text("2042\n")
    with pytest.raises(ArtifactBroken, match="altered"):
        snapshots.check_copy(pin)
    with pytest.raises(ArtifactBroken, match="altered"):
        snapshots.restore(pin, tmp_path / "restored")


def test_a_copy_that_was_lost_is_made_again_when_the_file_is_pinned_once_more(
    snapshots: Snapshots, artifacts: Artifacts, table: Path
) -> None:
    pin = snapshots.pin(csv(table), "copy")
    assert pin.manifest is not None
    for file in snapshots.files(pin.manifest):
        artifacts.path(file.sha256).unlink()
    snapshots.check_copy(snapshots.pin(csv(table), "copy"))


def test_large_inputs_are_only_referred_to(
    snapshots: Snapshots, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineage_graph.snapshots.AUTOMATIC_COPY_LIMIT", 9)
    assert snapshots.pin(csv(table)).snapshot == "reference"
    assert snapshots.pin(csv(table), "copy").snapshot == "copy"


def test_uploaded_data_is_kept_whole(snapshots: Snapshots, artifacts: Artifacts) -> None:
    chunk, schema = artifacts.put_bytes(b"arrow"), artifacts.put_bytes(b"struct<>")
    pin = snapshots.pin(Place((chunk,), "local", {"schema": schema}))
    assert (pin.snapshot, pin.size) == ("copy", 13)
    snapshots.check_copy(pin)
    artifacts.path(schema).unlink()
    with pytest.raises(ArtifactBroken, match="missing"):
        snapshots.check_copy(pin)


@pytest.mark.parametrize("place", [csv("s3a://bucket/rows.csv"), Place(("view",), "table")])
def test_what_is_not_on_this_machine_has_no_manifest(snapshots: Snapshots, place: Place) -> None:
    assert snapshots.pin(place, "copy") == Pin(place, None, "reference")


def test_nothing_at_a_place_is_said(snapshots: Snapshots, tmp_path: Path) -> None:
    with pytest.raises(InputChanged, match="There is nothing at"):
        snapshots.pin(csv(tmp_path / "absent"))


def test_paths_are_the_same_however_they_are_written(tmp_path: Path) -> None:
    assert plain_path(f"file:{tmp_path}/a%20b") == f"{tmp_path}/a b"
    assert plain_path(f"{tmp_path}/x/../a%20b") == f"{tmp_path}/a%20b"
    assert is_local("rows.csv") and is_local("file:///rows.csv")
    assert not is_local("hdfs://rows.csv")
