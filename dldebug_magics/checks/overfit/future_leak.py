from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from ...cures.causal import causal
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...observations.cards.class_axis import ClassAxisCard
from ...observations.cards.set_up import SetUp
from ...observations.cards.softmaxes import SoftmaxCard
from ...observations.cards.time_axis import TimeCard
from ..small_data import sentences


@check(severity=Severity.ERROR, also=("run",))
def future_leak(time: TimeCard, setup: SetUp, axes: ClassAxisCard, softmaxes: SoftmaxCard) -> Iterator[Evidence]:
    """A model that predicts the next step sees it.

    Its targets are its own inputs one step later. Without a causal mask, with a convolution padded on both sides or a layer that reads
    backwards, the answer lies in the input: the loss falls beautifully, and the model can't generate, for then there is no future to copy.

    Shows as: a loss that is too good, below what the data allow; text generated afterwards is nonsense.
    Proven by: a later step of one sequence is changed in evaluation mode, and outputs before it move.
    Not this when: the targets are not the input shifted by one, number for number (taggers, masked models, autoencoders, encoders).
    Fails: with a `step` of your own, and where the shape of the output does not say which axis is time.
    See: Vaswani et al. 2017, section 3.2.3; A. Karpathy's recipe, "use backprop to chart dependencies".
    """
    if time.leaks and not axes.order and not any(call.beside_classes for call in softmaxes.calls):
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact(f"outputs before step {time.changed} of {time.steps} when it changes", f"move by {time.seen:.2g} of spread", "stay"),
            ),
            where=f"`{time.module}`" if time.module else "",
            fix=_fix(time.layer, module_expression(setup.names["model"], time.module)),
            cure=causal,
            always=True,
        )


def _fix(layer: str, name: str) -> Fix:
    if layer.startswith("Conv"):
        return Fix("Pad on the left only.", f"x = F.pad(x, (dilation * (kernel - 1), 0))   # {name}: padding=0", "left padding")
    if layer in ("LSTM", "GRU", "RNN"):
        return Fix("Read forwards only.", f"{name} = torch.nn.{layer}(..., bidirectional=False)", "no reading backwards")
    return Fix("Let each step see only what came before.", "F.scaled_dot_product_attention(q, k, v, is_causal=True)", "a causal mask")


class _Writer(nn.Module):
    def __init__(self, causal: bool):
        super().__init__()
        self.letters, self.mix, self.causal = nn.Embedding(16, 32), nn.Linear(32, 96), causal
        self.head = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.letters(x) + torch.sin(torch.arange(7.0)[:, None] * torch.arange(1, 33) / 6)
        q, k, v = self.mix(h).chunk(3, dim=-1)
        return self.head(h + functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal))


def _program(causal: bool) -> Subject:
    torch.manual_seed(0)
    net, loss = _Writer(causal), lambda output, wanted: functional.cross_entropy(output.flatten(0, 1), wanted.flatten())
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), sentences())


@future_leak.bad
def attends_to_all() -> Subject:
    return _program(causal=False)


@future_leak.good
def attends_to_the_past() -> Subject:
    return _program(causal=True)
