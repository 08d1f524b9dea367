from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...observations.training_loop import TrainingLoop, metric_changes
from ...observations.training_loop.reading import at
from ...observations.training_loop.scoring import misaveraged
from ..small_loops import task

_NOTED, _WARNED = 0.05, 0.05  # of the value; of all samples, where hits are averaged
_ABOUT = {
    "hits by batches": ("hits `{}`, divided by the number of batches", "Divide by the number of samples.", "{} / len(loader.dataset)"),
    "means by samples": ("means `{}`, divided by the number of samples", "Divide means by the number of batches.", "{} / len(loader)"),
    "kept": ("epochs that `{}` adds up", "Set it back where an epoch begins.", "{} = 0"),
    "unequal batches": ("mean `{}` of the batches' means, and of all samples", "Weight each batch.", "{} += loss.item() * len(x)"),
}


@check(severity=Severity.WARNING)
def metric_average_wrong(loop: TrainingLoop) -> Iterator[Evidence]:
    """The loop's own average of a metric is not what it is taken for.

    Hits divided by the number of batches are no share; a mean of the batches' means counts samples of a small last batch many times; a sum
    that is not set back for an epoch still holds the epochs before.

    Shows as: an accuracy above 1, or one that grows from epoch to epoch; a metric that moves with the batch size.
    Proven by: nothing but the source: what the values are that the line adds up, and by what it divides them.
    Not this when: the batches are weighted, or equally large; sum and number of samples both run on. Of a loss, a mean of means is a note.
    Fails: averages of a library, or whose sum and division stand in different functions, are not read.
    Fix: Add up hits and samples, set both back for each epoch, and divide at its end.
    See: FSDL, "single-number evaluation"; torch.utils.data.DataLoader, `drop_last`.
    """
    for found in (each for each in misaveraged(loop) if each.why != "unequal batches" or each.off >= _NOTED):
        (what, sentence, code), name = _ABOUT[found.why], found.average.name
        facts = [Fact(what.format(name), f"{found.seen:.4g}", f"{found.expected:.4g}")]
        if found.why == "unequal batches":
            facts.append(Fact("smallest batch", str(min(count.samples for count in found.counts)), "as large as the others"))
        means = found.why in ("means by samples", "unequal batches")
        slight = means and (found.counts[0].kind == "loss" or abs(found.seen - found.expected) < _WARNED)
        line = found.counts[-1].line if found.why in ("kept", "unequal batches") else found.average.line
        fix = Fix(sentence, code.format(name), edits=metric_changes.averaged(line, name, found.why))
        yield Evidence(Confidence.LIKELY, tuple(facts), at(line), fix, severity=Severity.NOTE if slight else None)


def _program(measured: Callable[[nn.Module, DataLoader], float]) -> Callable[[], None]:
    net, optimizer, batches, held_out = task()

    def train() -> None:
        for _ in range(2):
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                measured(net, held_out)

    return train


@metric_average_wrong.bad
def by_batches() -> Callable[[], None]:
    def accuracy(net: nn.Module, loader: DataLoader) -> float:
        return sum((net(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader)

    return _program(accuracy)


@metric_average_wrong.good
def by_samples() -> Callable[[], None]:
    def accuracy(net: nn.Module, loader: DataLoader) -> float:
        return sum((net(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)  # type: ignore[arg-type]

    return _program(accuracy)
