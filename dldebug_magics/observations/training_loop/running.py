"""A watched loop while it still runs: where it stands, and what is wrong with it for certain as far as it went."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable

import torch
from torch import Tensor

from ...document import Block, Text
from ...engine.check import Check
from ...engine.evidence import Confidence, Finding
from ...engine.judged import judged
from ...instruments.watch.census import Weight
from ...instruments.watch.contents import content_of
from ...instruments.watch.log import Log
from . import TrainingLoop, curves
from .seen import seen

_DRAWN = 240  # losses and rates of a page


def alarms(log: Log, checks: Iterable[Check]) -> tuple[Finding, ...]:
    """What its own numbers prove, asked behind an optimizer's step. Likelihood waits for the end: a loss may still fall."""
    return tuple(f for f in judged(so_far(log), checks).alarms if f.confidence is Confidence.PROVEN)


def so_far(log: Log) -> TrainingLoop:
    """The observation as if the watch ended now; nothing is noted in the log."""
    with torch._C.DisableTorchFunction():
        now = {id(w): _compared(p, w, word) for p, w, word in log.looks.census.alive()}
    census = tuple((number, tuple(now.get(id(w), w) for w in weights)) for number, weights in log.looks.census.of.items())
    moved = any(weight.moved for _, weights in census for weight in weights)
    return dataclasses.replace(seen(log), census=census, moved=moved, seconds=time.perf_counter() - log.began)


def _compared(p: Tensor, weight: Weight, word: int) -> Weight:
    moved = weight.moved or content_of([p]) != word
    return dataclasses.replace(weight, moved=moved, thawed=weight.thawed or p.requires_grad, gradients=[*weight.gradients])


def page(log: Log, evaluating: bool, found: Iterable[Finding]) -> tuple[Block, ...]:
    """A line on how far it is, the alarms, and its course."""
    loop, seconds = seen(log, most=_DRAWN), time.perf_counter() - log.began
    epoch = f", epoch {loop.epochs}" if loop.epochs > 1 else ""
    waiting = f", {loop.waited / seconds:.0%} of them waiting for data" if loop.waited > 0.1 * seconds else ""
    doing = "evaluating after" if evaluating else "training,"
    blocks: list[Block] = [Text(f"%%watch: {doing} step {loop.taken:,}{epoch}, {seconds:.0f} seconds{waiting}")]
    for finding in found:
        where = f" ({finding.where})" if finding.where else ""
        blocks.append(Text(f"So far, {finding.confidence.value}: {finding.name}{where}. {finding.check.title}", strong=True))
    course = curves.table(loop)
    return (*blocks, course) if course is not None else tuple(blocks)
