"""Augmentation is found, turned off on a copy where no guess is needed, and said in any case; the user's dataset stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from dldebug_magics.ask import ask
from dldebug_magics.document import as_text
from dldebug_magics.engine.subject import Subject
from dldebug_magics.instruments.evaluation.augmentation import Augmented, unaugmented


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, picture):
        for step in self.transforms:
            picture = step(picture)
        return picture


class RandomHorizontalFlip:
    def __call__(self, picture):
        return picture.flip(-1) if torch.rand(()) < 0.5 else picture


class RandomInvert(nn.Module):
    def forward(self, picture):
        return -picture if torch.rand(()) < 0.5 else picture


class RandomErasing:
    """Not what its name says: it cuts."""

    def __call__(self, picture):
        start = int(torch.randint(0, 3, ()))
        return picture[..., start : start + 6]


class Pictures(Dataset):
    def __init__(self, transform=None, augment=False):
        self.transform, self.augment = transform, augment
        self.pictures = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return 64

    def __getitem__(self, number):
        picture = self.pictures[number] if self.transform is None else self.transform(self.pictures[number])
        return picture + torch.randn(()) if self.augment else picture, number % 2


def steps():
    return Compose([RandomHorizontalFlip(), RandomInvert(), nn.Identity()])


def test_random_steps_are_left_out_of_a_copy():
    dataset = Pictures(steps())
    loader = DataLoader(Subset(dataset, range(10, 40)), 8)
    twin, found = unaugmented(loader, "train", 0)
    assert found == Augmented("train", ("RandomHorizontalFlip", "RandomInvert"), stays=False)
    assert torch.equal(next(iter(twin))[0], dataset.pictures[10:18])
    assert len(dataset.transform.transforms) == 3 and loader.dataset.dataset is dataset


@pytest.mark.parametrize("dataset", [Pictures(augment=True), Pictures(RandomInvert()), Pictures(Compose([RandomErasing()]))])
def test_what_would_be_a_guess_is_left_alone_and_said(dataset):
    twin, found = unaugmented(dataset, "train", 0)
    assert twin is dataset and found == Augmented("train", (), stays=True)


@pytest.mark.parametrize("source", [Pictures(), [(torch.zeros(2), torch.zeros(2))], (torch.zeros(2), torch.zeros(2))])
def test_what_does_not_change_is_handed_on(source):
    assert unaugmented(source, "train", 0) == (source, None)


def test_the_report_says_what_was_left_out():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    report = list(ask("bias_variance", Subject(net, nn.CrossEntropyLoss(), train=Pictures(steps()), val=Pictures())))[-1]
    text = " ".join(as_text(report.document()).split())
    assert "augmentation is on. Left out for this measurement, on a copy: RandomHorizontalFlip, RandomInvert." in text
    assert report.experiment.levels[0].value == report.experiment.levels[1].value and report.untouched
