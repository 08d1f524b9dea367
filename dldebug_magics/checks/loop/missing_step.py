from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward, Mode
from ...instruments.watch.updates import Scaled, ZeroGrad
from ...observations.training_loop import TrainingLoop, changes, words
from ...observations.training_loop.reading import at
from ..small_loops import task

_PASSES = 8


@check(severity=Severity.ERROR)
def missing_step(loop: TrainingLoop) -> Iterator[Evidence]:
    """The optimizer never takes a step.

    Backward passes bring gradients, and nothing uses them. Often `optimizer.step` lacks its brackets, stands behind a condition that never
    holds, or `scaler.step(optimizer)` was forgotten.

    Shows as: a loss that changes from batch to batch, and no better after many epochs.
    Proven by: the weights: at the end they are, bit for bit, those before the first backward pass.
    Not this when: weights are updated by hand; gradients alone are wanted, in one pass over the data or without an optimizer; a scaler
    skips the steps.
    Fails: a loop of fewer than 8 backward passes is taken for a try.
    See: torch.optim, "Taking an optimization step"; FSDL, "common bugs".
    """
    passes, cleared = list(loop.of(Backward)), [e for e in loop.of(ZeroGrad) if e.optimizer >= 0]
    in_training = any(e.training for e in loop.of(Mode))
    meant = (cleared or in_training) if loop.epochs != 1 else (cleared and in_training)
    skipped = any(e.what == "step" for e in loop.of(Scaled))
    if loop.taken or skipped or loop.moved or not loop.optimizers or not meant or loop.crash is not None or len(passes) < _PASSES:
        return
    optimizer = loop.named(cleared[0].optimizer if cleared else 0)
    facts = (
        Fact("backward passes", f"{len(loop.losses)}", ""),
        Fact(f"steps of {optimizer}", "0", "one for each batch, or for each few"),
        Fact("weights at the end", "as before the first pass, bit for bit", "others"),
    )
    optimizer = words.owner(cleared[-1].line, "zero_grad") if cleared else optimizer
    edits = changes.stepped(loop, passes[-1].line, len(passes), cleared, optimizer)
    fix = Fix("Take a step after each backward pass.", f"{passes[-1].line.source}\n{optimizer}.step()", edits=edits)
    yield Evidence(Confidence.PROVEN, facts, at(passes[-1].line), fix)


@missing_step.bad
def brackets_forgotten() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step  # noqa: B018

    return train


@missing_step.good
def stepped() -> Callable[[], None]:
    net, optimizer, batches, _ = task()

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()

    return train
