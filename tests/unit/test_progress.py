"""Progress is shown to who is watching, and to nobody else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import types

import pytest

from lineage_graph.graph.progress import in_notebook, notebook_bar, watched

WORK = (
    "from lineage_graph.graph.progress import watched\n"
    "with watched('rebuild \\x1b[31mflights') as told:\n"
    "    told(1, 3, 'weather'); told(3, 3)\n"
)


def on_terminal(code: str) -> str:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80"},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert child.wait(60) == 0
    return written.decode()


def test_a_terminal_shows_how_far_it_is_with_names_made_safe() -> None:
    shown = on_terminal(WORK)
    assert "rebuild \\x1b[31mflights" in shown
    assert "3/3" in shown


def test_what_is_done_inside_shows_nothing_of_its_own() -> None:
    code = WORK + "    with watched('bring up to date') as inner:\n        inner(1, 2, 'inside')\n"
    shown = on_terminal(code)
    assert "3/3" in shown
    assert "bring up to date" not in shown and "inside" not in shown


def test_a_pipe_and_quiet_show_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    ended = subprocess.run([sys.executable, "-c", WORK], capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")
    assert on_terminal(WORK.replace("flights'", "flights', quiet=True")) == ""


def test_a_notebook_is_known_by_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_notebook()
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    loaded = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", loaded)
    assert in_notebook()
    shell.config = {"TerminalIPythonApp": {}}
    assert not in_notebook()


def test_a_notebook_shows_one_bar_that_ends(capfd: pytest.CaptureFixture[str]) -> None:
    with notebook_bar("fit late") as told:
        told(0, 4)
        told(4, 4, "weather")
    shown = capfd.readouterr().err
    assert "fit late" in shown and "weather" in shown and "4/4" in shown


def test_nothing_heavy_is_loaded_for_who_is_not_watching() -> None:
    with watched("rebuild") as told:
        told(1, 1)
    code = f"import sys\n{WORK}sys.exit(any(m in sys.modules for m in ('tqdm', 'rich')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
