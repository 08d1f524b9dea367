"""Convolutional programs with other norms, other forms, and masks as targets."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from dldebug_magics.engine.subject import Subject

from .data import loader, pictures
from .kind import healthy


def _block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1), nn.GroupNorm(4, outside), nn.ReLU())


class _UNet(nn.Module):
    """Down, up again, and a bridge."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.low, self.up = _block(1, 16), _block(16, 32), nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.join, self.head = _block(32, 16), nn.Conv2d(16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.down(x)
        low = self.up(self.low(functional.max_pool2d(high, 2)))
        return self.head(self.join(torch.cat([high, low], dim=1)))


def _overlap_and_entropy(output: Tensor, mask: Tensor) -> Tensor:
    share = output.sigmoid()
    dice = 1 - (2 * (share * mask).sum((1, 2, 3)) + 1) / (share.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)
    return dice.mean() + functional.binary_cross_entropy_with_logits(output, mask)


@healthy(sgd=0.1, adam=1e-2)
def u_net_with_dice() -> Subject:
    images, _ = pictures(24)
    return Subject(_UNet(), _overlap_and_entropy, train=loader(images, (images > 0.4).float(), batch_size=8))


def _normed(norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 16, 3), norm, nn.SiLU(), nn.Conv2d(16, 16, 3), nn.SiLU(), nn.Flatten(), nn.Linear(256, 10))


@healthy(sgd=0.05, adam=3e-3)
def group_norm() -> Subject:
    return Subject(_normed(nn.GroupNorm(4, 16)), nn.CrossEntropyLoss(), train=loader(*pictures()))


@healthy(sgd=0.05, adam=3e-3)
def instance_norm() -> Subject:
    return Subject(_normed(nn.InstanceNorm2d(16, affine=True)), nn.CrossEntropyLoss(), train=loader(*pictures()))


@healthy(sgd=0.1, adam=5e-3)
def spectral_norm_body() -> Subject:
    """Only the body is held; the head may be as steep as it likes."""
    body = [spectral_norm(nn.Conv2d(1, 32, 3)), nn.LeakyReLU(), spectral_norm(nn.Conv2d(32, 32, 3)), nn.LeakyReLU()]
    return Subject(nn.Sequential(*body, nn.Flatten(), nn.Linear(32 * 16, 10)), nn.CrossEntropyLoss(), train=loader(*pictures()))


class _Separable(nn.Module):
    """Filters of one channel each, then a mix, a gate for each channel, and a mean over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 32, 3, padding=1)
        self.each, self.mix = nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.Conv2d(32, 64, 1)
        self.gate, self.head = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 64), nn.Sigmoid()), nn.Linear(64 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.hardswish(self.mix(functional.gelu(self.each(functional.gelu(self.stem(x))))))
        x = x * self.gate(x.mean((2, 3)))[..., None, None]
        return self.head(functional.adaptive_avg_pool2d(x, 2).flatten(1))


@healthy(sgd=0.05, adam=5e-3)
def gated_channels() -> Subject:
    return Subject(_Separable(), nn.CrossEntropyLoss(), train=loader(*pictures(32)))
