from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.layer_sizes import flattened_for
from ...cures.layers import given_to, moved_for
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.flattened import by_hand
from ...observations.shape_trace.history import counted, reduced_from, unbatched_reader
from ...observations.shape_trace.in_silence import over_steps
from ...observations.shape_trace.reader import Wanted
from ...observations.shape_trace.sizes import other_sizes
from ...observations.shape_trace.wanted import transposable, wanted


@check(severity=Severity.ERROR)
def linear_in_features_mismatch(trace: ShapeTrace) -> Iterator[Evidence]:
    """A layer is given more or fewer features than it was built for.

    `Linear` reads the last axis of its input, a convolution the channels on axis 1. How many there are is mostly worked out by hand from
    the sizes of the pictures, and is wrong as soon as a kernel, a stride or a picture changes.

    Shows as: "mat1 and mat2 shapes cannot be multiplied (8x784 and 256x10)", "expected input to have 8 channels, but got 12".
    Proven by: the pass ends there; with the layer built for what it is given, a copy runs to its end.
    Not this when: the axes were not flattened, or a picture has its channels last, so that the number does occur in the shape.
    Fails: where the layer belongs to a network with weights of its own, the layer before it is the wrong one.
    See: torch.nn.Linear, `in_features`; FSDL, "get your model to run", shape mismatch.
    """
    by_number, found = by_hand(trace), wanted(trace.failure)
    if by_number is not None:
        cure = flattened_for(by_number.call, by_number.given.shape, by_number.asked)
        yield Evidence(Confidence.LIKELY, (by_number.fact,), where(by_number.path, by_number.line), by_number.fix, cure)
    if (advice := over_steps(trace)) is not None:
        yield advice
    if by_number is not None or found is None or trace.failure is None or not found.reads_features or transposable(trace.failure):
        return
    what, seen = f"{found.place} of what {found.words} is given", counted(trace, found.given, found.got)
    fact = Fact(what, seen, f"{found.size}, its {found.setting}")
    place = where(trace.failure.module, trace.failure.line)
    yield from _itself(trace, found, fact, place)
    for fix, cure in other_sizes(trace, found):
        yield Evidence(Confidence.HINT, (fact,), place, fix, cure)


def _itself(trace: ShapeTrace, found: Wanted, fact: Fact, place: str) -> Iterator[Evidence]:
    """Another axis moved to where it reads, or the layer built for what it is given."""
    got, elsewhere, sure = found.got, found.elsewhere, Confidence.LIKELY
    if unbatched_reader(trace) or reduced_from(trace, found.given, found.size) or (elsewhere and found.spatial):
        sure = Confidence.HINT
    if elsewhere and not found.spatial and not found.parameter:
        fix = Fix(f"Move axis {elsewhere[0]} to the end first.", f"x.movedim({elsewhere[0]}, -1)", f"axis {elsewhere[0]} moved to the end")
        there = given_to(found.path, lambda tensor: tensor.movedim(elsewhere[0], -1), found.given.shape)
        yield Evidence(sure, (fact,), place, fix, moved_for(found.path, elsewhere[0], -1) if found.family == "layer_norm" else there)
        sure = Confidence.HINT
    fix = Fix(f"Build it for {got}.", found.written(trace.name, got), f"{found.setting}={got}")
    yield Evidence(sure, (fact,), place, fix, found.resized(got))


def _program(features: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(features, 10))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.randn(8, 1, 12, 12), torch.randint(0, 10, (8,))))


@linear_in_features_mismatch.bad
def worked_out_by_hand() -> Subject:
    return _program(144)


@linear_in_features_mismatch.good
def worked_out_right() -> Subject:
    return _program(100)
