"""The last batch of the loader, where it is a single sample: what a model in training mode does with it is tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from ...engine.ambient import seeded
from ...engine.batch import cut
from ...engine.call import forward
from ...engine.observation import Observation
from ...engine.subject import Subject

ONE_VALUE = "Expected more than 1 value per channel when training"


@dataclasses.dataclass(frozen=True)
class LastBatchCard(Observation):
    """samples, batch_size: of a loader that leaves one sample over, else 0. refused: what the model said to it; empty where it took it."""

    samples: int = 0
    batch_size: int = 1
    refused: str = ""
    name: str = "train_loader"

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[LastBatchCard]:
        """Nothing is run where no single sample is left over, or nothing is normalised over the batch; else one forward pass."""
        samples, size = _numbers(subject.train)
        single = size > 1 and samples % size == 1 and _normalises(subject)
        yield cls(samples, size, _refused(subject), subject.name("train")) if single else cls(name=subject.name("train"))


def _numbers(loader: Any) -> tuple[int, int]:
    """How many samples a loader gives, and how many in a batch; 0 samples where none are left over, or it can't be told."""
    plain = isinstance(loader, DataLoader) and type(loader.batch_sampler) is BatchSampler and not loader.drop_last
    return (len(loader.sampler), loader.batch_sampler.batch_size) if plain and hasattr(loader.sampler, "__len__") else (0, 1)


def _normalises(subject: Subject) -> bool:
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training for module in subject.model.modules())


def _refused(subject: Subject) -> str:
    seeded(subject.seed)
    try:
        with torch.enable_grad():
            forward(subject, cut(subject.batch, 1))
    except ValueError as error:
        return str(error) if ONE_VALUE in str(error) else ""
    return ""
