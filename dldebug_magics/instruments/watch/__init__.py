"""A loop that is watched while it trains: every door of torch's through which training passes has a file here.

What can be asked is asked through torch's own hooks (optimizer steps, module calls); what has no hook is wrapped at its class for the time
of the watch. Nothing of the user's is touched: no gradient, no random number, no module. All is let go at the end, however it comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.overrides import _get_current_function_mode_stack
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from ...engine import ambient
from ...engine.interrupts import held_at_exit
from .backward import watching_backward
from .clipping import watching_clipping
from .dropping import DROPOUTS, watching_dropout
from .following import Follower, following
from .gradients import Gradients
from .loaders import watching_loaders
from .log import Log
from .modules import watching_modules
from .optimizers import watching_optimizers
from .saving import watching_saving
from .scalers import watching_scalers
from .schedules import watching_schedules
from .wrapped import family


@contextlib.contextmanager
def watching(follower: Follower | None = None) -> Iterator[Log]:
    """`with watching() as log: train()`; then `log` holds what happened. `follower`: told of steps and passes while they happen."""
    log, before = Log(), _standing()
    gradients = Gradients(log)
    try:
        with held_at_exit() as stack:
            stack.callback(lambda: log.end(gradients.weights.changed()))
            stack.enter_context(watching_loaders(log))
            stack.enter_context(watching_modules(log))
            stack.enter_context(watching_dropout(log))
            stack.enter_context(watching_backward(log, gradients))
            stack.enter_context(watching_optimizers(log, gradients))
            stack.enter_context(watching_clipping(log))
            stack.enter_context(watching_schedules(log))
            stack.enter_context(watching_scalers(log))
            stack.enter_context(watching_saving(log))
            if follower is not None:
                stack.enter_context(following(log, follower))
            yield log
    finally:
        log.left_behind = tuple(name for name, thing in _standing().items() if thing != before.get(name, thing))


def _standing() -> dict[str, Any]:
    """What is wrapped or hooked for the time of a watch, by name, to see that it is as before."""
    owners: list[tuple[Any, str]] = [
        (torch.autograd, "backward"),
        (torch.Tensor, "backward"),
        (torch.autograd, "grad"),
        (DataLoader, "__iter__"),
        (_BaseDataLoaderIter, "__next__"),
    ]
    owners += [(Optimizer, "__init__"), *((nn.Module, name) for name in ("__call__", "train", "zero_grad", "state_dict"))]
    owners += [
        (owner, name) for owner in (nn.utils, clip_grad) for name in ("clip_grad_norm_", "clip_grad_value_", "_clip_grads_with_norm_")
    ]
    owners += [(torch.amp.GradScaler, name) for name in ("scale", "unscale_", "step", "update")]
    owners += [(kind, name) for name in ("step", "__init__") for kind in family(LRScheduler, name)]
    owners += [(kind, "zero_grad") for kind in family(Optimizer, "zero_grad")] + [(torch._VF, name) for name in DROPOUTS]
    standing = {f"{owner.__name__}.{name}": vars(owner).get(name) for owner, name in owners}
    standing["function modes"] = _get_current_function_mode_stack()
    return {**standing, "global hooks": ambient.PARTS["global hooks"][0]()}
