"""Views of the inputs in which a simple probe can see something: as they are, their spectrum, and what random filters answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .labels import standardised

COMPONENTS = 50
_LONG = 16  # entries along an axis that have a spectrum worth looking at
_FILTERS = 48


def views(points: Tensor) -> list[Tensor]:
    """The views [n, at most 50] of inputs [n, ...], each standardised and turned to its principal components."""
    found = [points.flatten(1)]
    if points.shape[-1] >= (_LONG if points.ndim > 2 else 4 * _LONG):
        found.append(torch.fft.rfft(points, dim=-1).abs().log1p().flatten(1))
    if points.ndim == 4 and min(points.shape[2:]) >= 5:
        found.append(_filtered(points))
    return [components(view) for view in found]


def components(view: Tensor, count: int = COMPONENTS) -> Tensor:
    """The leading principal components of the standardised columns, without those that never vary."""
    varying = view[:, view.std(0, unbiased=False) > 1e-8]
    if not varying.shape[1]:
        return torch.zeros(len(view), 1)
    columns = standardised(varying).clamp(-10, 10)
    if columns.shape[1] <= count:
        return columns
    _, _, directions = torch.pca_lowrank(columns, q=min(count, len(columns)), center=True, niter=1)
    return columns @ directions


def _filtered(pictures: Tensor) -> Tensor:
    """Mean and maximum over the picture of random filters' answers: what an untrained convolution sees, wherever it stands."""
    numbers = torch.Generator().manual_seed(0)
    filters = torch.randn(_FILTERS, pictures.shape[1], 5, 5, generator=numbers)
    plain = (pictures - pictures.mean()) / pictures.std().clamp(min=1e-8)
    answers = functional.conv2d(plain, filters - filters.mean((2, 3), keepdim=True), stride=1 if min(plain.shape[2:]) < 16 else 2).relu()
    return torch.cat([answers.mean((2, 3)), answers.amax((2, 3))], 1)
