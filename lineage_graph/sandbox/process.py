"""One worker process, from its parent's side."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any, Final

from lineage_graph.errors import (
    CheckpointGone,
    DeclarationError,
    InvalidRecord,
    LimitExceeded,
    LineageGraphError,
    NotFound,
    PolicyRefused,
    StoreLocked,
    StoreUnavailable,
)
from lineage_graph.sandbox import MEBIBYTE, Limits
from lineage_graph.sandbox.frames import Frame, packed, unpacked

_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from lineage_graph.sandbox.worker import main; main(sys.argv[2])"
)
_ERRORS: Final[dict[str, type[LineageGraphError]]] = {
    kind.code: kind
    for kind in (
        *(CheckpointGone, DeclarationError, InvalidRecord, LimitExceeded, NotFound),
        *(PolicyRefused, StoreLocked, StoreUnavailable),
    )
}
_PIECE: Final = 1 << 20
_CRASHES: Final = frozenset({-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL})


class Process:
    """A worker; for one request at a time.

    A fresh interpreter, never a fork: a store that is open here must not be open there.

    Args:
        limits: What one request may cost.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._worn = False
        settings = json.dumps(asdict(limits))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(sys.path), settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            bufsize=0,
            start_new_session=True,
        )

    @property
    def usable(self) -> bool:
        """Whether it can be asked again."""
        return not self._worn and self._process.poll() is None

    def ask(self, request: dict[str, Any], body: bytes) -> Frame:
        """Send a request and wait for the answer.

        Raises:
            LimitExceeded: It hit a limit. The worker may be dead then.
            LineageGraphError: What the worker found wrong.
        """
        deadline = time.monotonic() + self._limits.seconds
        try:
            header, answer = self._exchanged(packed(request, body), deadline)
        except TimeoutError:
            self.close()
            raise LimitExceeded(
                f"It was stopped after {self._limits.seconds:g} seconds. Ask for less: name what"
                " a pattern starts from, or write a LIMIT."
            ) from None
        except (EOFError, BrokenPipeError):
            raise self._ended() from None
        except BaseException:
            self.close()
            raise
        self._worn = header["worn"]
        if "code" in header:
            raise _ERRORS[header["code"]](header["message"])
        return header, answer

    def kill(self) -> None:
        """Kill it, also while another thread waits for its answer."""
        self._process.kill()

    def close(self) -> None:
        """Kill it and let everything go; a second call does nothing."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _exchanged(self, frame: bytes, deadline: float) -> Frame:
        assert self._process.stdin is not None and self._process.stdout is not None
        into, out = self._process.stdin.fileno(), self._process.stdout.fileno()
        rest = memoryview(frame)
        while rest:
            _wait(deadline, writable=into)
            rest = rest[os.write(into, rest[: select.PIPE_BUF]) :]

        def exactly(count: int) -> bytes:
            pieces = bytearray()
            while len(pieces) < count:
                _wait(deadline, readable=out)
                piece = os.read(out, min(_PIECE, count - len(pieces)))
                if not piece:
                    raise EOFError
                pieces += piece
            return bytes(pieces)

        return unpacked(exactly)

    def _ended(self) -> LimitExceeded:
        """Return why a worker died, as well as can be told from how."""
        status = self._process.wait()
        assert self._process.stderr is not None
        said = self._process.stderr.read()
        self.close()
        memory = self._limits.memory // MEBIBYTE
        if status == -signal.SIGXCPU:
            return LimitExceeded(
                f"It used more than {self._limits.seconds:g} seconds of the processor."
            )
        if status in _CRASHES or b"overflow" in said:
            return LimitExceeded(
                "It is nested more deeply than can be read. Write it flatter, or in parts."
            )
        if b"memory allocation" in said or b"bad_alloc" in said or b"MemoryError" in said:
            return LimitExceeded(
                f"It needs more than the {memory} MiB of memory a request may have."
                " Ask for less, or in parts."
            )
        return LimitExceeded(
            f"It ended the process that read it (status {status}): it is too large or too deeply"
            f" nested for the {memory} MiB of memory a request may have. Ask for less, or in parts."
        )


def _wait(deadline: float, *, readable: int | None = None, writable: int | None = None) -> None:
    poll = select.poll()
    if readable is not None:
        poll.register(readable, select.POLLIN)
    if writable is not None:
        poll.register(writable, select.POLLOUT)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
