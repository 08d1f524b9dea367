"""What the user's own `torch.autograd.Function`s are given in a forward pass: the place where a wrong backward can be looked for.

Found by their nodes in the graph, so that it does not matter under which name `apply` was called; their arguments are then caught in a
second pass by standing in for `forward`. Torch's own functions and those of libraries are left alone.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..engine.graph import nodes
from .source_lines import is_users

Kind = type[torch.autograd.Function]


def custom_functions(loss: Tensor) -> list[Kind]:
    """The user's own functions in the graph behind a loss, each once."""
    kinds = {getattr(type(node), "_forward_cls", None): None for node in nodes(loss) if loss.grad_fn is not None}
    return [kind for kind in kinds if kind is not None and is_users(_file(kind))]


def _file(kind: type) -> str:
    code = getattr(inspect.unwrap(kind.forward), "__code__", None)  # type: ignore[attr-defined]
    return "<frozen" if code is None else code.co_filename


@contextlib.contextmanager
def in_place_of(kind: type, method: str, stand_in: Callable[[Callable], Callable]) -> Iterator[None]:
    """One static method of a class replaced by what `stand_in` makes of it; put back at the end as it was written."""
    own, written = method in vars(kind), vars(kind).get(method)
    setattr(kind, method, staticmethod(stand_in(getattr(kind, method))))
    try:
        yield
    finally:
        if own:
            setattr(kind, method, written)
        else:
            delattr(kind, method)


def has_context(kind: Kind) -> bool:
    """Whether `forward` is given the context itself, and not a `setup_context` beside it."""
    return kind.setup_context is torch.autograd.function._SingleLevelFunction.setup_context


@contextlib.contextmanager
def arguments_of(kinds: list[Kind]) -> Iterator[dict[Kind, tuple[Any, ...]]]:
    """`with arguments_of(kinds) as seen: loss_of(subject)`; `seen` maps each function to the arguments of its first call."""
    seen: dict[Kind, tuple[Any, ...]] = {}

    def noting(kind: Kind) -> Callable[[Callable], Callable]:
        def stand_in(forward: Callable) -> Callable:
            def noted(*args: Any, **kwargs: Any) -> Any:
                given = args[1:] if has_context(kind) else args
                seen.setdefault(kind, tuple(_kept(a) for a in given))
                return forward(*args, **kwargs)

            return noted

        return stand_in

    with contextlib.ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(in_place_of(kind, "forward", noting(kind)))
        yield seen


def _kept(argument: Any) -> Any:
    return argument.detach().clone().requires_grad_(argument.requires_grad) if isinstance(argument, Tensor) else argument
