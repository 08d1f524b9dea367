from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.source_lines import Line
from ...instruments.watch.updates import Stepped
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.never_moved import Still, never_moved
from ...observations.training_loop.reading import at
from ..small_loops import SGD, task

_SAID = {
    "rate": ("learning rate", "0 in each step", "above 0"),
    "cut": ("gradient", "none in any pass, though their layers run", "some in each"),
    "zero": ("gradient", "exactly 0 in each pass", "others"),
}
_FIX = {
    "rate": Fix("Give their group a rate; what is to stay as it is needs no gradient.", "parameter.requires_grad_(False)   # or lr > 0"),
    "cut": Fix("Keep their output in the graph: no detach(), .data, numpy() or no_grad() between it and the loss."),
    "zero": Fix("Look for zeros: inputs, units dead on every sample, both factors of a product that begin at 0."),
}


@check(severity=Severity.WARNING)
def part_never_moves(loop: TrainingLoop) -> Iterator[Evidence]:
    """Parameters that an optimizer holds, and that could be trained, never change, while others are trained.

    Their output is detached on its way to the loss; their group has a learning rate of 0; or what they are multiplied with is all 0.

    Shows as: a loss that stops too high; the rest learns on random features.
    Proven by: the values, bit for bit, and the gradients of every pass that was looked at.
    Not this when: `requires_grad` is False; a part has no work in these batches (an expert, a head); it was trained before, or follows.
    Fails: parts that decay alone moves; towers side by side, of which one is cut off.
    See: torch, "autograd mechanics"; torch.optim, "per-parameter options".
    """
    still = next(never_moved(loop), None)
    if still is None:
        return
    names = f"{len(still.weights)}: {', '.join(w.name for w in still.weights[:4])}"
    facts = Fact("parameters that never moved", names, "none"), Fact(*_SAID[still.why])
    sure, line = Confidence.PROVEN if still.why == "rate" else Confidence.LIKELY, _line(loop, still)
    edits = rewritten.kept_in_graph(line) if still.why == "cut" else ()
    yield Evidence(sure, facts, at(line), dataclasses.replace(_FIX[still.why], edits=edits))


def _line(loop: TrainingLoop, still: Still) -> Line:
    """Where the part runs; where the optimizer was made, or steps, if it is its rate."""
    made = [m.made.line for m in loop.makings if m.made.kind == "optimizer"]
    ran = [w.ran for w in still.weights if w.ran.place]
    return ran[0] if ran and still.why != "rate" else (made or [e.line for e in loop.of(Stepped)])[-1]


def _program(detached: bool) -> Callable[[], None]:
    _, _, batches, _ = task()
    encoder, head = nn.Sequential(nn.Linear(16, 24), nn.ReLU()), nn.Linear(24, 4)
    optimizer = SGD([*encoder.parameters(), *head.parameters()], lr=0.05)

    def train() -> None:
        for x, y in [*batches, *batches, *batches]:
            optimizer.zero_grad()
            features = encoder(x).detach() if detached else encoder(x)
            nn.functional.cross_entropy(head(features), y).backward()
            optimizer.step()

    return train


@part_never_moves.bad
def cut_off_from_the_loss() -> Callable[[], None]:
    return _program(detached=True)


@part_never_moves.good
def all_in_one_graph() -> Callable[[], None]:
    return _program(detached=False)
