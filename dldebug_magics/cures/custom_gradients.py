"""A function's backward written by hand, replaced by what torch itself makes of its forward."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..engine.call import loss_of
from ..engine.nested import tensors
from ..engine.subject import Subject
from ..instruments.custom_functions import Kind, custom_functions, has_context, in_place_of


def derived(name: str) -> Callable[[Subject], Subject]:
    """The cure for the function of this name."""

    def cure(subject: Subject) -> Subject:
        with torch.enable_grad():
            kinds = [kind for kind in custom_functions(loss_of(subject).loss) if kind.__name__ == name]
        return dataclasses.replace(subject, around=(*subject.around, *(lambda kind=kind: _derived(kind) for kind in kinds)))

    return cure


@contextlib.contextmanager
def _derived(kind: Kind) -> Iterator[None]:
    """Each call made meanwhile remembers its arguments, and its node asks `_Derived` for the gradient, whenever that is."""
    forward, method = kind.forward, "forward" if has_context(kind) else "setup_context"

    def stand_in(original: Callable) -> Callable:
        def called(ctx: Any, *args: Any) -> Any:
            given = args if method == "forward" else args[0]
            result = original(ctx, *args)
            ctx._forward_cls = _Derived(forward, given, method == "forward")
            return result

        return called

    with in_place_of(kind, method, stand_in):
        yield


class _Derived:
    """Stands in a node for its function: differentiates the forward pass as torch would have done without a backward of its own."""

    vjp = staticmethod(torch.autograd.Function.vjp)

    def __init__(self, forward: Callable, given: tuple[Any, ...], with_context: bool):
        self.forward, self.given, self.with_context = forward, given, with_context

    def backward(self, _: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """One gradient an argument, as autograd expects them."""
        wanted = [isinstance(a, Tensor) and a.requires_grad for a in self.given]
        inputs = [a.detach().requires_grad_(w) if isinstance(a, Tensor) else a for a, w in zip(self.given, wanted, strict=True)]
        with torch.enable_grad():
            outputs = list(tensors(self.forward(*([_Context()] if self.with_context else []), *inputs)))
        pairs = [(o, g) for o, g in zip(outputs, gradients, strict=False) if g is not None and o.requires_grad]
        learning = [a for a, w in zip(inputs, wanted, strict=True) if w]
        found = iter(torch.autograd.grad([o for o, _ in pairs], learning, [g for _, g in pairs], allow_unused=True))
        return tuple(next(found) if w else None for w in wanted)


class _Context:
    """Takes whatever a forward writes down for its backward."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None
