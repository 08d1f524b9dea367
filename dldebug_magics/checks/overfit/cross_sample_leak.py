from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...cures.samples import one_at_a_time
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.mixing import MixingCard
from ...observations.cards.samples import SampleCard
from ...observations.cards.softmaxes import SoftmaxCard
from ...observations.overfit_batch import OverfitBatch
from ..small_data import values


@check(severity=Severity.ERROR)
def cross_sample_leak(samples: SampleCard, mixing: MixingCard, softmaxes: SoftmaxCard, run: OverfitBatch) -> Iterator[Evidence]:
    """The output for one sample depends on the other samples of its batch.

    A reshape that mixes the batch axis, a softmax over it, a recurrence along it: what was learnt from the company is missing later.

    Shows as: a batch that is learnt well, or hardly, and outputs that change with the company.
    Proven by: one sample of a loader's batch is changed in evaluation mode, and outputs of others move.
    Not this when: batch norm mixes samples in training mode, which is right and is not looked at; the batch is the second axis; the outputs
    are a table of all pairs; the call that mixes is known: `batch_time_swapped`, `reduction_wrong_dim`, `view_instead_of_permute`.
    Fails: whole graphs or sets given as one batch share information rightly; without a loader the leak counts only where the run fails too;
    a softmax over the batch is `softmax_wrong_dim`.
    See: FSDL, "the five most common bugs", incorrect shapes; A. Karpathy's recipe, "use backprop to chart dependencies".
    """
    if not samples.mixes or mixing.mixers or softmaxes.mixes:
        return
    yield Evidence(
        Confidence.PROVEN if samples.from_loader else Confidence.LIKELY,
        facts=(
            Fact("change of other outputs when one sample changes", f"{samples.leak:.2g} of their spread", "0"),
            Fact("samples that moved with it", samples.moved, "0"),
        ),
        where=samples.where,
        fix=Fix("Keep the batch axis first and apart, whatever is done to the others.", "x = x.flatten(1)", "each sample by itself"),
        cure=one_at_a_time,
        always=samples.from_loader,
        refuted_by="Outputs that stay when the rest of the batch is exchanged.",
    )


class _Mixing(nn.Module):
    def __init__(self, keeps_samples_apart: bool):
        super().__init__()
        self.first, self.last, self.apart = nn.Linear(8, 32), nn.Linear(32, 1), keeps_samples_apart

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.first(x))
        mixed = hidden if self.apart else hidden + 2 * hidden.roll(1, 0)
        return self.last(mixed)


def _program(keeps_samples_apart: bool) -> Subject:
    torch.manual_seed(0)
    net, loader = _Mixing(keeps_samples_apart), DataLoader(TensorDataset(*values()), batch_size=32)
    return Subject(net, nn.MSELoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@cross_sample_leak.bad
def adds_its_neighbour() -> Subject:
    return _program(keeps_samples_apart=False)


@cross_sample_leak.good
def keeps_the_batch_axis() -> Subject:
    return _program(keeps_samples_apart=True)
