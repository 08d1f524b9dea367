"""What one training of a program comes to: scores at the end and on the way, losses on what was held out and on what was not."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable
from statistics import fmean

import torch
from torch import Tensor

from .program import Pair, Program, answers, epochs, judged, parts
from .programs import build


@dataclasses.dataclass(frozen=True)
class Results:
    """Each is larger when better. `end`: the score after the last epoch; `way`: the mean of the scores after every epoch, which sees how
    soon it learns; `fit`: the healthy twin's loss of its outputs on what was held out, below zero, which sees what no ranking
    does; `train`: the same on what it was trained with.
    """

    end: float
    way: float
    fit: float
    train: float

    @classmethod
    def measures(cls) -> tuple[str, ...]:
        """Their names, the plainest first."""
        return tuple(field.name for field in dataclasses.fields(cls))


NEVER = Results(math.nan, math.nan, math.nan, math.nan)


def results(program: Program, seed: int, flatters: bool = False) -> Results:
    """Train by the loop that anyone writes. `flatters`: how far the program's own validation data promise more than honest ones give."""
    torch.manual_seed(seed)
    honest = build(program.name, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = [_looked(program, honest if flatters else None) for _ in epochs(program)]
        same = [torch.equal(*(pair[1] for pair in pairs)) for pairs in zip(program.data, honest.data, strict=True)]
        train = fit(program, program.data[0], honest.loss_fn) if same[0] else math.inf  # other targets have another unit
        own = fit(program, program.data[1], honest.loss_fn) if same[1] or flatters else math.inf
        held_out = fit(program, honest.data[1], honest.loss_fn) - own if flatters else own
        return Results(scores[-1], fmean(scores), held_out, math.inf if flatters else train)


def _looked(program: Program, honest: Program | None) -> float:
    """The score as it is now; less what the program's own data promise, where honest ones are given. Nothing random is used up."""
    with torch.random.fork_rng(devices=[]):
        score = judged(program)
        if honest is None:
            return score
        honest.model = program.model
        return judged(honest) - score


@torch.no_grad()
def fit(program: Program, data: Pair, loss_fn: Callable[..., Tensor]) -> float:
    """A loss of the outputs, below zero; infinite where they are of another kind than the loss takes, and not compared by it."""
    inputs, targets = data
    wanted = inputs if program.task == "images" else targets
    try:
        outputs = answers(program, inputs)
        losses = [loss_fn(output, part) for output, part in zip(outputs, parts(wanted, program.alone), strict=True)]
    except Exception:  # a single output for ten classes, say
        return math.inf
    return -fmean(map(float, losses))
