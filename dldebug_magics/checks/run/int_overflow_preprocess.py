from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...cures.wide_integers import calculated_wide, read_wide
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.overflow import OverflowCard

_REAL = "Make the numbers real before you calculate with them."


@check(severity=Severity.ERROR)
def int_overflow_preprocess(card: OverflowCard) -> Iterator[Evidence]:
    """Bytes, or other small whole numbers, are calculated with and wrap: 10 - 20 is 246.

    A byte has no room for less than 0 or more than 255; torch and numpy begin at the other end without a word. Pictures that are made
    brighter, or subtracted from each other, before they are made real have black where white should be.

    Shows as: nothing; a picture of it shows specks.
    Proven by: the same calculation with wide numbers, which gives others, off by the length of the range.
    Not this when: bytes are turned over (255 - x, ~x), looked up in a table, or clipped before they are stored.
    Fails: whole numbers of 32 bits; data that were spoilt before they were stored; a data set that reads its files sample by sample.
    See: numpy, "overflow errors" of fixed-size numbers; FSDL, "the five most common bugs", incorrect pre-processing.
    """
    if card.in_model is not None:
        found = card.in_model
        code = f"x = x.float()   # before: {found.line.source or found.name}"
        fix, facts = Fix(_REAL, code, "wide numbers"), (Fact(f"{found.name} of {found.dtype}", str(found.got), str(found.right)),)
        share = Fact("share of its results that wrapped", f"{found.share:.0%}", "0%")
        place = where(found.module, found.line)
        yield Evidence(Confidence.PROVEN, (*facts, share), place, fix, calculated_wide, always=True)
    elif card.in_data:
        fact = Fact("share of the values that are others with wide numbers", f"{card.share:.0%}", "0%")
        fix = Fix(_REAL, "x = x.astype(numpy.float32)   # first, in `__getitem__`", "wide numbers")
        yield Evidence(Confidence.PROVEN, (fact,), f"`{card.in_data}.__getitem__`", fix, read_wide, always=True)


class _Motion(nn.Module):
    def __init__(self, real: bool):
        super().__init__()
        self.net, self.real = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)), real

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return self.net((after.float() - before.float() if self.real else (after - before).float()) / 10)


def _program(real: bool) -> Subject:
    torch.manual_seed(0)
    net, before = _Motion(real), torch.randint(90, 110, (16, 1, 8, 8), dtype=torch.uint8)
    batch = before, (before.int() + torch.randint(-9, 10, before.shape)).byte(), torch.arange(16) % 2
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-2), batch)


@int_overflow_preprocess.bad
def a_difference_of_bytes() -> Subject:
    return _program(real=False)


@int_overflow_preprocess.good
def a_difference_of_real_numbers() -> Subject:
    return _program(real=True)
