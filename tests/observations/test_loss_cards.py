"""What enters the loss, the softmaxes before it and the metric beside it, against numbers counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset, TensorDataset

from dldebug_magics.engine.subject import Subject
from dldebug_magics.observations.cards.batch_axis import follows
from dldebug_magics.observations.cards.meeting import Meeting
from dldebug_magics.observations.cards.metrics import MetricCard
from dldebug_magics.observations.cards.softmaxes import SoftmaxCard
from dldebug_magics.observations.cards.targets import TargetCard

torch.manual_seed(6)
X, LABELS, HOT = torch.randn(8, 6), torch.randint(0, 4, (8,)), torch.tensor([[1.0, 1.0, 0.0, 0.0]] * 8)


def mlp(*closing, outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, outputs), *closing)


def seen(card, net, loss_fn=None, batch=(X, LABELS), train=None, **more):
    subject = Subject(net, loss_fn, None, train, batch=batch, **more)
    return ([None, *card.measure(subject)])[-1]


def test_a_loss_of_classes_and_its_labels():
    card = seen(TargetCard, mlp(), nn.CrossEntropyLoss(ignore_index=3))
    assert (card.loss, card.raised, card.classes, card.samples, card.takes_labels, card.takes_shares) == (
        "cross_entropy",
        False,
        4,
        8,
        True,
        False,
    )
    assert card.value == pytest.approx(nn.CrossEntropyLoss(ignore_index=3)(mlp()(X), LABELS).item())
    assert card.target.values == tuple(sorted(set(LABELS.tolist()))) and card.target.whole and card.target.integer
    assert card.target.span == (float(LABELS.min()), float(LABELS.max()))
    assert (card.ignore_index, card.ignored) == (3, LABELS.tolist().count(3) / 8)


def test_shares_and_their_sums():
    card = seen(TargetCard, mlp(), nn.CrossEntropyLoss(), (X, HOT))
    assert card.takes_shares and card.target.binary and card.target.class_sums == card.target.last_sums == (2.0, 2.0)
    assert not card.target.distribution and seen(TargetCard, mlp(), nn.CrossEntropyLoss(), (X, HOT / 2)).target.distribution


@pytest.mark.parametrize("loss_fn", [nn.CrossEntropyLoss(), nn.NLLLoss(), lambda z, y: functional.cross_entropy(target=y, input=z)])
def test_a_loss_that_raises_still_tells_what_entered_it(loss_fn):
    card = seen(TargetCard, mlp(), loss_fn, (X, LABELS + 1))
    assert card.raised and card.value is None and card.classes == 4
    assert card.target.span == (float(LABELS.min()) + 1, float(LABELS.max()) + 1)


@pytest.mark.parametrize("target", [X > 0, (X > 0).to(torch.uint8), (X > 0).half(), (X > 0).double()])
def test_yes_or_no_in_any_dtype(target):
    meeting = Meeting.of(target, listed=True)
    assert meeting.binary and meeting.whole and meeting.span == (0.0, 1.0)
    assert meeting.class_sums == (float((X > 0).sum(1).min()), float((X > 0).sum(1).max()))


def test_many_values_are_not_listed_and_late_ones_are_not_missed():
    assert Meeting.of(torch.rand(20_000), listed=True).values == ()
    late = torch.zeros(20_000)
    late[-1] = 3
    assert Meeting.of(late, listed=True).values == (0.0, 3.0)


def test_a_loss_written_by_hand_shows_output_and_target():
    card = seen(TargetCard, mlp(outputs=1), lambda z, y: ((z - y) ** 2).mean(), (X, X[:, :1]))
    assert (card.loss, card.output.shape, card.target.shape, card.raised) == ("", (8, 1), (8, 1), False)
    assert seen(TargetCard, mlp(), None, (X, LABELS), step=lambda batch: mlp()(batch[0]).sum()) is None


@pytest.mark.parametrize(
    ("loss_fn", "masked"),
    [
        (nn.BCEWithLogitsLoss(), False),
        (nn.BCEWithLogitsLoss(weight=torch.ones(4)), True),
        (lambda z, y: (functional.binary_cross_entropy_with_logits(z, y, reduction="none") * y).mean(), True),
    ],
)
def test_entries_that_may_not_count(loss_fn, masked):
    assert seen(TargetCard, mlp(), loss_fn, (X, HOT)).masked is masked


def test_classes_that_a_data_set_names_are_found_behind_a_loader_and_a_subset():
    data = TensorDataset(X, LABELS)
    data.classes = ["a", "b", "c", "d"]
    assert seen(TargetCard, mlp(), nn.CrossEntropyLoss(), train=DataLoader(Subset(data, range(4)))).declared == 4
    assert seen(TargetCard, mlp(), nn.CrossEntropyLoss()).declared == 0


@pytest.mark.parametrize(
    ("net", "loss_fn", "enters", "over_batch", "mixes"),
    [
        (mlp(nn.LogSoftmax(0)), nn.NLLLoss(), "nll_loss", True, True),
        (mlp(nn.LogSoftmax(1)), nn.NLLLoss(), "nll_loss", False, False),
        (mlp(nn.Softmax(0)), lambda p, y: -p[torch.arange(8), y].log().mean(), "own", True, True),
        (mlp(nn.Softmax(0), nn.Linear(4, 4)), nn.CrossEntropyLoss(), "", True, True),
        (mlp(nn.Softmax(1), nn.Linear(4, 4)), nn.CrossEntropyLoss(), "", False, False),
        (mlp(), lambda z, y: -z.log_softmax(0)[torch.arange(8), y].mean(), "", True, False),
        (mlp(outputs=8), lambda z, y: -(z @ z.t()).log_softmax(0).diag().mean(), "", False, False),
    ],
)
def test_a_softmax_over_the_batch_is_the_one_that_shrinks_with_it(net, loss_fn, enters, over_batch, mixes):
    card = seen(SoftmaxCard, net, loss_fn)
    assert [(c.enters, c.over_batch) for c in card.calls] == [(enters, over_batch)] and card.mixes is mixes


def test_a_leak_of_another_kind_is_not_laid_at_the_softmax():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp()

        def forward(self, x):
            return self.net(x + x.mean(0)).softmax(0)

    card = seen(SoftmaxCard, Both(), lambda p, y: -p[torch.arange(8), y].log().mean())
    assert card.calls[0].over_batch and not card.mixes


@pytest.mark.parametrize(("length", "less", "count", "expected"), [(8, 7, 8, True), (24, 21, 8, True), (8, 8, 8, False), (6, 5, 8, False)])
def test_an_axis_follows_the_batch_by_its_share(length, less, count, expected):
    assert follows(length, less, count) is expected


def accuracy(z, y):
    return (z.argmax(1) == y).float().mean()


@pytest.mark.parametrize(
    ("metric", "expected"), [(accuracy, (1.0, 0.5, (0.0, 0.0))), (lambda z, y: 1 - accuracy(z, y), (0.0, 0.5, (1.0, 1.0)))]
)
def test_a_metric_of_classes_on_predictions_of_known_worth(metric, expected):
    card = seen(MetricCard, mlp(), nn.CrossEntropyLoss(), metric=metric)
    assert (card.right, card.half, card.wrong) == expected and not (card.between or card.shifted or card.blind or card.threshold_on_logits)


def test_a_metric_that_is_off_by_one_or_broadcasts_is_seen():
    assert seen(MetricCard, mlp(), nn.CrossEntropyLoss(), metric=lambda z, y: (z.argmax(1) == (y + 1) % 4).float().mean()).shifted
    assert seen(MetricCard, mlp(outputs=1), nn.MSELoss(), (X, X[:, :1]), metric=lambda z, y: (z - y[:, 0]).square().mean()).blind


@pytest.mark.parametrize(("threshold", "wrong"), [(0.0, False), (0.5, True), (0.4, False), (0.62, False), (1.0, False)])
def test_only_a_threshold_of_a_half_on_logits_is_taken_for_a_mistake(threshold, wrong):
    metric = lambda z, y: ((z > threshold) == y.bool()).float().mean()  # noqa: E731
    assert seen(MetricCard, mlp(), nn.BCEWithLogitsLoss(), (X, HOT), metric=metric).threshold_on_logits is wrong


def test_a_metric_that_keeps_counts_keeps_none_of_ours():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.total = 0

        def forward(self, z, y):
            self.total += len(y)
            return accuracy(z, y)

    metric = Counting()
    assert seen(MetricCard, mlp(), nn.CrossEntropyLoss(), metric=metric).right == 1 and metric.total == 0


def test_no_metric_or_one_that_takes_something_else_shows_nothing():
    assert seen(MetricCard, mlp(), nn.CrossEntropyLoss()) is None
    assert seen(MetricCard, mlp(), nn.CrossEntropyLoss(), metric=lambda predicted: predicted) is None
