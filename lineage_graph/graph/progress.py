"""How far something long has come, shown to whoever is watching.

In a notebook a bar below the cell, on a terminal a line on stderr that goes away,
otherwise nothing: a log is not watched.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from lineage_graph.drawing.text import printable

_WATCHED = ContextVar("watched", default=False)


class Progress(Protocol):
    """Told how far something long has come."""

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Take note that ``done`` of ``total`` parts are done, and what is being done."""
        ...


@contextmanager
def watched(title: str, quiet: bool = False) -> Iterator[Progress]:
    """Give what to tell how far something has come.

    What is done inside something that is shown already shows nothing of its own.

    Args:
        title: What is being done, while nothing more precise is said.
        quiet: Show nothing.
    """
    with _chosen(title, quiet or _WATCHED.get()) as progress:
        before = _WATCHED.set(True)
        try:
            yield progress
        finally:
            _WATCHED.reset(before)


def _chosen(title: str, quiet: bool) -> AbstractContextManager[Progress]:
    if quiet:
        return silent()
    if in_notebook():
        return notebook_bar(title)
    return terminal_line(title) if sys.stderr.isatty() else silent()


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook; asks nothing when IPython is not loaded."""
    loaded = sys.modules.get("IPython")
    shell = loaded.get_ipython() if loaded is not None else None
    return shell is not None and "IPKernelApp" in shell.config


@contextmanager
def silent() -> Iterator[Progress]:
    """Show nothing."""

    def show(done: int, total: int, what: str = "") -> None:
        """Show nothing."""

    yield show


@contextmanager
def notebook_bar(title: str) -> Iterator[Progress]:
    """Show tqdm's bar, which is text where the notebook has no widgets."""
    with warnings.catch_warnings():
        # It says so when there are no widgets, which is no news to the user.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        bar = tqdm(desc=printable(title), leave=False)

    def show(done: int, total: int, what: str = "") -> None:
        bar.total, bar.n = total, done
        bar.set_description(printable(what or title), refresh=False)
        bar.refresh()

    with bar:
        yield show


@contextmanager
def terminal_line(title: str) -> Iterator[Progress]:
    """Show rich's bar on stderr and remove it at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(printable(title), total=None)

        def show(done: int, total: int, what: str = "") -> None:
            bars.update(task, description=printable(what or title), completed=done, total=total)

        yield show
