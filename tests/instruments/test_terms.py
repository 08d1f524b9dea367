"""The terms of a loss in the many ways in which a sum is written, and what cut each of them off."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from dldebug_magics.instruments.terms import Terms, meant

OUT = torch.tensor([[2.0, -1.0], [0.5, 1.5]])


def terms(loss_fn):
    out = OUT.clone().requires_grad_()
    with Terms() as watch:
        loss = loss_fn(out)
    return [(pytest.approx(term.value, rel=1e-5), term.graph is not None, term.cut) for term in watch.of(loss)], loss


def in_place(out):
    loss = out.square().sum()
    loss += 2 * out.mean()
    loss -= (out > 0).sum()
    return loss


@pytest.mark.parametrize(
    ("loss_fn", "found"),
    [
        (lambda o: o.sum() + o.mean(), [(3.0, True, ""), (0.75, True, "")]),
        (lambda o: sum([o.sum(), o.mean(), o.max()]), [(3.0, True, ""), (0.0, False, ""), (0.75, True, ""), (2.0, True, "")]),
        (lambda o: ((o.sum() + o.mean()) / 2 - o.max()).reshape(()), [(3.0, True, ""), (0.75, True, ""), (2.0, True, "")]),
        (in_place, [(7.5, True, ""), (1.5, True, ""), (3.0, False, "gt")]),
        (lambda o: 1 - o.sum(), [(3.0, True, ""), (1.0, False, "")]),
        (lambda o: o.sum() + o.mean().item(), [(3.0, True, ""), (0.75, False, "item")]),
        (lambda o: o.sum() + 3 * o.mean().item(), [(3.0, True, ""), (2.25, False, "item")]),
        (lambda o: o.sum() + o.detach().mean(), [(3.0, True, ""), (0.75, False, "detach")]),
        (lambda o: o.sum() + o.detach().mean().item(), [(3.0, True, ""), (0.75, False, "detach")]),
        (lambda o: o.sum() + (o.argmax(1) == torch.tensor([0, 0])).float().mean(), [(3.0, True, ""), (0.5, False, "argmax")]),
        (lambda o: o.sum() + 0 * (o > 0).float().mean(), [(3.0, True, ""), (0.0, False, "gt")]),
        (lambda o: (o + 1).sum(), []),
        (lambda o: functional.mse_loss(o, o + 1), []),
    ],
)
def test_terms_and_cuts(loss_fn, found):
    assert terms(loss_fn)[0] == found


def test_no_grad_is_meant_and_a_comparison_is_not():
    def loss_fn(out):
        with torch.no_grad():
            teacher = (out * 2).mean()
        return out.sum() + teacher

    cut = terms(loss_fn)[0][1][2]
    assert cut == "no_grad" and meant(cut) and meant("detach") and not meant("gt")


def test_watching_changes_no_gradient():
    out, twin = OUT.clone().requires_grad_(), OUT.clone().requires_grad_()
    with Terms():
        loss = in_place(out)
    loss.backward()
    in_place(twin).backward()
    assert torch.equal(out.grad, twin.grad)
