from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.watch.events import Begun, Drawn
from ...observations.training_loop import TrainingLoop, rewritten
from ...observations.training_loop.reading import at
from ..small_data import groups
from ..small_loops import task


@check(severity=Severity.WARNING)
def shuffle_false_sorted(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loop trains on batches of one class each, in the order of the classes.

    Each step then pulls towards the class of the moment, and undoes what was learnt of the one before; batch norm sees one class at a time.

    Shows as: a loss that saws: low at the end of each class, high at the start of the next.
    Proven by: the labels of the batches that were looked at: one class in each, and the next class after it.
    Not this when: the loader shuffles or has a sampler of its own; classes come back within an epoch, as in a record over time.
    Fails: targets that are no whole numbers are judged by `%data_audit` alone.
    See: FSDL, "dataset construction"; torch.utils.data.DataLoader, `shuffle`.
    """
    for number, player in enumerate(loop.loaders):
        looks = [e for e in loop.of(Drawn) if e.loader == number and e.samples >= 4 and e.classes]
        if player.facts.sampler != "SequentialSampler" or loop.fed[number] < 4 or len(looks) < 4:
            continue
        single = [e for e in looks if e.classes == 1]
        labels = {e.label for e in single}
        if len(single) < max(4, 0.6 * len(looks)) or len(labels) < 2 or not _is_sorted(loop, number):
            continue
        facts = (
            Fact("batches that hold one class", f"{len(single)} of {len(looks)} looked at", "hardly any"),
            Fact("classes of these", ", ".join(map(str, sorted(labels)[:8])), "all in each batch"),
        )
        line = next((e.line for e in loop.of(Begun) if e.loader == number), looks[0].line)
        code = f"{player.name or 'loader'} = DataLoader(dataset, shuffle=True, ...)"
        fix = Fix("Let the loader shuffle.", code, edits=rewritten.shuffled(line, player.name))
        yield Evidence(Confidence.PROVEN, facts, at(line), fix)


def _is_sorted(loop: TrainingLoop, loader: int) -> bool:
    """Whether within each epoch the first labels of the batches only go up, or only go down."""
    epochs: list[list[int]] = [[]]
    for event in loop.events:
        if isinstance(event, Begun) and event.loader == loader:
            epochs.append([])
        elif isinstance(event, Drawn) and event.loader == loader and event.classes:
            epochs[-1].append(event.label)
    return all(epoch == sorted(epoch) or epoch == sorted(epoch, reverse=True) for epoch in epochs)


def _program(shuffle: bool) -> Callable[[], None]:
    net, optimizer, _, _ = task()
    points, labels = groups(160)
    batches = DataLoader(TensorDataset(points[labels.argsort()], labels.sort().values), batch_size=16, shuffle=shuffle)

    def train() -> None:
        for _ in range(3):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()

    return train


@shuffle_false_sorted.bad
def in_the_order_of_the_classes() -> Callable[[], None]:
    return _program(shuffle=False)


@shuffle_false_sorted.good
def shuffled() -> Callable[[], None]:
    return _program(shuffle=True)
