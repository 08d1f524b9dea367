from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Mode
from ...observations.training_loop import TrainingLoop, changes
from ...observations.training_loop.reading import at, back_to_training, stepping, trained_in_evaluation
from ..small_loops import task


@check(severity=Severity.ERROR)
def eval_mode_during_training(loop: TrainingLoop) -> Iterator[Evidence]:
    """The model is in evaluation mode while the loop trains it.

    Dropout is off, and batch norm neither uses nor learns the statistics of the batches. Often `eval()` was called for a validation, and
    `train()` stands before the loop over epochs instead of in it.

    Shows as: training that changes after the first validation.
    Proven by: the loop itself: steps that were taken in training mode, then `eval()`, then steps in evaluation mode.
    Not this when: the model has no dropout and no batch norm; it is in evaluation mode from the first step to the last without
    any call in the loop; only parts of it are, as frozen ones are; another model's passes come between.
    Fails: a model whose parts are called one by one is judged part by part.
    See: torch.nn.Module.train; FSDL, "five most common bugs".
    """
    for number in stepping(loop):
        wrong, taken = loop.count(number, "evaluating"), loop.count(number)
        model = trained_in_evaluation(loop, number)
        to_eval = next((e for e in loop.of(Mode) if e.model == model and not e.training), None)
        if wrong < 2 or model is None or to_eval is None or not _matters(loop, model, always=wrong == taken):
            continue
        line = (back_to_training(loop, model) or to_eval).line
        facts = (
            Fact("steps taken in evaluation mode", f"{wrong} of {taken}", "0"),
            Fact("eval() is called at", at(to_eval.line), "followed by train() before the next step"),
        )
        code = f"{loop.models[model].name or 'model'}.train()"
        edits = changes.in_training_mode(loop, model, to_eval, code)
        fix = Fix("Call train() at the beginning of each epoch, inside the loop.", code, edits=edits)
        yield Evidence(Confidence.PROVEN if wrong < taken else Confidence.LIKELY, facts, at(line), fix)


def _matters(loop: TrainingLoop, model: int, always: bool) -> bool:
    """Whether the mode makes a difference that can't be meant: batch norm with statistics of its own may be kept as it is."""
    facts = loop.models[model].facts
    return facts.dropouts + (facts.unseen_norms if always else facts.norms) > 0


def _program(inside: bool) -> Callable[[], None]:
    net, optimizer, batches, held_out = task(nn.BatchNorm1d(24), nn.Dropout(0.2))

    def train() -> None:
        net.train()
        for _ in range(3):
            if inside:
                net.train()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            net.eval()
            with torch.no_grad():
                [net(x) for x, _ in held_out]

    return train


@eval_mode_during_training.bad
def back_to_training_once() -> Callable[[], None]:
    return _program(inside=False)


@eval_mode_during_training.good
def back_to_training_in_each_epoch() -> Callable[[], None]:
    return _program(inside=True)
