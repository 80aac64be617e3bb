"""Passengers and their bookings, all of them synthetic, and what is learnt from them.

Nobody of these names exists: the rows are drawn by Faker with a fixed seed.
"""

from __future__ import annotations

import csv
import random
from datetime import date
from pathlib import Path

from faker import Faker
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lineage_graph.graph import Graph

SEED = 7
PASSENGERS = 2_000
BOOKINGS = 6_000
NOTE = "Synthetic: drawn by Faker with a fixed seed; nobody of these names exists"
KEY = "kept apart from the data"
NUMBERS = ["fare", "days_ahead", "birth_decade"]
Row = dict[str, object]
DESTINATIONS = ("ATL", "BOS", "LAX", "MIA", "ORD", "SFO")


def put(folder: Path) -> str:
    """Write both as CSV and return the CPF of one who travelled, and is going to travel."""
    faker, chance = Faker("pt_BR"), random.Random(SEED)
    faker.seed_instance(SEED)
    people = [_passenger(faker) for _ in range(PASSENGERS)]
    _write(folder / "passengers.csv", people)
    bookings = [_booking(number, chance, people) for number in range(BOOKINGS)]
    _write(folder / "bookings.csv", bookings)
    early = {b["cpf"] for b in bookings if str(b["day"]) < "2026-04"}
    return next(str(b["cpf"]) for b in bookings if str(b["day"]) >= "2026-06" and b["cpf"] in early)


def _passenger(faker: Faker) -> Row:
    return {
        "cpf": faker.unique.cpf(),
        "nome": faker.name(),
        "email": faker.unique.email(),
        "telefone": faker.cellphone_number(),
        "dt_nasc": faker.date_of_birth(minimum_age=18, maximum_age=90),
        "sexo": faker.random_element(("F", "M")),
        "cep": faker.postcode(),
        "uf": faker.estado_sigla(),
    }


def _booking(number: int, chance: random.Random, people: list[Row]) -> Row:
    ahead = chance.randint(1, 120)
    return {
        "booking": number,
        "cpf": chance.choice(people)["cpf"],
        "destination": chance.choice(DESTINATIONS),
        "day": date(2026, 1 + number * 6 // BOOKINGS, chance.randint(1, 28)),
        "fare": round(chance.uniform(80, 900), 2),
        "days_ahead": ahead,
        "no_show": int(chance.random() < 0.04 + ahead / 800),
    }


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def tell(graph: Graph, data: Path) -> None:
    """Register, join, pseudonymise, train, predict and count."""
    graph.spark()
    for name, schema in (
        ("passengers", "cpf STRING, nome STRING, email STRING, telefone STRING, dt_nasc DATE, "
                       "sexo STRING, cep STRING, uf STRING"),
        ("bookings", "booking INT, cpf STRING, destination STRING, day DATE, fare DOUBLE, "
                     "days_ahead INT, no_show INT"),
    ):  # fmt: skip
        graph.dataset(
            name,
            data / f"{name}.csv",
            license="LicenseRef-own",
            description=NOTE,
            snapshot="reference",
            schema=schema,
            header=True,
        )
    trips = graph.read("bookings").join(graph.read("passengers"), "cpf")
    graph.save(features(trips), "passenger-features", description=NOTE)
    rows = graph.read("passenger-features")
    graph.save(rows.where("day < '2026-04-01'"), "past-trips", description=NOTE)
    learnt = ["fare", "days_ahead", "birth_decade", "uf"]
    for name, model in (("no-show", no_show()), ("similar-trips", similar_trips())):
        graph.fit(model, "past-trips", name=name, label="no_show", features=learnt)
    graph.save(coming(trips), "coming-trips", description=NOTE)
    graph.predict("no-show", "coming-trips", name="no-show-predictions", keep=["cpf", "booking"])
    graph.save(by_state(rows), "trips-by-state", description=NOTE)


def features(trips: DataFrame) -> DataFrame:
    """Return what is learnt from: a key instead of the CPF, a decade instead of a birthday."""
    key = F.hmac(F.lit(KEY), F.col("cpf")).alias("passenger")
    return trips.select(key, "booking", "day", "destination", "uf", *_known(), "no_show")


def coming(trips: DataFrame) -> DataFrame:
    """Return the trips of one month, with the CPF: somebody is going to be called."""
    return trips.where("day >= '2026-06-01'").select("cpf", "booking", "uf", *_known())


def _known() -> list[Column]:
    decade = (F.floor(F.year("dt_nasc") / 10) * 10).cast("int").alias("birth_decade")
    return [F.col("fare"), F.col("days_ahead"), decade]


def by_state(rows: DataFrame) -> DataFrame:
    """Count trips and missed ones for each state."""
    return rows.groupBy("uf").agg(F.count("*").alias("trips"), F.sum("no_show").alias("missed"))


def _prepared() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), NUMBERS),
            ("state", OneHotEncoder(handle_unknown="ignore"), ["uf"]),
        ]
    )


def no_show() -> Pipeline:
    """Return a classifier that learns weights, and keeps no row."""
    return Pipeline([("prepare", _prepared()), ("classify", LogisticRegression(max_iter=300))])


def similar_trips() -> Pipeline:
    """Return a classifier that keeps every trip it has seen."""
    return make_pipeline(_prepared(), KNeighborsClassifier(5))
