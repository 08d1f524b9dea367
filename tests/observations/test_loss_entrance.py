"""What enters the loss, by hand-made cases: where classes stand, what is left out, float16 on the way, a cross entropy written out."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.ask import ask
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.class_axis import ClassAxisCard
from dldebug_magics.observations.cards.half_precision import HalfPrecisionCard
from dldebug_magics.observations.cards.left_out import LeftOutCard
from dldebug_magics.observations.cards.padding import PaddingCard
from dldebug_magics.observations.cards.samples import SampleCard
from dldebug_magics.observations.cards.targets import TargetCard


def subject(net, loss, points, labels, **more):
    return Subject(net, loss, torch.optim.Adam(net.parameters(), lr=1e-2), (points, labels), batch=(points, labels), **more)


def seen(kind, program, *needs):
    return list(kind.measure(program, *needs))[-1]


def alarms(program):
    return [finding.name for finding in list(ask("overfit_batch", program))[-1].alarms]


POINTS, LABELS = torch.randn(8, 7, 6, generator=torch.Generator().manual_seed(0)), torch.arange(56).reshape(8, 7) % 5
CROSS = functional.cross_entropy
LOSSES = {
    "viewed": (lambda z, y: CROSS(z.view(8, 5, 7), y), (0, 2, 1)),
    "reshaped and turned": (lambda z, y: CROSS(z.reshape(8, 5, 7).transpose(1, 2).reshape(-1, 5), y.flatten()), (0, 2, 1)),
    "rows of classes first": (lambda z, y: CROSS(z.transpose(1, 2).contiguous().reshape(-1, 5), y.flatten()), (0, 2, 1)),
    "transposed": (lambda z, y: CROSS(z.transpose(1, 2), y), ()),
    "laid out as rows": (lambda z, y: CROSS(z.reshape(-1, 5), y.flatten()), ()),
    "flattened": (lambda z, y: CROSS(z.transpose(1, 2).transpose(1, 2).flatten(0, 1), y.flatten()), ()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_view_deals_the_classes_out_anew_and_a_permute_moves_them(name):
    loss, order = LOSSES[name]
    found = seen(ClassAxisCard, subject(nn.Linear(6, 5), loss, POINTS, LABELS))
    assert found.order == order and not found.first
    if order:
        net = nn.Linear(6, 5)
        cured, right = found.cure(subject(net, loss, POINTS, LABELS)), CROSS(net(POINTS).transpose(1, 2), LABELS)
        assert float(loss_of(cured).loss.detach()) == pytest.approx(float(right.detach()))


def test_classes_on_axis_one_before_a_loss_of_rows():
    class Turned(nn.Linear):
        def forward(self, x):
            return super().forward(x).transpose(1, 2)

    program = subject(Turned(6, 5), lambda z, y: CROSS(z.reshape(-1, z.shape[-1]), y.flatten()), POINTS, LABELS)
    assert seen(ClassAxisCard, program).first
    assert alarms(program)[:1] == ["class_dim_wrong"]


def split_by(lost, train_repeats=40):
    points, labels = torch.randn(320, 6), torch.arange(320) % 5
    mine = DataLoader(TensorDataset(points, labels.masked_fill(lost(labels), -100)), batch_size=32)
    net = nn.Linear(6, 5)
    return Subject(net, CROSS, torch.optim.Adam(net.parameters()), mine, val=TensorDataset(points, labels), batch=next(iter(mine)))


def test_labels_left_out_of_training_and_not_of_validation():
    program = split_by(lambda y: y < 2)
    found = seen(LeftOutCard, program, seen(TargetCard, program))
    assert found.missing == (0, 1) and found.train == pytest.approx(0.4) and found.val == 0 and found.never_taught
    half = split_by(lambda y: torch.arange(320) % 2 == 0)
    found = seen(LeftOutCard, half, seen(TargetCard, half))
    assert found.train == 0.5 and not found.never_taught and not found.hardly_any, "half of the samples unlabelled"
    both = dataclasses.replace(program, val=program.train)
    assert seen(LeftOutCard, both, seen(TargetCard, both)).missing == ()


def test_nothing_but_ignored_labels_is_named_alone():
    net = nn.Linear(20, 10)
    assert alarms(subject(net, nn.CrossEntropyLoss(), torch.randn(32, 20), torch.full((32,), -100))) == ["ignore_index_swallows"]


def test_a_cast_and_a_gradient_that_float16_cannot_hold():
    net, (x, y) = nn.Linear(6, 5), (torch.randn(8, 6), torch.arange(8) % 5)
    cast = subject(net, lambda z, y: CROSS((3e5 * z).half().float() / 3e5, y), x, y)
    assert seen(HalfPrecisionCard, cast).overflow[0] == "half"
    back = subject(net, lambda z, y: (CROSS(z, y) * 1e-6).half().float() * 1e7, x, y)
    found = seen(HalfPrecisionCard, back)
    assert found.overflow is None and found.backward_overflow[0] == "half"
    tame = subject(net, lambda z, y: CROSS(z.half().float(), y), x, y)
    assert not seen(HalfPrecisionCard, tame).troubled
    root = subject(net, lambda z, y: CROSS(z, y) + (z.half() * 0).abs().float().sum().sqrt(), x, y)
    assert seen(HalfPrecisionCard, root).backward_overflow is None, "float32 would fare no better"


def test_a_cross_entropy_written_out_is_told_by_its_value():
    x, y = torch.randn(8, 6), (torch.rand(8, 3) > 0.3).float()
    loss = lambda z, y: -(y * z.log_softmax(1)).sum(1).mean()  # noqa: E731
    assert seen(TargetCard, subject(nn.Linear(6, 3), loss, x, y)).by_hand
    other = lambda z, y: -(y * z.log_softmax(1)).sum(1).mean() + 0.1  # noqa: E731
    assert not seen(TargetCard, subject(nn.Linear(6, 3), other, x, y)).by_hand
    assert not seen(TargetCard, subject(nn.Linear(6, 3), lambda z, y: ((z - y) ** 2).mean(), x, y)).by_hand


def test_one_logit_under_a_cross_entropy_written_out():
    x = torch.randn(32, 6)
    loss = lambda z, y: -(y * z.log_softmax(1)).sum(1).mean()  # noqa: E731
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    assert alarms(subject(net, loss, x, (x[:, :1] > 0).float()))[:1] == ["single_logit_ce"]


class Reader(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.attend, self.head, self.mask = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3), mask

    def forward(self, x):
        mask = self.mask(x)
        real = ~mask[..., None] if self.mask is not inverted else torch.ones(1)
        return self.head(((x + self.attend(x, x, x, key_padding_mask=mask)[0]) * real).mean(1))


def inverted(x):
    return x.abs().sum(-1) > 0


def right(x):
    return x.abs().sum(-1) == 0


def test_data_masked_from_end_to_end_and_padding():
    x = torch.randn(8, 6, 4)
    x[:3, 4:] = 0
    y = torch.arange(8) % 3
    found = seen(PaddingCard, subject(Reader(inverted), CROSS, x, y))
    assert (found.lost, found.samples, found.module) == (5, 8, "attend")
    assert seen(PaddingCard, subject(Reader(right), CROSS, x, y)).lost == 0
    x[:3] = 0
    assert seen(PaddingCard, subject(Reader(right), CROSS, x, y)).lost == 0, "samples that are empty"


def test_one_sample_with_data_that_is_masked_from_end_to_end():
    x, y = torch.randn(8, 6, 4), torch.arange(8) % 3
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    net = nn.Sequential(nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Flatten(), nn.Linear(24, 3))
    rows = torch.zeros(8, 6, dtype=torch.bool)
    net.forward = lambda x: net[2](net[1](net[0](x, src_key_padding_mask=rows)))
    assert seen(PaddingCard, subject(net, CROSS, x, y)).lost == 0
    rows[3] = True
    found = seen(PaddingCard, subject(net, CROSS, x, y))
    assert (found.lost, found.differ, found.what) == (1, False, "are given NaN in evaluation")


def test_a_shuffled_loader_that_stacks_says_which_axis_is_the_batch():
    net = nn.GRU(4, 4)
    model = nn.Sequential(net)
    model.forward = lambda x: net(x)[0]
    x, y = torch.randn(64, 5, 4), torch.randn(64, 5, 4)
    shuffled = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    in_turn = DataLoader(TensorDataset(x, y), batch_size=8)
    for train, mixes in ((shuffled, True), (in_turn, False), (None, False)):
        program = Subject(model, nn.MSELoss(), None, train, batch=(x[:8], y[:8]))
        assert seen(SampleCard, program).mixes is mixes
