"""Worker processes for shards: each is a Python of its own behind two pipes, and none is left when the block ends.

They are started by `subprocess`, not by `multiprocessing`: a forked process hangs where torch has run threads before, and a spawned one
runs the user's script again. Classes that were defined in a notebook go there by value, with cloudpickle. A session of its own keeps the
stop button from them; whoever started them ends them.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import queue
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from ...engine.interrupts import held_at_exit
from .program import Done, WorkerEnded
from .worker import Worker

KEEPS_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}  # glibc: else a conv net takes twice as long
_PATIENCE = 5.0  # seconds, for a process to say how it ended
_START = f"import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from {__name__} import serve; serve()"


class Processes:
    """`count` workers; a thread for each hands it a run and waits for what comes of it."""

    option = "--workers"

    def __init__(self, count: int):
        self.size, self.program, self.number = count, b"", 0
        self.taken: dict[int, int] = {}  # process id: the number of the program that it has
        self.idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self.all: list[subprocess.Popen[bytes]] = []
        self.threads = ThreadPoolExecutor(count)

    def __enter__(self) -> Processes:
        try:
            for _ in range(self.size):
                self.all.append(_started())
                self.idle.put(self.all[-1])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with held_at_exit() as stack:
            stack.callback(self._end)

    def _end(self) -> None:
        for process in self.all:
            process.kill()
        self.threads.shutdown(cancel_futures=True)
        for process in self.all:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _closed(pipe)

    def begin(self, program: bytes) -> None:
        """What the next runs are of; each process is told with the first of them."""
        self.program, self.number = program, self.number + 1

    def submit(self, run: bytes) -> Future[Done]:
        """A run for the next process that has nothing to do."""
        return self.threads.submit(self._done, self.program, self.number, run)

    def _done(self, program: bytes, number: int, run: bytes) -> Done:
        process = self.idle.get()
        try:
            _write(process, (None if self.taken.get(process.pid) == number else program, run))
            self.taken[process.pid] = number
            return pickle.load(process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError, pickle.UnpicklingError):
            raise WorkerEnded(_end_of(process)) from None
        finally:
            self.idle.put(process)


def _started() -> subprocess.Popen[bytes]:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", _START], **pipes, start_new_session=True, env={**KEEPS_MEMORY, **os.environ})
    _write(process, sys.path)
    return process


def _write(process: subprocess.Popen[bytes], message: Any) -> None:
    assert process.stdin is not None, "it was asked for"
    pickle.dump(message, process.stdin, protocol=5)
    process.stdin.flush()


def _closed(pipe: IO[bytes] | None) -> None:
    with contextlib.suppress(OSError):  # what was on its way to a process that is gone
        if pipe is not None:
            pipe.close()


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """How a process ended, as far as it says so soon."""
    try:
        code = process.wait(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return "it answers no more"
    killed = "; the system does that where memory runs out" if code == -9 else ""
    return f"ended by signal {-code}{killed}" if code < 0 else f"ended with status {code}"


def serve() -> None:
    """What a worker process does until there is nothing more to do. What the user's code prints goes where errors go: it is no answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    sys.stdin = io.StringIO()
    os.dup2(2, 1)
    worker = Worker()
    with contextlib.suppress(EOFError, BrokenPipeError):  # whoever asked is gone
        while True:
            program, run = pickle.load(asked)
            if program is not None:
                worker.take(program)
            pickle.dump(worker.done(run), answers, protocol=5)
            answers.flush()
