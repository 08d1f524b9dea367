"""Programs whose target is their input or a distribution: autoencoders and a density."""

from __future__ import annotations

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
