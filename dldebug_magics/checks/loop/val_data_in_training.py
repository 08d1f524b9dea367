from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.reads import shared
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, on_held_out, trainers
from ..small_loops import task

_HELD_OUT = re.compile(
    r"(?:^|[._])(?:val|valid|validation|test|testing|dev|holdout)(?:$|[._\d])|(?:^|[._])(?:val|valid|test)(?:loader|dl|set)"
)


@check(severity=Severity.ERROR)
def val_data_in_training(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loader that trains reads samples that the validation reads, too.

    The whole of a dataset was given to the training loader after it was split, both loaders got the same dataset, or the splits were
    chosen one by one and overlap. The validation then measures what was learnt by heart.

    Shows as: a validation that is as good as training, and a model that disappoints on new data.
    Proven by: the places in the datasets that both loaders read.
    Not this when: the evaluated loader is not called a validation or test set: the training error may be measured like that; a loader that
    trains is evaluated as well.
    Fails: copies of samples, and subsets of classes of the user's own, are found by `%data_audit`.
    See: FSDL, "dataset construction"; Kapoor & Narayanan 2023, "Leakage and the reproducibility crisis".
    """
    for evaluation in reversed(loop.evaluations):
        number = evaluation.passes.loader
        if not on_held_out(loop, evaluation) or not _HELD_OUT.search(loop.loaders[number].name.lower()):
            continue
        held = loop.loaders[number]
        for feeding in trainers(loop, evaluation):
            player = loop.loaders[feeding]
            both = shared(player.facts.reads, held.facts.reads, held.facts.samples)
            switched = player.facts.reads == held.facts.reads and player.facts.samples != held.facts.samples
            if both > 0 and not switched:  # one dataset of another length is another split of it by then
                facts = (
                    Fact(f"samples of {held.word} that {player.word} trains on", f"{both} of {held.facts.samples}", "0"),
                    Fact("backward passes after batches of that loader", f"{loop.fed[feeding]}", ""),
                )
                code = f"{player.name or 'train_loader'} = DataLoader(train_split, shuffle=True, ...)"
                yield Evidence(Confidence.PROVEN, facts, at(evaluation.passes.line), Fix("Train on the training split alone.", code))
                return


def _program(whole: bool) -> Callable[[], None]:
    net, optimizer, batches, held_out = task()
    data = ConcatDataset([batches.dataset, held_out.dataset]) if whole else batches.dataset
    train_loader, val_loader = DataLoader(data, batch_size=16, shuffle=True), held_out

    def train() -> None:
        for _ in range(3):
            for x, y in train_loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                sum((net(x).argmax(1) == y).sum() for x, y in val_loader)

    return train


@val_data_in_training.bad
def all_of_the_data() -> Callable[[], None]:
    return _program(whole=True)


@val_data_in_training.good
def the_training_split() -> Callable[[], None]:
    return _program(whole=False)
