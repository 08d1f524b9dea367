from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import along
from ...instruments.source_lines import where
from ...observations.cards.mixing import Mixer, MixingCard
from ...observations.cards.samples import SampleCard
from ..small_data import courses


@check(severity=Severity.ERROR, also=("run",))
def reduction_wrong_dim(mixing: MixingCard, samples: SampleCard) -> Iterator[Evidence]:
    """A mean, sum or maximum is taken over the batch, where another axis was meant.

    `x.mean(0)` pools the samples, and not the time steps or pixels of each; a norm or sum that names no axis takes all of them. The
    samples then share a number that is another one in other company, or there is no output for each sample any more.

    Shows as: outputs that change with the rest of the batch; or an output without the batch axis, and a loss that refuses its shape.
    Proven by: one sample is changed in evaluation mode and outputs of others move; with the reduction over the other axis they stay.
    Not this when: a batch is standardised by its own mean and deviation, as batch norm does; a loss averages over samples, which is right.
    Fails: a reduction by einsum or matrix product, which is reported as `cross_sample_leak`.
    See: FSDL, "the five most common bugs", incorrect shapes: sum, mean or softmax over the wrong dimension.
    """
    if mixing.kind == "reduction":
        yield _evidence(mixing, samples, mixing.mixers[0])


def _evidence(mixing: MixingCard, samples: SampleCard, mixer: Mixer) -> Evidence:
    dims, kept = mixer.change[0] if len(mixer.change) == 1 else mixer.change, ", keepdim=True" if mixer.keepdim else ""
    becomes = f"{mixer.shapes[0]} becomes {mixer.shapes[1] or 'nothing'}"
    done = f"the {mixer.name} over axis {dims}"
    code = f"x.{mixer.name}(dim={dims}{kept})   # instead of: {mixer.line.source or 'the batch'}"
    return Evidence(
        Confidence.PROVEN if samples.from_loader else Confidence.LIKELY,
        facts=(
            Fact(f"what {mixer.name} makes of it", becomes, f"{samples.samples} samples apart"),
            Fact("samples whose output moves when another sample changes", samples.moved, "0"),
            Fact(f"the same with dim={dims}", "0", "0"),
        ),
        where=where(mixer.module, mixer.line),
        fix=Fix(f"Take the {mixer.name} over axis {dims}, and leave the batch alone.", code, done, along(mixer.line, mixer.name, dims)),
        cure=mixing.cure,
        always=samples.from_loader,
        refuted_by="Outputs that stay when the rest of the batch is exchanged.",
    )


class _Pooled(nn.Module):
    def __init__(self, axis: int):
        super().__init__()
        self.lift, self.head, self.axis = nn.Linear(4, 48), nn.Linear(48, 3), axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps = torch.tanh(self.lift(x + torch.arange(x.shape[1])[:, None] / 4))
        return self.head((steps - steps.amax(self.axis, keepdim=True)).mean(1))


def _program(axis: int) -> Subject:
    torch.manual_seed(0)
    net, loader = _Pooled(axis), DataLoader(TensorDataset(*courses()), batch_size=32)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@reduction_wrong_dim.bad
def reduces_the_batch() -> Subject:
    return _program(axis=0)


@reduction_wrong_dim.good
def reduces_time() -> Subject:
    return _program(axis=1)
