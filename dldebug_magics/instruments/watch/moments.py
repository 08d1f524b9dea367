"""The course of a watched loop in numbers: one record for each step that was looked at closely, the same in every run of the loop."""

from __future__ import annotations

import math
import mmap
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from . import norms
from .layer_groups import LayerGroups
from .updates import Stepped

if TYPE_CHECKING:
    from .log import Log

_MOST = 1000  # records; of more every second one is given up


class Moment(NamedTuple):
    """An optimizer's step. `number`: the step's. `loss`: of the last backward pass before it.

    rate, weights: as in `Stepped`. gradient: the norm of all that the step used; `groups`: that of each layer group. update: the norm of
    what the step changed, NaN where the model is too large to be copied for it. memory: bytes that the process holds or, where `on_device`,
    that tensors take on the accelerator. seconds: since the watch began, of which the loop `waited` for its loaders.
    """

    number: int
    optimizer: int
    loss: float
    rate: float
    gradient: float = math.nan
    update: float = math.nan
    weights: float = math.nan
    groups: tuple[tuple[str, float], ...] = ()
    memory: float = math.nan
    on_device: bool = False
    seconds: float = 0.0
    waited: float = 0.0


class Moments:
    """Asked before and after each step that is looked at closely."""

    def __init__(self) -> None:
        self.rows: list[Moment] = []
        self.layer_groups = LayerGroups()
        self.groups: tuple[tuple[str, float], ...] = ()

    def look(self, log: Log, parameters: Iterable[Tensor]) -> None:
        """The gradients as the step will use them."""
        self.groups = self.layer_groups.norms(log.models, parameters)

    def add(self, log: Log, step: Stepped, parameters: Iterable[Tensor]) -> None:
        """The step is over. One that ran passes of its own has the gradients of the last of these."""
        given = list(parameters)
        if step.closure:
            self.look(log, given)
        whole = sum(map(torch.numel, given)) <= norms._MOST
        memory, on_device = _memory(given)
        row = Moment(log.steps, step.optimizer, log.losses[-1] if log.losses else math.nan, step.rate)
        row = row._replace(
            gradient=math.sqrt(sum(norm**2 for _, norm in self.groups)), update=step.update if whole else math.nan,
            weights=step.weights if whole else math.nan, groups=self.groups, memory=memory,
            on_device=on_device, seconds=time.perf_counter() - log.began, waited=log.waited,
        )  # fmt: skip
        self.rows.append(row)
        self.groups = ()
        if len(self.rows) >= _MOST:
            del self.rows[1::2]


def _memory(parameters: list[Tensor]) -> tuple[float, bool]:
    """What is in use where these are, in bytes, and whether that is an accelerator."""
    device = next((p.device for p in parameters), torch.device("cpu"))
    if device.type == "cuda":
        return float(torch.cuda.memory_allocated(device)), True
    if device.type == "mps":
        return float(torch.mps.current_allocated_memory()), True
    return resident(), False


def resident() -> float:
    """The bytes that this process holds in memory; NaN where neither the system nor an installed psutil tells. Some microseconds.

    >>> resident() > 1e6 or math.isnan(resident())
    True
    """
    try:
        with open("/proc/self/statm", "rb", buffering=0) as told:
            return float(int(told.read(100).split()[1]) * mmap.PAGESIZE)
    except OSError:
        try:
            import psutil
        except ImportError:
            return math.nan
        return float(psutil.Process().memory_info().rss)
