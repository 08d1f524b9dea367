"""Compiled models and functions: they train on as they would, nothing is alarming about them, and the report says what it can't see."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.ask import Watch

from .healthy.program import accuracy, loaders, net


class _WithLoss(nn.Module):
    """The loss is made within, as Hugging Face's models do."""

    def __init__(self, body, loss_fn):
        super().__init__()
        self.body, self.loss_fn = body, loss_fn

    def forward(self, x, y):
        return self.loss_fn(self.body(x), y)


def _program(kind, backend):
    model = net(norm=True, dropout=0.1)
    loss_fn = torch.compile(lambda out, y: F.cross_entropy(out, y), backend=backend) if kind in ("the_loss", "within") else F.cross_entropy
    ran = torch.compile(model, backend=backend) if kind == "the_model" else model
    if kind == "in_place":
        model.compile(backend=backend)
    step = _WithLoss(model, loss_fn) if kind == "within" else lambda x, y: loss_fn(ran(x), y)
    return model, torch.compile(step, backend=backend) if kind == "the_step" else step


def _trained(kind, backend, watched):
    torch._dynamo.reset()
    model, step = _program(kind, backend)
    optimizer, (train, val), watch = torch.optim.Adam(model.parameters(), lr=1e-2), loaders(), Watch()

    def run():
        for _ in range(3):
            model.train()
            for x, y in train:
                optimizer.zero_grad()
                step(x, y).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            accuracy(model, val)

    torch.manual_seed(7)
    if watched:
        with watch:
            run()
    else:
        run()
    return watch, [value.clone() for value in model.state_dict().values()], torch.get_rng_state()


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("kind", ["the_model", "in_place", "the_loss", "within", "the_step"])
def test_trains_on_unchanged(kind, backend):
    _, weights, numbers = _trained(kind, backend, watched=False)
    watch, weights_watched, numbers_watched = _trained(kind, backend, watched=True)
    assert watch.findings == () and watch.untouched and watch.experiment.blind == "" and watch.experiment.taken == 30
    assert all(torch.equal(a, b) for a, b in zip(weights, weights_watched, strict=True)) and torch.equal(numbers, numbers_watched)
    seen_through = backend == "eager" and kind not in ("the_model", "in_place")  # that one leaves the graph as it was
    assert any("compiled" in said for said in watch.not_examined) is not seen_through
