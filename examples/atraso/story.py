"""Atraso: will a flight out of New York arrive late? Ordinary PySpark and scikit-learn.

Nothing here is special but the verbs on ``graph``: register, read, save, fit, predict.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.ml import Pipeline as SparkPipeline
from pyspark.ml.classification import LogisticRegression as SparkLogisticRegression
from pyspark.ml.feature import OneHotEncoder as SparkOneHotEncoder
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from examples.atraso.sources import said_by_open_flights
from lineage_graph.graph import Graph

NUMBERS = [
    *("distance", "hour", "month", "temp", "wind_speed", "visib", "seats", "plane_age"),
    "airlines",
]
WORDS = ["carrier", "origin"]


def register(graph: Graph, data: Path) -> None:
    """Say what the sources are and under which licences they came."""
    for name in ("flights", "weather", "planes"):
        graph.dataset(
            name,
            data / f"{name}.csv",
            license="CC0-1.0",
            owner="nycflights13",
            **read_options(name),
        )
    for name in ("routes", "airports"):
        graph.dataset(
            name,
            data / f"{name}.csv",
            license="Open Database License 1.0",
            evidence=said_by_open_flights(),
            attribution="OpenFlights",
            address="https://openflights.org/data",
            owner="OpenFlights",
            snapshot="reference",
            **read_options(name),
        )


def read_options(name: str) -> dict[str, Any]:
    """Return how Spark reads a source."""
    missing = {} if name in ("routes", "airports") else {"nullValue": "NA"}
    return {"header": True, "inferSchema": True, **missing}


def features(graph: Graph) -> DataFrame:
    """Join what is known before departure to every flight that arrived."""
    weather = graph.read("weather").select("origin", "time_hour", "temp", "wind_speed", "visib")
    planes = graph.read("planes").select("tailnum", "seats", F.col("year").alias("built"))
    routes = (
        graph.read("routes")
        .groupBy("Source", "Destination")
        .agg(F.countDistinct("Airline").alias("airlines"))
    )
    return (
        graph.read("flights")
        .where("arr_delay IS NOT NULL")
        .join(weather, ["origin", "time_hour"], "left")
        .join(planes, "tailnum", "left")
        .join(
            routes,
            (F.col("origin") == F.col("Source")) & (F.col("dest") == F.col("Destination")),
            "left",
        )
        .select(
            "year",
            "month",
            "day",
            "flight",
            *WORDS,
            "dest",
            "distance",
            "hour",
            "temp",
            "wind_speed",
            "visib",
            "seats",
            (F.col("year") - F.col("built")).alias("plane_age"),
            F.coalesce("airlines", F.lit(0)).alias("airlines"),
            (F.col("arr_delay") > 15).cast("int").alias("late"),
        )
    )


def destinations(graph: Graph) -> DataFrame:
    """Describe each destination by its flights and its place."""
    airports = graph.read("airports").select("IATA", "Latitude", "Longitude")
    flights = (
        graph.read("flight-features")
        .groupBy("dest")
        .agg(
            F.count("*").alias("flights"),
            F.round(F.avg("late"), 6).alias("share_late"),
            F.round(F.avg("distance"), 3).alias("miles"),
        )
    )
    return flights.join(airports, flights["dest"] == airports["IATA"]).drop("IATA")


def classifier() -> Pipeline:
    """Return a late-arrival classifier of scikit-learn."""
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            ("words", OneHotEncoder(handle_unknown="ignore"), WORDS),
        ]
    )
    return Pipeline([("prepare", prepared), ("classify", LogisticRegression(max_iter=300))])


def spark_classifier() -> SparkPipeline:
    """Return a late-arrival classifier of Spark ML."""
    return SparkPipeline(
        stages=[
            StringIndexer(inputCols=WORDS, outputCols=[f"{w}_index" for w in WORDS]),
            SparkOneHotEncoder(
                inputCols=[f"{w}_index" for w in WORDS], outputCols=[f"{w}_code" for w in WORDS]
            ),
            VectorAssembler(
                inputCols=["distance", "hour", "month", *[f"{w}_code" for w in WORDS]],
                outputCol="features",
            ),
            SparkLogisticRegression(labelCol="late", maxIter=5),
        ]
    )


def tell(graph: Graph, data: Path) -> None:
    """Run the whole story once."""
    graph.spark()
    register(graph, data)
    graph.save(features(graph), "flight-features", description="One row for each arrival")
    rows = graph.read("flight-features")
    graph.save(rows.where("month <= 3"), "training-flights")
    graph.save(rows.where("month = 4"), "new-flights")
    graph.fit(
        classifier(),
        "training-flights",
        name="late-classifier",
        label="late",
        features=[*NUMBERS, *WORDS],
        evaluate="new-flights",
    )
    graph.fit(
        spark_classifier(),
        "training-flights",
        name="late-classifier-spark",
        label="late",
        features=["distance", "hour", "month", *WORDS],
        evaluate="new-flights",
    )
    graph.save(destinations(graph), "destinations")
    graph.fit(
        make_pipeline(StandardScaler(), KMeans(n_clusters=4, n_init=10, random_state=7)),
        "destinations",
        name="destination-groups",
        features=["share_late", "miles", "Latitude", "Longitude"],
    )
    graph.predict("late-classifier", "new-flights", name="late-predictions")
    graph.predict("late-classifier-spark", "new-flights", name="late-predictions-spark")
    graph.predict("destination-groups", "destinations", name="grouped-destinations")
