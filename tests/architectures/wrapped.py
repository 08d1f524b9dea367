"""Models that something else runs for them: a compiler, a script, kernels for whole numbers, wrappers."""

from __future__ import annotations

import copy
import warnings

import torch
from torch import Tensor, nn

from .architecture import Made, architecture, hiding


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4))


def _compiled() -> nn.Module:
    """Called once, so that its graph is there before any hook is."""
    torch.compiler.reset()
    net = torch.compile(_net(), backend="eager")
    net(torch.randn(4, 12))
    return net


@hiding("_orig_mod")
def compiled() -> Made:
    return _compiled(), (torch.randn(4, 12),)


class Tail(nn.Module):
    """A compiled body and a head that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = _compiled(), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.body(x)))


@hiding("body._orig_mod")
def compiled_body() -> Made:
    return Tail(), (torch.randn(4, 12),)


@hiding("")
def scripted() -> Made:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to give scripts up
        return torch.jit.script(_net()), (torch.randn(4, 12),)


class Mixed(nn.Module):
    """A module that holds a traced one."""

    def __init__(self) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.body = torch.jit.trace(_net(), torch.randn(2, 12))
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@hiding("body")
def traced_body() -> Made:
    return Mixed(), (torch.randn(4, 12),)


@architecture
def quantised() -> Made:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(_net(), {nn.Linear}, dtype=torch.qint8), (torch.randn(4, 12),)


@architecture
def data_parallel() -> Made:
    """Without a second device it hands everything on."""
    return nn.DataParallel(_net()), (torch.randn(4, 12),)


@architecture
def averaged_copy() -> Made:
    """The running mean of another model's weights, as used for evaluation."""
    return torch.optim.swa_utils.AveragedModel(_net()), (torch.randn(4, 12),)


class Caches(nn.Module):
    """Keeps its features with their graph: after a pass it can't be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = _net(), nn.Linear(4, 2)
        self.features: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.features = self.body(x)
        return self.head(self.features)


@architecture
def keeps_its_features() -> Made:
    model, x = Caches(), torch.randn(4, 12)
    model(copy.copy(x))
    return model, (x,)
