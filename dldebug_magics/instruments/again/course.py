"""One run of a program on copies, for so many optimizer steps: the loss before each step, and the weights after it.

With weights given it judges: after each step the model gets those that another run had there, so that what its loss says of the next batch
it says of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from ...engine import twin
from ...engine.deadline import TimeSpent
from ..watch.wrapped import wrapped
from .doors import Enough

Weights = list[Tensor]


@dataclasses.dataclass
class Course:
    """`losses`: of the first pass of each step. `passes`: those of all, as `backward` was called on them. `weights`: after each step.
    `ended`: why it went no further; `crashed`: by an exception of its own. `trained`: the
    weights, by their ids, of each group of optimizers that have some in common."""

    losses: list[float] = dataclasses.field(default_factory=list)
    passes: list[float] = dataclasses.field(default_factory=list)
    weights: list[Weights] = dataclasses.field(default_factory=list)
    steps: int = 0
    trained: list[set[int]] = dataclasses.field(default_factory=list)
    ended: str = ""
    crashed: Exception | None = None


def run(start: Callable[[], Any], steps: int, deadline: float, given: Sequence[Weights] | None = None) -> Course:
    """Run a program for so many steps. Raises `TimeSpent` behind the deadline (of `time.monotonic`)."""
    course = Course()
    with _recorded(course, steps, deadline, given):
        try:
            start()
        except Enough as enough:
            course.ended = str(enough)
        except Exception as error:
            course.ended, course.crashed = f"{type(error).__name__}: {error}".splitlines()[0], error
        except SystemExit:
            course.ended = "it exits"
    return course


@contextlib.contextmanager
def _recorded(course: Course, steps: int, deadline: float, given: Sequence[Weights] | None) -> Iterator[None]:
    modules: dict[int, nn.Module] = {}
    scale = [1.0]

    def called(module: nn.Module, args: Any) -> None:
        modules.setdefault(id(module), module)

    def stepped(optimizer: Any, args: Any, kwargs: Any) -> None:
        course.steps += 1
        _group(course.trained, {id(p) for group in optimizer.param_groups for p in group["params"]})
        weights = _weights(modules, optimizer)
        if given is None:
            _in_room(course, weights, steps)
            course.weights.append([tensor.detach().clone() for tensor in weights])
        else:
            _take_on(weights, given[course.steps - 1])
        if time.monotonic() > deadline:
            raise TimeSpent
        if course.steps >= steps:
            raise Enough

    with contextlib.ExitStack() as stack:
        stack.callback(register_module_forward_pre_hook(called).remove)
        stack.callback(register_optimizer_step_post_hook(stepped).remove)
        stack.enter_context(wrapped(torch.amp.GradScaler, "scale", lambda plain: _noting(scale, plain)))
        stack.enter_context(wrapped(torch.autograd, "backward", lambda plain: _passing(course, scale, plain)))
        yield


def _group(groups: list[set[int]], held: set[int]) -> None:
    """Add what an optimizer holds to the group that it shares some of it with."""
    common = next((group for group in groups if not group.isdisjoint(held)), None)
    if common is None:
        groups.append(held)
    else:
        common |= held


def _weights(modules: dict[int, nn.Module], optimizer: Any) -> Weights:
    """Parameters and buffers of the modules that were called, in that order, and what else the optimizer holds; each once."""
    own = [t for module in modules.values() for t in (*module.parameters(recurse=False), *module.buffers(recurse=False))]
    held = [p for group in optimizer.param_groups for p in group["params"]]
    return list({id(tensor): tensor for tensor in (*own, *held)}.values())


def _in_room(course: Course, weights: Weights, steps: int) -> None:
    """End the run before its first weights are kept where there is no room for those of all steps of two runs."""
    sizes: dict[torch.device, int] = {}
    for tensor in weights if not course.weights else ():
        sizes[tensor.device] = sizes.get(tensor.device, 0) + tensor.nbytes
    if any(2 * steps * size > twin.SHARE * twin.free(device) for device, size in sizes.items()):
        raise Enough(f"the weights are too large to be kept {2 * steps} times")


def _take_on(weights: Weights, given: Weights) -> None:
    if [t.shape for t in weights] != [t.shape for t in given]:
        raise Enough("the corrected program trains other weights")
    with torch.no_grad():
        for mine, other in zip(weights, given, strict=True):
            mine.copy_(other)


def _noting(scale: list[float], plain: Callable) -> Callable:
    """A loss that was scaled for half precision is divided by that factor where it is noted."""

    def noted(self: Any, outputs: Any) -> Any:
        scaled = plain(self, outputs)
        scale[0] = float(self.get_scale()) if self.is_enabled() else 1.0
        return scaled

    return noted


def _passing(course: Course, scale: list[float], plain: Callable) -> Callable:
    def backward(*args: Any, **kwargs: Any) -> Any:
        loss = args[0] if args else kwargs.get("tensors")
        value = float(loss.detach()) if isinstance(loss, Tensor) and loss.numel() == 1 else math.nan
        course.passes.append(value)
        if len(course.losses) == course.steps:
            course.losses.append(value / scale[0])
        scale[0] = 1.0
        return plain(*args, **kwargs)

    return backward
