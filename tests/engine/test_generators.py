"""Random generators that objects keep are found wherever they hide, and go back to where they were."""

from __future__ import annotations

import random
import types

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, Subset, TensorDataset, WeightedRandomSampler

from dldebug_magics.engine import ambient, generators
from dldebug_magics.engine.subject import Subject

DATA = TensorDataset(torch.zeros(8, 2))
MAKERS = {
    "torch": lambda: torch.Generator().manual_seed(1),
    "numpy": lambda: numpy.random.default_rng(1),
    "numpy's old": lambda: numpy.random.RandomState(1),
    "python": lambda: random.Random(1),
}


def drawn(generator) -> list[float]:
    """Three numbers."""
    if isinstance(generator, torch.Generator):
        return torch.rand(3, generator=generator).tolist()
    if isinstance(generator, random.Random):
        return [generator.gauss(0, 1) for _ in range(3)]
    return list(generator.standard_normal(3))


class Holder(nn.Module):
    """A model that keeps something."""

    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    def forward(self, x):
        return x


class Dataset(torch.utils.data.Dataset):
    """A dataset with a transform that draws."""

    def __init__(self, generator):
        self.transform = types.SimpleNamespace(steps=[{"noise": generator}])


def closing(generator):
    return lambda output, target: output.sum() * drawn(generator)[0]


HIDING = {
    "the loader": lambda g: Subject(nn.Identity(), train=DataLoader(DATA, shuffle=True, generator=g)),
    "its sampler": lambda g: Subject(nn.Identity(), train=DataLoader(DATA, sampler=RandomSampler(DATA, generator=g))),
    "a weighted sampler": lambda g: Subject(
        nn.Identity(), train=DataLoader(DATA, sampler=WeightedRandomSampler([1.0] * 8, 8, generator=g))
    ),
    "the validation data": lambda g: Subject(nn.Identity(), val=DataLoader(DATA, shuffle=True, generator=g)),
    "a dataset's transform": lambda g: Subject(nn.Identity(), train=Dataset(g)),
    "a dataset in a dataset": lambda g: Subject(nn.Identity(), train=DataLoader(Subset(Subset(Dataset(g), [0]), [0]))),
    "the model": lambda g: Subject(Holder(g)),
    "deep in the model": lambda g: Subject(nn.Sequential(Holder({"a": [types.SimpleNamespace(b=g)]}))),
    "the loss's closure": lambda g: Subject(nn.Identity(), closing(g)),
    "the loss": lambda g: Subject(nn.Identity(), Holder(g)),
    "the step": lambda g: Subject(nn.Identity(), step=closing(g)),
}


@pytest.mark.parametrize("place", HIDING)
def test_a_generator_is_found_and_put_back(place):
    for kind, maker in MAKERS.items():
        if kind != "torch" and place in ("the loader", "its sampler", "a weighted sampler", "the validation data"):
            continue
        generator = maker()
        subject = HIDING[place](generator)
        assert [g for g in generators.found(subject) if g is generator] == [generator]
        with ambient.restored(subject):
            first = drawn(generator)
        assert drawn(generator) == first, kind


@pytest.mark.parametrize("kind", MAKERS)
def test_a_state_is_a_copy_and_restores(kind):
    generator = MAKERS[kind]()
    state = generators.state(generator)
    first = drawn(generator), drawn(generator)
    generators.restore(generator, state)
    assert (drawn(generator), drawn(generator)) == first
    generators.restore(generator, state)
    assert drawn(generator) == first[0]


def test_each_is_found_once_and_cycles_end():
    generator = torch.Generator()
    model = Holder([generator, generator])
    model.kept.append(model.kept)
    assert generators.found(Subject(nn.Sequential(model, Holder(generator)))) == [generator]
