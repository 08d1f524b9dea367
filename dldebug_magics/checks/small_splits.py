"""A trained model and splits on which it errs exactly as often as is asked, for the examples of the stage `evaluate`."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn
from torch.utils.data import TensorDataset

from ..engine.subject import Subject


def answers(samples: int, wrong: int, seed: int = 0, spread: float = 0.1) -> TensorDataset:
    """Inputs that are the scores of two classes themselves, and labels of which `wrong` say the other one."""
    numbers = torch.Generator().manual_seed(1000 * seed + samples + wrong)
    labels = torch.arange(samples) % 2
    said = labels.clone()
    said[torch.randperm(samples, generator=numbers)[:wrong]] ^= 1
    return TensorDataset(4.0 * nn.functional.one_hot(said, 2) + spread * torch.randn(samples, 2, generator=numbers), labels)


def model() -> nn.Linear:
    """One that hands its input on."""
    net = nn.Linear(2, 2, bias=False)
    net.load_state_dict({"weight": torch.eye(2)})
    return net


def evaluated(samples: int = 1000, human: float | None = None, **wrong: int) -> Subject:
    """The model with a split for each role named, in which so many of the samples are answered wrongly."""
    splits = {role: answers(samples, count, seed) for seed, (role, count) in enumerate(wrong.items())}
    return dataclasses.replace(Subject(model(), nn.CrossEntropyLoss(), human=human), **splits)  # type: ignore[arg-type]
