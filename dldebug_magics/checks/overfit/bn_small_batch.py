from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.norms import NormCard
from ..small_data import classes


@check(severity=Severity.NOTE)
def bn_small_batch(card: NormCard) -> Iterator[Evidence]:
    """Batch norm takes its statistics from so few values that they are mostly noise.

    The mean of n values is off by the root of 1/n of their deviation: by half of it for n = 4. With two samples and no pixels, batch norm
    gives each feature as +1 or -1, whatever its size. One batch is memorised all the same; the next looks different.

    Shows as: a training loss that is noisy from batch to batch, and a validation loss far from it.
    Proven by: counting the values of a channel in one of your batches.
    Not this when: the pixels of a few pictures are many values. A small batch may be all that fits, so this is a note.
    Fails: neighbouring pixels are alike, and count for less than their number.
    See: Wu & He 2018, "Group normalization", figure 1; Ioffe 2017, "Batch renormalization".
    """
    few = [norm for norm in card.norms if norm.values <= _FEW]
    if few:
        yield Evidence(
            Confidence.PROVEN,
            facts=(
                Fact("values that a channel's statistics are taken from", f"{few[0].values}", f"more than {_FEW}"),
                Fact("error of its mean", f"{few[0].values ** -0.5:.0%} of the deviation", "a few percent"),
            ),
            where=few[0].name,
            fix=Fix("Take larger batches, or a norm that looks at one sample by itself.", "torch.nn.GroupNorm(1, channels)"),
            always=True,
            refuted_by="A loader with larger batches.",
        )


_FEW = 4


def _program(size: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    loader = DataLoader(TensorDataset(*classes()), batch_size=size)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@bn_small_batch.bad
def two_samples() -> Subject:
    return _program(2)


@bn_small_batch.good
def many_samples() -> Subject:
    return _program(32)


@bn_small_batch.good
def two_pictures() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10))
    data = TensorDataset(torch.randn(8, 1, 5, 5), torch.arange(8))
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), DataLoader(data, batch_size=2))
