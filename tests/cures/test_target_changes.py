"""What is done to a trained model for its target: against numbers made by hand, and without a look at the target's labels."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dldebug_magics.cures.aligned import covariances_aligned, inputs_aligned
from dldebug_magics.cures.batch_norm_statistics import reestimated
from dldebug_magics.cures.priors import black_box, corrected, likeliest, shares
from dldebug_magics.engine.subject import Subject

numbers = torch.Generator().manual_seed(11)
NEVER = -99  # a label that would crash whoever counts it


def unlabelled(x, size=7):
    return DataLoader(TensorDataset(x, torch.full((len(x),), NEVER)), size)


def test_statistics_are_the_moments_of_the_target_layer_by_layer():
    first, dense, second = nn.BatchNorm1d(3), nn.Linear(3, 5), nn.BatchNorm1d(5)
    net = nn.Sequential(first, dense, nn.ReLU(), second, nn.Linear(5, 2))
    x = torch.randn(50, 3, generator=numbers) * torch.tensor([1.0, 10.0, 0.1]) + torch.tensor([5.0, 0.0, 1000.0])
    subject = Subject(net.train(), nn.CrossEntropyLoss(), val=unlabelled(x), batch=(x, torch.zeros(50).long()))
    reestimated(subject)
    assert torch.allclose(first.running_mean, x.mean(0), rtol=1e-4) and torch.allclose(first.running_var, x.var(0), rtol=1e-3)
    with torch.no_grad():
        inner = torch.relu(dense((x - x.mean(0)) / (x.var(0) + first.eps).sqrt()))
    assert torch.allclose(second.running_mean, inner.mean(0), atol=1e-3) and torch.allclose(second.running_var, inner.var(0), rtol=1e-2)
    assert net.training and not first._forward_pre_hooks


def test_one_channel_a_picture_and_a_last_batch_of_one():
    norm = nn.BatchNorm2d(2)
    x = torch.randn(15, 2, 4, 4, generator=numbers) + 3
    reestimated(
        Subject(nn.Sequential(norm, nn.Flatten()), nn.CrossEntropyLoss(), test_val=unlabelled(x), batch=(x, torch.zeros(15).long()))
    )
    columns = x.movedim(1, -1).reshape(-1, 2)
    assert torch.allclose(norm.running_mean, columns.mean(0), atol=1e-5) and torch.allclose(norm.running_var, columns.var(0), atol=1e-4)


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.nothing, self.seen = nn.Linear(3, 3), []

    def forward(self, x):
        self.seen.append(x)
        return self.nothing(x)


def aligned(change, here, there):
    net = Doubled()
    labels = torch.zeros(len(there)).long()
    subject = Subject(
        net, nn.CrossEntropyLoss(), train=DataLoader(TensorDataset(there, labels), 64), test=unlabelled(here), batch=(there, labels)
    )
    change(subject)
    net(here)
    return net.seen[-1]


def test_inputs_get_the_moments_of_train():
    there, here = torch.randn(300, 3, generator=numbers), 4 * torch.randn(200, 3, generator=numbers) + 9
    here[:, 2] = there[:200, 2] = (there[:200, 2] > 0).float()
    there[200:, 2] = 1
    seen = aligned(inputs_aligned, here, there)
    assert torch.allclose(seen[:, :2].mean(0), there[:, :2].mean(0), atol=1e-4)
    assert torch.allclose(seen[:, :2].std(0, unbiased=False), there[:, :2].std(0, unbiased=False), atol=1e-3)
    assert torch.equal(seen[:, 2], here[:, 2]), "yes and no are left alone"


def test_inputs_get_the_covariances_of_train():
    mix, other = torch.randn(3, 3, generator=numbers), torch.randn(3, 3, generator=numbers)
    there, here = torch.randn(300, 3, generator=numbers) @ mix, torch.randn(400, 3, generator=numbers) @ other + 5
    seen = aligned(covariances_aligned, here, there)
    assert torch.allclose(seen.T.cov(), there.T.cov(), atol=2e-2) and torch.allclose(seen.mean(0), there.mean(0), atol=1e-3)


# Two classes in equal shares; four fifths of class 0 look like "a", nine tenths of class 1 like "b". In the target a fifth is class 0.
POSTERIOR = {"a": torch.tensor([8 / 9, 1 / 9]), "b": torch.tensor([2 / 11, 9 / 11])}
SOURCE, CLASSES = ["a"] * 80 + ["b"] * 20 + ["a"] * 10 + ["b"] * 90, torch.tensor([0] * 100 + [1] * 100)
TARGET = ["a"] * 24 + ["b"] * 76  # 0.2 * 0.8 + 0.8 * 0.1


def probabilities(looks):
    return torch.stack([POSTERIOR[look] for look in looks])


@pytest.mark.parametrize("estimate", [black_box, likeliest])
def test_shares_of_classes_from_predictions_alone(estimate):
    found = estimate(probabilities(SOURCE), CLASSES, probabilities(TARGET))
    assert found.tolist() == pytest.approx([0.4, 1.6], abs=1e-3)


def labelled(x, y):
    return DataLoader(TensorDataset(x, y), 16)


@pytest.mark.parametrize("estimate", [black_box, likeliest])
@pytest.mark.parametrize("kind", ["scores", "probabilities", "flag", "probability"])
def test_outputs_are_weighed_by_them(kind, estimate):
    made = {
        "scores": (lambda p: p.log() + 3, nn.CrossEntropyLoss()),
        "probabilities": (lambda p: p, lambda o, t: nn.functional.nll_loss(o.log(), t)),
        "flag": (lambda p: (p[:, 1:] / p[:, :1]).log(), nn.BCEWithLogitsLoss()),
        "probability": (lambda p: p[:, 1:], nn.BCELoss()),
    }
    outputs, loss = made[kind]
    y = CLASSES if "s" in kind[-1] else CLASSES[:, None].float()
    known, new = outputs(probabilities(SOURCE)), outputs(probabilities(TARGET))
    subject = Subject(
        nn.Sequential(nn.Flatten()),
        loss,
        train=labelled(known[:9], y[:9]),
        train_val=labelled(known, y),
        test_val=unlabelled(new),
        batch=(known, y),
    )
    assert shares(subject) == ("classes" if "s" in kind[-1] else "flag")
    net = corrected(estimate)(subject).model
    weighed = probabilities(["a", "b"]) * torch.tensor([0.4, 1.6])
    weighed = outputs(weighed / weighed.sum(1, keepdim=True))
    got = net(outputs(probabilities(["a", "b"])))
    assert torch.allclose(got.softmax(1), weighed.softmax(1), atol=1e-3) if kind == "scores" else torch.allclose(got, weighed, atol=2e-3)


def test_values_and_several_flags_have_no_shares():
    x = torch.zeros(8, 3)
    values = Subject(nn.Flatten(), nn.MSELoss(), batch=(x, torch.randn(8, 3)))
    flags = Subject(nn.Flatten(), nn.BCEWithLogitsLoss(), batch=(x, torch.ones(8, 3)))
    assert shares(values) == shares(flags) == ""
