"""A worker process: it answers calls that come in on its standard input, and ends with the process that began it.

Frames hold a length and a pickle. Only a process and the workers it has begun itself exchange them; nothing is stored.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from queue import SimpleQueue
from typing import BinaryIO

HEADER_BYTES = 8
BOOT = "import sys; sys.path[:] = sys.argv[1:]; from perfml.workers.process import serve; serve()"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""BLAS in a worker has one thread: the other processors have workers of their own."""


@dataclass(frozen=True)
class SharedKey:
    """Stands for a shared value that the worker has already received."""

    key: int


def start() -> subprocess.Popen[bytes]:
    """Start a worker that imports from where this process does. Raises OSError where no process can be started.

    It has a session of its own, so that Ctrl-C reaches only this process, which ends it.
    """
    if not sys.executable:
        raise OSError("the interpreter does not know where it is")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", BOOT, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | ONE_THREAD,
        start_new_session=True,
    )


def write_frame(stream: BinaryIO, content: bytes) -> None:
    """Write one frame. Raises OSError where nobody reads any more."""
    stream.write(len(content).to_bytes(HEADER_BYTES, "big"))
    stream.write(content)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """Read one frame. Raises EOFError where the other side has ended."""
    header = stream.read(HEADER_BYTES)
    content = stream.read(int.from_bytes(header, "big")) if len(header) == HEADER_BYTES else b""
    if not header or len(content) != int.from_bytes(header, "big"):
        raise EOFError
    return content


def serve() -> None:
    """Answer calls until the standard input ends.

    A frame is a tuple: the names of modules to import, a key and a shared value (None: no longer needed), or a function and its
    arguments. Each is answered: whether it could be done, and the result.
    """
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not get among the answers
        frames: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=_receive, args=(frames,), daemon=True).start()
        shared: dict[int, object] = {}
        while True:
            answer = _answered(frames.get(), shared)
            try:
                write_frame(answers, answer)
            except OSError:
                os._exit(0)


def _answered(frame: bytes, shared: dict[int, object]) -> bytes:
    """The answer to a frame. Where it cannot be done, the caller does it, and raises what then comes with its own traceback."""
    result = None
    try:
        match pickle.loads(frame):
            case (tuple(modules),):
                for module in modules:
                    import_module(module)
            case (int(key), None):
                del shared[key]
            case (int(key), value):
                shared[key] = value
            case (function, arguments):
                result = function(*_received(arguments, shared))
        return pickle.dumps((True, result))
    except Exception:
        return pickle.dumps((False, None))


def _received(arguments: Sequence[object], shared: dict[int, object]) -> list[object]:
    return [shared[a.key] if isinstance(a, SharedKey) else a for a in arguments]


def _receive(frames: SimpleQueue[bytes]) -> None:
    """Pass frames on; end the process when the one that began it has ended, also in the middle of a call."""
    while True:
        try:
            frames.put(read_frame(sys.stdin.buffer))
        except EOFError:
            os._exit(0)
