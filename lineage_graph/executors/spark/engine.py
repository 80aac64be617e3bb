"""A private Spark Connect server on this machine, for one program.

``java`` is launched directly with the server's class: no shell script, no second JVM,
and without ``--add-modules=jdk.incubator.vector``, which Spark's own scripts add and
which changes the last bits of fitted coefficients. It listens on the loopback address
alone, on a port the system picks, and answers only who has its random token. It is
quiet (UTC, no web page, no console progress; what it says goes to a log file), keeps
its files in one private folder, and never outlives the process that started it.

Settings that only ``spark-submit`` reads, such as ``spark.jars.packages`` and
``spark.driver.extraJavaOptions``, have no effect here.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_graph.errors import ExecutorUnavailable, MissingExtra
from lineage_graph.executors.spark import leash
from lineage_graph.executors.spark.class_archive import ClassArchive
from lineage_graph.executors.spark.java import Java, find_java

if TYPE_CHECKING:
    from pyspark.sql.connect.client import DefaultChannelBuilder

PARTITIONS = 8

DETERMINISTIC_CONF: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.leafNodeDefaultParallelism": str(PARTITIONS),
    "spark.sql.shuffle.partitions": str(PARTITIONS),
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
}
"""Settings that decide results, fixed whatever the number of cores; kept in the record."""

QUIET_CONF: Mapping[str, str] = {
    "spark.app.name": "lineage-graph",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}

LOOPBACK_CONF: Mapping[str, str] = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}

SERVER_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"

# What Spark's own launcher passes (JavaModuleOptions), less the vector module.
JVM_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(
        f"--add-opens={package}=ALL-UNNAMED"
        for package in (
            "java.base/java.lang",
            "java.base/java.lang.invoke",
            "java.base/java.lang.reflect",
            "java.base/java.io",
            "java.base/java.net",
            "java.base/java.nio",
            "java.base/java.util",
            "java.base/java.util.concurrent",
            "java.base/java.util.concurrent.atomic",
            "java.base/jdk.internal.ref",
            "java.base/sun.nio.ch",
            "java.base/sun.nio.cs",
            "java.base/sun.security.action",
            "java.base/sun.util.calendar",
            "java.security.jgss/sun.security.krb5",
        )
    ),
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
    "-Duser.timezone=UTC",
)

SERIAL_GC_THREADS = 4
"""Up to so many task threads, the collector that starts fastest is used."""

LOG4J = f"""\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.server.name = {SERVER_CLASS}
logger.server.level = info
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{{HH:mm:ss}} %p %c{{1}}: %m%n%ex
"""

STARTED = re.compile(r"Spark Connect server started at: \S*:(\d+)$", re.MULTILINE)
MASTERS = re.compile(r"local(\[(\d+|\*)(,\d+)?\])?|local-cluster\[.+\]|(spark|k8s)://.+|yarn")
START_SECONDS = 180.0
END_SECONDS = 10.0
ARCHIVE_SECONDS = 120.0


@dataclass(frozen=True)
class _Launch:
    """What one attempt to start is made of."""

    java: Java
    spark: Path
    home: Path
    token: str
    options: list[str]
    conf: Mapping[str, str]
    archive: ClassArchive | None


class Engine:
    """A running server.

    Attributes:
        url: Where it listens, ``sc://localhost:<port>``. The name, not the address:
            with a token, Spark's client tries TLS on any other host.
        token: What a client has to show; a secret.
        pid: Process id of the JVM, which leads its own process group.
        log: Its log file, removed by :meth:`stop` with all its other files.
        java: The Java it runs on.
        master: Spark's master, such as ``local[2]``.
        conf: The Spark settings it was started with.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, launch: _Launch) -> None:
        self.url = f"sc://localhost:{port}"
        self.token = launch.token
        self.pid = process.pid
        self.log = launch.home / "engine.log"
        self.java = launch.java
        self.master = launch.conf["spark.master"]
        self.conf = launch.conf
        self._process = process
        self._home = launch.home
        self._archiving = launch.archive is not None and launch.archive.part is not None
        self._owner = os.getpid()
        atexit.register(self.stop)

    @classmethod
    def start(
        cls,
        master: str | None = None,
        memory: str | None = None,
        conf: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Engine:
        """Start a server and wait until it answers.

        A relative path in a plan is taken from the folder the program is in now.

        Args:
            master: Spark's master; by default ``local`` with one thread a core, at most
                as many as there are partitions.
            memory: Heap, such as ``4g``; by default ``LINEAGE_GRAPH_SPARK_MEMORY``, else
                at most half of the memory the machine or the container has.
            conf: Further Spark settings; they go before ours.
            folder: Where the server's private folder (log, temporary files, warehouse)
                is made; by default, and where its path has a comma, the system's folder
                for temporary files.

        Raises:
            MissingExtra: pyspark or Java is not there.
            ExecutorUnavailable: It did not start; the message quotes its last words and
                names its log.
        """
        master = master or f"local[{min(_cores(), PARTITIONS)}]"
        if not MASTERS.fullmatch(master):
            raise ExecutorUnavailable(
                f"{master!r} is no Spark master. Say local[2], spark://host:port, "
                "k8s://host:port or yarn; or sc://host:port for a Spark Connect server."
            )
        java, spark = find_java(), _spark_home()
        options = [*_collector(master), _heap(memory)]
        archive = ClassArchive.open(java, str(spark / "jars"), options)
        launch = _Launch(
            java=java,
            spark=spark,
            home=_private_folder(folder),
            token=secrets.token_urlsafe(32),
            options=options,
            conf=_settings(master, conf or {}),
            archive=archive,
        )
        try:
            return cls(*_attempt(launch), launch)
        except ExecutorUnavailable:
            if archive is None or archive.part is not None:
                raise
        archive.discard()
        launch = _Launch(**{**vars(launch), "archive": None})
        return cls(*_attempt(launch), launch)

    def channel(self) -> DefaultChannelBuilder:
        """Return what a Spark Connect client is built with, token included.

        The token goes with the channel and not through the environment, where every
        other client and child process of the program would find it.
        """
        from pyspark.sql.connect.client import DefaultChannelBuilder

        # gRPC would send even loopback calls through a proxy named in the environment.
        builder = DefaultChannelBuilder(self.url, [("grpc.enable_http_proxy", 0)])
        builder.set("token", self.token)
        return builder

    def alive(self) -> bool:
        """Return whether the server still runs and was not stopped."""
        return self._home.exists() and self._process.poll() is None

    def stop(self) -> None:
        """End the server, its process group alone, and remove its files. Safe to repeat.

        A copy of this object in a forked process does nothing: the server is its parent's.
        """
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.stop)
        _end(self._process, wait=not self._archiving)
        shutil.rmtree(self._home, ignore_errors=True)


def _attempt(launch: _Launch) -> tuple[subprocess.Popen[bytes], int]:
    """Launch the server and return its process and port once it says it has started."""
    log = launch.home / "engine.log"
    process = _spawn(launch, log)
    deadline = time.monotonic() + START_SECONDS
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if said := STARTED.search(log.read_text(encoding="utf-8", errors="replace")):
                return process, int(said.group(1))
            time.sleep(0.05)
    except BaseException:
        _end(process)
        raise
    status = process.poll()
    _end(process)
    what = f"ended with status {status}" if status is not None else "did not answer in time"
    raise ExecutorUnavailable(
        f"The Spark engine ({launch.conf['spark.master']}, Java {launch.java.version}) {what}. "
        f"{_last_words(log)} Read {log}; if memory is short, set LINEAGE_GRAPH_SPARK_MEMORY."
    )


def _spawn(launch: _Launch, log: Path) -> subprocess.Popen[bytes]:
    part, final = "", ""
    if launch.archive is not None and launch.archive.part is not None:
        part, final = str(launch.archive.part), str(launch.archive.file)
    grace = ARCHIVE_SECONDS if part else END_SECONDS
    command = [sys.executable, "-I", "-S", leash.__file__, str(grace), part, final]
    command += [str(launch.java.program), f"@{_argument_file(launch)}", SERVER_CLASS]
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(launch),
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes], wait: bool = True) -> None:
    """Let go of the leash, and see that the process group has ended."""
    if process.stdin is not None:
        process.stdin.close()
    if not wait:
        threading.Thread(target=process.wait, daemon=True).start()
        return
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _argument_file(launch: _Launch) -> Path:
    """Write the JVM's arguments to a file only its owner reads: settings can be secrets."""
    log4j = launch.home / "log4j2.properties"
    log4j.write_text(LOG4J, encoding="utf-8")
    arguments = [
        *JVM_OPTIONS,
        *launch.options,
        *(launch.archive.options() if launch.archive is not None else []),
        f"-Dlog4j2.configurationFile={log4j.as_uri()}",
        f"-XX:ErrorFile={launch.home / 'crash.log'}",
        f"-Djava.io.tmpdir={launch.home}",
        f"-Dderby.system.home={launch.home}",
        f"-Dspark.local.dir={launch.home}",
        f"-Dspark.sql.warehouse.dir={launch.home / 'warehouse'}",
        "-Dspark.connect.grpc.binding.address=127.0.0.1",
        "-Dspark.connect.grpc.binding.port=0",
        *(f"-D{key}={value}" for key, value in launch.conf.items()),
        "-cp",
        str(launch.spark / "jars" / "*"),
    ]
    file = launch.home / "java.arguments"
    file.touch(mode=0o600)
    file.write_bytes(b"\n".join(_quoted(argument) for argument in arguments))
    return file


def _quoted(argument: str) -> bytes:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"' + os.fsencode(escaped) + b'"'


def _environment(launch: _Launch) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SPARK_", "PYSPARK_")) and name != "JDK_JAVA_OPTIONS"
    }
    return inherited | {
        "JAVA_HOME": str(launch.java.home),
        # The locale decides how Java reads file names, and how it upper-cases.
        "LC_ALL": "C.UTF-8",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": launch.token,
        "SPARK_HOME": str(launch.spark),
        "SPARK_SCALA_VERSION": "2.13",
    }


def _settings(master: str, conf: Mapping[str, str]) -> dict[str, str]:
    loopback = LOOPBACK_CONF if master.startswith("local") else {}
    return {**QUIET_CONF, **loopback, **DETERMINISTIC_CONF, **conf, "spark.master": master}


def _collector(master: str) -> list[str]:
    threads = re.fullmatch(r"local(?:\[(\d+)(?:,\d+)?\])?", master)
    if threads and int(threads.group(1) or 1) <= SERIAL_GC_THREADS:
        return ["-XX:+UseSerialGC"]
    return []


def _heap(memory: str | None) -> str:
    asked = memory or os.environ.get("LINEAGE_GRAPH_SPARK_MEMORY")
    if not asked:
        return "-XX:MaxRAMPercentage=50"
    if not re.fullmatch(r"[1-9]\d*[kmgt]", asked, re.IGNORECASE):
        raise ExecutorUnavailable(f"{asked!r} is no amount of memory; write it as 2g or 1500m.")
    return f"-Xmx{asked}"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _spark_home() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise MissingExtra('Spark is not installed. Type: pip install "lineage-graph[spark]"')
    return Path(spec.origin).parent


def _private_folder(folder: Path | None) -> Path:
    if folder is not None and "," in str(folder.absolute()):
        # Spark takes a comma in its local folder for the start of another folder.
        folder = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="engine-", dir=folder)).resolve()


def _last_words(log: Path) -> str:
    """Return the log's last lines that are no stack frames."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and not line.startswith(("\t", " "))]
    return "It said: " + " | ".join(said[-4:])[-1000:] + "." if said else "It said nothing."
