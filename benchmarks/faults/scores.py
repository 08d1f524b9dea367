"""How good outputs are, larger is better, as the healthy program reads them: the largest, the rank, the variance explained."""

from __future__ import annotations

import torch
from torch import Tensor


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of right answers, with the classes on axis 1.

    >>> accuracy(torch.eye(3), torch.tensor([0, 1, 1]))
    0.6666666865348816
    """
    return float((outputs.argmax(1) == targets).float().mean()) if _finite(outputs) else float("nan")


def likeliest(outputs: Tensor, targets: Tensor) -> float:
    """The share of answers that are the target distribution's likeliest class."""
    return accuracy(outputs, targets.argmax(1))


def ranking(outputs: Tensor, targets: Tensor) -> float:
    """How often a positive is ranked above a negative, the mean over the labels; ties count half.

    >>> ranking(torch.tensor([[0.1], [0.9], [0.5]]), torch.tensor([[0.0], [1.0], [1.0]]))
    1.0
    """
    if not _finite(outputs):
        return float("nan")
    shares = []
    for label in range(targets.shape[1]):
        column = outputs[:, min(label, outputs.shape[1] - 1)]
        above, below = column[targets[:, label] > 0.5], column[targets[:, label] <= 0.5]
        distance = above[:, None] - below[None, :]
        shares.append(float((distance > 0).float().mean() + 0.5 * (distance == 0).float().mean()))
    return sum(shares) / len(shares)


def explained(outputs: Tensor, targets: Tensor) -> float:
    """One minus the squared error in units of the targets' variance; never below -1, where worse is no longer told apart.

    >>> explained(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [3.0]]))
    1.0
    """
    if not _finite(outputs):
        return float("nan")
    outputs = outputs.reshape(len(outputs), -1).expand(len(outputs), targets[0].numel())
    error = (outputs - targets.reshape(len(targets), -1)).square().mean()
    return max(-1.0, float(1 - error / targets.var(0, unbiased=False).mean()))


def _finite(outputs: Tensor) -> bool:
    return bool(torch.isfinite(outputs).all())
