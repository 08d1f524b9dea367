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


@check(severity=Severity.ERROR)
def labels_redrawn(twice: ReadTwice) -> Iterator[Evidence]:
    """A sample has another label each time it is read.

    The input stays and the label is drawn anew: a shuffle of the labels alone, or a random choice where a lookup was meant. No two epochs
    agree, so there is nothing to learn but the shares of the classes.

    Shows as: one frozen batch that is memorised, and training that swings about the entropy of the labels.
    Proven by: reading the same sample twice: the same input, and another label.
    Not this when: the input changes with its label, as mixing augmentation does; labels are numbers with a little noise; inputs are words.
    Fails: eight samples are read; a label that seldom changes may be missed.
    See: FSDL, "overfit a single batch": error oscillates, data or labels corrupted.
    """
    if not twice.plain or not twice.labels_alone:
        return
    yield Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("samples with the same input and another label, read again", f"{twice.labels_alone} of {twice.samples}", "0"),
            Fact(f"label of sample {twice.number}", f"{twice.first}, then {twice.second}", "the same"),
        ),
        where="the training set",
        fix=Fix(
            "Look the label up by the sample's number; draw nothing when a label is read.", "return self.x[i], self.y[i]   # in __getitem__"
        ),
        always=True,
        refuted_by="The same label at each reading.",
    )


class _Pairs(Dataset):
    def __init__(self, redrawn: bool):
        self.points, self.labels = classes()
        self.redrawn = redrawn

    def __len__(self) -> int:
        return 32

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        other = int(torch.randint(0, 32, ())) if self.redrawn else row
        return self.points[row], self.labels[other]


def _program(redrawn: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
    loader = DataLoader(_Pairs(redrawn), batch_size=32)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), loader)


@labels_redrawn.bad
def label_drawn_when_read() -> Subject:
    return _program(redrawn=True)


@labels_redrawn.good
def label_looked_up() -> Subject:
    return _program(redrawn=False)
