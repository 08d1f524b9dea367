"""The attainable floor found by experiment, against the formulas: entropies, label smoothing's own floor, variances."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.overfit_batch.floor import attainable

torch.manual_seed(0)
POINTS, LABELS, HEIGHTS = torch.randn(32, 8), torch.randint(0, 10, (32,)), torch.randn(32, 1)


def floor(loss_fn, outputs=10, batch=(POINTS, LABELS)):
    torch.manual_seed(1)
    return attainable(Subject(nn.Linear(8, outputs), loss_fn, None, batch, batch=batch))


def entropy(shares):
    return -sum(p * math.log(p) for p in shares if p > 0)


def test_cross_entropy_reaches_zero_and_chance_is_the_entropy_of_the_labels():
    found = floor(nn.CrossEntropyLoss())
    assert found.value == pytest.approx(0, abs=1e-4)
    assert found.chance == pytest.approx(entropy((torch.bincount(LABELS) / 32).tolist()), rel=1e-4)


@pytest.mark.parametrize(("smoothing", "classes"), [(0.1, 10), (0.2, 10), (0.1, 4)])
def test_label_smoothing_has_its_own_floor(smoothing, classes):
    """The entropy of the smoothed target: 1 - eps + eps / C for the right class, eps / C for each other."""
    right, wrong = 1 - smoothing + smoothing / classes, smoothing / classes
    batch = (POINTS, LABELS % classes)
    expected = entropy([right] + [wrong] * (classes - 1))
    assert floor(nn.CrossEntropyLoss(label_smoothing=smoothing), classes, batch).value == pytest.approx(expected, abs=1e-3)


def test_soft_targets_have_their_entropy():
    soft = torch.rand(32, 10).softmax(1)
    expected = -(soft * soft.log()).sum(1).mean().item()
    assert floor(nn.CrossEntropyLoss(), batch=(POINTS, soft)).value == pytest.approx(expected, abs=1e-3)
    flags = torch.rand(32, 10)
    expected = functional.binary_cross_entropy(flags, flags).item()
    assert floor(nn.BCEWithLogitsLoss(), batch=(POINTS, flags)).value == pytest.approx(expected, abs=1e-3)


def test_conflicting_labels_of_one_input_have_the_conditional_entropy():
    twice = torch.cat([POINTS[:16], POINTS[:16]])
    labels = torch.cat([torch.zeros(16, dtype=torch.long), torch.ones(16, dtype=torch.long)])
    assert floor(nn.CrossEntropyLoss(), batch=(twice, labels)).value == pytest.approx(math.log(2), abs=1e-3)


def test_squared_error_reaches_zero_and_chance_is_the_variance():
    found = floor(nn.MSELoss(), 1, (POINTS, HEIGHTS))
    assert found.value == pytest.approx(0, abs=1e-6)
    assert found.chance == pytest.approx(HEIGHTS.var(unbiased=False).item(), rel=1e-3)


def test_a_broadcast_loss_is_not_given_its_broken_floor():
    found = floor(lambda output, target: ((output - target) ** 2).mean(), 1, (POINTS, HEIGHTS[:, 0]))
    assert found.value == 0
    assert found.chance == pytest.approx(HEIGHTS.var(unbiased=False).item(), rel=1e-3)


@pytest.mark.parametrize(
    "loss_fn",
    [
        lambda output, target: -functional.cross_entropy(output, target),
        lambda output, target: torch.distributions.Categorical(logits=output).log_prob(target).mean(),
        lambda output, target: -functional.mse_loss(output, functional.one_hot(target, 10).float()),
    ],
)
def test_a_flipped_sign_has_no_floor_and_its_mirror_has_one(loss_fn):
    found = floor(loss_fn)
    assert found.value == -math.inf and found.mirrored


def test_a_density_has_no_floor_either_way():
    def likelihood(output, target):
        return functional.gaussian_nll_loss(output[:, :1], target, output[:, 1:].exp() + 1e-9)

    found = floor(likelihood, 2, (POINTS, HEIGHTS))
    assert not found.mirrored
    assert found.value is None or found.value == -math.inf


def test_raw_scores_into_nll_are_no_flipped_sign():
    assert not floor(nn.NLLLoss()).mirrored


def test_bounded_below_zero_is_a_floor():
    found = floor(lambda output, target: -functional.cosine_similarity(output, functional.one_hot(target, 10).float()).mean())
    assert found.value == pytest.approx(-1, abs=1e-3)


def letters(net, loss_fn, codes, wanted):
    return attainable(Subject(net, loss_fn, None, (codes, wanted), batch=(codes, wanted)))


class Turned(nn.Module):
    """Logits as cross entropy wants them, [N, C, T]: a view whose numbers do not lie in a row."""

    def __init__(self, *closing):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Embedding(7, 5), *closing)

    def forward(self, codes):
        return self.net(codes).mT


def test_outputs_in_any_memory_order_have_a_floor():
    codes, wanted = torch.arange(24).reshape(4, 6) % 7, torch.arange(24).reshape(4, 6) % 5
    assert letters(Turned(), nn.CrossEntropyLoss(), codes, wanted).value == pytest.approx(0, abs=1e-4)
    assert letters(Turned(nn.LogSoftmax(-1)), nn.NLLLoss(), codes, wanted).value == pytest.approx(0, abs=1e-4)


def test_an_alignment_free_loss_has_a_floor():
    class Reader(nn.Linear):
        def forward(self, x):
            return super().forward(x).log_softmax(-1).transpose(0, 1)

    strips, wanted = torch.randn(4, 9, 8), torch.randint(1, 5, (4, 3))
    loss = nn.CTCLoss()
    found = letters(Reader(8, 5), lambda output, y: loss(output, y, torch.full((4,), 9), torch.full((4,), 3)), strips, wanted)
    assert found.value == pytest.approx(0, abs=1e-3) and found.chance > 0.5


def test_logits_masked_out_for_some_samples_have_a_chance():
    """Each sample's own column is minus infinity, as in SimCLR: the best constant answer is the entropy of the labels."""
    own, labels = torch.eye(10, dtype=torch.bool), (torch.arange(10) + 5) % 10
    found = floor(lambda output, y: functional.cross_entropy(output.masked_fill(own, -math.inf), y), batch=(POINTS[:10], labels))
    assert found.value == pytest.approx(0, abs=1e-4) and found.chance == pytest.approx(math.log(10), abs=0.01)


def test_a_second_term_in_the_output_makes_the_floor_unknown():
    """The output's own penalty is no constant: the model can raise and lower it."""

    class Penalised(nn.Linear):
        def forward(self, x):
            return super().forward(x), self.weight.square().sum()

    batch = (POINTS, HEIGHTS)
    loss = lambda output, y: functional.mse_loss(output[0], y) + output[1]  # noqa: E731
    assert attainable(Subject(Penalised(8, 1), loss, None, batch, batch=batch)).value is None


def test_outputs_that_begin_far_off_do_not_hide_the_floor_nor_chance():
    """Weights begun on a hundred thousand times the usual scale: from there L-BFGS does not settle."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 10))
    for layer in (net[0], net[2]):
        nn.init.normal_(layer.weight, std=300.0)
    found = attainable(Subject(net, nn.CrossEntropyLoss(), None, (POINTS, LABELS), batch=(POINTS, LABELS)))
    assert found.value == pytest.approx(0, abs=1e-4)
    assert found.chance == pytest.approx(entropy((torch.bincount(LABELS) / 32).tolist()), rel=1e-3)
