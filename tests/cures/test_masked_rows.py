"""Rows of attention that may look at nothing: found by their softmax, opened by the cure; all other rows keep their numbers to the bit."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.masked_rows import unmasked
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.numerics import NumericsCard
from dldebug_magics.observations.overfit_batch import OverfitBatch

torch.manual_seed(0)
N, T, F = 4, 5, 6
X, Y = torch.randn(N, T, F), torch.randn(N, T, F)
EMPTY = torch.arange(T) >= torch.tensor([5, 3, 0, 1])[:, None]  # True is masked; the third sample is all padding
LEFT = torch.arange(T) < torch.tensor([0, 2, 3, 0])[:, None]
FUTURE = torch.ones(T, T, dtype=torch.bool).triu(1)


class Net(nn.Module):
    def __init__(self, body):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.a, self.many = body, nn.Linear(F, F), nn.MultiheadAttention(F, 2, batch_first=True)

    def forward(self, x):
        return self.body(self, x)


def by_hand(n, x, mask):
    scores = (n.a(x) @ x.transpose(1, 2)).masked_fill(mask[:, None], -math.inf)
    return functional.softmax(scores, dim=-1) @ x


BODIES = {
    "by hand": lambda n, x, mask: by_hand(n, x, mask),
    "added": lambda n, x, mask: torch.softmax(n.a(x) @ x.mT + torch.zeros(N, 1, T).masked_fill(mask[:, None], -math.inf), -1) @ x,
    "log of a mask": lambda n, x, mask: (n.a(x) @ x.transpose(1, 2) + (~mask[:, None]).float().log()).softmax(-1) @ x,
    "many heads": lambda n, x, mask: n.many(x, x, x, key_padding_mask=mask)[0],
}  # fmt: skip


def subject(body, loss_fn=functional.mse_loss):
    net = Net(body)
    return Subject(net, loss_fn, torch.optim.SGD(net.parameters(), lr=0.01), (X, Y), batch=(X, Y))


def culprit(program):
    run = list(OverfitBatch.measure(subject(*program), steps=4))[-1]
    return list(NumericsCard.measure(subject(*program), run))[-1].culprit


@pytest.mark.parametrize("kind", BODIES)
def test_the_softmax_is_the_culprit_and_the_cure_opens_its_empty_rows(kind):
    assert culprit([lambda n, x: BODIES[kind](n, x, EMPTY)]).masks_all
    cured = unmasked(subject(lambda n, x: BODIES[kind](n, x, EMPTY)))
    passed = loss_of(cured)
    passed.loss.backward()
    assert torch.isfinite(passed.output).all() and all(torch.isfinite(p.grad).all() for p in cured.model.parameters() if p.grad is not None)
    plain = subject(lambda n, x: BODIES[kind](n, x, EMPTY)).model(X)
    others = [0, 1, 3]
    assert torch.allclose(passed.output[others], plain[others], atol=1e-6) and plain[2].isnan().all()


def test_a_causal_mask_over_padding_on_the_left():
    body = lambda n, x: n.many(x, x, x, key_padding_mask=LEFT, attn_mask=FUTURE)[0]  # noqa: E731
    assert culprit([body]).masks_all
    passed, plain = loss_of(unmasked(subject(body))), subject(body).model(X)
    assert torch.isfinite(passed.output).all()
    seen = ~plain.isnan()
    assert not seen.all() and torch.allclose(passed.output[seen], plain[seen], atol=1e-6)


@pytest.mark.parametrize("kind", BODIES)
def test_masks_that_leave_something_are_no_culprit(kind):
    assert culprit([lambda n, x: BODIES[kind](n, x, EMPTY & (torch.arange(T) > 0))]) is None


def test_the_legal_logarithm_of_a_mask_is_not_blamed_for_another_s_nan():
    partly = (torch.arange(T) < 3).float()

    def masked_and_divided(n, x):
        mixed = (n.a(x) @ x.transpose(1, 2) + partly.log()).softmax(-1) @ x
        return mixed / (x[:, :1] - x[:, :1])

    assert culprit([masked_and_divided]).name == "div"
    rooted = lambda n, x: torch.sqrt((n.a(x) @ x.transpose(1, 2) + partly.log()).softmax(-1) * partly).matmul(x)  # noqa: E731
    found = culprit([rooted])
    assert (found.name, found.backward) == ("sqrt", False), "of two operations at their edge, the one whose gradient failed"
