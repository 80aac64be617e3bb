"""The same program in two processes is the same plan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

PROGRAM = """
import sys
from pathlib import Path
from pyspark.sql import functions as F
import lineage_graph

folder, address = Path(sys.argv[1]), sys.argv[2]
with lineage_graph.connect(folder / "store") as graph:
    spark = graph.spark(address)
    read = spark.read.csv(str(folder / "a.csv"), header=True, schema="id INT, v DOUBLE")
    read.createOrReplaceTempView("given")
    twice = F.udf(lambda v: v * 2, "double")
    joined = spark.sql("SELECT id, v FROM {df} JOIN given USING (id, v)", df=read)
    doubled = joined.withColumn("twice", twice("v")).join(read, ["id", "v"])
    doubled.write.parquet(str(folder / "out"))
    print(graph.query("records/activity")[-1]["plan"], graph.problems)
"""


@pytest.mark.spark
def test_two_processes_in_two_folders_record_the_same_plan(engine: Engine, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    said = set()
    for number, seed in enumerate(("1", "2")):
        folder = tmp_path / f"folder {number}"
        folder.mkdir()
        (folder / "a.csv").write_text(f"id,v\n1,{number}.5\n2,2.5\n")
        run = subprocess.run(
            [sys.executable, program, folder, f"{engine.url}/;token={engine.token}"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        said.add(run.stdout.strip())
    (plan,) = said
    assert plan.startswith("urn:lineage-graph:plan:") and plan.endswith("[]")
