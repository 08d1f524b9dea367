"""Networks that make pictures."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from .architecture import Made, architecture


@architecture
def autoencoder() -> Made:
    encoder = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.Flatten(), nn.Linear(16 * 49, 12))
    decoder = nn.Sequential(
        nn.Linear(12, 16 * 49),
        nn.Unflatten(1, (16, 7, 7)),
        nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 3, 2, 1, output_padding=1),
        nn.Sigmoid(),
    )
    return nn.Sequential(encoder, decoder), (torch.rand(4, 1, 28, 28),)


class VAE(nn.Module):
    """Encodes to a mean and a deviation, and decodes what it draws; gives all three."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(64, 24), nn.Linear(24, 64)
        self.mean, self.log_variance, self.lift = nn.Linear(24, 3), nn.Linear(24, 3), nn.Linear(3, 24)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.encoder(x))
        return self.mean(hidden), self.log_variance(hidden)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encode(x.view(-1, 64))
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return torch.sigmoid(self.decoder(F.relu(self.lift(code)))), mean, log_variance


@architecture
def variational_autoencoder() -> Made:
    return VAE(), (torch.rand(4, 1, 8, 8),)


class Generator(nn.Module):
    """Noise and a class to a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = nn.Embedding(10, 6)
        self.main = nn.Sequential(
            nn.ConvTranspose2d(16, 16, 4, 1, 0, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(True),
            nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(True),
            nn.ConvTranspose2d(8, 1, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        return self.main(torch.cat([noise, self.classes(label)], 1).view(-1, 16, 1, 1))


@architecture
def gan_generator() -> Made:
    return Generator(), (torch.randn(4, 10), torch.randint(0, 10, (4,)))


@architecture
def gan_discriminator() -> Made:
    """Spectral norm on every layer: each has a parametrisation with its own buffers."""
    layers = [spectral_norm(nn.Conv2d(1, 8, 4, 2, 1)), nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(8, 16, 4, 2, 1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), spectral_norm(nn.Linear(16 * 16, 1))), (torch.rand(4, 1, 16, 16),)


class Denoiser(nn.Module):
    """A diffusion model's net: the picture, and the time as sines, which shift and scale the maps."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 16))
        self.into, self.norm, self.middle, self.out = (
            nn.Conv2d(3, 8, 3, 1, 1),
            nn.GroupNorm(4, 8),
            nn.Conv2d(8, 8, 3, 1, 1),
            nn.Conv2d(8, 3, 3, 1, 1),
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t[:, None] * torch.exp(-math.log(1e4) * torch.arange(8) / 8)
        shift, scale = self.time(torch.cat([angles.sin(), angles.cos()], -1)).chunk(2, dim=1)
        x = self.into(x)
        x = x + self.middle(F.silu(self.norm(x) * (1 + scale[:, :, None, None]) + shift[:, :, None, None]))
        return self.out(x)


@architecture
def diffusion_net() -> Made:
    return Denoiser(), (torch.randn(4, 3, 8, 8), torch.tensor([3.0, 10.0, 200.0, 999.0]))
