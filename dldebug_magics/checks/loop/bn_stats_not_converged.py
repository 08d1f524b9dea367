from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.batch_norms import Normed
from ...instruments.watch.events import Backward
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ..small_loops import task

_SLOW = 1e-4  # momentum
_APART = 0.5
_NOISE, _LATE = 6.0, 2  # over the root of the values: more than two batches differ by; steps between a look and an evaluation


@check(severity=Severity.WARNING)
def bn_stats_not_converged(loop: TrainingLoop) -> Iterator[Evidence]:
    """A model is evaluated with stored statistics of batch norm that are far from those that it trains with.

    Each step moves them by `momentum` of the way to the batch's; 0.1 is there after 50 steps. Torch's momentum is the share of the new, not
    of the old as elsewhere. With 1e-5 they are where they began when training ends, and `eval()` uses those.

    Shows as: a training loss near zero and a validation loss near chance or beyond.
    Proven by: stored statistics far from the batches' and close to their first values, and a momentum that keeps them there.
    Not this when: the model is never evaluated; statistics of a pretrained model are held. After few steps it is a note: the gap closes.
    Fails: a momentum above 1e-4 is never called too small, however short the training.
    See: torch.nn.BatchNorm2d, "momentum"; Ioffe & Szegedy 2015.
    """
    when = next((e for e in reversed(loop.evaluations) if not e.passes.training), None)
    seen = [(step.number, e.normed) for step in loop.steps for e in step.events if isinstance(e, Backward) and e.normed]
    if when is None or not seen:
        return
    number, last = seen[-1][0], [n for n in seen[-1][1] if n.model == when.passes.model]
    stuck = [n for n in last if n.momentum <= _SLOW and n.apart > _APART and n.from_start < 0.1 * n.apart]
    young = [n for n in last if n.apart > max(_APART, _NOISE * n.values**-0.5)] if 0 <= when.step - number <= _LATE else []
    if stuck or young:
        yield _evidence(loop, stuck or young, at(when.passes.line), None if stuck else Severity.NOTE)


def _evidence(loop: TrainingLoop, found: list[Normed], where: str, severity: Severity | None) -> Evidence:
    first, model = found[0], loop.models[found[0].model].name or "model"
    facts = (
        Fact(f"distance of stored and batch statistics in `{first.name}`", f"{first.apart:.2g} deviations", "near 0 in the end"),
        Fact("momentum", f"{first.momentum:g} in {len(found)} batch norms", "0.1, or 0.01"),
        Fact("steps taken", f"{loop.taken}", "50 and more at a momentum of 0.1"),
    )
    code = f"{model}.get_submodule('{first.name}').momentum = 0.1"
    young = severity is Severity.NOTE
    fix = Fix("Judge the model by later evaluations.") if young else Fix("Give the share of the new, 0.1 unless there is a reason.", code)
    return Evidence(Confidence.PROVEN, facts, where, fix, severity=severity)


def _program(momentum: float) -> Callable[[], None]:
    net, optimizer, batches, held_out = task(nn.BatchNorm1d(24, momentum=momentum))

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net.train()(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                [net.eval()(x) for x, _ in held_out]

    return train


@bn_stats_not_converged.bad
def hardly_moves() -> Callable[[], None]:
    return _program(1e-5)


@bn_stats_not_converged.good
def moves() -> Callable[[], None]:
    return _program(0.1)
