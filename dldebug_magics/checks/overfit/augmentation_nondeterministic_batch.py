from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.cards.read_twice import ReadTwice
from ..small_data import classes


@check(severity=Severity.NOTE)
def augmentation_nondeterministic_batch(twice: ReadTwice) -> Iterator[Evidence]:
    """The training set draws its inputs anew at each reading: a "single batch" is only one if it is kept.

    That is what augmentation is for. But a one-batch test that asks the loader again at each step trains on many batches, and its loss need
    not reach zero.

    Shows as: a one-batch test of your own that does not reach its floor, while %overfit_batch, which keeps its batch, does.
    Proven by: reading the same sample twice: the input is another.
    Not this when: nothing is drawn at random, or the drawing is kept.
    Fails: eight samples are read; a change that is seldom drawn may be missed. This is a note, not an alarm.
    See: FSDL, "overfit a single batch"; A. Karpathy's recipe, "overfit".
    """
    if twice.inputs:
        yield Evidence(
            Confidence.PROVEN,
            facts=(Fact("samples with another input, read again", f"{twice.inputs} of {twice.samples}", "0 in a one-batch test"),),
            where="the training set",
            fix=Fix(
                "For a one-batch test draw the batch once, or leave augmentation out.", "batch = next(iter(loader))   # before the loop"
            ),
            always=True,
            refuted_by="The same input at each reading.",
        )


class _Points(Dataset):
    def __init__(self, noise: float):
        self.points, self.labels = classes()
        self.noise = noise

    def __len__(self) -> int:
        return 32

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.points[row] + self.noise * torch.randn(20), self.labels[row]


def _program(noise: float) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    loader = DataLoader(_Points(noise), batch_size=32)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@augmentation_nondeterministic_batch.bad
def noise_at_each_reading() -> Subject:
    return _program(noise=0.1)


@augmentation_nondeterministic_batch.good
def the_same_at_each_reading() -> Subject:
    return _program(noise=0.0)
