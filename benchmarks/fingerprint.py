"""Times the fingerprint of a table beside a scan and beside writing it; needs Spark."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, runs, show, spread

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.session import SparkSession

ROUNDS = 4
"""The first one warms Spark up and is not reported."""


def measure(rows: int = 500_000) -> list[Figure]:
    """Return the figures of a table of nine columns on an engine of our own."""
    from lineage_graph.executors.spark.engine import Engine

    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.start(master="local[2]", memory="2g", folder=Path(folder))
        try:
            return _measured(engine.channel(), Path(folder), rows)
        finally:
            engine.stop()


def _measured(channel: DefaultChannelBuilder, folder: Path, rows: int) -> list[Figure]:
    # pyspark.sql.functions looks here for which kind of Column to make.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    from pyspark.sql.connect.session import SparkSession

    from lineage_graph.executors.spark.fingerprint import fingerprint, observe

    spark = SparkSession.builder.channelBuilder(channel).create()
    _table(spark, rows).write.parquet(str(folder / "table"))
    table = spark.read.parquet(str(folder / "table"))

    def write(data: DataFrame) -> None:
        shutil.rmtree(folder / "copy", ignore_errors=True)
        data.write.parquet(str(folder / "copy"))

    measured: list[Callable[[], object]] = [
        lambda: table.write.format("noop").mode("overwrite").save(),
        lambda: fingerprint(table),
        lambda: write(table),
        lambda: write(observe(table)[0]),
    ]
    # In turn, so that what else the machine does meanwhile touches all of them.
    rounds = [[runs(work, 1)[0] for work in measured] for _ in range(ROUNDS)]
    scan, digest, plain, observed = (list(seconds) for seconds in zip(*rounds[1:], strict=True))
    spark.stop()
    return [
        Figure("rows of nine columns", f"{rows:,}"),
        Figure("scan that reads every column", spread(scan)),
        Figure("fingerprint", f"{spread(digest)}, {_times(digest, scan)} a scan"),
        Figure("write as Parquet", spread(plain)),
        Figure(
            "write that is fingerprinted in the same pass",
            f"{spread(observed)}, {_times(observed, plain)} a write",
        ),
    ]


def _table(spark: SparkSession, rows: int) -> DataFrame:
    from pyspark.sql import functions as F

    key = F.col("id")
    return spark.range(rows, numPartitions=4).select(
        key,
        (key % 1000).cast("int").alias("group"),
        F.rand(1).alias("share"),
        F.randn(2).alias("score"),
        F.concat(F.lit("name "), (key % 5000).cast("string")).alias("name"),
        F.sha2(key.cast("string"), 256).alias("code"),
        (key % 7 == 0).alias("flag"),
        F.timestamp_seconds(key).alias("at"),
        (key / 3).cast("decimal(18,4)").alias("amount"),
    )


def _times(some: list[float], others: list[float]) -> str:
    return f"{min(some) / min(others):.2f} times"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    show("Fingerprint", measure(parser.parse_args().rows))


if __name__ == "__main__":
    main()
