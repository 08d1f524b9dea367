from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...engine.check import check
from ...engine.edits import Enclose, Part
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, dropping
from ..small_loops import task


@check(severity=Severity.WARNING)
def dropout_built_in_forward(loop: TrainingLoop) -> Iterator[Evidence]:
    """A dropout layer that is made in each forward pass drops while the loop evaluates the model.

    A new layer is in training mode, and no part of the model: `eval()` never reaches it.

    Shows as: a validation that is noisy, and worse than it should be.
    Proven by: values that were dropped at this line while the model was evaluated in evaluation mode.
    Not this when: the layer is a part of the model; several passes a batch are taken on purpose (Monte-Carlo dropout).
    Fails: a model that is evaluated without a DataLoader is not judged.
    See: torch.nn.Module.eval; torch.nn.Dropout.
    """
    for found in dropping(loop, built=True):
        fact = Fact(
            f"dropped at this line while {loop.models[found.model].word} was in evaluation mode", f"{found.p:.0%} of the values", "none"
        )
        made = re.findall(r"(\w*Dropout\w*)\(", found.line.source)
        edits = tuple(Enclose(found.line.spot, Part(name, "()"), "{}.train(self.training)") for name in made)
        sentence = "Make the layer once, in __init__, and call it here; or at least tell it the mode."
        fix = Fix(sentence, "self.dropout = nn.Dropout(...)", edits=edits)
        yield Evidence(Confidence.PROVEN, (fact,), at(found.line), fix)


class _Thinned(nn.Module):
    def __init__(self, body: nn.Module, sound: bool):
        super().__init__()
        self.body, self.sound, self.dropout = body, sound, nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        if self.sound:
            return self.body(self.dropout(x))
        return self.body(nn.Dropout(0.2)(x))


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


@dropout_built_in_forward.bad
def made_in_forward() -> Callable[[], None]:
    return _program(sound=False)


@dropout_built_in_forward.good
def made_once() -> Callable[[], None]:
    return _program(sound=True)
