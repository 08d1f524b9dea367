from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.recurring import Answers
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, beginning, is_target
from ..small_loops import task

_LEAST = 5  # samples that would have kept their label by chance: with fewer, labels drawn from a sample's own few look the same


@check(severity=Severity.ERROR)
def labels_redrawn(loop: TrainingLoop) -> Iterator[Evidence]:
    """The same samples come back with other labels in each epoch.

    Labels are drawn at random where a sample is read, or shuffled without their inputs for each epoch. What is learnt in one epoch is wrong
    in the next, and the loss stops at the entropy of the labels.

    Shows as: a loss that never comes below its start for long, however large the network is.
    Proven by: samples whose inputs came again unchanged, and whose labels, which the loss is held against, are others as often as chance.
    Not this when: inputs change with their labels (masking, mixing, rotations to be told, negatives drawn anew); equal inputs stand
    several times in the data; classes are only renamed for an epoch (clusters, episodes); some labels are changed as noise; one of a
    sample's own answers is drawn.
    Fails: augmentation hides it; labels must be one whole number a sample, of few classes.
    See: FSDL, "dataset construction"; Zhang et al. 2017, "Understanding deep learning requires rethinking generalization".
    """
    for answers in loop.data.answers:
        alike = sum((count / sum(n for _, n in answers.counts)) ** 2 for _, count in answers.counts)
        kept, again, by_chance = sum(r.before == r.now for r in answers.again), len(answers.again), alike * len(answers.again)
        spread = (by_chance * (1 - alike)) ** 0.5
        if not _LEAST <= by_chance <= 0.6 * again or kept > by_chance + 2 * spread or not _is_random(answers, alike):
            continue
        loader = loop.loaders[answers.loader]
        if loop.fed[answers.loader] > 1 and not loader.facts.own_batches and is_target(loop, answers.loader, answers.place):
            drawn = f"0; drawn by chance it would be {again - by_chance:.0f}"
            fact = Fact("samples that came again, with another label", f"{again - kept} of {again}", drawn)
            fix = Fix("Settle each label once, where the dataset is made.", "self.labels = ...   # in __init__, not in __getitem__")
            yield Evidence(Confidence.PROVEN, (fact,), at(beginning(loop, answers.loader)), fix)


def _is_random(answers: Answers, alike: float) -> bool:
    """Whether samples that had one label before are labelled apart now; under other names for the same classes they stay together."""
    groups = Counter((r.epoch, r.before) for r in answers.again)
    pairs = sum(n * (n - 1) for n in groups.values())
    together = sum(n * (n - 1) for n in Counter(answers.again).values())
    return pairs >= 20 and 5 * answers.twice <= len(answers.again) and together / pairs < 0.2 + 0.8 * alike


def _program(drawn: bool) -> Callable[[], None]:
    net, optimizer, settled, _ = task()
    points = settled.dataset.tensors[0]
    anew = DataLoader(points, batch_size=16, shuffle=True, collate_fn=lambda rows: (torch.stack(rows), torch.randint(4, (len(rows),))))
    batches = anew if drawn else settled

    def train() -> None:
        for _ in range(4):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@labels_redrawn.bad
def drawn_where_a_sample_is_read() -> Callable[[], None]:
    return _program(drawn=True)


@labels_redrawn.good
def settled_once() -> Callable[[], None]:
    return _program(drawn=False)
