"""What a worker does with the batches that it is handed: the same passes as anywhere else, bit for bit.

Before it is given anything, a worker makes the first batch's outputs, and they must be those of the process that sent it, to the last bit.
Number of threads, processor, and a model that draws random numbers or remembers what it saw: all that would change a sum shows there. So
it is found out, too, whether fewer threads a worker give the same bits. They do for most shapes, and not for all: an MLP of 784, 1024 and
1024 numbers gave other bits in two threads for 7 samples, and the same for 128. So they are used for batches shaped like the first alone.
"""

from __future__ import annotations

import dataclasses
import pickle
import random
import time
from typing import Any

import numpy
import torch

from ...engine import ambient
from ...engine.call import forward
from ...engine.deadline import Pace, TimeSpent
from ...engine.nested import mapped, tensors
from ...engine.subject import Subject
from .batches import Material
from .program import Done, Program, Run, read, words_of


class Worker:
    """Judges runs: first `take` a program, then get `done` any number of runs of it."""

    def __init__(self) -> None:
        self.broken = Done(trouble="empty")
        self.fewer = self.threads = torch.get_num_threads()
        self.first: tuple[Any, ...] = ()

    @torch.no_grad()
    def take(self, program: bytes) -> None:
        """Make the program anew, and prove that it does here what it did there."""
        self.broken = None  # type: ignore[assignment]
        try:
            self.program: Program = pickle.loads(program)
            self.material: Material | None = pickle.loads(self.program.material) if self.program.material else None
            for name, (read, write) in ambient.PARTS.items():
                if name in self.program.settings and read() != self.program.settings[name]:
                    write(self.program.settings[name])
            self.threads = torch.get_num_threads()
            self._prove()
        except Exception as error:
            self.broken = Done(trouble="program", said=f"{type(error).__name__}: {error}")

    def _prove(self) -> None:
        batch = read(self.program.first, self.material)
        self.first = _shapes(batch)
        for threads in dict.fromkeys((self.program.fewer, self.threads)):
            self.fewer = threads
            if words_of(self._output(self.program.subject, mapped(batch, torch.clone))[0]) == self.program.words:
                return
        self.broken = Done(trouble="other bits")

    def _output(self, subject: Subject, batch: Any) -> tuple[Any, tuple[Any, ...]]:
        torch.set_num_threads(self.fewer if _shapes(batch) == self.first else self.threads)
        try:
            return forward(subject, batch, spare=self.program.spare)
        finally:
            torch.set_num_threads(self.threads)

    @torch.no_grad()
    def done(self, packed: bytes) -> Done:
        """Judge the batches of a run. What an exception was about is found out by whoever sent it, who sees its traceback."""
        if self.broken is not None:
            return self.broken
        before = _chance()
        try:
            run: Run = pickle.loads(packed)
            found = self._judged(run)
        except Exception as error:
            return Done(trouble="batch", said=f"{type(error).__name__}: {error}")
        return found if _chance() == before else Done(trouble="chance")

    def _judged(self, run: Run) -> Done:
        subject = dataclasses.replace(self.program.subject, deadline=time.monotonic() + run.seconds, pace=Pace())
        judge, complete = dataclasses.replace(self.program.judge, done=run.before, waiting=[]), True
        try:
            for item in run.items:
                batch = read(item, self.material)
                judge.add(batch, *self._output(subject, batch))
        except TimeSpent:
            complete = False
        return Done(judge.share() if judge.waiting else None, complete)


def _shapes(batch: Any) -> tuple[Any, ...]:
    return tuple((tensor.shape, tensor.stride(), tensor.dtype) for tensor in tensors(batch))


def _chance() -> tuple[Any, ...]:
    """Where the random numbers of the process stand."""
    kind, keys, *rest = numpy.random.get_state(legacy=True)
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), kind, numpy.asarray(keys).tobytes(), *rest
