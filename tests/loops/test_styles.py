"""A loss that is at fault is named first with its line in every style of loop; its healthy twin is left in peace in each."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dldebug_magics.ask import Watch
from tests.loops.styles import STYLES, beside_a_second_model, methods_of_a_class


def softmax_before_cross_entropy(out, y):
    shares = out.softmax(dim=-1)  # fault
    return nn.CrossEntropyLoss()(shares, y)


def sigmoid_before_bce_logits(out, y):
    return nn.BCEWithLogitsLoss()(torch.sigmoid(out), F.one_hot(y, 4).float())  # fault


def nll_without_log_softmax(out, y):
    return F.nll_loss(out, y)  # fault


def softmax_with_nll(out, y):
    return nn.NLLLoss()(F.softmax(out, dim=1), y)  # fault


def softmax_wrong_dim(out, y):
    return F.nll_loss(F.log_softmax(out, dim=0), y)  # fault


def loss_broadcast(out, y):
    return F.smooth_l1_loss(out[:, :1], y.float())  # fault


def loss_term_without_gradient(out, y):
    wrong = (out.argmax(dim=1) != y).float().mean()
    return F.cross_entropy(out, y) + wrong  # fault


def flipped_loss_sign(out, y):
    return -F.cross_entropy(out, y)  # fault


def wrong_reduction(out, y):
    return F.cross_entropy(out, y, reduction="sum")  # fault


def nan_inf_numeric(out, y):
    shares = out.softmax(1).gather(1, y[:, None])
    return -(shares * (shares.detach() > shares.detach().min())).log().mean()  # fault


def detached_graph(out, y):
    return F.cross_entropy(out.detach(), y).requires_grad_()


FAULTY = (
    softmax_before_cross_entropy, sigmoid_before_bce_logits, nll_without_log_softmax, softmax_with_nll, softmax_wrong_dim, loss_broadcast,
    loss_term_without_gradient, flipped_loss_sign, wrong_reduction, nan_inf_numeric, detached_graph,
)  # fmt: skip


def log_softmax_before_cross_entropy(out, y):
    return F.cross_entropy(out.log_softmax(1), y)


def written_out(out, y):
    return -(F.one_hot(y, 4) * out.log_softmax(1)).sum(1).mean()


def column_of_targets(out, y):
    return F.mse_loss(out[:, :1], y.float()[:, None] / 4)


def smoothed(out, y):
    return F.cross_entropy(out, y, label_smoothing=0.1) - 0.01 * out.softmax(1).square().sum(1).mean()


HEALTHY = (log_softmax_before_cross_entropy, written_out, column_of_targets, smoothed)


SOUND = {(wrong_reduction, methods_of_a_class), (flipped_loss_sign, beside_a_second_model)}  # it learns; they may play against each other
PAIRS = [
    pytest.param(objective, style, id=f"{objective.__name__}-{style.__name__}")
    for objective in FAULTY
    for style in STYLES
    if (objective, style) not in SOUND
]


def watched(style, objective, rate):
    torch.manual_seed(7)
    train = style(objective, rate)
    with Watch() as watch:
        train()
    assert watch.not_examined == () and watch.untouched and watch.experiment.blind == "", watch.experiment.blind
    return watch


@pytest.mark.parametrize(("objective", "style"), PAIRS)
def test_is_named_first_with_its_line(objective, style):
    watch = watched(style, objective, rate=0.5 if objective is wrong_reduction else 0.05)
    first = next(iter(watch.findings), None)
    assert first is not None and first.name == objective.__name__, watch.report.sentence()
    source, begins = inspect.getsourcelines(objective)
    lines = [f"test_styles.py, line {begins + n}" for n, line in enumerate(source) if line.rstrip().endswith("# fault")]
    assert not lines or any(line in first.where for line in lines), first.where


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
@pytest.mark.parametrize("objective", HEALTHY, ids=lambda objective: objective.__name__)
def test_is_left_in_peace(objective, style):
    assert [f.name for f in watched(style, objective, rate=0.05).alarms] == []
