"""A deep copy of a program that is the same program: all parts in one copy, and nothing lost on the way.

Model, loss, optimizer and scheduler are copied together, so that the optimizer of the copy holds the copy's parameters. Torch's copying
leaves out hooks on tensors and optimizers, what a subclass of an optimizer adds, and memory that parameters share: then there is no copy.
It leaves out attributes that were set on a parameter, too; those are added here.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import os
import warnings
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from . import snapshot
from .subject import Subject

SHARE = 0.5  # of the free memory that a copy may take
_REMADE = {"step", "_opt_called", "_warned_capturable_if_run_uncaptured"}  # what a scheduler or a first step puts on an optimizer
_PATCHED = "_wrapped_by_lr_sched"


def copy_of(subject: Subject) -> Subject | None:
    """A deep copy, or None where there is no room for one, or the program can't be copied as it is."""
    if subject.step is not None or not fits(subject):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parts = copy.deepcopy([subject.model, subject.loss_fn, subject.optimizer, subject.scheduler])
        except Exception:  # whatever can't be copied says so in its own way; it is lent under a snapshot instead
            return None
    for mine, its in zip(subject.model.parameters(), parts[0].parameters(), strict=False):
        mark_alike(mine, its)
    twin = dataclasses.replace(subject, model=parts[0], loss_fn=parts[1], optimizer=parts[2], scheduler=parts[3])
    if not complete(getattr(subject.optimizer, "__dict__", {}), twin.optimizer) or not _alike(subject, twin):
        return None
    if "step" in getattr(subject.optimizer, "__dict__", {}):
        patch_as_schedulers_do(twin.optimizer)
    return twin


def mark_alike(mine: nn.Parameter, its: nn.Parameter) -> None:
    """Give a copied parameter the plain attributes that were set on the original."""
    vars(its).update({name: value for name, value in vars(mine).items() if isinstance(value, (bool, int, float, str))})


def complete(had: dict[str, Any], optimizer: Any) -> bool:
    """Whether a copied optimizer has all that its original had. A `step` patched by a scheduler is patched anew, but not by others."""
    if "step" in had and not hasattr(had["step"], _PATCHED):
        return False
    has = vars(optimizer) if had else {}
    return all(name in has and (not name.endswith("_hooks") or len(had[name]) == len(has[name])) for name in had.keys() - _REMADE)


def patch_as_schedulers_do(optimizer: Any) -> None:
    """Schedulers mark the optimizer's `step`, to see whether it was called before their own; without the mark they warn."""
    plain = optimizer.step

    @functools.wraps(plain)
    def step(*args: Any, **kwargs: Any) -> Any:
        optimizer._opt_called = True
        return plain(*args, **kwargs)

    setattr(step, _PATCHED, True)
    optimizer.step = step


def _alike(subject: Subject, twin: Subject) -> bool:
    """Whether no tensor has hooks, which are not copied, and as many tensors share their memory in the copy as in the original."""
    mine = list({id(t): t for t in snapshot.owned(subject)}.values())
    hooked = any(t._backward_hooks or getattr(t, "_post_accumulate_grad_hooks", None) for t in mine)
    return not hooked and places(mine) == places({id(t): t for t in snapshot.owned(twin)}.values())


def places(tensors: Iterable[Tensor]) -> int:
    """In how many different places of memory these tensors begin."""
    return len({t.data_ptr() for t in tensors if not nn.parameter.is_lazy(t) and t.layout is torch.strided and t.numel()})


def fits(subject: Subject) -> bool:
    """Whether a second model and optimizer fit into half of the memory that is free where the model lives."""
    sizes: dict[torch.device, int] = {}
    for tensor in {id(t): t for t in snapshot.owned(subject)}.values():
        if not nn.parameter.is_lazy(tensor):
            sizes[tensor.device] = sizes.get(tensor.device, 0) + tensor.numel() * tensor.element_size()
    return all(size < SHARE * free(device) for device, size in sizes.items())


def free(device: torch.device) -> float:
    """The bytes that are free on a device, as far as it can be asked."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "cpu" and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return float("inf")
