from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.ready_edits import behind_dot
from ...instruments.source_lines import where
from ...observations.cards.mixing import Mixer, MixingCard
from ...observations.cards.samples import SampleCard
from ..small_data import courses


@check(severity=Severity.ERROR, also=("run",))
def view_instead_of_permute(mixing: MixingCard, samples: SampleCard) -> Iterator[Evidence]:
    """A view or reshape stands where a transpose was meant: the shape is right, and the numbers are in the wrong places.

    `view` and `reshape` keep the order in memory and cut it anew; only `permute`, `transpose` and `movedim` move an axis. A batch of
    sequences that is viewed as `[time, batch, features]` has pieces of different samples in every row.

    Shows as: a program that runs, and learns from scrambled input: outputs that change with the rest of the batch.
    Proven by: one sample is changed in evaluation mode and its share is followed through the call, where it lands in others; with a permute
    in its place the outputs of the others stay.
    Not this when: neighbouring axes are merged or split (flatten, patches, heads), which keeps the order and the samples apart.
    Fails: axes swapped within a sample are not seen, for a network may re-cut its own features freely.
    See: torch.Tensor.view; A. Karpathy, "most common neural net mistakes": thinking view() and permute() are the same thing.
    """
    if mixing.kind == "reshape":
        yield _evidence(mixing, samples, mixing.mixers[0])


def _evidence(mixing: MixingCard, samples: SampleCard, mixer: Mixer) -> Evidence:
    source, target = mixer.shapes
    again = "" if tuple(source[axis] for axis in mixer.change) == target else f".reshape{target}"
    code = f"x.permute{mixer.change}{again}   # instead of: {mixer.line.source or mixer.name}"
    edits = behind_dot(mixer.line, mixer.name, f"permute{mixer.change}") if not again else ()
    return Evidence(
        Confidence.PROVEN if samples.from_loader else Confidence.LIKELY,
        facts=(
            Fact(f"what {mixer.name} makes of it", f"{source} becomes {target}, samples mixed", "samples apart"),
            Fact("samples whose output moves when another sample changes", samples.moved, "0"),
            Fact("the same with a permute", "0", "0"),
        ),
        where=where(mixer.module, mixer.line),
        fix=Fix(f"Move the axes by permute, not by {mixer.name}.", code, f"permute in the place of {mixer.name}", edits),
        cure=mixing.cure,
        always=samples.from_loader,
        refuted_by="Outputs that stay when the rest of the batch is exchanged.",
    )


class _Reader(nn.Module):
    def __init__(self, by_view: bool):
        super().__init__()
        self.memory, self.head, self.by_view = nn.GRU(4, 24), nn.Linear(24, 3), by_view

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.view(x.shape[1], x.shape[0], 4) if self.by_view else x.transpose(0, 1)
        return self.head(self.memory(rows)[0][-1])


def _program(by_view: bool) -> Subject:
    torch.manual_seed(0)
    net, loader = _Reader(by_view), DataLoader(TensorDataset(*courses()), batch_size=32)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@view_instead_of_permute.bad
def views_as_time_first() -> Subject:
    return _program(by_view=True)


@view_instead_of_permute.good
def transposes() -> Subject:
    return _program(by_view=False)
