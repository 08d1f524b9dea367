from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.masked_rows import unmasked
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.non_finite import BadOperation
from ...instruments.source_lines import where
from ...observations.cards.first_pass import FirstPassCard
from ...observations.cards.padding import PaddingCard
from ..small_data import courses


@check(severity=Severity.ERROR, also=("run",))
def fully_masked_attention_row(first: FirstPassCard, padding: PaddingCard) -> Iterator[Evidence]:
    """A softmax is given a row in which everything is masked, and makes NaN of it.

    Over nothing but -inf a softmax is 0 / 0. A sample that is all padding, or a mask that is the wrong way round, leave such rows.

    Shows as: a loss of nan, often in some batches only.
    Proven by: the softmax itself, caught as it ran: -inf and numbers went in, NaN came out; and a copy whose empty rows are unmasked.
    Not this when: each row keeps one entry that is not masked.
    Fails: attention of your own that gives 0 for an empty row, as fused attention does in newer torch.
    See: torch.nn.MultiheadAttention, `key_padding_mask`: True means ignored; in `scaled_dot_product_attention` True means looked at.
    """
    if first.culprit is not None and first.culprit.masks_all:
        yield _evidence(first.culprit)
    elif padding.lost:
        lost = Fact(f"samples of padding from end to end that {padding.what}", f"{padding.lost} of {padding.samples}", "0")
        fix = Fix("Turn the mask round: True means ignored.", "layer(x, src_key_padding_mask=~mask)", "empty rows unmasked")
        yield Evidence(Confidence.LIKELY, (lost,), f"`{padding.module}`", fix, unmasked, always=True)


_CODE = "empty = mask.all(-1, keepdim=True)\nweights = scores.masked_fill(mask & ~empty, -torch.inf).softmax(-1).masked_fill(empty, 0)"


def _evidence(found: BadOperation) -> Evidence:
    return Evidence(
        Confidence.PROVEN,
        facts=(
            Fact("first operation that spoils the loss", f"{found.name.strip('_')} in the first pass", "none"),
            Fact("what went into it", f"rows of -inf only; others up to {found.inputs[0][1]:.3g}", "a finite entry in every row"),
        ),
        where=where(found.module, found.line),
        fix=Fix("Leave every row something to look at, or set the weights of empty rows to 0.", _CODE, "empty rows unmasked"),
        cure=unmasked,
        always=True,
    )


class _Reader(nn.Module):
    def __init__(self, kept: int):
        super().__init__()
        self.attend, self.head, self.kept = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(24, 3), kept

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = torch.arange(6) >= (torch.arange(len(x)) % 7).clamp(min=self.kept)[:, None]
        return self.head((x + self.attend(x, x, x, key_padding_mask=padding)[0]).flatten(1))


def _program(kept: int) -> Subject:
    torch.manual_seed(0)
    net = _Reader(kept)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=3e-2), courses())


@fully_masked_attention_row.bad
def some_samples_are_all_padding() -> Subject:
    return _program(kept=0)


@fully_masked_attention_row.good
def every_sample_has_one_step() -> Subject:
    return _program(kept=1)
