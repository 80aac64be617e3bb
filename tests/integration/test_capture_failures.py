"""What goes wrong: in the user's job, in the recorder, and what must never be kept."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

pytestmark = pytest.mark.spark
PLANTED = "hunter2-planted"


def test_a_failed_job_is_recorded_by_the_class_of_its_error_and_has_no_output(
    capture: Any,
) -> None:
    path = str(capture.out / "failed")
    failing = capture.csv().withColumn("x", F.raise_error(F.concat(F.lit("planted"), "name")))
    with pytest.raises(PySparkException, match="planted"):
        failing.write.parquet(path)
    (done,) = capture.activities(f"write parquet {path}")
    assert (done["status"], done["error"]) == ("failed", "USER_RAISED_EXCEPTION")
    assert path not in {row["name"] for row in capture.graph.datasets()}
    assert "plantedn" not in capture.graph.export().decode()
    assert capture.problems == []


def test_a_job_without_its_input_is_recorded_as_failed(capture: Any) -> None:
    path = str(capture.out / "nothing")
    for df, error in (
        (capture.spark.read.schema("a INT").csv(str(capture.sources / "no.csv")), "PATH_NOT_FOUND"),
        (capture.spark.table("no_such_table"), "TABLE_OR_VIEW_NOT_FOUND"),
        (capture.csv().select("no_such_column"), "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    ):
        with pytest.raises(PySparkException):
            df.write.parquet(path)
        done = capture.activities(f"write parquet {path}")[-1]
        assert (done["status"], done["error"]) == ("failed", error)
    assert capture.problems == []


def only_once(capture: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert len(capture.problems) == 1, capture.problems
    warned = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [r.getMessage().startswith("Not recorded: ") for r in warned] == [True]


def test_artifacts_that_cannot_be_written_do_not_hurt_the_job(
    capture: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = capture.graph.folders.artifacts
    away = folder.with_name("away")
    capture.write(capture.csv())
    folder.rename(away)
    folder.write_text("a file where the folder should be")
    try:
        written = capture.write(capture.csv(capture.people("b.csv", 6)))
    finally:
        folder.unlink()
        away.rename(folder)
    assert capture.spark.read.parquet(written).count() == 6
    only_once(capture, caplog)
    after = capture.write(capture.csv().where("id > 2"))
    assert capture.origin(after).replayable


def test_a_ledger_that_is_locked_does_not_hurt_the_job(
    capture: Any, caplog: pytest.LogCaptureFixture
) -> None:
    capture.write(capture.csv())
    ledger = capture.graph._ledger._writer
    ledger.execute("PRAGMA busy_timeout = 100")
    other = sqlite3.connect(capture.graph.folders.ledger, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    written = capture.write(capture.csv().where("id > 1"))
    other.close()
    ledger.execute("PRAGMA busy_timeout = 30000")
    assert capture.spark.read.parquet(written).count() == 4
    only_once(capture, caplog)
    after = capture.write(capture.csv().where("id > 2"))
    assert capture.origin(after).replayable


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_secret_reaches_neither_the_store_nor_a_message(
    capture: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", PLANTED)
    capture.spark.conf.set("spark.hadoop.fs.s3a.secret.key", PLANTED)
    capture.spark.sql(f"SET my.api.token={PLANTED}").collect()
    url = f"jdbc:derby:memory:planted;create=true;user=app;password={PLANTED}"
    login = {"user": "app", "password": PLANTED}
    people = capture.csv()
    people.write.jdbc(url, "people", properties=login)
    back = capture.write(capture.spark.read.jdbc(url, "people", properties=login))
    secretive = capture.spark.read.option("sasToken", PLANTED)
    capture.write(secretive.schema("a STRING").csv(capture.people()))
    with pytest.raises(PySparkException):
        people.write.parquet(f"s3a://key:{PLANTED}@bucket/x")

    assert capture.graph.describe(back)["rows"] == 6
    assert not capture.origin(back).replayable
    assert PLANTED.encode() not in kept(capture.graph.folders.root)
    assert PLANTED.encode() not in capture.graph.export()
    assert not any(PLANTED in text for text in [*capture.problems, caplog.text])
    # What is written to a database is made again as files.
    (database,) = {r["name"] for r in capture.graph.datasets() if r["name"].startswith("jdbc")}
    assert capture.graph.rebuild(database).verdict == "identical"


def test_types_that_cannot_be_hashed_do_not_hurt_the_job(capture: Any) -> None:
    odd = (
        "SELECT id, map('a', id) AS m, parse_json('[1]') AS v, INTERVAL 1 DAY AS i, "
        "struct(id AS `a.b`, array(map(id, 'x')) AS n) AS s, binary('x') AS b, NULL AS nothing"
    )
    capture.csv().createOrReplaceTempView("people")
    df = capture.spark.sql(f"{odd} FROM people")
    capture.proven(capture.write(df))
