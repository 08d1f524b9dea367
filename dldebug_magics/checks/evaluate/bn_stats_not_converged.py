from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ...observations.bias_variance.stored_statistics import StoredStatistics
from ...observations.bias_variance.wording import number, span


@check(severity=Severity.WARNING)
def bn_stats_not_converged(seen: BiasVariance, found: StoredStatistics) -> Iterator[Evidence]:
    """The model is evaluated with stored statistics of batch norm that are not those of its training data.

    `eval()` uses the running means and variances. After few steps, with a small momentum or after the last large steps of a high rate they
    lag behind the weights, and all errors measured in evaluation mode are too high, on every split.

    Shows as: a low training loss, and an error in evaluation mode far above it, on the training data themselves.
    Proven by: statistics taken anew from training batches, on a copy: the error falls on the same samples, with intervals that exclude 0.
    Not this when: statistics of a pretrained model were held on purpose: new ones then make it no better.
    Fails: without training data there is nothing to take them from; a fall that is not there on held-out data, too, is not believed.
    See: Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm"; torch.optim.swa_utils.update_bn.
    """
    if found.falls and all(fall.interval.above_zero and fall.worth for fall in found.falls):
        last, (train, model) = found.falls[-1], found.names
        yield Evidence(
            Confidence.PROVEN,
            facts=tuple(
                Fact(
                    f"{seen.metric} on {fall.samples} samples of {fall.role}, with stored statistics and with new ones",
                    f"{number(seen, fall.stored)} and {number(seen, fall.anew)}; 95 % interval of the change {span(seen, fall.interval)}",
                    "the same",
                )
                for fall in found.falls
            ),
            where=f"{found.norms} batch norms",
            fix=Fix("Take them anew when training is over, or train longer.", f"torch.optim.swa_utils.update_bn({train}, {model})"),
            always=True,
            refuted_by="No change of the error with new statistics.",
            severity=Severity.WARNING if last.worth == "much" else Severity.NOTE,
        )


def _program(momentum: float, held: bool = False) -> Subject:
    numbers = torch.Generator().manual_seed(0)
    labels = torch.arange(1200) % 4
    points = 5.0 + 3.0 * torch.randn(4, 8, generator=numbers)[labels] + torch.randn(1200, 8, generator=numbers)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16, momentum=momentum), nn.ReLU(), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for step in range(60):
        net.train()
        net[1].train(not held)
        rows = torch.arange(64) + 64 * (step % 6)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(points[rows]), labels[rows]).backward()
        optimizer.step()
    splits = TensorDataset(points[:400], labels[:400]), TensorDataset(points[400:], labels[400:])
    return Subject(net, nn.CrossEntropyLoss(), train=splits[0], val=splits[1])


@bn_stats_not_converged.bad
def hardly_moves() -> Subject:
    return _program(1e-3)


@bn_stats_not_converged.good
def moves() -> Subject:
    return _program(0.1)


@bn_stats_not_converged.good
def held_on_purpose() -> Subject:
    return _program(0.1, held=True)
