"""Cures of what enters a loss, against the program written the right way, to the last digit."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.cures.into_loss import as_classes, as_shares, as_values, as_yes_or_no, given
from dldebug_magics.cures.rewrite import left_out
from dldebug_magics.cures.softmaxes import all_of, turned
from dldebug_magics.engine.call import loss_of
from dldebug_magics.engine.subject import Subject

torch.manual_seed(4)
X, LABELS = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 0])
FLAGS = (X > 0).float()


def loss(loss_fn, target, cure=None, net=None):
    subject = Subject(net or nn.Identity(), loss_fn, batch=(X, target))
    return float(loss_of(subject if cure is None else cure(subject)).loss)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("by_name", [True, False])
def test_output_target_and_settings_are_changed_before_the_loss_sees_them(reduction, by_name):
    def own(z, y):
        if by_name:
            return functional.cross_entropy(input=z, target=y, reduction=reduction, ignore_index=1)
        return functional.cross_entropy(z, y, None, None, 1, None, reduction)

    cure = given("cross_entropy", lambda z, y: (2 * z, (y + 1) % 5), ignore_index=-100)
    assert loss(own, LABELS, cure) == float(functional.cross_entropy(2 * X, (LABELS + 1) % 5, reduction=reduction))


def test_a_module_and_its_weights_keep_their_settings():
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    cure = given("cross_entropy", lambda z, y: (z, y - 1))
    expected = nn.CrossEntropyLoss(weight, label_smoothing=0.1)(X, LABELS)
    assert loss(nn.CrossEntropyLoss(weight, label_smoothing=0.1), LABELS + 1, cure) == float(expected)


@pytest.mark.parametrize(
    ("loss_fn", "target", "cure", "expected"),
    [
        (nn.CrossEntropyLoss(), (X > 0).long(), as_yes_or_no("cross_entropy"), nn.BCEWithLogitsLoss()(X, FLAGS)),
        (nn.BCELoss(reduction="sum"), FLAGS, as_yes_or_no("binary_cross_entropy"), nn.BCEWithLogitsLoss(reduction="sum")(X, FLAGS)),
        (nn.CrossEntropyLoss(), X.flip(0), as_values("cross_entropy"), nn.MSELoss()(X, X.flip(0))),
        (nn.MSELoss(), LABELS.float()[:, None], as_classes("mse_loss"), nn.CrossEntropyLoss()(X, LABELS)),
        (nn.BCEWithLogitsLoss(), 255 * FLAGS, as_shares("binary_cross_entropy_with_logits", 0, 255), nn.BCEWithLogitsLoss()(X, FLAGS)),
    ],
)
def test_another_loss_or_scale_is_the_program_written_so(loss_fn, target, cure, expected):
    assert loss(loss_fn, target, cure) == float(expected)


class Two(nn.Module):
    """Two softmaxes and a log_softmax in a row of its own."""

    def forward(self, x):
        return x.softmax(1).softmax(0).log_softmax(1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], X.softmax(1).softmax(0).log_softmax(1)),
        ([("softmax", 0, left_out)], X.softmax(0).log_softmax(1)),
        ([("softmax", 0, left_out), ("softmax", 1, left_out)], X.log_softmax(1)),
        ([("softmax", 1, turned("softmax", 1))], X.softmax(1).softmax(1).log_softmax(1)),
        ([("softmax", 1, turned("softmax", None)), ("log_softmax", 0, turned("log_softmax", 0))], X.softmax(1).sigmoid().log_softmax(0)),
        ([("softmax", 0, left_out), ("softmax", 1, left_out), ("log_softmax", 0, turned("log_softmax", None))], functional.logsigmoid(X)),
    ],
)
def test_several_softmaxes_are_changed_each_counted_by_its_own_name(changes, expected):
    assert loss(nn.NLLLoss(), LABELS, all_of(changes), Two()) == float(functional.nll_loss(expected, LABELS))
