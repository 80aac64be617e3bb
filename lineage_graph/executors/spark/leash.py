"""Runs a command that must not outlive the process that started it.

``python -I -S leash.py GRACE PART FINAL COMMAND...``, with a pipe as standard input
whose other end only the parent holds. When the pipe ends, because the parent closed it
or died in whatever way, the command's process group is asked to end, and after GRACE
seconds killed. A pipe is used and not PR_SET_PDEATHSIG because that signal comes when
the *thread* that started the command ends, which in a notebook or a server is too early.

If the command, asked to end, left the file PART, that is renamed to FINAL.

It is a program of its own, with the standard library alone, so that it starts in a few
milliseconds and the command keeps the process id its parent knows.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time


def main() -> None:
    """Fork the watcher, then become the command."""
    grace, part, final, *command = sys.argv[1:]
    commanded = os.getpid()
    if os.fork() == 0:
        _watch(commanded, float(grace), part, final)
        os._exit(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.execv(command[0], command)


def _watch(commanded: int, grace: float, part: str, final: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.read(sys.stdin.fileno(), 1):
        pass
    # The group is this process's own, so no stranger with a reused id can be hit.
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while os.getppid() == commanded:
        if time.monotonic() > deadline:
            os.killpg(0, signal.SIGKILL)
        time.sleep(0.05)
    if part:
        with contextlib.suppress(OSError):
            os.replace(part, final)


if __name__ == "__main__":
    main()
