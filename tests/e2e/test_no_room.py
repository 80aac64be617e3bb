"""A store that cannot be written: read-only, or on a disk that is full."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_graph.graph import connect

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]
NOBODY = 65534

FULL = """
import resource, sys
from pathlib import Path
from lineage_graph.errors import StoreUnavailable
from lineage_graph.graph import connect

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

store, source = Path(sys.argv[1]), sys.argv[2]
with connect(store) as graph:
    graph.dataset("before")
    for size in (4096, 100_000):
        room(size)
        try:
            graph.dataset("fares", source, header=True)
        except StoreUnavailable as error:
            print(error)
        room(resource.RLIM_INFINITY)
room(resource.RLIM_INFINITY)
with connect(store) as graph:
    graph.verify()
    assert [row["name"] for row in graph.datasets()] == ["before"], graph.datasets()
    assert not list((store / "artifacts").rglob(".new-*"))
    graph.dataset("fares", source, header=True)
    graph.verify()
    assert graph.describe("fares")["versions"] == 1
"""


def test_a_full_disk_is_said_nothing_is_half_written_and_work_goes_on(
    store: Path, tmp_path: Path
) -> None:
    source = tmp_path / "fares.csv"
    source.write_text("city,fare\n" + "somewhere,1\n" * 100_000)
    done = subprocess.run(
        [sys.executable, "-c", FULL, store, source],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    complaints = done.stdout.splitlines()
    assert len(complaints) == 2
    assert all("disk" in complaint and str(store) in complaint for complaint in complaints)


READING = """
import contextlib, io, os, sys
from lineage_graph.cli import main
# What is imported late must be imported by who may read the packages.
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--store", sys.argv[1], *sys.argv[3:]])
if os.getuid() == 0:
    os.setgid({nobody})
    os.setuid({nobody})
main(["--store", sys.argv[2], *sys.argv[3:]])
"""


@pytest.mark.parametrize("command", [("datasets",), ("show", "fares"), ("lineage", "fares")])
def test_a_store_that_may_only_be_read_is_answered_or_refused_clearly(
    store: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    source = tmp_path / "fares.csv"
    source.write_text("city,fare\na,1\n")
    with connect(store) as graph:
        graph.dataset("fares", source, header=True)
        chain = graph.verify()["chain"]
    shutil.copytree(store, tmp_path / "warm")
    everything = [store, *store.rglob("*")]
    reachable = [tmp_path, *tmp_path.parents] if os.getuid() == 0 else []
    modes = {path: path.stat().st_mode for path in [*everything, *reachable]}
    try:
        for path in everything:
            path.chmod(0o555 if path.is_dir() else 0o444)
        for path in reachable:
            path.chmod(modes[path] | 0o055)
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                READING.format(nobody=NOBODY),
                tmp_path / "warm",
                store,
                *command,
            ],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
        )
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert "Traceback" not in done.stderr
    assert "was not expected" not in done.stderr
    if done.returncode == 0:
        assert "fares" in done.stdout
    else:
        assert done.returncode == 1
        assert str(store) in done.stderr
        assert "writable" in done.stderr
    with connect(store) as graph:
        assert graph.verify()["chain"] == chain
