"""What happened to a store behind its back is found, named and, where it can be, made good."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineage_graph.errors import ArtifactBroken, LedgerBroken
from lineage_graph.executors.spark.engine import Engine
from lineage_graph.graph import connect

Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def original(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a source, a dataset made of it, a model and its predictions."""
    from sklearn.linear_model import LinearRegression

    folder = tmp_path_factory.mktemp("damaged")
    source = folder / "fares.csv"
    source.write_text("city,fare\n" + "".join(f"city{n % 3},{n}\n" for n in range(30)))
    with connect(folder / "store") as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        graph.dataset("fares", source, header=True, inferSchema=True)
        graph.save(graph.read("fares").selectExpr("*", "fare * 2 AS price"), "prices")
        graph.fit(LinearRegression(), "prices", name="pricing", label="price", features=["fare"])
        graph.predict("pricing", "prices", name="guesses")
        graph.verify()
    shutil.copytree(folder / "store", folder / "pristine")
    return folder / "store"


@pytest.fixture
def store(original: Path) -> Iterator[Path]:
    """The store, which may be damaged: it lies where it was recorded and is put back after."""
    yield original
    shutil.rmtree(original)
    shutil.copytree(original.with_name("pristine"), original)


def entry_of(ledger: Path, seq: int, change: str) -> None:
    """Change an entry in the file itself."""
    with sqlite3.connect(ledger) as connection:
        connection.execute(change, (seq,))
    connection.close()


def settled(store: Path) -> Path:
    """Return the ledger as one file, without SQLite's log beside it."""
    ledger = store / "ledger.db"
    connection = sqlite3.connect(ledger)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return ledger


def test_a_flipped_byte_in_the_ledger_is_named(store: Path, cli: Run) -> None:
    ledger = settled(store)
    data = bytearray(ledger.read_bytes())
    with sqlite3.connect(ledger) as connection:
        ((body,),) = connection.execute("SELECT body FROM entry WHERE seq = 2")
    connection.close()
    data[data.index(body[:30]) + 20] ^= 1
    ledger.write_bytes(data)
    done = cli("verify")
    assert done.returncode == 1
    assert "Entry " in done.stderr
    assert "backup" in done.stderr


def test_a_missing_entry_is_named_and_the_store_is_not_opened(store: Path, cli: Run) -> None:
    entry_of(store / "ledger.db", 3, "DELETE FROM entry WHERE seq = ?")
    with pytest.raises(LedgerBroken, match="Entry 3") as refused:
        connect(store)
    assert refused.value.seq == 3
    for command in ("verify", "datasets"):
        done = cli(command)
        assert done.returncode == 1
        assert "Entry 3" in done.stderr


def test_an_entry_with_another_content_is_named(store: Path, cli: Run) -> None:
    change = "UPDATE entry SET body = replace(CAST(body AS text), 'fares', 'wages') WHERE seq = ?"
    entry_of(store / "ledger.db", 2, change)
    done = cli("verify", "--json")
    assert done.returncode == 1
    failure = json.loads(done.stderr)
    assert failure["code"] == "ledger-broken"
    assert "Entry 2" in failure["message"]


def test_a_truncated_ledger_is_refused(store: Path, cli: Run) -> None:
    ledger = settled(store)
    ledger.write_bytes(ledger.read_bytes()[: ledger.stat().st_size // 2])
    with pytest.raises(LedgerBroken, match="backup"):
        connect(store)
    done = cli("verify")
    assert done.returncode == 1
    assert str(ledger) in done.stderr
    ledger.write_bytes(b"")
    assert cli("datasets").returncode == 1
    assert ledger.read_bytes() == b""


@pytest.mark.parametrize("damage", ["deleted", "altered"])
def test_a_damaged_artifact_is_named(store: Path, cli: Run, damage: str) -> None:
    (copy,) = [
        path
        for path in (store / "artifacts").rglob("*")
        if path.is_file() and path.read_bytes().startswith(b"city,fare")
    ]
    source = store.with_name("fares.csv")
    if damage == "deleted":
        copy.unlink()
    else:
        copy.chmod(0o644)
        copy.write_bytes(copy.read_bytes().replace(b"city1", b"city7"))
    done = cli("verify")
    assert done.returncode == 1
    assert copy.name in done.stderr
    rebuilt = cli("rebuild", "prices", "--json")
    assert rebuilt.returncode == 1
    (found,) = json.loads(rebuilt.stdout)
    assert found["verdict"] == "impossible"
    assert copy.name in found["outputs"][-1]["explanation"]
    assert source.is_file()


def test_published_data_that_is_gone_or_altered_is_named_and_made_again(
    store: Path, cli: Run, address: str
) -> None:
    with connect(store) as graph:
        graph.spark(address)
        version = graph.resolve("prices")
        folder = store / "data" / version.rpartition(":")[2]
        (part,) = folder.glob("*.parquet")
        part.write_bytes(part.read_bytes()[:-1] + b"?")
        with pytest.raises(ArtifactBroken, match=version) as found:
            graph.verify()
        assert str(part) in str(found.value)
        assert "rebuild" in str(found.value)
        shutil.rmtree(folder)
        done = cli("verify")
        assert done.returncode == 1
        assert version in done.stderr
        rebuilt = graph.rebuild("prices", into=store.with_name("again"))
        assert rebuilt.verdict == "identical"
        # What was made of it is rebuilt too, by running its plan first.
        assert graph.rebuild("guesses").verdict == "identical"
        # The same files put back are the recorded ones again.
        (output,) = [o for o in rebuilt.outputs if o.place]
        shutil.copytree(str(output.place), folder)
        assert graph.verify()["published"] == 2


def test_a_projection_that_is_gone_damaged_or_not_ours_is_made_again(store: Path, cli: Run) -> None:
    def answers() -> list[str]:
        done = cli("datasets", "--json")
        assert done.returncode == 0
        return sorted(row["name"] for row in json.loads(done.stdout))

    before, projection = answers(), store / "graph"
    shutil.rmtree(projection)
    assert answers() == before
    for path in sorted(projection.rglob("*")):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert answers() == before
    shutil.rmtree(projection)
    (projection / "mine").mkdir(parents=True)
    (projection / "mine" / "thesis.txt").write_text("not a projection")
    assert answers() == before
    (aside,) = store.glob("graph.aside-*")
    assert (aside / "mine" / "thesis.txt").read_text() == "not a projection"
    assert cli("verify").returncode == 0
