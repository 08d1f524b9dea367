"""The proof that nothing was left behind: a digest of everything a diagnosis could disturb, taken before and after.

It reads the objects by its own road, not by that of `borrow` or `snapshot`, so that a part they forget shows up here. Identity counts as
well as contents: an equal list in another's place is a change for whoever else holds the first one.
"""

from __future__ import annotations

import inspect
import types
from typing import Any

from torch import nn

from . import ambient
from .batch import is_one_batch
from .digest import ATOMS, Bare, digest
from .subject import Subject

Digest = dict[str, str]
_REGISTRIES = ("_parameters", "_buffers", "training")


def fingerprint(subject: Subject) -> Digest:
    """Part -> digest, for model, loss, optimizer, scheduler, step, a batch given as it is, and ambient state."""
    around = ambient.taken(subject)
    around["generators of the data"] = [state for _, state in around["generators of the data"]]
    roots = [root for root in (subject.model, subject.loss_fn) if isinstance(root, nn.Module)]
    known = {id(part): part for root in roots for part in (*root.modules(), *root.parameters())}
    digests = {name: digest(value) for name, value in around.items()}
    return digests | {name: digest(value, known) for name, value in _program(subject).items()}


def changed(before: Digest, after: Digest) -> tuple[str, ...]:
    """The parts that differ."""
    return tuple(name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name))


def _program(subject: Subject) -> dict[str, Any]:
    """The user's own objects, by name."""
    parts: dict[str, Any] = {}
    for role in ("model", "loss_fn"):
        thing = getattr(subject, role)
        if isinstance(thing, nn.Module):
            parts |= {f"{role}'s {part}": value for part, value in _module(thing).items()}
    for role in ("loss_fn", "step"):
        if isinstance(getattr(subject, role), (types.FunctionType, types.MethodType)):
            parts[f"what {role} leads to"] = _led_to(getattr(subject, role))
    if subject.optimizer is not None:
        own = vars(subject.optimizer)
        parts["optimizer's settings"] = tuple(_settings(group) for group in subject.optimizer.param_groups)
        parts["optimizer's state"] = tuple((id(p), state) for p, state in subject.optimizer.state.items())
        parts["optimizer's attributes"] = tuple((name, own[name]) for name in own if name not in ("param_groups", "state"))
    if subject.scheduler is not None:
        parts["scheduler"] = tuple((name, value) for name, value in vars(subject.scheduler).items() if name != "optimizer")
    if is_one_batch(subject.train):
        parts["batch"] = subject.train
    return parts


def _settings(group: dict[str, Any]) -> tuple[Any, ...]:
    return id(group), tuple((name, tuple(map(id, value)) if name == "params" else value) for name, value in group.items())


def _module(module: nn.Module) -> dict[str, Any]:
    named = tuple(module.named_modules(remove_duplicate=False))
    parameters = dict(module.named_parameters(remove_duplicate=False))
    return {
        "parameters": tuple((name, id(p), Bare(p)) for name, p in parameters.items()),
        "gradients": tuple((name, id(p.grad), p.grad) for name, p in parameters.items()),
        "requires_grad flags": tuple((name, p.requires_grad) for name, p in parameters.items()),
        "buffers": tuple((name, id(b), b) for name, b in module.named_buffers(remove_duplicate=False)),
        "training modes": tuple((name, m.training) for name, m in named),
        "hooks": (
            tuple((name, tuple((k, v) for k, v in vars(m).items() if k.endswith("_hooks"))) for name, m in named),
            tuple((name, p._backward_hooks, getattr(p, "_post_accumulate_grad_hooks", None)) for name, p in parameters.items()),
        ),
        "attributes": tuple((name, type(m).__qualname__, id(type(m)), _plain_attributes(m)) for name, m in named),
    }


def _plain_attributes(module: nn.Module) -> tuple[Any, ...]:
    own = vars(module)
    return tuple((name, _known(own[name]), own[name]) for name in sorted(own) if name not in _REGISTRIES and not name.endswith("_hooks"))


def _known(value: Any) -> int:
    return 0 if isinstance(value, ATOMS) else id(value)


def _led_to(function: Any) -> tuple[Any, ...]:
    """What a function closes over and which globals it names."""
    found = inspect.getclosurevars(function)
    names = {**found.globals, **found.nonlocals}
    return id(function), tuple((name, _known(value), value) for name, value in sorted(names.items())), getattr(function, "__self__", None)
