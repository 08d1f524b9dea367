"""Training inputs augmented on the fly: pictures moved, turned and mirrored, values made noisy."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

from ..engine.subject import Subject
from .changed_data import like, with_inputs

_SHIFT, _DEGREES = 0.1, 10.0


def jittered(deviation: Tensor) -> Callable[[Subject], Subject]:
    """The change that adds Gaussian noise of this deviation, which is broadcast against a batch of inputs."""

    def change(given: Tensor, numbers: Generator) -> Tensor:
        noise = torch.randn(given.shape, generator=numbers).to(given.device) * deviation.to(given.device)
        return like(given, given + noise)

    return with_inputs(change)


def moved(axis: int | None, mirrored: bool = False) -> Callable[[Subject], Subject]:
    """The change that moves each picture by up to a tenth of its size and turns it by up to ten degrees; `axis` is that of the channels.

    What comes in at the border is what stands there.
    """

    def change(given: Tensor, numbers: Generator) -> Tensor:
        pictures = given.unsqueeze(1) if axis is None else given.movedim(axis, 1)
        theta = _affine(len(pictures), pictures.shape[-1] / pictures.shape[-2], mirrored, numbers).to(given.device)
        plain = pictures.to(torch.float32)
        grid = functional.affine_grid(theta, list(plain.shape), align_corners=False)
        new = functional.grid_sample(plain, grid, padding_mode="border", align_corners=False)
        new = like(given, new)
        return new.squeeze(1) if axis is None else new.movedim(1, axis)

    return with_inputs(change)


def _affine(count: int, ratio: float, mirrored: bool, numbers: Generator) -> Tensor:
    """A matrix a picture, from where it stands to where it is read (as `affine_grid` wants it); ratio: width to height."""
    draws = torch.rand(count, 4, generator=numbers) * 2 - 1
    angle = draws[:, 0] * math.radians(_DEGREES)
    side = torch.where(draws[:, 3] < 0, -1.0, 1.0) if mirrored else torch.ones(count)
    rows = [side * angle.cos(), -side * angle.sin() / ratio, angle.sin() * ratio, angle.cos()]
    turn = torch.stack(rows, 1).reshape(count, 2, 2)
    return torch.cat([turn, -turn @ (2 * _SHIFT * draws[:, 1:3, None])], 2)
