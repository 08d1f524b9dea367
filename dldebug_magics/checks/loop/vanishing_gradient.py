from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import fell, stays
from ...observations.training_loop.depth import faded, passages
from ...observations.training_loop.reading import at
from ..small_loops import task

_FADED = 1e-4  # of the gradient at the last layer


@check(severity=Severity.WARNING)
def vanishing_gradient(loop: TrainingLoop) -> Iterator[Evidence]:
    """The gradient shrinks on its way back, so that the first layers hardly learn.

    Every layer multiplies it by its weights and by its activation's slope. A sigmoid's is at most 1/4; ten of them in a row leave a
    millionth. Or it fades while the loop trains: after steps that were too long, units are saturated or dead on every sample.

    Shows as: a plateau near chance; the last layers learn, the first stand still.
    Proven by: nothing but its cure; the gradients of the loop's own passes differ by orders of magnitude, along the layers or between the
    first passes and the last, and the loss stays.
    Not this when: the loss comes down; a gradient is exactly zero, because a branch or a last layer begins at zero.
    Fails: a gradient that fades over the time steps of a recurrent layer is not told from the rest; what fades between two looks.
    See: Glorot & Bengio 2010; He et al. 2015; Bengio, Simard & Frasconi 1994.
    """
    line = at(list(loop.of(Backward))[-1].line) if loop.census else ""
    if not stays(loop):
        return
    for fade in faded(loop):
        what = f"gradient at `{fade.weight.name}` in the first passes, and in the last"
        facts = Fact(what, f"{fade.early:.1e}, {fade.late:.1e}", "of one size"), Fact("loss left at the end", f"{fell(loop):.0%}", "less")
        yield Evidence(Confidence.LIKELY, facts, line, Fix("Take a lower rate, or LeakyReLUs.", "torch.nn.LeakyReLU()"))
        return
    passage = next((p for p in passages(loop) if p.share < _FADED), None)
    if passage is not None:
        what = f"gradient at `{passage.first.name}`, as a share of that at `{passage.last.name}`"
        facts = Fact(what, f"{passage.share:.1e}", "0.01 to 100"), Fact("weights on the way", str(passage.layers))
        code = "torch.nn.ReLU()   # and torch.nn.init.kaiming_normal_(layer.weight)"
        fix = Fix("Take ReLUs and He's initialisation, or a norm in front of each activation.", code)
        yield Evidence(Confidence.LIKELY, facts, line, fix)


def _program(depth: int) -> Callable[[], None]:
    _, _, batches, _ = task()
    hidden = [layer for _ in range(depth) for layer in (nn.Linear(16, 16), nn.Sigmoid())]
    net = nn.Sequential(*hidden, nn.Linear(16, 4))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@vanishing_gradient.bad
def eight_sigmoids() -> Callable[[], None]:
    return _program(8)


@vanishing_gradient.good
def one_sigmoid() -> Callable[[], None]:
    return _program(1)
