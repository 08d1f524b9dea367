from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

from torch import nn

from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...instruments.source_lines import Line
from ...instruments.watch.events import Backward, Begun
from ...observations.training_loop import TrainingLoop
from ...observations.training_loop.reading import at
from ..small_loops import task

_FEW, _PAIR = 4, 2  # values of a channel
_PASSES = 3


@check(severity=Severity.WARNING)
def bn_small_batch(loop: TrainingLoop) -> Iterator[Evidence]:
    """Batch norm takes its statistics from so few values that they are mostly noise.

    The mean of n values is off by the root of 1/n of their deviation: by half of it for n = 4. With two samples and no pixels, batch norm
    gives each feature as +1 or -1, whatever its size.

    Shows as: a training loss that is noisy from batch to batch, and a validation loss far from it.
    Proven by: the values of a channel, counted in the loop's own training passes.
    Not this when: the pixels of a few pictures are many values. Three or four values, one layer of several, or a last batch that is small
    are a note: it may be all that fits.
    Fails: neighbouring pixels are alike, and count for less than their number.
    See: Wu & He 2018, "Group normalization", figure 1; Ioffe 2017, "Batch renormalization"; torch.utils.data.DataLoader, "drop_last".
    """
    passes = [e for e in loop.of(Backward) if e.normed]
    few = [e for e in passes if min(n.values for n in e.normed) <= _FEW]
    worst = min((n for e in few for n in e.normed), key=lambda norm: norm.values, default=None)
    often = 2 * len(few) > len(passes)
    if worst is None or len(passes) < _PASSES or not (often or worst.values <= _PAIR):
        return
    always = often and statistics.median(max(n.values for n in e.normed) for e in passes) <= _PAIR
    facts = (
        Fact(f"values that the statistics of a channel of `{worst.name}` are taken from", f"{worst.values}", f"more than {_FEW}"),
        Fact("passes with so few, of those that were looked at", f"{len(few)} of {len(passes)}", "none"),
    )
    fix = Fix("Take larger batches, or a norm that looks at one sample by itself.", "torch.nn.GroupNorm(1, channels)")
    if not often:
        fix = Fix("Leave the last batch of an epoch out where it is this small.", "DataLoader(..., drop_last=True)")
    where = at(_begun(loop) or passes[-1].line)
    yield Evidence(Confidence.PROVEN, facts, where, fix, severity=None if always else Severity.NOTE)


def _begun(loop: TrainingLoop) -> Line | None:
    """The line that asks the loader for the batches that train."""
    feeding = loop.fed.index(max(loop.fed)) if any(loop.fed) else -1
    return next((e.line for e in loop.of(Begun) if e.loader == feeding and e.line.place), None)


def _program(size: int) -> Callable[[], None]:
    net, optimizer, batches, _ = task(nn.BatchNorm1d(24), batch=size)

    def train() -> None:
        for x, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()

    return train


@bn_small_batch.bad
def two_samples() -> Callable[[], None]:
    return _program(2)


@bn_small_batch.good
def sixteen_samples() -> Callable[[], None]:
    return _program(16)
