"""Who evaluates shards: worker processes of this machine, or a Ray cluster; both are asked in the same way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from ...engine.errors import UserMistake
from .program import Done


class Later(Protocol):
    """What will come of a run."""

    def result(self, timeout: float | None = None) -> Done: ...

    def cancel(self) -> Any: ...


class Pool(Protocol):
    """Workers: how many, by which option they were asked for, and what they do."""

    size: int
    option: str

    def begin(self, program: bytes) -> None: ...

    def submit(self, run: bytes) -> Later: ...


@contextlib.contextmanager
def pool_of(workers: int = 0, ray: bool = False) -> Iterator[Pool | None]:
    """The workers that were asked for; None where one process is enough. None of them is left when the block ends."""
    if workers < 0:
        raise UserMistake(f"--workers wants a number of processes, was given {workers}")
    if ray:
        from .on_ray import OnRay

        with OnRay(workers) as cluster:
            yield cluster
    elif workers > 1:
        from .processes import Processes

        with Processes(workers) as processes:
            yield processes
    else:
        yield None
