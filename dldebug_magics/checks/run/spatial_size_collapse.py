from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.input_size import enlarged
from ...cures.shrinking import left_whole
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.smallest_input import SmallestInputCard, collapsed
from ...observations.shape_trace import ShapeTrace


@check(severity=Severity.ERROR)
def spatial_size_collapse(trace: ShapeTrace, card: SmallestInputCard) -> Iterator[Evidence]:
    """The input is too small for the network: strides and poolings leave nothing of it.

    Each pooling halves a picture. Five of them want at least 32 pixels, a filter of five words wants five words. Networks for large
    pictures break on small ones.

    Shows as: "Output size is too small", "Kernel size can't be greater than actual input size".
    Proven by: larger inputs are tried until a pass goes through; with the smallest of these a copy runs.
    Not this when: nothing known.
    Fails: where the network is built for one size only, that size may be larger than the smallest that is tried.
    See: torch.nn.MaxPool2d, shape of the output; torchvision models, smallest inputs.
    """
    failure = trace.failure
    if failure is None or not collapsed(failure):
        return
    name = f"{failure.module_kind} `{failure.module}`" if failure.operation and failure.module_kind in dir(nn) else failure.operation
    facts = [Fact(f"what {name} is given", str(failure.inputs[0]) if failure.inputs else "nothing", "at least its kernel")]
    place = where(failure.module, failure.line)
    if card.side:
        length = min(card.given.shape[axis] for axis in card.axes)
        what = "shorter side of the input" if len(card.axes) > 1 else "length of the input"
        facts.append(Fact(what, str(length), f"at least {card.side}, found by trying"))
        size = ", ".join([str(card.side)] * len(card.axes))
        code = f"x = F.interpolate(x, size=({size}))" if len(card.axes) > 1 else f"x = F.pad(x, (0, {card.side - length}))"
        fix = Fix(f"Give it inputs of {card.side} or more.", code, f"inputs of {card.side}")
        yield Evidence(Confidence.LIKELY, tuple(facts), place, fix, enlarged(card.given.shape, card.axes, card.side))
    fix, cure = left_whole(failure.module, failure.operation)
    yield Evidence(Confidence.HINT if card.side else Confidence.LIKELY, tuple(facts), place, fix, cure)


def _program(side: int) -> Subject:
    torch.manual_seed(0)
    layers = [layer for _ in range(3) for layer in (nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.rand(8, 3, side, side), torch.randint(0, 4, (8,))))


@spatial_size_collapse.bad
def small_pictures() -> Subject:
    return _program(6)


@spatial_size_collapse.good
def large_pictures() -> Subject:
    return _program(8)
