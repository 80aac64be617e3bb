"""Facts about this Python that can influence a result; an allow-list, so no secrets."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("pyspark", "pandas", "pyarrow", "numpy", "scipy", "scikit-learn", "skops")
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS")


def python_facts() -> Mapping[str, str]:
    """Return versions of Python and of the packages that compute, threads and time zone."""
    facts = {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "time zone": time.tzname[0],
    }
    facts |= {name: os.environ[name] for name in VARIABLES if name in os.environ}
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    return facts
