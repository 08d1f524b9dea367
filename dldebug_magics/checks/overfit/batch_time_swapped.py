from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.cards.mixing import MixingCard
from ...observations.cards.samples import SampleCard
from ...observations.cards.set_up import SetUp
from ..small_data import courses


@check(severity=Severity.ERROR, also=("run",))
def batch_time_swapped(mixing: MixingCard, samples: SampleCard, setup: SetUp) -> Iterator[Evidence]:
    """A recurrent or attention layer takes the batch for the time axis: it runs from sample to sample.

    `LSTM`, `GRU`, `MultiheadAttention` and `Transformer` expect `[time, batch, features]` unless they are told `batch_first=True`. Given
    the other order they run all the same: the time steps of a sample never meet, and its neighbours in the batch do.

    Shows as: a batch that is learnt by heart from the company, useless on a single sample; or outputs as many as there are time steps.
    Proven by: one sample is changed in evaluation mode and outputs of others move; with `batch_first` the other way on a copy they stay.
    Not this when: the batch is the second axis, as the default wants it: a change along that axis stays where it is.
    Fails: as many samples as time steps, and a loop over cells written by hand, which is reported as `cross_sample_leak`.
    See: torch.nn.LSTM and torch.nn.MultiheadAttention, `batch_first`; FSDL, "the five most common bugs", incorrect shapes.
    """
    if mixing.kind == "layer":
        layers = {mixer.module: mixer.batch_first for mixer in mixing.mixers if mixer.kind == "layer"}
        names, told = [module_expression(setup.names["model"], layer) for layer in layers], mixing.mixers[0].batch_first
        code = "\n".join(f"{name}.batch_first = {told}   # best where it is built" for name in names)
        sentence = f"Build {', '.join(names[:3])} with batch_first={told}, or turn what it is given."
        yield _evidence(mixing, samples, next(iter(layers)), Fix(sentence, code, f"batch_first={told}"))


def _evidence(mixing: MixingCard, samples: SampleCard, layer: str, fix: Fix) -> Evidence:
    return Evidence(
        Confidence.PROVEN if samples.from_loader else Confidence.LIKELY,
        facts=(
            Fact("axis along which it runs", "the batch", "time"),
            Fact("samples whose output moves when another sample changes", samples.moved, "0"),
            Fact(f"the same with {fix.done}", "0", "0"),
        ),
        where=where(layer, mixing.mixers[0].line),
        fix=fix,
        cure=mixing.cure,
        always=samples.from_loader,
        refuted_by="Outputs that stay when the rest of the batch is exchanged.",
    )


class _Reader(nn.Module):
    def __init__(self, batch_first: bool):
        super().__init__()
        self.memory, self.head = nn.GRU(4, 24, batch_first=batch_first), nn.Linear(24, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.memory(x)[0][:, -1])


def _program(batch_first: bool) -> Subject:
    torch.manual_seed(0)
    net, loader = _Reader(batch_first), DataLoader(TensorDataset(*courses()), batch_size=32)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@batch_time_swapped.bad
def runs_over_the_batch() -> Subject:
    return _program(batch_first=False)


@batch_time_swapped.good
def runs_over_time() -> Subject:
    return _program(batch_first=True)
