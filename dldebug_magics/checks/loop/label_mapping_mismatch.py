from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at, beginning, held_out_pairs
from ..small_loops import task


@check(severity=Severity.ERROR)
def label_mapping_mismatch(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loader that evaluates numbers the classes differently than the one that trains.

    Each dataset made its own list of classes: a folder that lacks one of them, an order that is not sorted, labels that begin at one in
    one file and at zero in the other. What is called 3 here is called 5 there.

    Shows as: training as it should be, and validation at chance or below.
    Proven by: the datasets' own mappings of names to numbers, held side by side.
    Not this when: a `target_transform` gives one of them other numbers; the two share few names, and are of different tasks.
    Fails: names are read from `class_to_idx`, `label2id`, `classes` and the like; what has none is asked by `%data_audit`. That all
    labels lie one higher is a hint: the loop itself may take it back.
    See: torchvision.datasets.ImageFolder, `class_to_idx`; FSDL, "incorrect data": labels.
    """
    for feeding, held in held_out_pairs(loop):
        train, other = loop.loaders[feeding], loop.loaders[held]
        where, fix = at(beginning(loop, held)), "Number the classes once, from the training set, and use that for every split."
        differ = train.facts.numbering.other_than(other.facts.numbering)
        if differ:
            told = ", ".join(f"{name} is {here} and {there}" for name, here, there in differ[:4])
            code = "target_transform=lambda y: train_set.class_to_idx[val_set.classes[y]]   # for the validation set"
            facts = (
                Fact(f"classes with another number in {other.word}", f"{len(differ)} of {len(other.facts.numbering.numbers)}", "0"),
                Fact(f"in {train.word} and in {other.word}", told + (", ..." if len(differ) > 4 else ""), "each its own"),
            )
            sure = train.facts.numbering.told and other.facts.numbering.told
            yield Evidence(Confidence.PROVEN if sure else Confidence.LIKELY, facts, where, Fix(fix, code))
        elif step := loop.data.shift(feeding, held):
            higher = Fact(f"labels of {other.word}, held against those of {train.word}", f"all {step:+d}", "the same")
            fixed = Fix(fix, f"y = y {'-' if step > 0 else '+'} 1   # of {other.name or 'the validation set'}")
            yield Evidence(Confidence.HINT, (higher,), where, fixed, severity=Severity.WARNING)


def _program(names: list[str]) -> Callable[[], None]:
    net, optimizer, train_loader, val_loader = task()
    for loader, listed in ((train_loader, sorted(names)), (val_loader, names)):
        points, labels = loader.dataset.tensors
        loader.dataset.class_to_idx = {name: number for number, name in enumerate(listed)}
        loader.dataset.tensors = points, torch.tensor([listed.index("abcd"[label]) for label in labels])

    def train() -> None:
        for _ in range(2):
            for x, y in train_loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                sum((net(x).argmax(1) == y).sum() for x, y in val_loader)

    return train


@label_mapping_mismatch.bad
def listed_in_another_order() -> Callable[[], None]:
    return _program(["b", "d", "a", "c"])


@label_mapping_mismatch.good
def listed_alike() -> Callable[[], None]:
    return _program(["a", "b", "c", "d"])
