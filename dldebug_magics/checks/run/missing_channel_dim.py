from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ...cures.batch_shapes import inputs_changed
from ...cures.layers import given_to, in_turn, rebuilt
from ...engine.check import check
from ...engine.evidence import Confidence, Evidence, Fact, Fix, Severity
from ...engine.subject import Subject
from ...instruments.source_edits import module_expression
from ...instruments.source_lines import where
from ...observations.cards.read_as_one import ReadAsOneCard
from ...observations.shape_trace import ShapeTrace
from ...observations.shape_trace.channels import channel_axis
from ...observations.shape_trace.history import is_input, samples
from ...observations.shape_trace.in_silence import as_channels
from ...observations.shape_trace.reader import Wanted
from ...observations.shape_trace.wanted import wanted


@check(severity=Severity.ERROR)
def missing_channel_dim(trace: ShapeTrace, card: ReadAsOneCard) -> Iterator[Evidence]:
    """Grey pictures or single-valued series have no axis for their one channel.

    A batch of grey pictures is samples x rows x columns in many files. A convolution takes that for one picture, and the samples for its
    channels; a recurrent layer takes samples x steps for one sequence.

    Shows as: "expected input[1, 64, 28, 28] to have 1 channels, but got 64 channels instead".
    Proven by: the layer reads the batch as one sample of as many channels; with an axis for the channel a copy runs. Where as many samples
    as channels pass in silence, a batch of one sample fewer does not.
    Not this when: the first axis is the channels of a single sample.
    Fails: in silence where no loader shows that it stacks samples, drawn at random.
    See: torch.nn.Conv2d, shape of the input; FSDL, "get your model to run", shape mismatch.
    """
    found = wanted(trace.failure)
    if card.convolves and card.said:
        yield as_channels(trace.name, card)
    if found is None or trace.failure is None or samples(trace) not in (None, found.given.shape[0]):
        return
    added, shape = channel_axis(found), found.given.shape
    if added is None:
        return
    place = where(trace.failure.module, trace.failure.line)
    fact = Fact(f"what {found.words} is given", f"{found.given}{', read as one sample' * found.unbatched}", added.axes)
    fix = Fix("Give the channel an axis.", f"x = {added.code}", f"an input of {added.axes}")
    yield Evidence(Confidence.LIKELY, (fact,), place, fix, _given(trace, found, added.change))
    if found.size > 1 and found.family == "conv" and not found.parameter and len(shape) > 2:
        code = f"x = x.unsqueeze(1); {module_expression(trace.name, found.path)} = nn.{found.kind}(1, {found.outputs}, ...)"
        fix = Fix("Or build the layer for one channel.", code, "a channel axis, and in_channels=1")
        cure = in_turn(_given(trace, found, lambda tensor: tensor.unsqueeze(1)), rebuilt(found.path, in_channels=1))
        yield Evidence(Confidence.HINT, (fact,), place, fix, cure)


def _given(trace: ShapeTrace, found: Wanted, change: Callable[[Tensor], Tensor]) -> Callable[[Subject], Subject]:
    shape = found.given.shape
    return inputs_changed(change, shape) if is_input(trace, found.given) else given_to(found.path, change, shape)


def _program(*channel: int) -> Subject:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    return Subject(net, nn.CrossEntropyLoss(), None, (torch.rand(8, *channel, 12, 12), torch.randint(0, 5, (8,))))


@missing_channel_dim.bad
def grey_pictures() -> Subject:
    return _program()


@missing_channel_dim.good
def grey_pictures_with_a_channel() -> Subject:
    return _program(1)
