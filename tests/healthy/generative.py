"""Programs whose target is their input or a distribution: autoencoders and densities."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from dldebug_magics.engine.subject import Subject

from .data import diabetes, digits, loader
from .kind import healthy


@healthy(sgd=2.0, adam=3e-3)
def autoencoder() -> Subject:
    images, _ = digits(16)
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 16), nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 64))
    return Subject(net, nn.MSELoss(), train=images)


class _Variational(nn.Module):
    """Returns the reconstruction and the distribution of its code."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
        self.decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x: Tensor) -> tuple[Tensor, Normal]:
        mean, log_scale = self.encoder(x).chunk(2, dim=-1)
        code = Normal(mean, log_scale.clamp(-6, 3).exp())
        return self.decoder(code.rsample()), code


def _evidence_bound(output: tuple[Tensor, Normal], x: Tensor) -> Tensor:
    rebuilt, code = output
    surprise = functional.mse_loss(rebuilt, x, reduction="none").sum(-1)
    return (surprise + 0.01 * kl_divergence(code, Normal(0.0, 1.0)).sum(-1)).mean()


@healthy(sgd=0.01, adam=3e-3, rmsprop=2e-3, floor=None)
def variational_autoencoder() -> Subject:
    images, _ = digits(16)
    return Subject(_Variational(), _evidence_bound, train=images)


class _Density(nn.Module):
    """A mean and a spread for each row."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = self.body(x).chunk(2, dim=-1)
        return mean, functional.softplus(spread) + 0.1


@healthy(sgd=3e-3, adam=5e-3, rmsprop=3e-3, floor=None)
def gaussian_likelihood() -> Subject:
    def surprise(output: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
        return functional.gaussian_nll_loss(output[0], y, output[1].square())

    return Subject(_Density(), surprise, train=loader(*diabetes(), batch_size=16))


@healthy(sgd=1.0, adam=1e-2, floor=None)
def narrow_linear_autoencoder() -> Subject:
    """Principal components: four numbers can't hold sixteen pictures, and are not meant to."""
    images, _ = digits(16)
    return Subject(nn.Sequential(nn.Linear(64, 4), nn.Linear(4, 64)), nn.MSELoss(), train=images)


class _Coupled(nn.Module):
    """RealNVP: half of the columns scale and shift the other half, then the halves change places."""

    def __init__(self, columns: int = 10):
        super().__init__()
        half = columns // 2
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(half, 32), nn.ReLU(), nn.Linear(32, columns)) for _ in range(4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        one, two = x.chunk(2, dim=1)
        volume = x.new_zeros(len(x))
        for layer in self.layers:
            scale, shift = layer(one).chunk(2, dim=1)
            scale = torch.tanh(scale)
            one, two, volume = two * scale.exp() + shift, one, volume + scale.sum(1)
        return torch.cat([one, two], dim=1), volume


def _surprise(output: tuple[Tensor, Tensor]) -> Tensor:
    return -(Normal(0.0, 1.0).log_prob(output[0]).sum(1) + output[1]).mean()


@healthy(sgd=1e-3, adam=3e-3, floor=None)
def normalising_flow() -> Subject:
    return Subject(_Coupled(), _surprise, train=loader(diabetes()[0]))


@healthy(sgd=0.05, adam=3e-3, floor=None)
def denoiser() -> Subject:
    """Diffusion: noise and its strength are drawn anew in every step."""
    images, _ = digits(16)
    net = nn.Sequential(nn.Linear(65, 128), nn.SiLU(), nn.Linear(128, 64))

    def step(x: Tensor) -> Tensor:
        noise, time = torch.randn_like(x), torch.rand(len(x), 1)
        return functional.mse_loss(net(torch.cat([x * (1 - time) + noise * time, time], dim=1)), noise)

    return Subject(net, train=images, step=step)
