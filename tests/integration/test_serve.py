"""The command ``lineage-graph serve``, as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from lineage_graph.access.tokens import Tokens
from lineage_graph.ledger.file import LedgerFile


@contextmanager
def served(store: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the command and give the process and its address."""
    said = store.with_name(f"{store.name}.log")
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lineage_graph", "serve", "--store", str(store), *options],
            stderr=log,
        )
    try:
        found = None
        while found is None:
            assert process.poll() is None, said.read_text()
            time.sleep(0.05)
            found = re.search(r"http://\S+:\d+", said.read_text())
        yield process, found[0]
    finally:
        process.kill()
        process.wait()


def ended(store: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command, which does not start, to its end."""
    command = [sys.executable, "-m", "lineage_graph", "serve", "--store", str(store), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("told", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_serves_until_it_is_told_to_end(store: Path, told: signal.Signals, status: int) -> None:
    with served(store, "--port", "0") as (process, address):
        assert httpx2.get(f"{address}/ready").json() == {"status": "ready"}
        process.send_signal(told)
        assert process.wait(30) == status


def test_a_second_server_says_that_the_port_is_taken(store: Path) -> None:
    with served(store, "--port", "0") as (_, address):
        port = address.rpartition(":")[2]
        second = ended(store, "--port", port)
        assert second.returncode == 1
        assert f"127.0.0.1:{port}" in second.stderr and "--port" in second.stderr
        assert httpx2.get(f"{address}/ready").status_code == 200


def test_others_are_not_listened_to_unless_they_can_say_who_they_are(store: Path) -> None:
    refused = ended(store, "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 3
    assert "lineage-graph tokens create NAME --role reader" in refused.stderr
    tokens = Tokens(store / "access")
    secret, _ = tokens.create("one", ["reader"])
    with served(store, "--host", "0.0.0.0", "--port", "0") as (_, address):
        here = address.replace("0.0.0.0", "127.0.0.1")
        assert httpx2.get(f"{here}/openapi.json").status_code == 401
        bearer = {"Authorization": f"Bearer {secret}"}
        assert httpx2.get(f"{here}/openapi.json", headers=bearer).status_code == 200
    tokens.revoke("one")
    tokens.close()
    assert ended(store, "--host", "0.0.0.0", "--port", "0").returncode == 3


def test_a_damaged_ledger_is_not_served(store: Path) -> None:
    store.mkdir()
    LedgerFile(store / "ledger.db").close()
    (store / "ledger.db").write_bytes(b"x" * 4096)
    refused = ended(store, "--port", "0")
    assert refused.returncode == 1
    assert "restore it from a backup" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
