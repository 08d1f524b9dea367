"""Bigger, smaller, deeper and normed copies against the same model written by hand, and the optimizer that goes with them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures import capacity, depth, inner_width
from dldebug_magics.cures.norms import by_batch, by_sample, normed
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.layer_order import hidden, layer_order

torch.manual_seed(3)
X, PICTURES, LABELS = torch.randn(8, 6), torch.randn(8, 2, 6, 6), torch.randint(0, 4, (8,))


def program(*layers: nn.Module, inputs=X, optimizer=None) -> Subject:
    net = nn.Sequential(*layers)
    return Subject(net, nn.CrossEntropyLoss(), optimizer or torch.optim.SGD(net.parameters(), lr=0.1), batch=(inputs, LABELS))


def count(subject: Subject) -> int:
    return sum(p.numel() for p in subject.model.parameters())


def only_way(subject: Subject) -> Subject:
    (_, edit), *_ = depth.ways(subject)
    return edit(subject)


def test_one_more_dense_layer_behind_the_last_hidden_one():
    one, two, out = nn.Linear(6, 16), nn.Linear(16, 10), nn.Linear(10, 4)
    subject = program(one, nn.ReLU(), two, nn.LeakyReLU(0.3), out)
    before = count(subject)
    deeper = only_way(subject)
    assert count(deeper) == before + 10 * 10 + 10
    bent = lambda t: functional.leaky_relu(t, 0.3)  # noqa: E731
    by_hand = out(bent(two.behind.layer(bent(functional.linear(torch.relu(one(X)), two.weight, two.bias)))))
    assert torch.allclose(deeper.model(X), by_hand)


def test_one_more_convolution_has_a_norm_as_its_neighbour_has():
    conv, norm = nn.Conv2d(2, 3, 4, padding=1), nn.BatchNorm2d(3)
    deeper = only_way(program(conv, norm, nn.ReLU(), nn.Flatten(), nn.Linear(75, 4), inputs=PICTURES))
    added = conv.behind
    assert isinstance(added.norm, nn.BatchNorm2d) and added.layer.kernel_size == (5, 5) and deeper.model(PICTURES).shape == (8, 4)


def test_one_more_block_and_one_more_recurrent_layer():
    block = lambda: nn.Sequential(nn.Linear(6, 6), nn.ReLU())  # noqa: E731
    deeper = only_way(program(nn.Sequential(block(), block()), nn.Linear(6, 4)))
    assert len(deeper.model[0]) == 3 and deeper.model(X).shape == (8, 4)
    torch.manual_seed(0)
    net = nn.LSTM(6, 5, batch_first=True)
    subject = Subject(net, lambda o, t: functional.cross_entropy(o[0], t), torch.optim.SGD(net.parameters(), 0.1), batch=(X, LABELS))
    assert only_way(subject).model.num_layers == 2
    assert {id(p) for p in net.parameters()} == {id(p) for p in subject.optimizer.param_groups[0]["params"]}


@pytest.mark.parametrize(("times", "widths"), [(2, [32, 20]), (0.5, [8, 5])])
def test_hidden_widths(times, widths):
    subject = capacity.by(times)(program(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 10), nn.ReLU(), nn.Linear(10, 4)))
    assert [layer.out_features for layer in subject.model if isinstance(layer, nn.Linear)] == [*widths, 4]
    assert subject.model(X).shape == (8, 4)


def test_only_the_width_between_two_dense_layers():
    subject = program(nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 10), nn.GELU(), nn.Linear(10, 6), nn.LayerNorm(6), nn.Linear(6, 4))
    assert inner_width.pairs(subject) == [("2", "4")]
    wider = inner_width.by(2)(subject)
    assert [(m.in_features, m.out_features) for m in wider.model if isinstance(m, nn.Linear)] == [(6, 6), (6, 20), (20, 6), (6, 4)]


def test_groups_keep_their_settings_and_their_layers():
    one, two = nn.Linear(6, 8), nn.Linear(8, 4)
    one.bias.requires_grad_(False)
    groups = [{"params": [one.weight], "lr": 0.5}, {"params": two.parameters(), "lr": 0.01, "weight_decay": 0.1}]
    optimizer = torch.optim.Adam(groups)
    wide = capacity.by(2)(program(one, nn.ReLU(), two, optimizer=optimizer))
    first, second = wide.optimizer.param_groups
    assert wide.optimizer is optimizer and (first["lr"], second["lr"], second["weight_decay"]) == (0.5, 0.01, 0.1)
    assert [tuple(p.shape) for p in (*first["params"], *second["params"])] == [(16, 6), (4, 16), (4,)]
    assert not one.bias.requires_grad, "what was frozen is frozen"


def test_norms_stand_behind_hidden_layers_and_in_front_of_their_activations():
    conv, dense, out = nn.Conv2d(2, 3, 3), nn.Linear(48, 5), nn.Linear(5, 4)
    subject = normed(by_batch)(program(conv, nn.ReLU(), nn.Flatten(), dense, nn.Tanh(), out, inputs=PICTURES))
    inner = functional.batch_norm(functional.conv2d(PICTURES, conv.weight, conv.bias), None, None, training=True).relu().flatten(1)
    inner = functional.batch_norm(functional.linear(inner, dense.weight, dense.bias), None, None, training=True).tanh()
    assert torch.allclose(subject.model(PICTURES), out(inner), atol=1e-5)
    assert not hasattr(out, "normed") and len(subject.optimizer.param_groups[0]["params"]) == 10
    assert subject.model.train()(PICTURES[:1]).isfinite().all(), "a last batch of one sample"


def test_norms_of_single_samples_do_not_see_their_neighbours():
    subject = normed(by_sample)(
        program(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 5), nn.ReLU(), nn.Linear(5, 4), inputs=PICTURES)
    )
    assert (type(subject.model[0].normed), type(subject.model[3].normed)) == (nn.GroupNorm, nn.LayerNorm)
    assert torch.allclose(subject.model(PICTURES)[:1], subject.model(PICTURES[:1]), atol=1e-6)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.beside = nn.Linear(6, 8), nn.Linear(8, 4), nn.Linear(8, 1)

    def forward(self, x):
        x = torch.relu(self.body(x))
        return self.head(x), self.beside(x)


def test_a_head_beside_the_last_one_is_not_hidden():
    net = TwoHeads()
    subject = Subject(net, lambda o, t: functional.cross_entropy(o[0], t), batch=(X, LABELS))
    order = layer_order(subject)
    assert [(layer.name, layer.raw, layer.last) for layer in order] == [
        ("body", True, False),
        ("head", False, True),
        ("beside", False, True),
    ]
    assert [layer.name for layer in hidden(order)] == ["body"]
