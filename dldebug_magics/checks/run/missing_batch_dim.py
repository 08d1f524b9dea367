from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.batch_shapes import inputs_changed, targets_changed
from ...cures.layers import in_turn
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.forms import Form
from ...instruments.source_lines import where
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.history import samples, targets_of
from ...observations.shape_trace.single import Single, single


@check(severity=Severity.ERROR)
def missing_batch_dim(trace: ShapeTrace) -> Iterator[Evidence]:
    """One sample is given without a batch axis in front of it.

    A dataset holds single samples, and a model reads batches. Convolutions and recurrent layers take a single sample, too, and say nothing;
    what comes behind them, such as a flatten or a batch norm, does not.

    Shows as: "expected 4D input (got 3D input)", or a mismatch far behind the convolution that took channels for samples.
    Proven by: the first layer took the input for one sample; with `unsqueeze(0)` a copy runs.
    Not this when: a single sample is given on purpose, and all of the model takes it.
    Fails: nothing known.
    See: torch.nn.Conv2d, "(N, C, H, W) or (C, H, W)"; FSDL, "get your model to run", shape mismatch.
    """
    found = single(trace)
    if found is None or trace.failure is None:
        return
    place, steps = where(found.path, trace.failure.line), found.sequence and samples(trace) == found.given.shape[0] > 1
    fact = Fact(f"what {found.words} is given", f"{found.given}: one sample", f"samples x {found.given}")
    yield _in_front(trace, found, fact, place, Confidence.HINT if steps else Confidence.LIKELY)
    if steps:
        fix = Fix("Each row is a sample: give it a time axis of one step.", "x = x.unsqueeze(1)", "a time axis of one step")
        cure = inputs_changed(lambda tensor: tensor.unsqueeze(1), found.given.shape)
        yield Evidence(Confidence.LIKELY, (fact,), place, fix, cure)


def _in_front(trace: ShapeTrace, found: Single, fact: Fact, place: str, sure: Confidence) -> Evidence:
    missing = [target.shape for target in targets_of(trace) if _lacks_batch(target)]
    code = f"x = x{'.unsqueeze(0)' * found.missing}" + ("; y = y.unsqueeze(0)" if missing else "")
    fix = Fix("Put an axis for the batch in front.", code, "a batch axis in front")
    inputs = inputs_changed(lambda tensor: tensor.reshape(*(1,) * found.missing, *tensor.shape), found.given.shape)
    targets = [targets_changed(lambda target: target.unsqueeze(0), shape) for shape in missing]
    return Evidence(sure, (fact,), place, fix, in_turn(inputs, *targets))


def _lacks_batch(target: Form) -> bool:
    """A label or mask of one sample; a vector of one label has its batch axis."""
    return not target.shape or target.shape[0] != 1 or (len(target.shape) > 1 and target.dtype.startswith("float"))


def _program(*axes: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    batch = torch.rand(*axes, 3, 12, 12), torch.zeros(axes, dtype=torch.long)
    return Subject(net, nn.CrossEntropyLoss(), None, [batch])


@missing_batch_dim.bad
def one_picture() -> Subject:
    return _program()


@missing_batch_dim.good
def a_batch_of_one() -> Subject:
    return _program(1)


@missing_batch_dim.good
def one_picture_on_purpose() -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))
    return Subject(net, nn.MSELoss(), None, [(torch.rand(3, 12, 12), torch.rand(3, 12, 12))])
