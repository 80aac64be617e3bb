"""How ``pytest -n2`` spreads the tests: all that need the engine to one process, in one go.

Other tests go to whichever process is free, a file at a time. Marks of pytest-xdist's own
``loadgroup`` have no effect with pytest 9.2, which no longer lets a name of a test be changed
(pytest-xdist issue 1386); the processes say in a file which tests need the engine.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

_FOLDER = pytest.StashKey[Path]()
_NAME = "needs_engine"


class OneEngine(LoadScopeScheduling):  # type: ignore[misc]
    """Gives what needs the engine to one process."""

    @cached_property
    def _needing(self) -> frozenset[str]:
        return frozenset(json.loads((self.config.stash[_FOLDER] / _NAME).read_text()))

    def _split_scope(self, nodeid: str) -> str:
        return _NAME if nodeid in self._needing else nodeid.partition("::")[0]


def pytest_configure_node(node: WorkerController) -> None:
    """Tell a process where to say which tests need the engine."""
    config = node.config
    if config.getoption("dist") != "load":
        return
    if _FOLDER not in config.stash:
        folder = tempfile.TemporaryDirectory()
        config.add_cleanup(folder.cleanup)
        config.stash[_FOLDER] = Path(folder.name)
    node.workerinput[_NAME] = str(config.stash[_FOLDER])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneEngine | None:
    """Spread a run on several processes, unless it is asked to be spread in another way."""
    if _FOLDER not in config.stash:
        return None
    # What comes first takes longest, however few tests it is.
    config.option.loadscopereorder = False
    return OneEngine(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: Any, items: list[pytest.Item]) -> None:
    """Put what needs the engine first, and say what that is."""
    folder = getattr(config, "workerinput", {}).get(_NAME)
    if folder is None:
        return
    items.sort(key=lambda item: not needs_engine(item))
    mine = Path(folder, str(os.getpid()))
    mine.write_text(json.dumps([item.nodeid for item in items if needs_engine(item)]))
    mine.rename(Path(folder, _NAME))


def needs_engine(item: pytest.Item) -> bool:
    """Return whether a test uses the shared engine or starts one of its own."""
    return bool(item.get_closest_marker("spark")) or "engine" in getattr(item, "fixturenames", ())
