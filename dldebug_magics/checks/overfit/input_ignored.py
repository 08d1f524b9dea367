from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.input_use import InputUse
from ...observations.cards.outputs import OutputCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import classes


@check(severity=Severity.ERROR)
def input_ignored(use: InputUse, run: OverfitBatch, outputs: OutputCard) -> Iterator[Evidence]:
    """The outputs do not depend on the inputs: whatever goes in, the same comes out.

    A name used twice, a tensor of zeros or noise where the batch should be, a mask that hides all: only the labels' shares are learnt.

    Shows as: a plateau at the entropy of the labels, or at the variance of the targets.
    Proven by: outputs that are the same to the bit when the samples change places and the values move, before training and after ten steps.
    Not this when: a last layer begins at zero: its outputs are constant at first, and no longer after the first steps; noise is turned into
    samples on purpose, without a class to tell.
    Fails: where dead units or zero weights stand behind it, their own cure names them, and this is not said.
    See: A. Karpathy's recipe, "input-independent baseline"; FSDL, "overfit a single batch", error plateaus.
    """
    classes = outputs.target_is_classes and use.targets_differ
    if use.ignored and (not run.passed or classes):
        yield Evidence(
            Confidence.PROVEN,
            facts=(Fact("change of the outputs when the inputs are exchanged", f"0, for all {use.samples} samples", "some change"),),
            fix=Fix("Follow the input through forward(): somewhere another tensor takes its place."),
            always=classes and run.passed,
            refuted_by="Two inputs with different outputs.",
        )


class _Reads(nn.Module):
    def __init__(self, its_input: bool):
        super().__init__()
        self.net, self.its_input = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), its_input

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.zeros_like(x)
        return self.net(x if self.its_input else hidden)


def _program(its_input: bool) -> Subject:
    torch.manual_seed(0)
    net = _Reads(its_input)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), classes())


@input_ignored.bad
def reads_zeros() -> Subject:
    return _program(its_input=False)


@input_ignored.good
def reads_its_input() -> Subject:
    return _program(its_input=True)


@input_ignored.good
def last_layer_at_zero() -> Subject:
    subject = _program(its_input=True)
    nn.init.zeros_(subject.model.net[2].weight)
    return subject
