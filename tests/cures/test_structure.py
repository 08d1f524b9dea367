"""Cures that build a model a little differently, against the same model written by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.capacity import widened
from dldebug_magics.cures.clipping import clipped
from dldebug_magics.cures.initialisation import anew, by_he
from dldebug_magics.cures.structure import normalised, rectified_between, rectifying
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject

torch.manual_seed(3)
X, LABELS = torch.randn(8, 6), torch.randint(0, 4, (8,))


def program(*layers: nn.Module, batch=(X, LABELS), rate: float = 0.1) -> Subject:
    net = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.5)
    return Subject(net, nn.CrossEntropyLoss(), optimizer, batch, batch=batch)


def test_rectified_between_layers_only():
    one, two, three = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 4)
    by_hand = functional.cross_entropy(three(torch.relu(two(torch.relu(one(X))))), LABELS)
    assert torch.equal(loss_of(rectified_between(program(one, two, three))).loss, by_hand)


@pytest.mark.parametrize("spared", [None, ("tanh", 1)])
def test_relus_in_the_place_of_hidden_activations(spared):
    one, two = nn.Linear(6, 8), nn.Linear(8, 4)
    cured = rectifying(spared)(program(one, nn.Tanh(), two, nn.Tanh()))
    hidden = two(torch.relu(one(X)))
    by_hand = functional.cross_entropy(torch.relu(hidden) if spared is None else torch.tanh(hidden), LABELS)
    assert torch.equal(loss_of(cured).loss, by_hand)
    assert one.weight.std().item() == pytest.approx((2 / 6) ** 0.5, rel=0.3) and not one.bias.any()


def test_normed_in_front_of_activations():
    one, two = nn.Linear(6, 8), nn.Linear(8, 4)
    by_hand = functional.cross_entropy(two(torch.sigmoid(functional.layer_norm(one(X), (8,)))), LABELS)
    assert torch.allclose(loss_of(normalised(None)(program(one, nn.Sigmoid(), two))).loss, by_hand)


def test_only_the_named_weights_begin_anew():
    subject = program(nn.Linear(6, 8), nn.Linear(8, 4))
    kept = subject.model[1].weight.clone()
    nn.init.zeros_(subject.model[0].weight)
    anew(("0.weight",))(subject)
    assert subject.model[0].weight.std() > 0.1 and torch.equal(subject.model[1].weight, kept)


def test_norms_and_recurrent_layers_are_left_alone_by_he():
    memory, norm = nn.GRU(6, 5), nn.LayerNorm(5)
    nn.init.constant_(norm.bias, 2.0)
    before = memory.weight_hh_l0.clone()
    by_he(Subject(nn.ModuleList([memory, norm]), nn.CrossEntropyLoss(), None, (X, LABELS)))
    assert torch.equal(memory.weight_hh_l0, before) and (norm.bias == 2).all()


def test_clipped_steps_are_no_longer_than_the_rate():
    subject = clipped(program(nn.Linear(6, 4), batch=(1000 * X, LABELS)))
    before = [p.detach().clone() for p in subject.model.parameters()]
    loss_of(subject).loss.backward()
    subject.optimizer.step()
    moved = sum((p - b).square().sum() for p, b in zip(subject.model.parameters(), before, strict=True)).sqrt()
    assert moved.item() == pytest.approx(0.1, rel=1e-3)


def test_four_times_as_wide_with_the_same_optimizer():
    images = (torch.randn(8, 2, 6, 6), LABELS)
    layers = (nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5), nn.LayerNorm(5), nn.Tanh(), nn.Linear(5, 4))
    wide = widened(program(*layers, batch=images, rate=0.02))
    shapes = [tuple(p.shape) for p in wide.model.parameters() if p.ndim > 1]
    assert shapes == [(12, 2, 3, 3), (20, 192), (4, 20)] and wide.model[1].num_features == 12
    assert {id(p) for g in wide.optimizer.param_groups for p in g["params"]} == {id(p) for p in wide.model.parameters()}
    group = wide.optimizer.param_groups[0]
    assert (type(wide.optimizer), group["lr"], group["momentum"]) == (torch.optim.SGD, 0.02, 0.5)
    loss_of(wide).loss.backward()


def test_a_wider_recurrent_layer_behind_an_embedding():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.codes, self.memory, self.head = nn.Embedding(9, 3), nn.LSTM(3, 2, batch_first=True), nn.Linear(2, 4)

        def forward(self, x):
            return self.head(self.memory(self.codes(x))[0][:, -1])

    batch = (torch.randint(0, 9, (8, 5)), LABELS)
    wide = widened(Subject(Reader(), nn.CrossEntropyLoss(), None, batch, batch=batch))
    assert (wide.model.codes.embedding_dim, wide.model.memory.hidden_size, tuple(wide.model.head.weight.shape)) == (12, 8, (4, 8))
    loss_of(wide).loss.backward()
