"""What a benchmark reports, and on which machine it was measured."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One line of a report.

    Attributes:
        what: What was measured.
        measured: The figure with its unit.
        goal: What it should be; empty when there is no goal.
    """

    what: str
    measured: str
    goal: str = ""


class Stopwatch:
    """Seconds between beginning and end of a ``with`` block."""

    seconds = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time a block; read ``seconds`` after it."""
    watch = Stopwatch()
    begun = time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - begun


def runs(work: Callable[[], object], times: int) -> list[float]:
    """Return the seconds that each of several runs took."""
    found = []
    for _ in range(times):
        with stopwatch() as watch:
            work()
        found.append(watch.seconds)
    return found


def spread(seconds: Iterable[float], unit: str = "s") -> str:
    """Return the fastest and the median run; others on the machine only make it slower."""
    all_ = list(seconds)
    factor = {"s": 1, "ms": 1000}[unit]
    low, middle = min(all_) * factor, statistics.median(all_) * factor
    return f"min {low:.2f} {unit}, median {middle:.2f} {unit}"


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "Python": platform.python_version(),
        "load (1, 5, 15 min)": load,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def show(title: str, figures: Iterable[Figure]) -> None:
    """Print a report with the machine."""
    print(title)
    for key, value in machine().items():
        print(f"  {key}: {value}")
    for figure in figures:
        goal = f"   (goal: {figure.goal})" if figure.goal else ""
        print(f"  {figure.what}: {figure.measured}{goal}")
