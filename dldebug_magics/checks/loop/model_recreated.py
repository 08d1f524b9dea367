from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.source_lines import Line
from ...instruments.watch.events import Forward
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at
from ..small_loops import task

_TIMES = 3


@check(severity=Severity.WARNING)
def model_recreated(loop: TrainingLoop) -> Iterator[Evidence]:
    """The model is made anew in each epoch, or in each step, and begins from nothing each time.

    What the one before had learnt is thrown away with it.

    Shows as: a loss that jumps back to its start at each epoch.
    Proven by: nothing but its cure; models of one kind, from one line, that are trained in turn for one pass over the same loader each.
    Not this when: folds or seeds are trained, which take more than one epoch each, or loaders of their own.
    Fails: a comparison of seeds of one epoch each looks the same, and is a warning.
    See: FSDL, "common bugs"; torch.nn.Module.
    """
    for line, numbers in _born(loop).items():
        loaders = {e.loader for e in loop.of(Forward) if e.model in numbers and e.grad and e.tracked}
        kinds = {(loop.models[n].facts.kind, loop.models[n].facts.parameters, loop.models[n].name) for n in numbers}
        if len(numbers) < _TIMES or len(kinds) > 1 or len(loaders) != 1:
            continue
        begun = next((loop.begun[loader] for loader in loaders if loader >= 0), 0)
        if begun != len(numbers) and loop.taken > 2 * len(numbers):
            continue  # folds, seeds
        facts = (
            Fact(f"models that were `{loop.models[numbers[0]].name}` one after the other", str(len(numbers)), "1"),
            Fact("passes over the training loader, and optimizer steps", f"{begun} and {loop.taken}", ""),
        )
        fix = Fix("Make the model, and its optimizer, before the loop.", line.source, edits=changes.made_once(loop, line))
        yield Evidence(Confidence.LIKELY, facts, at(line), fix)


def _born(loop: TrainingLoop) -> dict[Line, list[int]]:
    """The models that were trained, by the line that set their variable."""
    born: dict[Line, list[int]] = {}
    for number, line in loop.births:
        if line.place and any(model == number for _, model in loop.trained):
            born.setdefault(line, []).append(number)
    return born


def _program(anew: bool) -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        model, stepper = net, optimizer
        for _ in range(4):
            if anew:
                model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))
                stepper = torch.optim.SGD(model.parameters(), lr=0.05)
            for x, y in batches:
                stepper.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                stepper.step()

    return train


@model_recreated.bad
def made_in_each_epoch() -> Callable[[], None]:
    return _program(anew=True)


@model_recreated.good
def made_once() -> Callable[[], None]:
    return _program(anew=False)
