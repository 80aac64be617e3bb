"""Times how long it takes to tell what a column means.

``python -m benchmarks.recognition --values 300``
"""

from __future__ import annotations

import argparse
import statistics
from functools import partial

from faker import Faker

from benchmarks.figures import Figure, runs, show, spread
from lineage_graph.declarations import bundled
from lineage_graph.executors import Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.privacy.recognition import Recogniser
from lineage_graph.privacy.types import SemanticTypes

KINDS = {
    "cpf": "cpf",
    "cnpj": "cnpj",
    "nome": "name",
    "email": "email",
    "telefone": "phone_number",
    "endereco": "address",
    "data_nascimento": "date_of_birth",
    "ip": "ipv4",
    "cidade": "city",
    "profissao": "job",
    "observacao": "text",
    "uuid": "uuid4",
    "cartao": "credit_card_number",
    "iban": "iban",
    "valor": "pyfloat",
    "pontos": "pyint",
    "ativo": "pybool",
    "url": "url",
}
"""Column to the method of Faker that fills it."""
TIMES = 5


def measure(values: int = 300) -> list[Figure]:
    """Return how long a column takes, with a name and without.

    Args:
        values: In each column, nearly all of them distinct.
    """
    types = SemanticTypes(Declared(bundled()), bundled())
    fake = Faker("pt_BR")
    fake.seed_instance(20)
    tables = [
        {name: [str(getattr(fake, kind)()) for _ in range(values)] for name, kind in KINDS.items()}
        for _ in range(2 * TIMES + 1)
    ]
    recogniser = Recogniser(types, Declared(bundled()))
    opening = runs(lambda: recogniser.labels(Sample(1, values, tables.pop()), {}), 1)
    figures = [Figure("Rules and libraries, once, with the first table", spread(opening))]
    for what, nameless in (("with its name", False), ("whose name says nothing", True)):
        each = [
            statistics.median(_seconds(recogniser, name, values, nameless, fresh))
            for name in KINDS
            for fresh in [[tables[at + TIMES * nameless] for at in range(TIMES)]]
        ]
        middle = f"{1000 * statistics.mean(each):.1f} ms, slowest {1000 * max(each):.1f} ms"
        figures.append(Figure(f"A column of {values} values {what}", middle, "20 ms"))
    return figures


def _seconds(
    recogniser: Recogniser,
    name: str,
    values: int,
    nameless: bool,
    tables: list[dict[str, list[str]]],
) -> list[float]:
    """Return the time for each table's column; values that were seen before are faster."""
    samples = [Sample(1, values, {"_c0" if nameless else name: one[name]}) for one in tables]
    return [s for one in samples for s in runs(partial(recogniser.labels, one, {}), 1)]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=300, help="in each column")
    show("Recognition", measure(parser.parse_args().values))


if __name__ == "__main__":
    main()
