from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.edits import Insert
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.course import stays
from ...observations.training_loop.depth import grown
from ...observations.training_loop.reading import at, stepping, steps_of
from ..small_data import classes


@check(severity=Severity.WARNING)
def exploding_gradient(loop: TrainingLoop) -> Iterator[Evidence]:
    """The gradient grows on its way back, time step by time step or layer by layer, and nothing clips it.

    Every step back multiplies it by the weights once more. A factor of 1.3 is nothing in one step, and two thousand in thirty: the
    optimizer's first step throws the weights away.

    Shows as: a loss that leaps, stays, or is no number, at any rate that moves the last layers.
    Proven by: nothing but its cure; the loop's own passes show the growth, step by step, while the loss is still an ordinary one.
    Not this when: the loss comes down; the gradient is clipped; it is large and of one size on the way, as at too high a rate or with
    targets in thousands; a single layer makes all of it.
    Fails: recurrent layers that run as one kernel (on an accelerator, and LSTMs in torch's own) don't show their steps.
    See: Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks".
    """
    found = max(grown(loop), key=lambda row: row[1].growth, default=None)
    if found is None or not stepping(loop) or not stays(loop):
        return
    event, chain = found
    way = f"{chain.uses} {'uses' if chain.over == 'time' else 'weights'}"
    facts = (
        Fact(f"gradient at `{chain.weight}`, in units of that at the end of the way", f"{chain.growth:.1e}", "0.01 to 100"),
        Fact("length of the way, and the most of the growth in one step of it", f"{way}, {chain.leap:.0%}", ""),
        Fact("loss in that pass", f"{event.loss:.3g}, and {loop.losses[-1]:.3g} at the end", "falling"),
    )
    model, last = loop.models[loop.census[0][0]].name, [step for _, step in steps_of(loop, stepping(loop)[0])][-1]
    code = f"torch.nn.utils.clip_grad_norm_({model or 'model'}.parameters(), 1.0)"
    edits = (Insert(last.line.spot, code),) if model and len(loop.census) == 1 else ()
    fix = Fix(f"Clip the gradient's norm before {loop.named(last.optimizer)}.step(), and begin the weights smaller.", code, edits=edits)
    yield Evidence(Confidence.LIKELY, facts, at(event.line), fix)


def _program(gain: float) -> Callable[[], None]:
    torch.manual_seed(0)
    (x, y), step, head = classes(features=16), nn.Linear(32, 32), nn.Linear(32, 10)
    net = nn.ModuleList([nn.Linear(16, 32), step, head])
    nn.init.orthogonal_(step.weight, gain)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

    def output(state: Tensor) -> Tensor:
        for _ in range(30):
            state = torch.relu(step(state))
        return head(state)

    def train() -> None:
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(output(net[0](x)), y).backward()
            optimizer.step()

    return train


@exploding_gradient.bad
def grows_by_half_in_each_step() -> Callable[[], None]:
    return _program(gain=2.5)


@exploding_gradient.good
def keeps_its_size() -> Callable[[], None]:
    return _program(gain=1.0)
