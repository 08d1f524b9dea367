"""Shards as tasks of a Ray cluster: the one that is connected to, or one on this machine, started here and shut down at the end."""

from __future__ import annotations

import dataclasses
import importlib.util
from concurrent.futures import TimeoutError as NotInTime
from typing import Any

from ...engine.errors import UserMistake
from .processes import KEEPS_MEMORY
from .program import Done, WorkerEnded
from .worker import Worker

_standing: dict[str, Worker] = {}  # in a process of the cluster: the worker of the program that it was last asked about


class OnRay:
    """As many tasks at once as the cluster has processors; `workers` at most, where that is given."""

    option = "--ray"

    def __init__(self, workers: int = 0):
        found = importlib.util.find_spec("ray")
        if found is None or found.origin is None:  # without an origin it is a folder of that name beside the notebook
            raise UserMistake("--ray needs Ray", do='pip install "dldebug[ray]"')
        self.workers, self.size, self.mine = workers, 1, False

    def __enter__(self) -> OnRay:
        import ray

        self.mine = not ray.is_initialized()
        try:
            if self.mine:
                ray.init(num_cpus=self.workers or None, include_dashboard=False, logging_level="ERROR", ignore_reinit_error=True)
        except Exception as error:  # Ray says that it did not start by plain ones, too
            ray.shutdown()
            said = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise UserMistake(f"Ray does not start: {said}", do="start it before, or leave out --ray") from None
        processors = int(ray.cluster_resources().get("CPU", 1))
        self.size = max(1, min(processors, self.workers or processors))
        self.task = ray.remote(judged).options(runtime_env={"env_vars": KEEPS_MEMORY})
        return self

    def __exit__(self, *error: object) -> None:
        import ray

        self.program = None
        if self.mine:
            ray.shutdown()

    def begin(self, program: bytes) -> None:
        """What the next runs are of; put into the cluster's store once."""
        import ray

        self.program = ray.put(program)

    def submit(self, run: bytes) -> _Task:
        """A run for the next processor that is free."""
        return _Task(self.task.remote([self.program], run))


@dataclasses.dataclass(frozen=True)
class _Task:
    """What will come of a task."""

    reference: Any

    def result(self, timeout: float | None = None) -> Done:
        """What came of it. Ray does it again elsewhere where a processor fails, and says when it gives up."""
        import ray

        try:
            return ray.get(self.reference, timeout=timeout)
        except ray.exceptions.GetTimeoutError:
            raise NotInTime from None
        except ray.exceptions.RayError as error:
            raise WorkerEnded(f"{type(error).__name__}: {error}".partition("\n")[0]) from None

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        import ray

        ray.cancel(self.reference)


def judged(program: list[Any], run: bytes) -> Done:
    """The task: a program is fetched and made anew once for each process of the cluster. In a list, Ray does not fetch it each time."""
    import ray

    word = program[0].hex()
    if word not in _standing:
        _standing.clear()
        _standing[word] = Worker()
        _standing[word].take(ray.get(program[0]))
    return _standing[word].done(run)
