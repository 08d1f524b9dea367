"""What a watch reads off the graph of the loop's own passes, against the same numbers taken by plain autograd or by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.ask import Watch
from dldebug_magics.instruments.watch import way_back
from dldebug_magics.instruments.watch.events import Backward
from dldebug_magics.instruments.watch.linear import overflow, weight_of
from tests.loops.healthy.program import net


def watched(model, loss_of, steps=1, rate=0.0):
    """The backward passes of a loop with these steps, and all of it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    with Watch() as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of().backward()
            optimizer.step()
    assert watch.experiment.blind == ""
    return list(watch.experiment.of(Backward)), watch.experiment


def test_the_way_back_through_layers_is_that_of_retained_gradients():
    torch.manual_seed(0)
    layers, x = [nn.Linear(6, 6) for _ in range(7)], torch.randn(5, 6)
    for layer in layers:
        nn.init.normal_(layer.weight, std=1.5)
    (passed, *_), _ = watched(nn.ModuleList(layers), lambda: nn.Sequential(*layers)(x).square().mean())
    state, results = x, []
    for layer in layers:
        state = layer(state)
        state.retain_grad()
        results.append(state)
    state.square().mean().backward()
    norms = [float(r.grad.norm()) for r in results]
    (chain,) = passed.chains
    assert (chain.over, chain.uses) == ("depth", 7)
    assert chain.first == pytest.approx(norms[0]) and chain.last == pytest.approx(norms[-1]) and chain.largest == pytest.approx(max(norms))
    assert chain.growth == pytest.approx(max(norms) / norms[-1]) and chain.left == pytest.approx(norms[0] / norms[-1])


def test_one_weight_used_again_and_again_is_a_way_through_time():
    torch.manual_seed(0)
    cell, start = nn.Linear(4, 4, bias=False), torch.randn(3, 4)
    nn.init.orthogonal_(cell.weight, 2.0)

    def end():
        state = start
        for _ in range(10):
            state = cell(state)
        return state.square().sum()

    (passed, *_), _ = watched(cell, end)
    (chain,) = passed.chains
    assert (chain.over, chain.weight, chain.uses) == ("time", "weight", 10)
    assert chain.growth == pytest.approx(2.0**9, rel=1e-4) and chain.leap == pytest.approx(1 / 9, rel=1e-3)


def test_a_batch_norm_is_as_far_off_as_by_hand():
    model, x = net(norm=True), torch.randn(10, 16)
    passes, _ = watched(model, lambda: model(x).square().mean(), steps=2)
    (norm,) = passes[1].normed
    batch = model[0](x).detach()
    mean, variance = batch.mean(0), batch.var(0, unbiased=False)
    stored_mean, stored_variance = 0.19 * mean, 0.81 + 0.19 * batch.var(0)
    distance = ((stored_mean - mean).abs() / variance.sqrt() + (stored_variance.log() - variance.log()).abs()).mean()
    assert (norm.name, norm.values, norm.momentum) == ("1", 10, 0.1)
    assert norm.apart == pytest.approx(float(distance), rel=1e-3)
    moved = (stored_mean.abs() / variance.sqrt() + stored_variance.log().abs()).mean()
    assert norm.from_start == pytest.approx(float(moved), rel=1e-3)


def test_gradients_in_float16_are_counted():
    model, x = nn.Linear(4, 2).half(), torch.ones(3, 4).half()
    scale = torch.tensor([1e-6, 0.0]).half()
    (passed, *_), _ = watched(model, lambda: (model(x) * scale).sum().float())
    assert passed.halves.weight == "weight" and passed.halves.largest == pytest.approx(1e-6, rel=0.1)
    assert (passed.halves.tiny, passed.halves.zero) == (1.0, 0.5)


@pytest.mark.parametrize("tracked", [False, True])
def test_a_product_beyond_float16_is_told_from_one_within(tracked):
    x = torch.full((2, 8), 100.0, dtype=torch.float16, requires_grad=tracked)
    large, small = nn.Linear(8, 3, bias=False).half(), nn.Conv1d(1, 2, 3, bias=False).half()
    nn.init.constant_(large.weight, 100.0), nn.init.constant_(small.weight, 100.0)
    node = large(x).grad_fn
    assert weight_of(node) is large.weight and float(overflow(node).max()) == 80000.0
    assert overflow(small(x[:, None]).grad_fn) is None
    assert float(overflow(nn.init.constant_(small.weight, 1000.0) is not None and small(x[:, None]).grad_fn).max()) == 300000.0


def test_the_line_that_runs_a_part_and_the_highest_rate():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head, self.spare = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            hidden = self.body(x)
            return self.head(hidden)

    model, x = Net(), torch.randn(3, 4)
    _, loop = watched(model, lambda: F.cross_entropy(model(x), torch.zeros(3, dtype=torch.long)), steps=4, rate=0.25)
    weights = {w.name: w for w in loop.census[0][1]}
    assert weights["body.weight"].ran.source == "hidden = self.body(x)" and weights["head.bias"].ran.source == "return self.head(hidden)"
    assert weights["spare.weight"].ran.place == "" and weights["spare.weight"].rate == 0.25


def test_nothing_hangs_on_a_graph_that_is_used_again(monkeypatch):
    looks = []
    monkeypatch.setattr(way_back, "_looking", lambda use: lambda given: looks.append(use.number))
    model, x = net(), torch.randn(4, 16)
    with Watch():
        loss = model(x).square().mean()
        loss.backward(retain_graph=True)
    seen = list(looks)
    loss.backward()
    assert len(seen) == 2 and looks == seen
