from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import fell
from ...observations.training_loop.depth import passages
from ...observations.training_loop.reading import at
from ..small_loops import task

_FADED = 1e-4  # of the gradient at the last layer
_STAYS = 0.8


@check(severity=Severity.WARNING)
def vanishing_gradient(loop: TrainingLoop) -> Iterator[Evidence]:
    """The gradient shrinks on its way back, so that the first layers hardly learn.

    Every layer multiplies it by its weights and by the slope of its activation. A sigmoid's slope is at most 1/4; ten of them in a row
    leave a millionth.

    Shows as: a plateau near chance; the last layers learn, the first stand still.
    Proven by: nothing but its cure; the gradients of the loop's own passes differ by orders of magnitude, and the loss stays.
    Not this when: the loss comes down; a gradient is exactly zero, because a branch or a last layer begins at zero.
    Fails: a gradient that fades over the time steps of a recurrent layer is not told from the rest.
    See: Glorot & Bengio 2010; He et al. 2015; Bengio, Simard & Frasconi 1994.
    """
    passes = list(loop.of(Backward))
    for passage in passages(loop):
        share = passage.share
        if not (share < _FADED and fell(loop) > _STAYS):
            continue
        facts = (
            Fact(f"gradient at `{passage.first.name}`, as a share of that at `{passage.last.name}`", f"{share:.1e}", "0.01 to 100"),
            Fact("weights on the way", str(passage.layers)),
        )
        fix = Fix(
            "Take ReLUs and He's initialisation, or a norm in front of each activation.",
            "torch.nn.ReLU()   # and torch.nn.init.kaiming_normal_(layer.weight)",
        )
        yield Evidence(Confidence.LIKELY, facts, at(passes[-1].line), fix)
        return


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
