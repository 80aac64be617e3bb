"""The private Spark engine: what a person relies on, and how it ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psutil
import pyspark
import pytest

from lineage_graph.errors import ExecutorUnavailable, MissingExtra
from lineage_graph.executors.spark import leash
from lineage_graph.executors.spark.class_archive import ClassArchive
from lineage_graph.executors.spark.engine import DETERMINISTIC_CONF, Engine
from lineage_graph.executors.spark.java import Java, find_java

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

JARS = Path(pyspark.__file__).parent / "jars"

ALONE = """
import sys, time
from pathlib import Path
from lineage_graph.executors.spark.engine import Engine
engine = Engine.start(master="local[1]", memory="1g", folder=Path(sys.argv[1]))
print(engine.pid, engine.url, flush=True)
time.sleep(600)
"""


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def running(pid: int) -> bool:
    try:
        ended: bool = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    return not ended


@pytest.mark.spark
def test_it_answers_with_the_deterministic_settings(spark: SparkSession) -> None:
    assert spark.range(10).count() == 10
    assert {key: spark.conf.get(key) for key in DETERMINISTIC_CONF} == dict(DETERMINISTIC_CONF)


@pytest.mark.spark
def test_the_vector_module_is_absent(engine: Engine) -> None:
    command = psutil.Process(engine.pid).cmdline()
    arguments = Path(next(a for a in command if a.startswith("@"))[1:])
    assert "incubator" not in " ".join(command) + arguments.read_text()


@pytest.mark.spark
def test_the_token_is_told_to_nobody(engine: Engine) -> None:
    command = psutil.Process(engine.pid).cmdline()
    arguments = Path(next(a for a in command if a.startswith("@"))[1:])
    assert engine.token not in " ".join(command) + arguments.read_text() + engine.url
    assert engine.token not in "".join(os.environ.values())
    assert stat.S_IMODE(arguments.stat().st_mode) == 0o600


@pytest.mark.spark
def test_it_listens_on_the_loopback_address_alone(engine: Engine) -> None:
    sockets = psutil.Process(engine.pid).net_connections(kind="tcp")
    listening = {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN}
    assert listening and listening <= {"127.0.0.1", "::ffff:127.0.0.1"}


@pytest.mark.spark
def test_a_client_without_the_token_is_refused(engine: Engine) -> None:
    from pyspark.sql.connect.proto import AnalyzePlanRequest, AnalyzePlanResponse

    request = AnalyzePlanRequest(session_id="11111111-1111-4111-8111-111111111111")
    request.spark_version.SetInParent()
    with grpc.insecure_channel(engine.url.removeprefix("sc://")) as channel:
        call = channel.unary_unary(
            "/spark.connect.SparkConnectService/AnalyzePlan",
            request_serializer=AnalyzePlanRequest.SerializeToString,
            response_deserializer=AnalyzePlanResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as refused:
            call(request, timeout=30)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.spark
def test_it_dies_with_a_killed_parent_and_not_of_an_interrupt(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ALONE, str(tmp_path / "a naïve folder")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        pid, _, url = parent.stdout.readline().strip().partition(" ")
        server = int(pid)
        assert url.startswith("sc://localhost:")
        # What Ctrl-C sends reaches every process of the terminal's group, not just one.
        assert os.getpgid(server) == server != os.getpgid(parent.pid)
        assert running(server)
        parent.kill()
    assert eventually(lambda: not running(server))


@pytest.mark.spark
def test_a_broken_class_archive_is_discarded_and_stopping_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = ["-XX:+UseSerialGC", "-Xmx1g"]
    archive = ClassArchive(find_java(), str(JARS), options)
    usable = ClassArchive.open(find_java(), str(JARS), options) is not None
    archive.file.parent.mkdir(parents=True, exist_ok=True)
    archive.file.write_bytes(b"no archive at all")

    engine = Engine.start(master="local[1]", memory="1g", folder=tmp_path / "one, or two")
    assert engine.alive()
    assert archive.file.exists() is not usable
    engine.stop()
    engine.stop()

    assert not engine.alive()
    assert not running(engine.pid)
    assert not engine.log.parent.exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"]


@pytest.mark.spark
def test_a_setting_spark_refuses_is_quoted_with_the_log(tmp_path: Path) -> None:
    broken = {"spark.executor.heartbeatInterval": "often"}
    with pytest.raises(ExecutorUnavailable, match=r"(?s)local\[1\].*engine\.log") as failure:
        Engine.start(master="local[1]", memory="1g", conf=broken, folder=tmp_path)
    assert "heartbeatInterval" in str(failure.value)


def test_memory_that_is_no_amount_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_GRAPH_SPARK_MEMORY", "lots")
    with pytest.raises(ExecutorUnavailable, match="'lots' is no amount of memory"):
        Engine.start(folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def fake_java(home: Path, version: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("lineage_graph.executors.spark.java.USUAL_FOLDERS", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


@pytest.mark.usefixtures("no_java")
def test_without_java_the_command_that_gets_one_is_said() -> None:
    with pytest.raises(MissingExtra, match=r'Type: pip install "lineage-graph\[java\]"'):
        find_java()


@pytest.mark.usefixtures("no_java")
def test_an_old_java_is_passed_over_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = fake_java(tmp_path / "old", "1.8.0_452")
    monkeypatch.setenv("JAVA_HOME", str(old))
    with pytest.raises(MissingExtra, match=r"Found only 1\.8\.0_452"):
        find_java()
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "new", "21.0.4") / "bin"))
    assert find_java() == Java(tmp_path / "new", "21.0.4")


@pytest.mark.usefixtures("no_java")
def test_of_the_usual_folders_the_oldest_java_that_will_do_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in ("25", "17.0.9", "11.0.2"):
        fake_java(tmp_path / "jvm" / f"jdk-{version}", version)
    monkeypatch.setattr(
        "lineage_graph.executors.spark.java.USUAL_FOLDERS", (str(tmp_path / "jvm" / "*"),)
    )
    assert find_java().major == 17


def test_a_trimmed_java_gets_no_class_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    java = Java(fake_java(tmp_path / "java", "17.0.9"), "17.0.9")
    assert ClassArchive.open(java, "jars", []) is None
    (java.home / "lib" / "server").mkdir(parents=True)
    (java.home / "lib" / "server" / "classes.jsa").touch()
    assert ClassArchive.open(java, "jars", []) is not None


def test_without_a_cache_folder_there_is_no_class_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert ClassArchive.open(find_java(), "jars", []) is None


def leashed(grace: str, part: Path, final: Path, script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, leash.__file__, grace, str(part), str(final), "/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def test_a_leashed_command_ends_with_the_pipe_and_its_file_is_renamed(tmp_path: Path) -> None:
    part, final = tmp_path / "part", tmp_path / "final"
    script = f"trap 'echo all > {part}; exit' TERM; echo ready; while :; do sleep 0.05; done"
    with leashed("60", part, final, script) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        assert eventually(final.exists)
    assert final.read_text() == "all\n" and not part.exists()


def test_a_leashed_command_that_will_not_end_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    with leashed("0.2", tmp_path / "part", tmp_path / "final", script) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == -signal.SIGKILL
