"""Every softmax of a forward pass and its loss: over which axis, whether that axis is the batch, what it is fed by and what it enters.

The axis of the batch is found by experiment: it is the one that gets shorter when the batch does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from ...cures.softmaxes import SoftmaxesChanged, turned
from ...engine.ambient import seeded
from ...engine.call import Passed, loss_of
from ...engine.errors import UserMistake
from ...engine.nested import tensors
from ...engine.observation import Observation
from ...engine.subject import Subject
from ...instruments.calls import LOSSES, Call, Calls, closing
from ...instruments.softmaxes import SOFTMAXES, axis_of, fed_by
from ...instruments.source_edits import module_expression
from .batch_axis import follows, one_fewer, rows_along, samples, samples_meet
from .softmax_call import OWN, Softmax


@dataclasses.dataclass(frozen=True)
class SoftmaxCard(Observation):
    """The calls in order. `mixes` says whether outputs depend on other samples, and no longer do once the softmaxes over the batch go
    over another axis.
    """

    calls: tuple[Softmax, ...]
    mixes: bool
    from_loader: bool

    @classmethod
    def measure(cls, subject: Subject) -> Iterator[SoftmaxCard]:
        """Two forward passes and losses, and a few more where a softmax goes over the batch."""
        calls, passed = _pass(subject)
        made = [call for call in calls.named_in(SOFTMAXES) if isinstance(call.result, Tensor) and call.result.ndim]
        over = _over_batch(subject, made, passed) if made else set()
        entered = _entering(calls, made, passed)
        found = tuple(_softmax(subject, call, made, number in over, entered.get(number)) for number, call in enumerate(made))
        mixes = bool(over) and _explain_mixing(subject, [call for call in found if call.over_batch])
        whole = getattr(subject.train, "batch_size", None) if hasattr(subject.train, "batch_sampler") else None
        yield cls(found, mixes, whole is not None and samples(subject) <= whole)


def _softmax(subject: Subject, call: Call, made: list[Call], over_batch: bool, entrance: tuple[str, Tensor] | None) -> Softmax:
    own = type(subject.model.get_submodule(call.module)).__module__ == "torch.nn.modules.activation"
    before = fed_by(call, made)
    return Softmax(
        name=call.name,
        index=call.index,
        expression=module_expression(subject.name("model"), call.module) if own else "",
        module=call.module,
        line=call.line,
        shape=tuple(call.result.shape),
        axis=axis_of(call),
        over_batch=over_batch,
        enters=entrance[0] if entrance else "",
        entering=tuple(entrance[1].shape) if entrance else (),
        shared=_shared(entrance[1].detach(), call.name) if entrance else (),
        fed_by=next((number for number, other in enumerate(made) if other is before), None),
    )


def _shared(entering: Tensor, name: str) -> tuple[int, ...]:
    """The axes along which probabilities, or the exponentials of log-probabilities, sum to one."""
    shares = entering.float() if name == "softmax" else entering.float().exp()
    return tuple(axis for axis in range(shares.ndim) if bool(((shares.sum(axis) - 1).abs() < 1e-3).all()))


def _pass(subject: Subject) -> tuple[Calls, Passed | None]:
    """The calls of one forward pass and loss; without its result where the loss raised."""
    seeded(subject.seed)
    with torch.enable_grad(), Calls(SOFTMAXES | LOSSES, subject.model) as calls:
        try:
            return calls, loss_of(subject)
        except UserMistake:
            raise
        except Exception:  # the run observed it and wrote it down
            return calls, None


def _over_batch(subject: Subject, made: list[Call], passed: Passed | None) -> set[int]:
    """The calls that go over the samples and whose result is no table of all pairs of them, where the output has a row a sample."""
    count, output = samples(subject), None if passed is None else _main(passed.output)
    if count < 3 or output is None or output.shape[0] != count:
        return set()
    shorter, _ = _pass(one_fewer(subject))
    found = set()
    for number, (one, other) in enumerate(zip(made, shorter.named_in(SOFTMAXES), strict=False)):
        lengths = zip(one.result.shape, other.result.shape, strict=False)
        moving = [axis for axis, (length, less) in enumerate(lengths) if follows(length, less, count)]
        if moving == [axis_of(one)]:
            found.add(number)
    return found


def _entering(calls: Calls, made: list[Call], passed: Passed | None) -> dict[int, tuple[str, Tensor]]:
    """For each call whose result is the output or what a loss of torch's is given: the name of that loss, and what it is given."""
    given = [] if passed is None else [(OWN, _main(passed.output))]
    given += [(loss.name, loss.argument(0, "input")) for loss in calls.named_in(LOSSES)]
    last = [(closing(tensor, made), name, tensor) for name, tensor in given if isinstance(tensor, Tensor)]
    return {number: (name, tensor) for call, name, tensor in last for number, other in enumerate(made) if other is call}


def _main(output: object) -> Tensor | None:
    return next((t for t in tensors(output) if t.is_floating_point() and t.ndim), None)


def _explain_mixing(subject: Subject, found: list[Softmax]) -> bool:
    chosen = {(call.name, call.index): turned(call.name, call.right_axis) for call in found}
    return samples_meet(subject) and not samples_meet(subject, lambda: SoftmaxesChanged(chosen)) and not _second_is_batch(subject)


def _second_is_batch(subject: Subject) -> bool:
    """Whether the samples stand along the second axis, and keep apart there."""
    shape = next((t.shape for t in tensors(subject.batch) if t.ndim), ())
    return len(shape) > 1 and rows_along(subject, 1) == shape[1] and not samples_meet(subject, axis=1)
