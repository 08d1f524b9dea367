"""What is still alive: models that only the notebook's own memory holds, and names that keep graphs, by hand-made cases."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.held_graphs import addends, held
from dldebug_magics.observations.cards.left_alive import LeftAlive, kept_graphs, left_models


def net():
    return nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 3))


def steps(model, count, retain=False):
    """The losses of so many steps of training."""
    optimizer, x, y = torch.optim.SGD(model.parameters(), 0.1), torch.randn(8, 10), torch.randint(0, 3, (8,))
    for _ in range(count):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward(retain_graph=retain)
        optimizer.step()
        yield loss


def names(scope):
    mine = {name: thing for name, thing in scope.items() if name != "Out" and not name.startswith("_")}
    return [(model.holders, model.size) for model in left_models(scope, mine)]


def test_a_sum_of_losses_grows_by_a_graph_a_step():
    """Seven nodes a step: two layers of two, tanh, log-softmax and the loss; the sums are their own."""
    total = sum(steps(net(), 10))
    found = held(addends(total.grad_fn))
    assert (found.passes, found.freed, found.apart) == (10, True, True)
    assert found.nodes == 10 * 7
    (kept,) = kept_graphs({"total": total})
    assert (kept.name, kept.summed, kept.scalars) == ("total", True, True)


def test_graphs_that_were_retained_are_of_different_steps_and_full():
    found = held([loss.grad_fn for loss in steps(net(), 6, retain=True)])
    assert (found.freed, found.steps, found.apart) == (False, 6, True)
    assert found.size >= 6 * 4 * 8 * 20  # what each tanh gave


def test_outputs_with_their_graphs_are_of_one_step_and_full():
    model = net()
    outputs = [model(torch.randn(8, 10)) for _ in range(4)]
    found = held([output.grad_fn for output in outputs])
    assert (found.freed, found.steps, found.apart) == (False, 1, True)
    list(steps(model, 1))
    assert held([output.grad_fn for output in outputs]).steps == 1


def test_losses_of_one_pass_are_not_apart():
    hidden = net()(torch.randn(8, 10))
    tasks = [hidden.mean(), hidden.square().mean(), hidden.exp().mean()]
    assert not held([loss.grad_fn for loss in tasks]).apart
    cell, state, total = nn.RNNCell(4, 4), torch.zeros(2, 4), 0
    for _ in range(12):
        state = cell(torch.randn(2, 4), state)
        total = total + state.mean()
    assert not held(addends(total.grad_fn)).apart
    penalty = sum(p.square().sum() for p in net().parameters())
    assert not held(addends(penalty.grad_fn)).apart


def test_a_model_that_only_an_output_holds_is_left_over():
    old, new = net(), net()
    size = 4 * (10 * 20 + 20 + 20 * 3 + 3)
    scope = {"net": new, "Out": {2: old, 3: new}, "_": new, "__": old, "_2": old}
    assert names(scope) == [(("Out[2]", "__", "_2"), size)]
    next(steps(old, 1))
    assert names(scope)[0][1] == 2 * size  # its gradients, too


@pytest.mark.parametrize("place", ["name", "list", "object", "part", "shared"])
def test_a_model_that_a_name_leads_to_is_not(place):
    model, holder = net(), type("Trainer", (), {})()
    holder.model = model
    shared = nn.Sequential(model[0])
    scope = {"Out": {1: model}} | {
        "name": {"net": model},
        "list": {"members": [net(), model]},
        "object": {"trainer": holder},
        "part": {"net": nn.Sequential(model, nn.ReLU())},
        "shared": {"features": shared},
    }[place]
    assert names(scope) == []


def test_a_model_in_the_last_traceback_is_left_over(monkeypatch):
    def crash():
        left = net()
        return left(torch.randn(3, 4))

    with pytest.raises(RuntimeError) as caught:
        crash()
    monkeypatch.setattr(sys, "last_traceback", caught.value.__traceback__, raising=False)
    found = [holders for holders, _ in names({"net": net()})]
    assert (("the last traceback",)) in found


def test_nothing_is_looked_at_without_names():
    assert list(LeftAlive.measure(Subject(net()))) == []
