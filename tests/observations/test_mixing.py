"""Which call mixes the samples: named where one change keeps them apart, whatever the spelling, and not named otherwise."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.flow import Flow, axis_of_samples, changed, mixing
from dldebug_magics.observations.cards.mixing import MixingCard
from dldebug_magics.observations.cards.samples import SampleCard

torch.manual_seed(0)
N, T, F = 7, 5, 6
X, CODES, LABELS, PICTURES = torch.randn(N, T, F), torch.randint(0, 9, (N, T)), torch.randint(0, 3, (N,)), torch.randn(N, 3, 8, 10)


class Net(nn.Module):
    def __init__(self, body, *layers):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.more = body, nn.ModuleList(layers)
        self.a, self.head = nn.Linear(F, F), nn.Linear(F, 3)

    def forward(self, x):
        return self.body(self, x)


def seen(body, *layers, x=X):
    subject = Subject(Net(body, *layers), nn.CrossEntropyLoss(), None, (x, LABELS), batch=(x, LABELS))
    samples = ([None, *SampleCard.measure(subject)])[-1]
    return samples, None if samples is None else list(MixingCard.measure(subject, samples))[-1]


def encoder(first, layers=2):
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(F, 2, 8, batch_first=first), layers, enable_nested_tensor=False)


def attended(n, x, cut):
    """Attention with two heads, whose axes are made by `cut`."""
    q = cut(n.a(x))
    return n.head((q @ q.transpose(-2, -1) / F).softmax(-1).matmul(q).transpose(1, 2).reshape(N, T, F).mean(1))


def cut_back(q):
    return q.view(N, T, 2, F // 2).permute(2, 1, 0, 3).reshape(N, 2, T, F // 2)


FAULTS = {
    "lstm": ("layer", lambda n, x: n.head(n.more[0](x)[0][:, -1]), [nn.LSTM(F, F)], X),
    "two lstms": ("layer", lambda n, x: n.head(n.more[1](n.more[0](x)[0])[0][:, -1]), [nn.LSTM(F, F), nn.LSTM(F, F)], X),
    "bidirectional gru": ("layer", lambda n, x: n.head(n.more[0](x)[0][:, 0]), [nn.GRU(F, F // 2, bidirectional=True)], X),
    "last state": ("layer", lambda n, x: n.head(n.more[0](x)[1][-1]), [nn.GRU(F, F)], X),
    "last of the axis": ("layer", lambda n, x: n.head(n.more[0](n.a(x))[1][0][-1]), [nn.LSTM(F, F)], X),
    "rnn on codes": ("layer", lambda n, x: n.head(n.more[1](n.more[0](x))[0][:, -1]), [nn.Embedding(9, F), nn.RNN(F, F)], CODES),
    "attention": ("layer", lambda n, x: n.head(n.more[0](x, x, x)[0].mean(1)), [nn.MultiheadAttention(F, 2)], X),
    "quick attention": ("layer", lambda n, x: n.head(n.more[0](x, x, x, need_weights=False)[0].mean(1)), [nn.MultiheadAttention(F, 2)], X),
    "encoder": ("layer", lambda n, x: n.head(n.more[0](x)[:, 0]), [encoder(False)], X),
    "mean": ("reduction", lambda n, x: n.head(n.a(x).relu().mean(0)), [], X),
    "mean beside": ("reduction", lambda n, x: n.head((n.a(x) + n.a(x).sin().mean(0, keepdim=True)).sum(1)), [], X),
    "torch.sum": ("reduction", lambda n, x: n.head((x / torch.sum(x.abs(), dim=0, keepdim=True)).mean(1)), [], X),
    "norm of all": ("reduction", lambda n, x: n.head((x / x.norm()).mean(1)), [], X),
    "linalg norm": ("reduction", lambda n, x: n.head((x / torch.linalg.vector_norm(x, dim=0, keepdim=True)).mean(1)), [], X),
    "sum of all": ("reduction", lambda n, x: n.head((x * x.sum()).mean(1)), [], X),
    "softmax by hand": ("reduction", lambda n, x: n.head((n.a(x).exp() / n.a(x).exp().sum(0)).mean(1)), [], X),
    "global pool": ("reduction", lambda n, x: n.more[0](x.movedim(1, -1).mean((0, 1))), [nn.Linear(3, 3)], PICTURES),
    "view": ("reshape", lambda n, x: n.head(n.more[0](x.view(T, N, F))[0][-1]), [nn.LSTM(F, F)], X),
    "reshape back": ("reshape", lambda n, x: n.head(n.more[0](x.transpose(0, 1))[0].reshape(N, T, F)[:, -1]), [nn.LSTM(F, F)], X),
    "merge": ("reshape", lambda n, x: n.more[0](n.a(x.transpose(0, 1)).reshape(N, T * F)), [nn.Linear(T * F, 3)], X),
    "heads cut back": ("reshape", lambda n, x: attended(n, x, cut_back), [], X),
    "channels": ("reshape", lambda n, x: n.more[0](x.view(3, N, 8, 10).transpose(0, 1)).mean((2, 3)), [nn.Conv2d(3, 3, 3)], PICTURES),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_call_is_named_whatever_its_spelling(fault):
    kind, body, layers, x = FAULTS[fault]
    samples, card = seen(body, *layers, x=x)
    assert samples.mixes or not samples.keeps_batch
    assert card.kind == kind, (samples, card)
    assert all(mixer.kind == kind for mixer in card.mixers)


def heads(n, x):
    q = n.a(x).view(N, T, 2, F // 2).transpose(1, 2)
    mixed = functional.scaled_dot_product_attention(q, q, q).transpose(1, 2).reshape(N, T, F)
    return n.head(mixed.mean(1))


APART = {
    "time first": (lambda n, x: n.head(n.more[0](x.transpose(0, 1))[0][-1]), [nn.LSTM(F, F)], X),
    "heads": (heads, [], X),
    "heads by hand": (lambda n, x: attended(n, x, lambda q: q.view(N, T, 2, F // 2).transpose(1, 2)), [], X),
    "flattened": (lambda n, x: n.head(n.a(x.reshape(N * T, F)).view(N, T, F).amax(1)), [], X),
    "samples behind": (lambda n, x: n.head(n.a(x.permute(1, 0, 2).reshape(T * N, F)).view(T, N, F)[0]), [], X),
    "stable softmax": (lambda n, x: n.head((n.a(x) - n.a(x).max()).softmax(-1).mean(1)), [], X),
    "batch norm": (lambda n, x: n.head(n.more[0](x.transpose(1, 2)).mean(2)), [nn.BatchNorm1d(F)], X),
    "encoder": (lambda n, x: n.head(n.more[0](x)[:, 0]), [encoder(True)], X),
    "patches": (lambda n, x: n.more[0](x.unfold(2, 4, 4).unfold(3, 5, 5).reshape(N, -1, 20)).mean(1), [nn.Linear(20, 3)], PICTURES),
}


@pytest.mark.parametrize("program", APART)
def test_samples_that_are_apart_are_left_alone(program):
    body, layers, x = APART[program]
    samples, card = seen(body, *layers, x=x)
    assert not samples.mixes and card == MixingCard()


NAMELESS = {
    "batch norm by hand": lambda n, x: n.head((n.a(x) - n.a(x).mean(0, keepdim=True)).mean(1)),
    "product": lambda n, x: n.head((x.mean(1) @ x.mean(1).t()).softmax(1) @ x.mean(1)),
    "softmax": lambda n, x: n.head(n.a(x).softmax(0).mean(1)),
    "attention over the batch": lambda n, x: n.head(functional.scaled_dot_product_attention(*3 * [n.a(x).transpose(0, 1)]).mean(0)),
    "heads cut wrongly": lambda n, x: attended(n, x, lambda q: q.reshape(2, N, T, F // 2).transpose(0, 1)),
    "shifted": lambda n, x: n.head(x.roll(1, 0).mean(1) + n.a(x).mean(1)),
}


@pytest.mark.parametrize("program", NAMELESS)
def test_other_mixing_has_no_such_name(program):
    samples, card = seen(NAMELESS[program])
    assert samples.mixes and card == MixingCard()


def test_the_flow_of_a_sample_by_hand():
    def passed(x):
        with Flow(nn.Identity()) as flow:
            (x * 2).t().mean(1).exp()
        return flow.steps

    one, other = torch.arange(12.0).view(4, 3), torch.arange(12.0).view(4, 3)
    other[0] += 1
    found = list(mixing(passed(one), passed(other), samples=4))
    assert [(step.name, axis) for step, axis in found] == [("mean", 1)], "the samples stood on axis 1 after the transpose"
    assert changed(one, other).sum() == 3 and axis_of_samples(changed(one, other), 4) == 0
    assert axis_of_samples(torch.tensor([True, False, True, False]), 4) is None


def test_a_time_major_user_is_left_alone():
    """[time, batch, features] with an output for each sample: as many targets as samples, not as time steps."""
    x = X.transpose(0, 1).contiguous()
    subject = Subject(Net(lambda n, x: n.head(n.more[0](x)[0][-1]), nn.LSTM(F, F)), nn.CrossEntropyLoss(), None, None, batch=(x, LABELS))
    samples = list(SampleCard.measure(subject))[-1]
    assert not samples.keeps_batch and list(MixingCard.measure(subject, samples))[-1] == MixingCard()
