"""An identifier that Spark hashed is the one that a person is looked up by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage_graph.declarations import bundled
from lineage_graph.graph.declared import Declared
from lineage_graph.membership import Key
from lineage_graph.privacy.types import ANY_NUMBER, SemanticType, SemanticTypes, pattern

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

pytestmark = pytest.mark.spark
KEY = Key(bytes(range(32)))
AWKWARD = (
    *(
        "",
        " ",
        "\t529.982.247-25\u3000",
        "\uff15\uff12\uff19\uff19\uff18\uff12\uff12\uff14\uff17\uff12\uff15",
        "123",
        "000",
        "+55 (11) 9",
        "1'2\"3\\4",
    ),
    *(
        "Ana@EXAMPLE.org ",
        "İstanbul@x.org",
        "STRASSE ΣΑΣ",
        "ß\u1e9e",
        "e\u0301\u00e9",
        "\ufeffx\u200b",
    ),
    *(
        "\u2028a\u2029",
        "\x1ca\x1f",
        "\x85a\xa0",
        "\x00a",
        "🦊@x.org",
        "a\nb\r\n",
        "- - 1 -",
        "$1\\0",
    ),
    *("N/A", "-", "-1", "0", "não informado", "111.111.111-11", "ana@x", "ana@x.org", "a\n", "_é"),
)


def declared(name: str) -> str:
    """Return the declared form of a type's identifiers."""
    return SemanticTypes(Declared(bundled()), bundled()).named(name).form


@dataclass(frozen=True)
class Kind:
    """When two values are the same, as a type would say it."""

    name: str
    removes: str | None
    lower: bool
    width: int | None
    form: str = ANY_NUMBER

    @property
    def type(self) -> SemanticType:
        compiled = pattern(self.removes, "a test") if self.removes else None
        return SemanticType(
            "", self.name, {}, (), "", removes=self.removes, lower=self.lower, width=self.width,
            form=self.form, _pattern=compiled,
        )  # fmt: skip


KINDS = (
    Kind("digits", "[^0-9]", False, 11, r"(?!([0-9])\1*$)[0-9]{11}"),
    Kind("letters", "[^0-9A-Za-z]", True, 12),
    Kind("phone", r"[^\d+]", False, None),
    Kind("text", None, True, None),
    Kind("as it is", None, False, None),
    Kind("name", None, True, None, declared("username")),
    Kind("address", None, True, None, declared("email")),
)


@pytest.fixture(scope="module")
def hashes(spark: SparkSession) -> Any:
    from pyspark.sql.connect import functions as F

    from lineage_graph.executors.spark.membership import canonical, hashed, names

    def of(texts: list[str | None]) -> list[tuple[str, str | None, str | None, Any, bool]]:
        """Return for each kind and text what Spark makes of it."""
        rows = [(n, text, bytearray(KEY.secret)) for n, text in enumerate(texts)]
        df = spark.createDataFrame(rows, "n int, text string, secret binary")
        for kind in KINDS:
            df = df.withColumn(f"c_{kind.name}", canonical(F.col("text"), kind))
            df = df.withColumn(f"n_{kind.name}", names(F.col(f"`c_{kind.name}`"), kind))
            df = df.withColumn(f"h_{kind.name}", hashed(F.col("secret"), f"`c_{kind.name}`", kind))
        return [
            (kind.name, row["text"], *(row[f"{what}_{kind.name}"] for what in "chn"))
            for row in df.orderBy("n").collect()
            for kind in KINDS
        ]

    return of


def test_spark_makes_of_a_row_what_its_key_makes_of_it(spark: SparkSession) -> None:
    from pyspark.sql.connect import functions as F

    from lineage_graph.executors.spark.membership import row

    numbers = [0, -1, 7, 2**63 - 1, -(2**63)]
    rows = [(number, bytearray(KEY.secret)) for number in numbers]
    df = spark.createDataFrame(rows, "n long, secret binary")
    for one in df.select("n", row(F.col("secret"), F.col("n")).alias("kept")).collect():
        assert int.from_bytes(one["kept"], "big", signed=True) == KEY.row(one["n"])


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=300))
def test_spark_and_a_question_agree_on_who_is_the_same(hashes: Any, drawn: list[str]) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    for name, text, canonical, hashed, names in hashes([*AWKWARD, None, *drawn]):
        if text is None:
            assert canonical is None and hashed is None
            continue
        wanted = kinds[name].type.canonical(text)
        assert canonical == wanted, (name, text)
        assert names == kinds[name].type.names(text), (name, text)
        assert int.from_bytes(hashed, "big") == KEY.hashed(name, wanted), (name, text)
