from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Begun, Drawn, Forward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, on_held_out, on_one_batch
from ..small_loops import task

_LEAST = 6


@check(severity=Severity.ERROR)
def same_batch_repeated(loop: TrainingLoop) -> Iterator[Evidence]:
    """Every step trains on the same batch, though the loader has more of them.

    Either `next(iter(loader))` stands in the loop, which gives the first batch each time; or the model is called with a batch that was
    drawn before the loop, and those that the loop draws are not used.

    Shows as: a loss that falls to nothing, and a validation that learns nothing.
    Proven by: the contents of the batches that the model got: all the same, from a loader of several batches.
    Not this when: one batch is drawn once and trained on, which is the guide's own test; the loop leaves its loader after the first batch;
    the loader shuffles. `next(iter(loader))` is a note where nothing is evaluated on other data: it may be that test.
    Fails: an evaluation in another cell is not seen, and the fault is a note.
    See: FSDL, "overfit a single batch", for where it is meant; the Python docs on `iter`.
    """
    for number, facts in enumerate(player.facts for player in loop.loaders):
        if facts.batches in (0, 1) or loop.fed[number] < _LEAST:
            continue
        drawn = [e for e in loop.of(Drawn) if e.loader == number and e.content]
        ran = [e for e in loop.of(Forward) if e.loader == number and e.content and e.grad and e.tracked]
        begun = [e for e in loop.of(Begun) if e.loader == number and "iter(" in e.line.source]
        anew = begun and loop.begun[number] >= 0.9 * loop.fed[number]
        if anew and len(drawn) >= _LEAST and len({e.content for e in drawn}) == 1:
            fix = Fix("Let the loop draw its batches from the loader.", f"for batch in {loop.loaders[number].name or 'loader'}:")
            fact = Fact("times that the loader was begun", f"{loop.begun[number]}, for {loop.fed[number]} backward passes", "once an epoch")
            severity = Severity.ERROR if any(on_held_out(loop, e) for e in loop.evaluations) else Severity.NOTE
            yield Evidence(Confidence.PROVEN, (_same(len(drawn)), fact), at(begun[-1].line), fix, severity=severity)
        elif len(ran) >= _LEAST and len({e.first for e in drawn}) >= 4 and on_one_batch(loop, ran):
            fix = Fix("Call the model with the batch that the loop has just drawn.", ran[-1].line.source)
            fact = Fact("different batches that the loader gave meanwhile", f"{len({e.first for e in drawn})}", "each trained on")
            yield Evidence(Confidence.PROVEN, (_same(len(ran)), fact), at(ran[-1].line), fix)


def _same(number: int) -> Fact:
    return Fact("batches that were looked at and are the same", f"{number} of {number}", "the batches of the loader in turn")


def _program(anew: bool) -> Callable[[], None]:
    net, optimizer, shuffled, held_out = task()
    batches = DataLoader(shuffled.dataset, batch_size=16)

    def train() -> None:
        source = iter(batches)
        for step in range(24):
            source = source if step % len(batches) else iter(batches)
            x, y = next(iter(batches)) if anew else next(source)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            sum((net(x).argmax(1) == y).sum() for x, y in held_out)

    return train


@same_batch_repeated.bad
def begun_anew_for_each_step() -> Callable[[], None]:
    return _program(anew=True)


@same_batch_repeated.good
def begun_once_an_epoch() -> Callable[[], None]:
    return _program(anew=False)
