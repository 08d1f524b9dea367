from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from ...cures.batch_shapes import inputs_changed
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.read_as_one import ReadAsOneCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.history import samples
from ...observations.shape_trace.in_silence import as_steps
from ...observations.shape_trace.single import in_front, single


@check(severity=Severity.ERROR)
def missing_batch_dim(trace: ShapeTrace, card: ReadAsOneCard) -> Iterator[Evidence]:
    """One sample is given without a batch axis in front of it.

    A dataset holds single samples, and a model reads batches. Convolutions and recurrent layers take a single sample, too, and say nothing;
    what comes behind them, such as a flatten or a batch norm, does not.

    Shows as: "expected 4D input (got 3D input)", or a mismatch far behind the convolution that took channels for samples.
    Proven by: the first layer took the input for one sample; with `unsqueeze(0)` a copy runs. In silence, a recurrent layer takes the rows
    of a table for the steps of one sequence: told where a loader drew the rows at random.
    Not this when: a single sample is given on purpose, and all of the model takes it.
    Fails: in silence where no loader shows that the rows are samples.
    See: torch.nn.Conv2d, "(N, C, H, W) or (C, H, W)"; FSDL, "get your model to run", shape mismatch.
    """
    found = single(trace)
    if card.shape and not card.convolves:
        yield as_steps(card)
    if found is None or trace.failure is None:
        return
    place, steps = where(found.path, trace.failure.line), found.sequence and samples(trace) == found.given.shape[0] > 1
    fact = Fact(f"what {found.words} is given", f"{found.given}: one sample", f"samples x {found.given}")
    fix, cure = in_front(trace, found)
    yield Evidence(Confidence.HINT if steps else Confidence.LIKELY, (fact,), place, fix, cure)
    if steps:
        fix = Fix("Each row is a sample: give it a time axis of one step.", "x = x.unsqueeze(1)", "a time axis of one step")
        cure = inputs_changed(lambda tensor: tensor.unsqueeze(1), found.given.shape)
        yield Evidence(Confidence.LIKELY, (fact,), place, fix, cure)


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
