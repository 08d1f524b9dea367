from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...observations.bias_variance import BiasVariance
from ..small_splits import answers, model


@check(severity=Severity.NOTE)
def train_eval_measure_mismatch(seen: BiasVariance) -> Iterator[Evidence]:
    """Train is measured on other samples than the rest: augmented ones, or a mixture that its sampler draws.

    The difference of two errors then holds the difference of two measures, and variance may even look negative.

    Shows as: validation better than train from the first epoch on.
    Proven by: samples of train that change from reading to reading, or a sampler that draws some more often, in train alone.
    Not this when: augmentation could be turned off for this measurement: then both are measured alike.
    Fails: augmentation inside of the model or of the training loop is not seen.
    See: FSDL, "evaluate"; A. Karpathy's recipe: evaluate train as you evaluate val.
    """
    augmented = {found.role for found in seen.augmented if found.stays}
    rest = [level.given for level in seen.levels if level.samples and level.given != "train"]
    reasons = {"augmentation that could not be turned off": augmented, "a sampler that draws some samples more often": set(seen.redrawn)}
    facts = tuple(Fact(f"splits with {why}", ", ".join(sorted(where)), "all or none") for why, where in reasons.items() if "train" in where)
    if facts and rest and not all(role in augmented | set(seen.redrawn) for role in rest):
        yield Evidence(
            Confidence.PROVEN,
            facts=facts,
            where="train",
            fix=Fix("Give a loader of train without either.", "--train DataLoader(plain_train_set, batch_size=256)"),
            always=True,
            refuted_by="The same samples at each reading, each once.",
        )


def _program(weighted: bool) -> Subject:
    train = answers(400, 20)
    sampler = WeightedRandomSampler(torch.linspace(0.1, 1.0, 400).tolist(), 400) if weighted else None
    val: TensorDataset = answers(400, 24, seed=1)
    return dataclasses.replace(Subject(model(), nn.CrossEntropyLoss(), human=0.04), train=DataLoader(train, 50, sampler=sampler), val=val)


@train_eval_measure_mismatch.bad
def train_is_drawn_by_weights() -> Subject:
    return _program(weighted=True)


@train_eval_measure_mismatch.good
def each_sample_once() -> Subject:
    return _program(weighted=False)
