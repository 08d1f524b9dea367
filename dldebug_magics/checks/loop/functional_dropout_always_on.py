from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.edits import Argument
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.source_edits import with_argument
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, dropping
from ..small_loops import task


@check(severity=Severity.WARNING)
def functional_dropout_always_on(loop: TrainingLoop) -> Iterator[Evidence]:
    """A functional dropout drops while the loop evaluates the model.

    It takes `training=True` where nothing is said, and knows nothing of `eval()`: the metrics are those of a thinned model.

    Shows as: a validation that is noisy, and worse than it should be.
    Proven by: values that were dropped at this line while the model was evaluated in evaluation mode.
    Not this when: the line says `training`; several passes a batch are taken on purpose (Monte-Carlo dropout).
    Fails: a model that is evaluated without a DataLoader is not judged.
    See: torch.nn.functional.dropout: "training: apply dropout if True. Default: True".
    """
    for found in dropping(loop, built=False):
        source = found.line.source
        if "dropout" not in source or "training" in source:
            continue
        fact = Fact(
            f"dropped at this line while {loop.models[found.model].word} was in evaluation mode", f"{found.p:.0%} of the values", "none"
        )
        called = re.findall(r"(\w*dropout\w*)\(", source)
        edits = tuple(Argument(found.line.spot, name, "training", "self.training", 2) for name in called)
        fix = Fix("Tell it the mode.", with_argument(source, "dropout", "training=self.training"), edits=edits)
        yield Evidence(Confidence.PROVEN, (fact,), at(found.line), fix)


class _Thinned(nn.Module):
    def __init__(self, body: nn.Module, sound: bool):
        super().__init__()
        self.body, self.sound = body, sound

    def forward(self, x: Tensor) -> Tensor:
        if self.sound:
            return self.body(nn.functional.dropout(x, 0.2, training=self.training))
        return self.body(nn.functional.dropout(x, 0.2))


def _program(sound: bool) -> Callable[[], None]:
    body, optimizer, batches, held_out = task()
    net = _Thinned(body, sound)

    def train() -> None:
        for _ in range(3):
            net.train()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            net.eval()
            with torch.no_grad():
                sum((net(x).argmax(1) == y).sum() for x, y in held_out)

    return train


@functional_dropout_always_on.bad
def without_the_mode() -> Callable[[], None]:
    return _program(sound=False)


@functional_dropout_always_on.good
def with_the_mode() -> Callable[[], None]:
    return _program(sound=True)
