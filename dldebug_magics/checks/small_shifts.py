"""A model of two inputs that is right in one half of them and often wrong in the other, and splits of it, for the examples of `shift`."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ..engine.subject import Subject

_RIGHT, _WRONG = 0.04, 0.4  # of the answers are wrong where the second input is below 0, and above


def rows(samples: int = 600, seed: int = 0, moved: float = 0.0, wrong: float = 0.0) -> TensorDataset:
    """Rows of two inputs. The class is whether the first is above 0; the second, larger by `moved`, says how often the label is another.

    wrong: how many more of the labels are another, wherever they stand.
    """
    numbers = torch.Generator().manual_seed(seed)
    inputs = torch.randn(samples, 2, generator=numbers)
    inputs[:, 1] += moved
    often = torch.where(inputs[:, 1] > 0, _WRONG, _RIGHT) + wrong
    return TensorDataset(inputs, _labels(inputs, often, numbers))


def classes(samples: int = 600, seed: int = 0, share: float = 0.2) -> TensorDataset:
    """Rows of two classes, of which the second, `share` of them, is often taken for the first."""
    numbers = torch.Generator().manual_seed(seed)
    labels = (torch.arange(samples) < share * samples).long()[torch.randperm(samples, generator=numbers)]
    centres = torch.tensor([[-2.0, 0.0], [0.0, 0.0]])
    return TensorDataset(centres[labels] + torch.randn(samples, 2, generator=numbers), labels)


def _labels(inputs: Tensor, often: Tensor, numbers: torch.Generator) -> Tensor:
    return ((inputs[:, 0] > 0) ^ (torch.rand(len(inputs), generator=numbers) < often)).long()


def model() -> nn.Linear:
    """One that says the second class where the first input is above 0."""
    net = nn.Linear(2, 2, bias=False)
    net.load_state_dict({"weight": torch.tensor([[-2.0, 0.0], [2.0, 0.0]])})
    return net


def compared(**splits: TensorDataset) -> Subject:
    """The model with these splits, by their roles."""
    return dataclasses.replace(Subject(model(), nn.CrossEntropyLoss()), **splits)  # type: ignore[arg-type]
