from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from ...cures.batch_shapes import inputs_changed, targets_changed
from ...cures.layers import given_to, in_turn, moved_for
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_lines import where
from ...observations.cards.neighbours import NeighboursCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.channels import Channels, channels_last
from ...observations.shape_trace.history import is_input, targets_of
from ...observations.shape_trace.in_silence import as_rows


@check(severity=Severity.ERROR)
def channels_last_input(trace: ShapeTrace, card: NeighboursCard) -> Iterator[Evidence]:
    """A layer that reads its channels on axis 1 is given them on the last axis.

    Files, numpy and TensorFlow hold pictures as rows x columns x channels. Torch's convolutions and batch norms read samples x channels x
    rows x columns, and take the rows for channels.

    Shows as: "expected input[4, 28, 28, 3] to have 3 channels, but got 28 channels instead".
    Proven by: the last axis has as many numbers as the layer has channels; with that axis moved to the second place a copy runs.
    Not this when: no axis has that size: then the layer was built for other pictures.
    Fails: pictures as high as they have channels are told by their neighbouring values, and only if these are smooth.
    See: torch.nn.Conv2d, shape of the input; torchvision's ToTensor, which moves the axis.
    """
    found = channels_last(trace)
    if card.exchanged:
        yield as_rows(card)
    if found is None or trace.failure is None:
        return
    order = (0, len(found.given.shape) - 1, *range(1, len(found.given.shape) - 1))
    fact = Fact(f"what {found.words} is given", str(found.given), f"{found.size} channels on axis {found.axis}, not on the last")
    fix = Fix("Move the channels in front of rows and columns.", f"x = x.permute{order}", "the channels moved to axis 1")
    if found.axis == 0:
        fix = Fix("Move the channels to the front.", "x = x.movedim(-1, 0)", "the channels moved to the front")
    place, cure = where(trace.failure.module, trace.failure.line), _moved(trace, found)
    yield Evidence(Confidence.LIKELY, (fact,), place, fix, cure)
    if any(len(target.shape) > 2 for target in targets_of(trace)):
        both = Fix(
            "Move the channels of pictures and targets.", f"{fix.code}; y = y.movedim(-1, 1)", "the channels of both moved to axis 1"
        )
        yield Evidence(Confidence.HINT, (fact,), place, both, in_turn(cure, targets_changed(lambda target: target.movedim(-1, 1))))


def _moved(trace: ShapeTrace, found: Channels) -> Callable[[Subject], Subject]:
    if found.normalises:
        return moved_for(found.path, -1, 1)
    change = lambda tensor: tensor.movedim(-1, found.axis)  # noqa: E731
    return inputs_changed(change, found.given.shape) if is_input(trace, found.given) else given_to(found.path, change, found.given.shape)


def _program(last: bool) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    pictures = torch.rand(8, 12, 12, 3) if last else torch.rand(8, 3, 12, 12)
    return Subject(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3), (pictures, torch.randint(0, 5, (8,))))


@channels_last_input.bad
def pictures_as_they_come_from_a_file() -> Subject:
    return _program(last=True)


@channels_last_input.good
def pictures_with_their_channels_first() -> Subject:
    return _program(last=False)
