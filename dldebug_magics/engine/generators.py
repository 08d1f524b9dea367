"""Random generators that the user's objects keep for themselves: a loader's, a sampler's, one that a dataset or a model stores.

Reading a batch or running a forward pass moves them on, so they belong to what is restored.
"""

from __future__ import annotations

import random
from typing import Any

import numpy
import torch

from .reach import reached
from .subject import Subject

KINDS = (torch.Generator, numpy.random.Generator, numpy.random.RandomState, random.Random)


def found(subject: Subject) -> list[Any]:
    """Every generator to which the subject's data, model, loss, optimizer or step leads, each once."""
    data = (subject.train, subject.val, subject.test, subject.train_val, subject.test_val)
    program = (subject.model, subject.loss_fn, subject.optimizer, subject.scheduler, subject.step)
    return [thing for thing in reached([*data, *program], stop=()) if isinstance(thing, KINDS)]


def of_process() -> tuple[Any, ...]:
    """The generators that everybody draws from: they are ambient state, whoever holds them."""
    return (torch.default_generator, *torch.cuda.default_generators, numpy.random.mtrand._rand, random._inst)


def state(generator: Any) -> Any:
    """The generator's state, as its own kind tells it: a copy."""
    if isinstance(generator, numpy.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def restore(generator: Any, saved: Any) -> None:
    """Put a generator back into a state taken by `state`."""
    if isinstance(generator, numpy.random.Generator):
        generator.bit_generator.state = saved
    elif isinstance(generator, random.Random):
        generator.setstate(saved)
    else:
        generator.set_state(saved)
