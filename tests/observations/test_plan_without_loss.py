"""A plan needs no loss: the model's own is kept, and any output will do where there is none."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from dldebug_magics.ask import ask
from dldebug_magics.engine.subject import Subject


def planned(subject: Subject):
    report = list(ask("memory_plan", subject))[-1]
    assert report.untouched, report.left_behind
    return report.experiment.training


def test_without_a_loss_the_backward_pass_is_planned_as_with_one():
    net, x, y = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 8)), torch.randn(512, 64), torch.randn(512, 8)
    named, unnamed = planned(Subject(net, nn.MSELoss(), train=(x, y))), planned(Subject(net, train=x))
    assert abs(unnamed.peak.total - named.peak.total) < 0.05 * named.peak.total
    assert unnamed.state == named.state > 0


def test_a_model_that_is_given_its_labels_keeps_its_own_loss():
    class WithLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(16, 1000)

        def forward(self, x, labels=None):
            logits = self.head(x)
            return {"logits": logits} | ({} if labels is None else {"loss": functional.cross_entropy(logits, labels)})

    x, labels = torch.randn(64, 16), torch.randint(0, 1000, (64,))
    own = planned(Subject(WithLoss(), train={"x": x, "labels": labels}))
    same = planned(Subject(WithLoss(), lambda out, y: functional.cross_entropy(out["logits"], y), train={"x": x, "labels": labels}))
    assert own.peak.total == same.peak.total
